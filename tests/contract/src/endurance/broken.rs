//! Does a migration go on that `kill -9` has broken off? Eight processes are killed in the middle, then others come.

use std::{
    fmt,
    time::{Duration, Instant},
};

use futures_util::future::{join_all, try_join_all};
use tokio::{process::Child, time::sleep};

use super::{
    begin::PROCESSES,
    ground::{Before, Field, Ground, Land},
};
use crate::{Result, adapters::spawn};

/// Who comes afterwards.
const SUCCESSORS: usize = 2;
/// On how many databases of one server.
const AT_ONCE: usize = 10;

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    ground: Ground,
    kills: u32,
    halfway: usize,
    longest: Duration,
}

/// Kills so many rounds of eight `tidegate migrate`, each one a little later, on both schemas in turn.
pub async fn run(ground: Ground, kills: u32) -> Result<Outcome> {
    let land = ground.open().await?;
    let mut usual = Vec::new();
    for before in Before::ALL {
        let field =
            land.fresh(&format!("usual{before:?}").to_lowercase(), before, PROCESSES).await?;
        let began = Instant::now();
        // Without its end, which asks once more: that one takes as long as there is something to break off.
        join_all(start(&field)?.iter_mut().map(Child::wait)).await;
        usual.push((before, began.elapsed()));
        land.forget(field).await?;
    }
    let (mut fields, mut halfway) = (Vec::new(), 0);
    for (turn, (before, usual)) in (0..kills).zip(usual.iter().cycle()) {
        let field = kill(&land, turn, *before, *usual * (turn + 1) / (kills + 1)).await?;
        halfway += usize::from(!field.is_whole().await?);
        fields.push(field);
    }
    // A lease that nobody gives back ends by itself. Many wait for theirs at once.
    let began = Instant::now();
    for some in fields.chunks(AT_ONCE) {
        try_join_all(some.iter().map(|field| field.migrate(SUCCESSORS))).await?;
    }
    Ok(Outcome { ground, kills, halfway, longest: began.elapsed() })
}

async fn kill(land: &Land, turn: u32, before: Before, after: Duration) -> Result<Field> {
    let field = land.fresh(&format!("kill{turn}"), before, PROCESSES).await?;
    let mut processes = start(&field)?;
    sleep(after).await;
    for process in &mut processes {
        // SIGKILL. Whoever has ended already cannot be killed, which is as good.
        let _ = process.start_kill();
    }
    join_all(processes.iter_mut().map(Child::wait)).await;
    Ok(field)
}

fn start(field: &Field) -> Result<Vec<Child>> {
    (0..PROCESSES).map(|number| spawn(field.setup(number), &["migrate"])).collect()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ground, kills, halfway, longest } = self;
        write!(
            f,
            "kill -9 while {PROCESSES} processes migrate on {ground:?}: {kills} times, {halfway} of them halfway: each step \
             applied once by those who came after, {longest:.0?} for all, the wait for a dead one's lease in it"
        )
    }
}
