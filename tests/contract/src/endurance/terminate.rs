//! Does SIGTERM under open streams cut or lose anything?

use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::json;
use tidegate_provider::{Provider, Script};

use super::{
    END, check_integrity,
    load::{chat, is_complete},
    start_ready,
};
use crate::{
    Result, failed,
    setup::Setup,
    wire::exchange,
    world::{create_client, records_of},
};

const STREAMS: usize = 100;
const SCRIPT: &str = "long stream";
/// Longer than the streams go on after the signal, shorter than the drain.
const EXIT_WAIT: Duration = Duration::from_secs(35);

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    after_signal: Duration,
    exit: Duration,
}

/// Terminates a server while 100 streams are under way.
pub async fn run(provider: &Provider) -> Result<Outcome> {
    let frame = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";
    let pause = Duration::from_millis(100);
    provider.play(SCRIPT, Script::events().paced([frame; 30], pause).piece(END));
    let setup = Setup::new(&provider.base_url())?;
    let (mut server, _) = start_ready(&setup).await?;
    let client = create_client(server.address, json!({ "name": "terminate" })).await?;
    let ask = chat(&client.key, SCRIPT, true);

    let streams = join_all((0..STREAMS).map(|_| exchange(server.address, &ask)));
    let signal = async {
        while provider.seen(SCRIPT).len() < STREAMS {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // All streams have begun, none is near its end.
        tokio::time::sleep(Duration::from_millis(700)).await;
        server.signal(Signal::TERM).map(|()| Instant::now())
    };
    let (answers, signalled) = tokio::join!(streams, signal);
    let signalled = signalled?;
    let status = server.ended(EXIT_WAIT).await?;
    let exit = signalled.elapsed();
    if !status.success() {
        return failed(format!("the server ended with {status}: {}", server.log()));
    }

    let mut ids = BTreeSet::new();
    let mut last = signalled;
    for answer in answers {
        let answer = answer?;
        if !is_complete(&answer) || answer.events().len() != 32 {
            return failed(format!("a stream was cut: {:?} {}", answer.end, answer.text()));
        }
        last = last.max(answer.end_at);
        ids.insert(answer.request_id()?.to_owned());
    }
    check_integrity(&setup).await?;
    compare(&setup, &client.id, &ids).await?;
    Ok(Outcome { after_signal: last - signalled, exit })
}

async fn compare(setup: &Setup, client: &str, ids: &BTreeSet<String>) -> Result {
    let (mut server, _) = start_ready(setup).await?;
    let records = records_of(server.address, client).await?;
    let kept: BTreeSet<_> =
        records.iter().filter_map(|record| record["id"].as_str().map(str::to_owned)).collect();
    if (records.len(), &kept) != (STREAMS, ids) {
        return failed(format!("{} records of {STREAMS} streams", records.len()));
    }
    if let Some(record) = records.iter().find(|record| record["ended"] != "done") {
        return failed(format!("not done: {record}"));
    }
    server.signal(Signal::TERM)?;
    server.ended(EXIT_WAIT).await?;
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after_signal, exit } = self;
        write!(
            f,
            "SIGTERM: {STREAMS} streams went on for {after_signal:?} and were complete, {STREAMS} records, \
             exit 0 after {exit:?}"
        )
    }
}
