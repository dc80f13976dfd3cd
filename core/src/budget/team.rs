//! Which teams is a client part of? One, and those above it, up to the root of the tree.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use super::{
    claim::Claim,
    policy::{Ledger, Policy},
};
use crate::{
    error::{Error, Kind, Result},
    identity::Client,
    json,
    limits::{ID_BYTES_MAX, TEAM_DEPTH_MAX},
    ports::Millis,
    store::{self, Document},
};

/// The shape of the body that this code writes.
const SHAPE: i64 = 1;

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Unique.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The team above it; empty at the top.
    pub parent: String,
    /// What it is held to, with everything below it.
    pub policy: Policy,
    /// Whether it is declared, and cannot be changed through the API.
    pub locked: bool,
}

impl Team {
    /// The document that keeps it, as the version after `version`.
    pub fn to_document(&self, version: i64) -> Result<Document> {
        Ok(Document {
            kind: store::Kind::Team,
            id: self.id.clone(),
            parent: self.parent.clone(),
            name: self.name.clone(),
            version,
            revision: 0,
            deleted: false,
            shape: SHAPE,
            body: serde_json::to_string(&self.policy).map_err(Error::internal)?,
        })
    }

    /// Reads a document of kind `team`.
    pub fn from_document(document: &Document) -> Result<Self> {
        let policy = json::read(&document.body)
            .map_err(|error| Error::internal(format!("team {}: {error}", document.id)))?;
        let (id, name) = (document.id.clone(), document.name.clone());
        Ok(Self { id, name, parent: document.parent.clone(), policy, locked: false })
    }
}

/// Whether a text may be the id of a team: it stands in paths and in the names of counters.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty()
        && text.len() <= ID_BYTES_MAX
        && text.bytes().all(plain)
        && !text.starts_with('.')
}

/// All teams by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Teams(HashMap<String, Arc<Team>>);

impl Teams {
    /// Of two teams with one id the first one counts: declared ones come first.
    pub(crate) fn new(teams: impl IntoIterator<Item = Team>) -> Self {
        let mut all = HashMap::new();
        for team in teams {
            all.entry(team.id.clone()).or_insert_with(|| Arc::new(team));
        }
        Self(all)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Team>> {
        self.0.get(id)
    }

    /// A team and those above it. A tree that is broken opens nothing.
    pub(crate) fn above(&self, id: &str) -> Result<Vec<Arc<Team>>> {
        let mut found: Vec<Arc<Team>> = Vec::new();
        let mut next = id;
        while !next.is_empty() {
            let Some(team) = self.get(next) else {
                return Err(Error::new(
                    Kind::Forbidden,
                    format!("The team `{next}` does not exist."),
                ));
            };
            if found.len() == TEAM_DEPTH_MAX || found.iter().any(|seen| seen.id == team.id) {
                return Err(deep(id));
            }
            next = &team.parent;
            found.push(team.clone());
        }
        Ok(found)
    }

    /// The node at the top of the tree in which this one is: itself, where it is in no team. A team is in itself.
    pub(crate) fn top(&self, node: &str, team: &str) -> String {
        let above = self.above(team).unwrap_or_default();
        above.last().map_or_else(|| node.to_owned(), |top| format!("team:{}", top.id))
    }

    /// Whether a team may stand below another one: that one is there, is not below the team, and the tree stays shallow.
    pub(crate) fn check(&self, id: &str, parent: &str) -> Result<()> {
        if parent.is_empty() {
            return Ok(());
        }
        if self.get(parent).is_none() {
            let message = format!("There is no team `{parent}`.");
            return Err(Error::bad_request(message).at("parent"));
        }
        let above = self.above(parent)?;
        if parent == id || above.iter().any(|team| team.id == id) {
            let message = format!("The team `{parent}` is below `{id}`.");
            return Err(Error::bad_request(message).at("parent"));
        }
        if above.len() + self.height(id) > TEAM_DEPTH_MAX {
            return Err(deep(id).at("parent"));
        }
        Ok(())
    }

    /// How many levels a team has, itself included.
    fn height(&self, id: &str) -> usize {
        let depth = |team: &Arc<Team>| {
            let above = self.above(&team.id).ok()?;
            above.iter().position(|one| one.id == id).map(|at| at + 1)
        };
        self.0.values().filter_map(depth).max().unwrap_or(1)
    }

    /// Whether a team has others below it.
    pub(crate) fn has_children(&self, id: &str) -> bool {
        self.0.values().any(|team| team.parent == id)
    }
}

fn deep(id: &str) -> Error {
    let message =
        format!("The teams above `{id}` are more than {TEAM_DEPTH_MAX}, or go in a circle.");
    Error::bad_request(message)
}

/// Whose limits hold for a request: its client's, and those of the teams above it.
pub(crate) struct Path {
    client: Arc<Client>,
    teams: Vec<Arc<Team>>,
}

impl Path {
    pub(crate) fn new(client: Arc<Client>, teams: &Teams) -> Result<Self> {
        Ok(Self { teams: teams.above(&client.team)?, client })
    }

    /// Each node, as refusals name it.
    fn policies(&self) -> impl Iterator<Item = (&'static str, &str, &Policy)> {
        let teams = self.teams.iter().map(|team| ("team", team.id.as_str(), &team.policy));
        std::iter::once(("client", self.client.name.as_str(), &self.client.policy)).chain(teams)
    }

