//! What would a file do to teams and clients? Teams form a tree, and a client that is new here needs a key.

use std::collections::BTreeMap;

use super::{
    Rows,
    plan::{Plan, Row, kept},
};
use crate::{
    api::{clients, document::object, policy::Fields, teams},
    budget::{Team, Teams, is_id},
    error::{Error, Result},
    gateway::Gateway,
    identity::{Client, Issued, is_public_id, named},
    store::Kind,
};

/// Plans the teams, and gives back the tree that there would be.
pub(super) async fn teams(gateway: &Gateway, rows: Rows, plan: &mut Plan) -> Result<Teams> {
    let kept = kept(gateway, Kind::Team).await?;
    let declared = &gateway.state.config.teams;
    let mut planned: Vec<(String, Team)> = Vec::new();
    for Row { place, id, said } in plan.rows("teams", rows)? {
        if declared.iter().any(|team| team.id == id) {
            plan.leave(Kind::Team, &id, teams::PLACE);
            continue;
        }
        let Some(team) = plan.right(&place, team(id, Fields::of(said)))? else { continue };
        planned.push((place, team));
    }
    let is_new = |id: &str| planned.iter().all(|(_, team)| team.id != id);
    let mut all: Vec<Team> = declared.clone();
    all.extend(planned.iter().map(|(_, team)| team.clone()));
    for document in kept.values().filter(|document| is_new(&document.id)) {
        all.push(Team::from_document(document)?);
    }
    let names = Names::of(all.iter().map(|team| (&team.id, &team.name)));
    let tree = Teams::new(all);
    for (place, team) in planned {
        plan.right(&place, tree.check(&team.id, &team.parent))?;
        plan.right(&place, names.check(&team.id, &team.name))?;
        let before = kept.get(&team.id);
        let was = before.map(|document| object(&teams::show(&Team::from_document(document)?, 1)));
        let document = team.to_document(before.map_or(0, |document| document.version))?;
        let is = object(&teams::show(&team, 1))?;
        plan.put(document, &is, before.zip(was.transpose()?.as_ref()));
    }
    Ok(tree)
}

fn team(id: String, mut said: Fields) -> Result<Team> {
    if !is_id(&id) {
        return Err(Error::bad_request("This cannot be the id of a team.").at("id"));
    }
    let name: Option<String> = said.take("name")?;
    let name = named("team", name.as_deref().unwrap_or(&id))?;
    let parent: String = said.take("parent")?.unwrap_or_default();
    Ok(Team { id, name, parent, policy: said.new_policy()?, locked: false })
}

/// Plans the clients. Those that are here keep their keys; the others get one that nobody has seen, to be replaced.
pub(super) async fn clients(
    gateway: &Gateway,
    rows: Rows,
    tree: &Teams,
    plan: &mut Plan,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let kept = kept(gateway, Kind::Client).await?;
    let declared = &gateway.state.declared_clients;
    let mut planned = Vec::new();
    for Row { place, id, said } in plan.rows("clients", rows)? {
        if declared.iter().any(|client| client.id == id) {
            plan.leave(Kind::Client, &id, clients::PLACE);
            continue;
        }
        let before = kept.get(&id).map(Client::from_document).transpose()?;
        let read = client(gateway, &id, before, Fields::of(said));
        let Some(client) = plan.right(&place, read)? else { continue };
        planned.push((place, client));
    }
    let is_new = |id: &str| planned.iter().all(|(_, client): &(String, Client)| client.id != id);
    let own = planned.iter().map(|(_, client)| (&client.id, &client.name));
    let others = kept.values().filter(|document| is_new(&document.id));
    let names = Names::of(own.chain(others.map(|document| (&document.id, &document.name))));
    for (place, client) in planned {
        let known = client.team.is_empty() || tree.get(&client.team).is_some();
        let missing = || Error::bad_request(format!("There is no team `{}`.", client.team));
        plan.right(&place, known.then_some(()).ok_or_else(|| missing().at("team")))?;
        plan.right(&place, names.check(&client.id, &client.name))?;
        let before = kept.get(&client.id);
        let was =
            before.map(|document| object(&clients::show(&Client::from_document(document)?, 1)));
        if before.is_none() {
            let says = "Nobody has a key of it: rotate it to get one.";
            plan.miss(Kind::Client, &client.id, &client.name, says);
        }
        let document = client.to_document(before.map_or(0, |document| document.version))?;
        let is = object(&clients::show(&client, 1))?;
        plan.put(document, &is, before.zip(was.transpose()?.as_ref()));
    }
    Ok(())
}

fn client(gateway: &Gateway, id: &str, before: Option<Client>, mut said: Fields) -> Result<Client> {
    if !is_public_id(id) {
        return Err(Error::bad_request("This cannot be the id of a client.").at("id"));
    }
    let name: String = said.need("name")?;
    let made = said.take("created_at_ms")?.unwrap_or_else(|| gateway.ports.clock.now());
    let (vault, random) = (&gateway.state.vault, &*gateway.ports.random);
    let mut client = match before {
        Some(before) => before,
        None => Issued::new(&name, made, None, vault, random)?.client,
    };
    id.clone_into(&mut client.id);
    client.rename(&name)?;
    client.team = said.take("team")?.unwrap_or_default();
    client.strict = said.take("strict")?.unwrap_or_default();
    client.policy = said.new_policy()?;
    client.expires_at_ms = client.policy.expires_at_ms;
    Ok(client)
}

/// Who is called what, whatever the case of its letters.
struct Names(BTreeMap<String, Vec<String>>);

impl Names {
    fn of<'a>(named: impl Iterator<Item = (&'a String, &'a String)>) -> Self {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (id, name) in named {
            all.entry(name.to_lowercase()).or_default().push(id.clone());
        }
        Self(all)
    }

    fn check(&self, id: &str, name: &str) -> Result<()> {
        let mut called = self.0.get(&name.to_lowercase()).into_iter().flatten();
        match called.find(|other| *other != id) {
            None => Ok(()),
            Some(other) => {
                let message = format!("`{other}` is called `{name}` already.");
                Err(Error::bad_request(message).at("name"))
            }
        }
    }
}
