//! How do the script and we understand each other? By texts, in the order in which it takes them.

use tidegate_core::{
    Error, Result,
    ports::Millis,
    store::{Add, Admission, Counter, Reservation, Settlement},
};

/// The last moment that a float holds exactly.
const LAST_MS: Millis = (1 << 53) - 1;

/// What is asked of the script.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The task, when it is, and of which turn it is.
    args: Vec<String>,
    /// Whether it may be asked a second time when it is not known what became of the first.
    pub(super) repeats: bool,
}

impl Call {
    fn new(task: &str, now_ms: Millis) -> Self {
        Self { args: vec![task.to_owned(), now_ms.to_string(), 0.to_string()], repeats: true }
    }

    pub(super) fn add(adds: &[Add], now_ms: Millis) -> Self {
        Self { repeats: false, ..Self::new("add", now_ms).adds(adds) }
    }

    pub(super) fn reserve(reservation: &Reservation, now_ms: Millis) -> Self {
        let Reservation { id, part, adds, until_ms } = reservation;
        Self::new("reserve", now_ms).text(id).text(part).text(&time(*until_ms)).adds(adds)
    }

    pub(super) fn settle(settlement: &Settlement, now_ms: Millis) -> Self {
        let call = Self::new("settle", now_ms).text(&settlement.id);
        let uncapped = |add: &Add| Add { cap: None, ..add.clone() };
        call.adds(&settlement.adds.iter().map(uncapped).collect::<Vec<_>>())
    }

    pub(super) fn read(names: &[String], now_ms: Millis) -> Self {
        names.iter().fold(Self::new("read", now_ms), Self::text)
    }

    pub(super) fn live(begin: &str, limit: u32, now_ms: Millis) -> Self {
        Self::new("live", now_ms).text(begin).text(&limit)
    }

    pub(super) fn expire(now_ms: Millis) -> Self {
        Self::new("expire", now_ms)
    }

    /// One step of filling an empty Redis.
    pub(super) fn load(token: &str, step: &str, now_ms: Millis) -> Self {
        Self::new("load", now_ms).text(token).text(step)
    }

    pub(super) fn counters(self, counters: &[Counter]) -> Self {
        counters.iter().fold(self, |call, counter| {
            let Counter { name, value, expires_at_ms } = counter;
            call.text(name).text(value).text(&time(*expires_at_ms))
        })
    }

    fn adds(self, adds: &[Add]) -> Self {
        adds.iter().fold(self, |call, add| {
            let Add { name, by, floor, cap, expires_at_ms } = add;
            let optional =
                |number: &Option<i64>| number.map(|it| it.to_string()).unwrap_or_default();
            // What is added may be taken off again.
            let by = (*by).max(-i64::MAX);
            call.text(name)
                .text(&by)
                .text(&optional(floor))
                .text(&optional(cap))
                .text(&time(*expires_at_ms))
        })
    }

    /// The same of another turn.
    pub(super) fn of(mut self, turn: i64) -> Self {
        self.args[2] = turn.to_string();
        self
    }

    fn text(mut self, text: &(impl ToString + ?Sized)) -> Self {
        self.args.push(text.to_string());
        self
    }

    pub(super) fn args(&self) -> &[String] {
        &self.args
    }
}

fn time(at_ms: Millis) -> Millis {
    at_ms.min(LAST_MS)
}

/// What the script says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// All were added to.
    Added(Vec<String>),
    /// None was: the first counter without room, and its value.
    Refused(Vec<String>),
    /// It is settled, now or before.
    Settled,
    /// Values in the order asked.
    Values(Vec<String>),
    /// Name, value and end of each counter.
    Live(Vec<String>),
    /// How many went, and whether there is more.
    Expired(Vec<String>),
    /// Nothing is known of the time before: it has to be loaded.
    Begin,
    /// Loading goes on.
    More,
    /// Somebody else has counted meanwhile, so often.
    Turned(i64),
    /// Somebody else is loading.
    Busy,
    /// All is there.
    Loaded,
}

