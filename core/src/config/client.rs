//! Which clients does the file declare? For places without a command line; elsewhere `tidegate key create` makes them.

use super::{
    DeclaredClient, DeclaredKey,
    document::{Said, Table},
    mistake::Mistake,
    policy,
    reading::Reading,
    secret::{self, Given},
    team,
    unique::Unique,
    variables::Environment,
};
use crate::{
    identity::{Presented, Secret},
    limits,
};

/// Reads every `[[client]]`.
pub(super) fn read(root: &mut Table<'_>, reading: &mut Reading<'_>) -> Vec<DeclaredClient> {
    let mut seen = Seen::default();
    let mut clients = Vec::new();
    for table in reading.tables(root, "client", "[[client]]") {
        clients.extend(read_one(table, &mut seen, reading));
    }
    clients
}

/// `None`: a mistake was noted, or the client is switched off and has no key to be known by.
fn read_one(
    mut table: Table<'_>,
    seen: &mut Seen,
    reading: &mut Reading<'_>,
) -> Option<DeclaredClient> {
    let name = reading.needed(&mut table, "name", |said| read_name(said, &mut seen.names));
    let enabled = reading.enabled(&mut table);
    let strict = reading.optional(&mut table, "strict", read_flag).unwrap_or(false);
    let team = reading.optional(&mut table, "team", team::read_id).unwrap_or_default();
    let policy = policy::read(&mut table, "[[client.limit]]", reading);
    let key = read_key(&mut table, &mut seen.public_ids, reading.environment);
    let key = match reading.keep(key) {
        Some(Keyed::By(key)) => Some(key),
        Some(Keyed::Unset(mistake)) if enabled => reading.keep(Err(mistake)),
        Some(Keyed::Nothing) => {
            reading.note_missing(&table, "`key_hash` or `key`");
            None
        }
        Some(Keyed::Unset(_)) | None => None,
    };
    reading.end_table(table);
    Some(DeclaredClient { name: name?, key: key?, enabled, strict, team, policy })
}

/// What no two clients may share.
#[derive(Default)]
struct Seen {
    names: Unique,
    public_ids: Unique,
}

enum Keyed {
    By(DeclaredKey),
    /// The variable that holds it is not set.
    Unset(Mistake),
    /// The table names no key.
    Nothing,
}

fn read_name(said: &Said<'_>, names: &mut Unique) -> Result<String, Mistake> {
    let name = said.text()?;
    let most = limits::NAME_CHARS_MAX;
    if name.chars().count() > most || name.chars().any(char::is_control) {
        return Err(said.spot.mistake(format!("must be at most {most} printable characters")));
    }
    // Names differ in more than capitals, as the database has it.
    names.first(said, name.to_lowercase())?;
    Ok(name.to_owned())
}

fn read_flag(said: &Said<'_>) -> Result<bool, Mistake> {
    said.flag()
}

fn read_key(
    table: &mut Table<'_>,
    public_ids: &mut Unique,
    environment: Environment<'_>,
) -> Result<Keyed, Mistake> {
    match (table.take("key_hash"), table.take("key")) {
        (Some(hash), None) => read_hash(&hash, public_ids).map(Keyed::By),
        (None, Some(key)) => read_plain(&key, public_ids, environment),
        (Some(_), Some(key)) => Err(key.spot.mistake("and `key_hash` exclude each other")),
        (None, None) => Ok(Keyed::Nothing),
    }
}

fn read_hash(said: &Said<'_>, public_ids: &mut Unique) -> Result<DeclaredKey, Mistake> {
    let parts = said.text()?.split_once(':').filter(|(public_id, hash)| {
        let plain = public_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // The id of the root secret may stand before the hash.
        let (id, hash) = hash.split_once('.').unwrap_or(("00000000", hash));
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain && !public_id.is_empty() && hex(id) && hex(hash) && (id.len(), hash.len()) == (8, 64)
    });
    let Some((public_id, hash)) = parts else {
        let wanted = "must be what `tidegate key create --toml` prints: an id, a colon, a hash";
        return Err(said.spot.mistake(wanted));
    };
    let public_id = public_ids.first(said, public_id.to_owned())?;
    Ok(DeclaredKey::Hash { public_id, hash: hash.to_ascii_lowercase() })
}

fn read_plain(
    said: &Said<'_>,
    public_ids: &mut Unique,
    environment: Environment<'_>,
) -> Result<Keyed, Mistake> {
    let texts = match secret::given(said, environment)? {
        Given::Unset(mistake) => return Ok(Keyed::Unset(mistake)),
        Given::Texts(texts) => texts,
    };
    let [(spot, text)] = texts.as_slice() else {
        return Err(said.spot.mistake("must be one key"));
    };
    let Some(presented) = Presented::parse(text) else {
        return Err(spot.mistake("must be a whole client key, from `tg_` to its last character"));
    };
    public_ids.first(said, presented.public_id.to_owned())?;
    Ok(Keyed::By(DeclaredKey::Plain(Secret::new(text.as_str().to_owned()))))
}
