//! Does every adapter keep every promise? `tidegate-contract [server lambda worker] [FILTER] [options of a test run]`
//!
//! `TIDEGATE_SERVER_BIN` names the server's binary (also needed for Lambda, whose database it migrates),
//! `TIDEGATE_LAMBDA_BIN` the function's, `TIDEGATE_WORKER_BUILD` the folder of the built Worker.

use std::{
    any::Any,
    env,
    panic::AssertUnwindSafe,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tidegate_contract::{
    Result,
    adapters::{Adapter, Instance, Sharing},
    cases::{Case, TOPICS},
    failed,
    setup::{CANARIES, Setup},
    skips::{REFUSED, SKIPS, Skip},
    wire::was_answered,
    world::World,
};
use tidegate_core::router::{ROUTES, Route};
use tidegate_provider::Provider;
use tokio::{runtime::Runtime, sync::OnceCell, time::timeout};

/// Far more than any case takes.
const CASE_WAIT: Duration = Duration::from_secs(90);

fn main() -> ExitCode {
    let (adapters, arguments) = arguments();
    match run(&adapters, &arguments) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the output of a command")]
fn complain(error: &tidegate_contract::Failure) {
    eprintln!("tidegate-contract: {error}");
}

/// The adapters named on the command line, all when none is, and what is left for the test runner.
fn arguments() -> (Vec<Adapter>, Arguments) {
    let mut adapters = Vec::new();
    let mut rest = Vec::new();
    for word in env::args() {
        match Adapter::ALL.into_iter().find(|adapter| adapter.name() == word) {
            Some(adapter) => adapters.push(adapter),
            None => rest.push(word),
        }
    }
    if adapters.is_empty() {
        adapters.extend(Adapter::ALL);
    }
    let mut arguments = Arguments::from_iter(rest);
    // Cases wait far more than they work.
    arguments.test_threads.get_or_insert(6);
    (adapters, arguments)
}

fn run(adapters: &[Adapter], arguments: &Arguments) -> Result<ExitCode> {
    check_skips()?;
    let runtime = Arc::new(Runtime::new()?);
    let provider = Arc::new(runtime.block_on(Provider::start())?);
    let stages: Vec<_> = adapters
        .iter()
        .map(|adapter| Arc::new(Stage::new(*adapter, &provider, &runtime)))
        .collect();
    let trials = cases().flat_map(|case| stages.iter().map(move |stage| trial(stage, case)));
    let conclusion = libtest_mimic::run(arguments, trials.collect());
    for stage in &stages {
        stage.search_log()?;
    }
    if conclusion.num_passed > 0 && conclusion.num_failed + conclusion.num_filtered_out == 0 {
        check_routes(adapters)?;
    }
    Ok(conclusion.exit_code())
}

fn cases() -> impl Iterator<Item = &'static Case> {
    TOPICS.iter().copied().flatten()
}

/// A skip that is not needed hides what it was for.
fn check_skips() -> Result {
    for (at, skip) in SKIPS.iter().enumerate() {
        let same = |other: &Skip| other.adapter == skip.adapter && other.case == skip.case;
        if SKIPS[..at].iter().any(same) || !cases().any(|case| case.name == skip.case) {
            return failed(format!(
                "the skip of {} for {} is unused",
                skip.case,
                skip.adapter.name()
            ));
        }
    }
    Ok(())
}

/// A route that no case asks for is a promise that nobody checks.
fn check_routes(adapters: &[Adapter]) -> Result {
    let served = |route: &&Route| {
        adapters.iter().any(|adapter| !REFUSED.contains(&(*adapter, route.pattern)))
    };
    let unanswered = |route: &&Route| !was_answered(route.method.as_str(), route.pattern);
    match ROUTES.iter().filter(served).find(unanswered) {
        None => Ok(()),
        Some(Route { method, pattern, .. }) => failed(format!("no case uses {method} {pattern}")),
    }
}

fn trial(stage: &Arc<Stage>, case: &'static Case) -> Trial {
    let adapter = stage.adapter;
    let name = format!("{}::{}", adapter.name(), case.name);
    let skip = SKIPS.iter().find(|skip| skip.adapter == adapter && skip.case == case.name);
    if let Some(skip) = skip {
        return Trial::ignorable_test(name, || Ok(Completion::ignored_with(skip.reason)));
    }
    let stage = Arc::clone(stage);
    Trial::test(name, move || stage.play(case).map_err(|error| Failed::from(error.to_string())))
}

/// A gateway, or why there is none: what cannot start is not started again for every case.
type Started = std::result::Result<Arc<Instance>, String>;

/// Where the cases of one adapter take place.
struct Stage {
    adapter: Adapter,
    provider: Arc<Provider>,
    runtime: Arc<Runtime>,
    shared: OnceCell<Started>,
    logs: Mutex<Vec<String>>,
}

impl Stage {
    fn new(adapter: Adapter, provider: &Arc<Provider>, runtime: &Arc<Runtime>) -> Self {
        let (provider, runtime) = (Arc::clone(provider), Arc::clone(runtime));
        Self { adapter, provider, runtime, shared: OnceCell::new(), logs: Mutex::default() }
    }

    fn play(&self, case: &Case) -> Result {
        self.runtime.block_on(async {
            let gateway = self.gateway().await?;
            let played = AssertUnwindSafe(timeout(CASE_WAIT, self.scene(&gateway, case)));
            let outcome = match played.catch_unwind().await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => failed(format!("not over after {CASE_WAIT:?}")),
                Err(panic) => failed(said(&*panic)),
            };
            let log = gateway.log();
            let outcome = outcome.or_else(|error| failed(format!("{error}{}", last_lines(&log))));
            self.keep_log(log);
            outcome
        })
    }

    async fn scene(&self, gateway: &Arc<Instance>, case: &Case) -> Result {
        let (gateway, provider) = (Arc::clone(gateway), Arc::clone(&self.provider));
        let world = World::new(self.adapter, gateway, provider, case.name).await?;
        (case.run)(&world).await
    }

    async fn gateway(&self) -> Result<Arc<Instance>> {
        let start = || async {
            let setup = Setup::new(&self.provider.base_url())?;
            self.adapter.start(setup).await.map(Arc::new)
        };
        match self.adapter.sharing() {
            Sharing::AllCases => {
                let start = || async { start().await.map_err(|error| error.to_string()) };
                self.shared.get_or_init(start).await.clone().or_else(failed)
            }
            Sharing::OneCase => start().await,
        }
    }

    fn keep_log(&self, log: String) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if self.adapter.sharing() == Sharing::AllCases {
            // The log of a shared gateway holds all that it held before.
            logs.clear();
        }
        logs.push(log);
    }

    /// No secret may have been written in the whole run.
    fn search_log(&self) -> Result {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        for log in logs.iter() {
            tidegate_contract::cases::silent(log, CANARIES)?;
        }
        Ok(())
    }
}

/// What an assertion said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// The end of a gateway's log, which may tell of other cases, too.
fn last_lines(log: &str) -> String {
    const LINES: usize = 15;
    let skipped = log.lines().count().saturating_sub(LINES);
    log.lines().skip(skipped).flat_map(|line| ["\n    | ", line]).collect()
}
