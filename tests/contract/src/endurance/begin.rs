//! Do eight processes that start at once on an empty database each find it migrated, every step applied once?

use std::{fmt, time::Instant};

use futures_util::future::join_all;
use tidegate_stores_runner::servers::{Disk, Engine};

use crate::{Result, adapters::command, failed, setup::Setup};

const PROCESSES: usize = 8;

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    engine: Engine,
    rounds: u32,
    slowest_ms: u128,
}

/// Lets eight `tidegate migrate` meet on a fresh database, so often.
pub async fn run(engine: Engine, rounds: u32) -> Result<Outcome> {
    let server = engine.start(Disk::Spared).await.or_else(failed)?;
    let mut slowest_ms = 0;
    for round in 0..rounds {
        let url = server.fresh(&format!("round{round}")).await.or_else(failed)?;
        let setups = (0..PROCESSES).map(|_| Ok(Setup::new("http://127.0.0.1:9")?.storing(&url)));
        let setups = setups.collect::<Result<Vec<Setup>>>()?;
        let began = Instant::now();
        let printed = join_all(setups.iter().map(|setup| command(setup, &["migrate"]))).await;
        slowest_ms = slowest_ms.max(began.elapsed().as_millis());
        for one in printed {
            let one = one?;
            if !one.success {
                return failed(format!("{engine:?}, round {round}: {}", one.text));
            }
        }
        // Whoever comes later has nothing left to do, and nothing was done twice.
        let after = command(&setups[0], &["migrate"]).await?;
        if !after.success || after.text.trim() != "The schema is up to date." {
            return failed(format!("{engine:?}, round {round}, afterwards: {}", after.text));
        }
        server.forget(&format!("round{round}")).await.or_else(failed)?;
    }
    Ok(Outcome { engine, rounds, slowest_ms })
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, rounds, slowest_ms } = self;
        write!(
            f,
            "begin on {engine:?}: {PROCESSES} processes at once on an empty database, {rounds} times: each step applied \
             once; the slowest round {slowest_ms} ms"
        )
    }
}
