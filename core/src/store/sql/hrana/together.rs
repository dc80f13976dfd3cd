//! How do several writes share one transaction? Each behind a savepoint, to which it goes back when it is refused.

use std::ops::Range;

use libsql_hrana::proto;

use super::{
    super::database::{Outcome, Statement},
    WRITE, but_not, ok, outcome, refusal, step, stmt, uncommitted, went_well,
};
use crate::error::Result;

/// The steps of all writes, and where the statements of each lie among them.
pub(super) fn steps(writes: Vec<Vec<Statement>>) -> (Vec<proto::BatchStep>, Vec<Range<usize>>) {
    let control = |text: &'static str| proto::Stmt::new(text, false);
    let mut steps = vec![step(None, control(WRITE))];
    let mut places = Vec::with_capacity(writes.len());
    for write in writes {
        let saved = steps.len();
        steps.push(step(Some(ok(0)), control("SAVEPOINT one")));
        for statement in write {
            steps.push(step(Some(ok(steps.len() - 1)), stmt(statement)));
        }
        let kept = steps.len();
        places.push(saved + 1..kept);
        steps.push(step(Some(ok(kept - 1)), control("RELEASE one")));
        steps.push(step(Some(but_not(saved, kept)), control("ROLLBACK TO one")));
        steps.push(step(Some(ok(kept + 1)), control("RELEASE one")));
    }
    let commit = steps.len();
    steps.push(step(Some(ok(0)), control("COMMIT")));
    steps.push(step(Some(but_not(0, commit)), control("ROLLBACK")));
    (steps, places)
}

/// What became of each write. An error means all of them, and that nothing was done or nobody knows.
pub(super) fn outcomes(
    mut result: proto::BatchResult,
    places: &[Range<usize>],
) -> Result<Vec<Result<Vec<Outcome>>>> {
    let refused = |result: &proto::BatchResult, steps: &Range<usize>| {
        result.step_errors.get(steps.clone()).into_iter().flatten().flatten().next().map(refusal)
    };
    let begin = 0..1;
    if let Some(error) = refused(&result, &begin) {
        return Err(error);
    }
    let commit = places.last().map_or(1, |last| last.end + 3);
    if !went_well(&result, commit) {
        return Err(uncommitted());
    }
    let one = |steps: &Range<usize>| match refused(&result, steps) {
        Some(error) => Err(error),
        // The step after the last keeps what they did.
        None if went_well(&result, steps.end) => Ok(()),
        None => Err(uncommitted()),
    };
    let kept: Vec<Result<()>> = places.iter().map(one).collect();
    let mut taken = |steps: &Range<usize>| {
        let results = result.step_results.get_mut(steps.clone()).into_iter().flatten();
        results.map(|result| result.take().map(outcome).unwrap_or_default()).collect()
    };
    Ok(kept.into_iter().zip(places).map(|(kept, steps)| kept.map(|()| taken(steps))).collect())
}
