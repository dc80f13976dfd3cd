//! How are the limits of teams and clients asked for and shown? Beside their other fields, and never half read.

use http::Request;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::inbound;
use crate::{
    budget::{Claim, Limit, Policy, Tally},
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    ports::Millis,
};

/// A body whose fields are taken one after the other. What nobody takes is refused with the policy.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) async fn read(request: Request<Body>) -> Result<Self> {
        inbound::body(request).await.map(Self)
    }

    pub(super) fn of(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// A field that has to be there.
    pub(super) fn need<T: DeserializeOwned>(&mut self, name: &str) -> Result<T> {
        let missing = || Error::bad_request(format!("`{name}` is missing.")).at(name);
        self.take(name)?.ok_or_else(missing)
    }

    /// A field, if it is there and not `null`.
    pub(super) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.0.remove(name).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let wrong = |_| Error::bad_request(format!("`{name}` has the wrong type.")).at(name);
        serde_json::from_value(value).map(Some).map_err(wrong)
    }

    /// A field that `null` takes back to its default; `None` when nothing is said of it.
    pub(super) fn change<T: DeserializeOwned + Default>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>> {
        if !self.0.contains_key(name) {
            return Ok(None);
        }
        self.take(name).map(|value| Some(value.unwrap_or_default()))
    }

    /// Everything that is left, as the policy of something new.
    pub(super) fn new_policy(self) -> Result<Policy> {
        let policy: Policy = serde_json::from_value(Value::Object(self.0))
            .map_err(|error| Error::bad_request(format!("This cannot be taken: {error}.")))?;
        policy.check()?;
        Ok(policy)
    }

    /// Everything that is left, laid over a policy. `null` takes a field back to its default.
    pub(super) fn policy(self, base: &Policy) -> Result<Policy> {
        let Value::Object(mut fields) = serde_json::to_value(base).map_err(Error::internal)? else {
            return Err(Error::internal("a policy is an object"));
        };
        fields.extend(self.0);
        fields.retain(|_, value| !value.is_null());
        Self(fields).new_policy()
    }
}

/// How much of each limit of a node is used now.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Spending {
    /// When it was counted.
    at_ms: Millis,
    /// Its limits, in their order.
    limits: Vec<Spent>,
}

/// How much of one limit is used: nano-dollars, tokens or requests.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Spent {
    /// The limit.
    limit: Limit,
    /// What is used of it.
    used: i64,
    /// What is left of it.
    remaining: i64,
    /// When all of it is there again; null when it never is.
    resets_at_ms: Option<Millis>,
}

/// Reads the counters of a node in a team, named as on its path.
pub(super) async fn spending(
    gateway: &Gateway,
    (node, team): (&str, &str),
    policy: &Policy,
) -> Result<Spending> {
    let at_ms = gateway.now();
    let claims: Vec<Claim> =
        policy.limits.iter().map(|limit| Claim::watched(node, *limit, policy, at_ms)).collect();
    let names: Vec<String> = claims.iter().map(|claim| claim.name.clone()).collect();
    let top = gateway.state.snapshot().teams.top(node, team);
    let values = gateway.counters(&top).read(&names, at_ms).await?;
    let limits = claims.iter().zip(values).map(|(claim, value)| {
        let Tally { used, remaining, resets_at_ms } = claim.tally(value, at_ms);
        Spent { limit: claim.limit, used, remaining, resets_at_ms }
    });
    Ok(Spending { at_ms, limits: limits.collect() })
}
