//! Is a key good? Its provider is asked for the list of models, and what it says is told.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Answer, inbound, write};
use crate::{
    error::Error, gateway::Gateway, health::Asked, ports::Millis, provider::Key, proxy::PREFIX,
    router::Visit,
};

/// A test needs no words.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct Wanted {}

/// What came of it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::api) struct Tested {
    /// What that says of the key.
    says: Says,
    /// The status of the answer; null without one.
    status: Option<u16>,
    /// How long it took.
    took_ms: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Says {
    /// It is good.
    Good,
    /// It is refused.
    Refused,
    /// The answer is about something else.
    Unclear,
    /// Nobody answered.
    Unreachable,
    /// There is no question that costs nothing.
    NotAsked,
}

/// Asks with one key, as this process knows it.
pub(crate) fn test(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let said: Map<String, Value> = inbound::body(visit.request).await?;
        if let Some(field) = said.keys().next() {
            let message = format!("`{field}` has no meaning here.");
            return Err(Error::bad_request(message).at(field));
        }
        let snapshot = gateway.view(&*visit.call.background).await.snapshot;
        let id = visit.param;
        let place = |keys: &[Key]| keys.iter().position(|key| key.id == id);
        let found = snapshot.pools().find_map(|pool| Some((pool, place(&pool.keys)?)));
        let missing = || Error::not_found(format!("There is no key `{id}` in use."));
        let (pool, at) = found.ok_or_else(missing)?;
        let began = gateway.ports.clock.now();
        // Nothing is known of what stands behind a proxy, so nothing can be asked of it.
        let asked = if pool.id.starts_with(PREFIX) {
            Asked::Nothing
        } else {
            gateway.ask_for_list(pool, at).await
        };
        let took_ms = gateway.ports.clock.now().saturating_sub(began);
        let (says, status) = told(asked);
        write(StatusCode::OK, &Tested { says, status, took_ms })
    })
}

fn told(asked: Asked) -> (Says, Option<u16>) {
    match asked {
        Asked::Answered(status) => {
            let says = match status.as_u16() {
                200..=299 => Says::Good,
                401 | 403 => Says::Refused,
                _ => Says::Unclear,
            };
            (says, Some(status.as_u16()))
        }
        Asked::Unreachable | Asked::Silent => (Says::Unreachable, None),
        Asked::Nothing => (Says::NotAsked, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_about_the_key_says_something_of_it() {
        let check = |status: u16, says| {
            let asked = Asked::Answered(StatusCode::from_u16(status).unwrap());
            assert_eq!(told(asked), (says, Some(status)));
        };
        check(200, Says::Good);
        check(401, Says::Refused);
        check(403, Says::Refused);
        for status in [301, 400, 404, 429, 500] {
            check(status, Says::Unclear);
        }
        assert_eq!(told(Asked::Silent), (Says::Unreachable, None));
        assert_eq!(told(Asked::Nothing), (Says::NotAsked, None));
    }
}
