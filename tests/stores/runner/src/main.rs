//! Do the cases hold on the databases of this machine? `tidegate-stores-runner [file memory hrana postgres mariadb redis] [FILTER]`.

mod counted;
mod divided;
mod moved;
mod served;
mod stand;

use std::{env, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use tidegate_native::SystemClock;
use tokio::runtime::{Builder, Runtime};

use stand::{Kind, Stand};

fn main() -> ExitCode {
    let (kinds, arguments) = arguments();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = Arc::new(runtime.expect("without threads there is nothing to run on"));
    let stands: Vec<Arc<Stand>> =
        kinds.into_iter().map(|kind| Arc::new(Stand::new(kind))).collect();
    let trials = stands.iter().flat_map(|stand| trials(stand, &runtime)).collect();
    // Stands are closed before the process ends: a server that was started for them goes with them.
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Leading words that name stores choose them; the rest is for the test runner.
fn arguments() -> (Vec<Kind>, Arguments) {
    let mut words: Vec<String> = env::args().collect();
    let count = words.iter().skip(1).take_while(|word| Kind::named(word).is_some()).count();
    let chosen: Vec<Kind> = words.drain(1..=count).filter_map(|word| Kind::named(&word)).collect();
    let kinds = if chosen.is_empty() { Kind::ALL.to_vec() } else { chosen };
    (kinds, Arguments::from_iter(words))
}

fn trials(stand: &Arc<Stand>, runtime: &Arc<Runtime>) -> Vec<Trial> {
    if let Some(reason) = stand.kind.missing() {
        let name = format!("{}: all cases ({reason})", stand.kind.name());
        return vec![Trial::test(name, || Ok(())).with_ignored_flag(true)];
    }
    if matches!(stand.kind, Kind::Redis) {
        return counted::trials(runtime);
    }
    let trial = |case: tidegate_stores::Case| {
        let (stand, runtime) = (Arc::clone(stand), Arc::clone(runtime));
        let name = format!("{}: {}", stand.kind.name(), case.name);
        Trial::test(name, move || runtime.block_on(run(&stand, &case)))
    };
    let cases = tidegate_stores::cases().into_iter().map(trial);
    let own = match stand.kind {
        Kind::Memory => divided::trials(runtime),
        Kind::File | Kind::Hrana | Kind::Postgres | Kind::Mariadb | Kind::Redis => {
            stand.kind.engine().map_or(Vec::new(), |engine| served::trials(engine, runtime))
        }
    };
    let moved = stand.kind.engine().map(|engine| moved::trial(engine, runtime));
    cases.chain(own).chain(moved).collect()
}

async fn run(stand: &Stand, case: &tidegate_stores::Case) -> Result<(), Failed> {
    // One case at a time: each starts by emptying the database.
    let mut open = stand.open.lock().await;
    if open.is_none() {
        *open = Some(stand::open(stand.kind).await?);
    }
    let Some(opened) = open.as_ref() else { return Err("the store was not opened".into()) };
    let database = Arc::clone(&opened.database);
    case.run(database, Arc::new(SystemClock)).await.map_err(|failure| failure.to_string().into())
}
