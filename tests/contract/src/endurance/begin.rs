//! Do eight processes that start at once on an empty database, or on the schema of the version before, each find it
//! migrated, every step applied once?

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::ground::{Before, Ground};
use crate::Result;

pub(super) const PROCESSES: usize = 8;

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    ground: Ground,
    rounds: u32,
    slowest: Duration,
}

/// Lets eight `tidegate migrate` meet on a fresh database, so often on each schema.
pub async fn run(ground: Ground, rounds: u32) -> Result<Outcome> {
    let land = ground.open().await?;
    let mut slowest = Duration::ZERO;
    for before in Before::ALL {
        for round in 0..rounds {
            let field = land.fresh(&format!("round{round}"), before, PROCESSES).await?;
            let began = Instant::now();
            field.migrate(PROCESSES).await?;
            slowest = slowest.max(began.elapsed());
            land.forget(field).await?;
        }
    }
    Ok(Outcome { ground, rounds, slowest })
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ground, rounds, slowest } = self;
        write!(
            f,
            "begin on {ground:?}: {PROCESSES} processes at once, {rounds} times on an empty database and {rounds} times on \
             the schema before: each step applied once; the slowest round {slowest:.1?}"
        )
    }
}
