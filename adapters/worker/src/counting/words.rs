//! How do an isolate and an object understand each other? By one JSON text each way; both ends are of one version.

use serde::{Deserialize, Serialize};
use tidegate_core::{
    Error, Result,
    ports::Millis,
    store::{Add, Admission, Counter, Reservation, Settlement},
};

/// One question.
#[derive(Serialize, Deserialize)]
pub(super) struct Call {
    /// When, by the clock of whoever asks.
    pub(super) now_ms: Millis,
    pub(super) ask: Ask,
}

/// What is asked.
#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    Add(Vec<Addition>),
    Reserve { id: String, part: i64, until_ms: Millis, adds: Vec<Addition> },
    Settle { id: String, adds: Vec<Addition> },
    Read(Vec<String>),
    Live(String, u32),
    Expire,
}

/// Name, amount, floor, cap and end.
#[derive(Serialize, Deserialize)]
pub(super) struct Addition(String, i64, Option<i64>, Option<i64>, Millis);

/// What is answered.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Added(Vec<i64>),
    Refused(String, i64),
    Settled,
    Values(Vec<i64>),
    /// Name, value and end of each.
    Live(Vec<(String, i64, Millis)>),
    Gone(u64),
    /// Why there is no answer.
    Failed(String),
}

impl Call {
    pub(super) fn write(&self) -> Result<String> {
        serde_json::to_string(self).map_err(Error::internal)
    }

    pub(super) fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(Error::internal)
    }
}

impl Ask {
    pub(super) fn add(adds: &[Add]) -> Self {
        Self::Add(written(adds))
    }

    pub(super) fn reserve(reservation: &Reservation) -> Self {
        let Reservation { id, part, adds, until_ms } = reservation;
        Self::Reserve { id: id.clone(), part: *part, until_ms: *until_ms, adds: written(adds) }
    }

    pub(super) fn settle(settlement: &Settlement) -> Self {
        Self::Settle { id: settlement.id.clone(), adds: written(&settlement.adds) }
    }

    /// Whether it may be asked a second time when it is not known what became of the first.
    pub(super) fn repeats(&self) -> bool {
        match self {
            Self::Add(_) => false,
            Self::Reserve { .. }
            | Self::Settle { .. }
            | Self::Read(_)
            | Self::Live(..)
            | Self::Expire => true,
        }
    }
}

fn written(adds: &[Add]) -> Vec<Addition> {
    let one = |add: &Add| {
        let Add { name, by, floor, cap, expires_at_ms } = add;
        Addition(name.clone(), *by, *floor, *cap, *expires_at_ms)
    };
    adds.iter().map(one).collect()
}

/// The additions as the core has them.
pub(super) fn additions(written: Vec<Addition>) -> Vec<Add> {
    let one =
        |Addition(name, by, floor, cap, expires_at_ms)| Add { name, by, floor, cap, expires_at_ms };
    written.into_iter().map(one).collect()
}

impl From<Admission> for Answer {
    fn from(admission: Admission) -> Self {
        match admission {
            Admission::Added(values) => Self::Added(values),
            Admission::Refused { counter, value } => Self::Refused(counter, value),
        }
    }
}

impl Answer {
    pub(super) fn live(counters: Vec<Counter>) -> Self {
        let one = |Counter { name, value, expires_at_ms }| (name, value, expires_at_ms);
        Self::Live(counters.into_iter().map(one).collect())
    }

    pub(super) fn write(&self) -> Result<String> {
        serde_json::to_string(self).map_err(Error::internal)
    }

    /// The answer, unless it is that there is none.
    pub(super) fn read(text: &str) -> Result<Self> {
        match serde_json::from_str(text) {
            Ok(Self::Failed(why)) => Err(Error::store(why)),
            Ok(answer) => Ok(answer),
            Err(error) => {
                Err(Error::store(format!("an object has answered what is none: {error}")))
            }
        }
    }

    pub(super) fn admission(self) -> Result<Admission> {
        match self {
            Self::Added(values) => Ok(Admission::Added(values)),
            Self::Refused(counter, value) => Ok(Admission::Refused { counter, value }),
            _ => Err(strange()),
        }
    }

    pub(super) fn values(self) -> Result<Vec<i64>> {
        if let Self::Values(values) = self { Ok(values) } else { Err(strange()) }
    }

    pub(super) fn counters(self) -> Result<Vec<Counter>> {
        let Self::Live(counters) = self else { return Err(strange()) };
        let one = |(name, value, expires_at_ms)| Counter { name, value, expires_at_ms };
        Ok(counters.into_iter().map(one).collect())
    }

    pub(super) fn gone(self) -> Result<u64> {
        if let Self::Gone(gone) = self { Ok(gone) } else { Err(strange()) }
    }
}

fn strange() -> Error {
    Error::store("an object has answered something else")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_arrives_whole() {
        let name = "team:a/x".to_owned();
        let add = Add { name, by: -3, floor: Some(7), cap: Some(i64::MAX), expires_at_ms: 9 };
        let reservation =
            Reservation { id: "r".to_owned(), part: 2, adds: vec![add.clone()], until_ms: 5 };
        let text = Call { now_ms: 4, ask: Ask::reserve(&reservation) }.write().unwrap();
        let Call { now_ms, ask } = Call::read(&text).unwrap();
        let Ask::Reserve { id, part, until_ms, adds } = ask else { unreachable!("{text}") };
        assert_eq!((now_ms, id.as_str(), part, until_ms), (4, "r", 2, 5));
        assert_eq!(additions(adds), [add]);
    }

    #[test]
    fn an_answer_is_read_as_what_was_asked_for() {
        let read = |answer: Answer| Answer::read(&answer.write().unwrap());
        let refused = Admission::Refused { counter: "a".to_owned(), value: 3 };
        assert_eq!(read(refused.clone().into()).unwrap().admission().unwrap(), refused);
        assert!(read(Answer::Settled).unwrap().values().is_err());
        let failed = read(Answer::Failed("full".to_owned())).err().unwrap();
        assert_eq!(failed.detail, "full");
        assert!(Answer::read("moon").is_err());
    }
}
