//! What is declared about the people who use the dashboard, and about the way they come in?

use zeroize::Zeroizing;

use super::{
    RootSecret,
    document::{Said, Table},
    mistake::Mistake,
    reading::Reading,
    secret,
};
use crate::{
    identity::{Lifetime, Password, Secret},
    limits,
    network::Network,
};

/// Who becomes the admin of an unattended installation.
pub const FIRST_ADMIN: &str = "admin";

const INSECURE: &str = "TIDEGATE_INSECURE_COOKIES";
const MINUTE_MS: i64 = 60_000;

/// What is declared about people.
#[derive(Clone)]
pub struct People {
    /// The password of the first admin, for installations that nobody attends.
    pub admin_password: Option<Secret>,
    /// How long sessions last.
    pub sessions: Lifetime,
    /// Whether sessions may travel unencrypted beyond this machine.
    pub cookies: Cookies,
    /// Whose word is taken for the address of a client.
    pub trusted_proxies: Vec<Network>,
    /// Root secrets that still read.
    pub old_secrets: Vec<RootSecret>,
}

/// Where a session's cookie may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookies {
    /// Over https, and within this machine.
    Safe,
    /// Anywhere: whoever listens on the network can take the session over.
    Insecure,
}

impl Default for People {
    fn default() -> Self {
        let minutes = |count: u32| i64::from(count) * MINUTE_MS;
        Self {
            admin_password: None,
            sessions: Lifetime {
                total_ms: minutes(limits::SESSION_MINUTES),
                idle_ms: minutes(limits::SESSION_IDLE_MINUTES),
            },
            cookies: Cookies::Safe,
            trusted_proxies: Vec::new(),
            old_secrets: Vec::new(),
        }
    }
}

/// Reads `[session]`, `[server]` and the variables beside them.
pub(super) fn read(root: &mut Table<'_>, reading: &mut Reading<'_>) -> People {
    let mut people = People::default();
    let mut table = reading.table(root, "session", "[session]");
    if let Some(total_ms) = reading.optional(&mut table, "minutes", read_minutes) {
        people.sessions.total_ms = total_ms;
    }
    if let Some(idle_ms) = reading.optional(&mut table, "idle_minutes", read_minutes) {
        people.sessions.idle_ms = idle_ms;
    }
    if reading.setting(&mut table, "insecure_cookies", INSECURE, read_flag) == Some(true) {
        people.cookies = Cookies::Insecure;
    }
    reading.end_table(table);

    let mut table = reading.table(root, "server", "[server]");
    let of_file = table.take("trusted_proxies").map(|said| networks_of_file(&said));
    let of_file = of_file.and_then(|read| reading.keep(read));
    let variable = reading.environment.said("TIDEGATE_TRUSTED_PROXIES");
    let variable = variable.and_then(|said| reading.keep(networks_of_variable(&said)));
    people.trusted_proxies = variable.or(of_file).unwrap_or_default();
    reading.end_table(table);

    let password = reading.environment.said("TIDEGATE_ADMIN_PASSWORD");
    people.admin_password = password.and_then(|said| reading.keep(read_password(&said)));
    let old = secret::old_roots(reading.environment);
    people.old_secrets = reading.keep(old).unwrap_or_default();
    people
}

fn read_flag(said: &Said<'_>) -> Result<bool, Mistake> {
    said.flag()
}

fn read_minutes(said: &Said<'_>) -> Result<i64, Mistake> {
    Ok(i64::from(said.count(limits::SESSION_MINUTES_MAX)?) * MINUTE_MS)
}

fn networks_of_file(said: &Said<'_>) -> Result<Vec<Network>, Mistake> {
    said.list()?.iter().map(|item| network(item, item.text()?)).collect()
}

fn networks_of_variable(said: &Said<'_>) -> Result<Vec<Network>, Mistake> {
    said.text()?.split(',').map(|text| network(said, text)).collect()
}

fn network(said: &Said<'_>, text: &str) -> Result<Network, Mistake> {
    let wanted = "must be an address or a network, such as 10.0.0.0/8";
    Network::parse(text.trim()).ok_or_else(|| said.spot.mistake(wanted))
}

fn read_password(said: &Said<'_>) -> Result<Secret, Mistake> {
    let text = Zeroizing::new(said.text()?.to_owned());
    let secret = || Secret::new(text.as_str().to_owned());
    match Password::parse(secret(), FIRST_ADMIN) {
        Ok(_) => Ok(secret()),
        Err(error) => Err(said.spot.mistake(format!("cannot be used: {}", error.message))),
    }
}