impl Answer {
    pub(super) fn read(mut said: Vec<String>) -> Result<Self> {
        if said.is_empty() {
            return Err(Error::store("Redis has answered nothing"));
        }
        let rest = said.split_off(1);
        Ok(match said[0].as_str() {
            "added" => Self::Added(rest),
            "refused" => Self::Refused(rest),
            "settled" => Self::Settled,
            "read" => Self::Values(rest),
            "live" => Self::Live(rest),
            "expired" => Self::Expired(rest),
            "begin" => Self::Begin,
            "more" => Self::More,
            "turned" => Self::Turned(number(rest.first().map_or("", String::as_str))?),
            "busy" => Self::Busy,
            "loaded" => Self::Loaded,
            other => return Err(Error::store(format!("Redis has answered `{other}`"))),
        })
    }

    pub(super) fn admission(self) -> Result<Admission> {
        match self {
            Self::Added(values) => numbers(&values).map(Admission::Added),
            Self::Refused(said) => match &said[..] {
                [counter, value] => {
                    Ok(Admission::Refused { counter: counter.clone(), value: number(value)? })
                }
                _ => Err(Self::Refused(said).strange()),
            },
            other => Err(other.strange()),
        }
    }

    pub(super) fn values(self) -> Result<Vec<i64>> {
        match self {
            Self::Values(values) => numbers(&values),
            other => Err(other.strange()),
        }
    }

    pub(super) fn counters(self) -> Result<Vec<Counter>> {
        let Self::Live(said) = self else { return Err(self.strange()) };
        let one = |said: &[String]| {
            let [name, value, ends] = said else {
                return Err(Error::store("Redis has told half a counter"));
            };
            let (value, expires_at_ms) = (number(value)?, number(ends)?);
            Ok(Counter { name: name.clone(), value, expires_at_ms })
        };
        said.chunks(3).map(one).collect()
    }

    pub(super) fn expired(self) -> Result<(u64, bool)> {
        let Self::Expired(said) = self else { return Err(self.strange()) };
        match &numbers(&said)?[..] {
            [gone, more] => Ok((u64::try_from(*gone).unwrap_or(0), *more != 0)),
            _ => Err(Self::Expired(said).strange()),
        }
    }

    /// Nothing that was asked for.
    pub(super) fn strange(&self) -> Error {
        Error::store(format!("Redis has answered {self:?}"))
    }
}

fn numbers(texts: &[String]) -> Result<Vec<i64>> {
    texts.iter().map(|text| number(text)).collect()
}

fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::store(format!("Redis has a counter that holds `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Answer {
        Answer::read(words.iter().map(|word| (*word).to_owned()).collect()).unwrap()
    }

    #[test]
    fn an_addition_says_all_it_knows() {
        let name = "team/a".to_owned();
        let add = Add { name, by: i64::MIN, floor: None, cap: Some(7), expires_at_ms: i64::MAX };
        let call = Call::add(&[add], 5);
        let wanted =
            ["add", "5", "0", "team/a", "-9223372036854775807", "", "7", "9007199254740991"];
        assert_eq!(call.args(), wanted);
        assert!(!call.repeats);
    }

    #[test]
    fn answers_are_read_whole() {
        let most = i64::MAX.to_string();
        assert_eq!(
            said(&["added", "1", &most]).admission().unwrap(),
            Admission::Added(vec![1, i64::MAX])
        );
        let refused = Admission::Refused { counter: "a/b".to_owned(), value: -3 };
        assert_eq!(said(&["refused", "a/b", "-3"]).admission().unwrap(), refused);
        assert_eq!(said(&["expired", "2", "1"]).expired().unwrap(), (2, true));
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        assert!(Answer::read(Vec::new()).is_err());
        assert!(Answer::read(vec!["moon".to_owned()]).is_err());
        assert!(said(&["added", "1.5"]).admission().is_err());
        assert!(said(&["refused", "a"]).admission().is_err());
        assert!(said(&["live", "a", "1"]).counters().is_err());
        assert!(said(&["settled"]).values().is_err());
    }
}
