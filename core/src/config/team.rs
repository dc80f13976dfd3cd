//! Which teams does the file declare? They cannot be changed through the API.

use super::{
    document::{Said, Table},
    mistake::Mistake,
    policy,
    reading::Reading,
    unique::Unique,
};
use crate::{
    budget::{Team, Teams},
    identity::named,
    limits,
};

/// Reads every `[[team]]`.
pub(super) fn read(root: &mut Table<'_>, reading: &mut Reading<'_>) -> Vec<Team> {
    let mut ids = Unique::default();
    let mut teams: Vec<Team> = Vec::new();
    let mut mistakes: Vec<Mistake> = Vec::new();
    for table in reading.tables(root, "team", "[[team]]") {
        let circle = table.mistake("goes in a circle, or is too deep below others");
        if let Some(team) = read_one(table, &mut ids, reading) {
            teams.push(team);
            mistakes.push(circle);
        }
    }
    let tree = Teams::new(teams.iter().cloned());
    for (team, circle) in teams.iter().zip(mistakes) {
        // A team above may be in the database.
        let known = tree.get(&team.parent).is_some();
        if known
            && tree.above(&team.id).is_err_and(|error| error.kind != crate::error::Kind::Forbidden)
        {
            reading.note(circle);
        }
    }
    teams
}

fn read_one(mut table: Table<'_>, ids: &mut Unique, reading: &mut Reading<'_>) -> Option<Team> {
    let id = reading.needed(&mut table, "id", |said| {
        let id = read_id(said)?;
        ids.first(said, id.to_lowercase())?;
        Ok(id)
    });
    let name = reading.optional(&mut table, "name", read_name);
    let parent = reading.optional(&mut table, "parent", read_id).unwrap_or_default();
    let enabled = reading.enabled(&mut table);
    let policy = policy::read(&mut table, "[[team.limit]]", reading);
    reading.end_table(table);
    let id = id?;
    let policy = crate::budget::Policy { enabled, ..policy };
    Some(Team { name: name.unwrap_or_else(|| id.clone()), id, parent, policy, locked: true })
}

fn read_name(said: &Said<'_>) -> Result<String, Mistake> {
    let most = limits::NAME_BYTES_MAX;
    named("team", said.text()?)
        .map_err(|_| said.spot.mistake(format!("must be one line of at most {most} bytes")))
}

/// A team's id.
pub(super) fn read_id(said: &Said<'_>) -> Result<String, Mistake> {
    let id = said.text()?;
    if !crate::budget::is_id(id) {
        let most = limits::ID_BYTES_MAX;
        let wanted = format!("must be at most {most} letters, digits, `-`, `_` and `.`");
        return Err(said.spot.mistake(wanted));
    }
    Ok(id.to_owned())
}