    /// Whether a request may come at this time from this address.
    pub(crate) fn open(&self, peer: Option<IpAddr>, now_ms: Millis) -> Result<()> {
        self.policies().try_for_each(|(kind, name, policy)| {
            policy.open(&format!("{kind} `{name}`"), peer, now_ms)
        })
    }

    /// Whether everybody allows this model, by any of its names; `asked` is the one that a refusal says.
    pub(crate) fn allows_model(&self, asked: &str, names: &[&str]) -> Result<()> {
        let allows = |policy: &Policy| names.iter().any(|name| policy.allows_model(name));
        let refusing = self.policies().find(|(.., policy)| !allows(policy));
        let Some((kind, name, _)) = refusing else { return Ok(()) };
        let message = format!("The {kind} `{name}` may not use the model `{asked}`.");
        Err(Error::new(Kind::Forbidden, message).at("model").coded("model_not_allowed"))
    }

    /// Whether everybody allows this provider.
    pub(crate) fn allows_provider(&self, id: &str) -> bool {
        self.policies().all(|(.., policy)| policy.allows_provider(id))
    }

    /// The strictest of the ledgers.
    pub(crate) fn ledger(&self) -> Ledger {
        let strict = self.policies().any(|(.., policy)| policy.ledger == Ledger::Strict);
        if strict { Ledger::Strict } else { Ledger::Async }
    }

    /// The node at the top of the tree.
    pub(crate) fn top(&self) -> String {
        let top = self.teams.last();
        top.map_or_else(|| format!("client:{}", self.client.id), |top| format!("team:{}", top.id))
    }

    /// What a request at this time has to take of. Nothing when nobody has limits.
    pub(crate) fn claims(&self, now_ms: Millis) -> Vec<Claim> {
        let client = ("client", &self.client.id, &self.client.name, &self.client.policy);
        let teams = self.teams.iter().map(|team| ("team", &team.id, &team.id, &team.policy));
        let nodes = std::iter::once(client).chain(teams);
        nodes
            .flat_map(|(kind, id, name, policy)| {
                let claim = move |limit| {
                    let owner = format!("{kind} `{name}`");
                    Claim::new(&format!("{kind}:{id}"), owner, limit, policy, now_ms)
                };
                policy.limits.iter().map(move |limit| claim(*limit))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teams(parents: &[(&str, &str)]) -> Teams {
        Teams::new(parents.iter().map(|(id, parent)| Team {
            id: (*id).to_owned(),
            name: (*id).to_owned(),
            parent: (*parent).to_owned(),
            policy: Policy::default(),
            locked: false,
        }))
    }

    fn ids(found: &[Arc<Team>]) -> String {
        found.iter().map(|team| team.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_team_is_below_all_above_it() {
        let teams = teams(&[("a", ""), ("b", "a"), ("c", "b"), ("d", "a")]);
        assert_eq!(ids(&teams.above("c").unwrap()), "c b a");
        assert_eq!(ids(&teams.above("").unwrap()), "");
        assert_eq!(teams.above("x").unwrap_err().kind, Kind::Forbidden);
        assert!(teams.has_children("b") && !teams.has_children("c"));
    }

    #[test]
    fn a_tree_is_known_by_its_top() {
        let teams = teams(&[("a", ""), ("b", "a"), ("c", "b")]);
        let check = |node: &str, team: &str, top: &str| assert_eq!(teams.top(node, team), top);
        check("team:a", "a", "team:a");
        check("team:c", "c", "team:a");
        check("client:x", "b", "team:a");
        check("client:x", "", "client:x");
        check("client:x", "gone", "client:x");
    }

    #[test]
    fn circles_are_refused_and_open_nothing() {
        let tree = teams(&[("a", ""), ("b", "a"), ("c", "b")]);
        assert!(tree.check("a", "c").is_err());
        assert!(tree.check("a", "a").is_err());
        assert!(tree.check("new", "x").is_err());
        assert!(tree.check("c", "a").is_ok());
        assert!(tree.check("a", "").is_ok());
        let circle = teams(&[("a", "c"), ("b", "a"), ("c", "b")]);
        assert!(circle.above("a").is_err());
    }

    #[test]
    fn a_tree_stays_shallow() {
        let names: Vec<String> = (0..=TEAM_DEPTH_MAX).map(|n| n.to_string()).collect();
        let chain: Vec<_> = (0..TEAM_DEPTH_MAX)
            .map(|n| (names[n].as_str(), if n == 0 { "" } else { names[n - 1].as_str() }))
            .collect();
        let mut all = chain.clone();
        all.push(("x", ""));
        all.push(("y", "x"));
        let tree = teams(&all);
        assert_eq!(tree.above(&names[TEAM_DEPTH_MAX - 1]).unwrap().len(), TEAM_DEPTH_MAX);
        assert!(tree.check("new", &names[TEAM_DEPTH_MAX - 1]).is_err());
        assert!(tree.check("new", &names[TEAM_DEPTH_MAX - 2]).is_ok());
        assert!(tree.check("x", &names[TEAM_DEPTH_MAX - 2]).is_err(), "x has a level below it");
        assert!(tree.check("x", &names[TEAM_DEPTH_MAX - 3]).is_ok());
    }
}
