//! How does a case say that something does not hold? By an error that names the line: a panic would end a Worker.

use std::{fmt, panic::Location};

use tidegate_core::{Error, error::Kind};

/// What did not hold, and where.
#[derive(Debug)]
pub struct Failure(String);

/// Whether a case holds.
pub type Verdict<T = ()> = Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        at(error)
    }
}

/// Both are the same.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "a case reads better without ampersands")]
pub(crate) fn equal<T: PartialEq<U> + fmt::Debug, U: fmt::Debug>(found: T, wanted: U) -> Verdict {
    if found == wanted { Ok(()) } else { Err(at(format!("found {found:?}, wanted {wanted:?}"))) }
}

/// It was refused, and for this reason.
#[track_caller]
pub(crate) fn refused<T: fmt::Debug>(result: Result<T, Error>, wanted: Kind) -> Verdict {
    match result {
        Err(error) if error.kind == wanted => Ok(()),
        other => Err(at(format!("found {other:?}, wanted {wanted:?}"))),
    }
}

/// It is there.
#[track_caller]
pub(crate) fn some<T>(found: Option<T>) -> Verdict<T> {
    found.ok_or_else(|| at("nothing was found"))
}

#[track_caller]
fn at(text: impl fmt::Display) -> Failure {
    let place = Location::caller();
    Failure(format!("{}:{}: {text}", place.file(), place.line()))
}
