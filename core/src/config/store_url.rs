//! Which database URLs are there? A file, the memory, a server that speaks Hrana, or a database server; and Redis, where
//! counters may be.

use super::{document::Said, mistake::Mistake};
use crate::provider::base_url::BaseUrl;

/// Reads a URL. It may carry a token as its query and is therefore never repeated.
pub(super) fn read(said: &Said<'_>) -> Result<String, Mistake> {
    let url = said.text()?;
    if matches!(url, ":memory:" | "libsql::memory:") {
        return Ok(url.to_owned());
    }
    if let Some(path) = url.strip_prefix("file:") {
        let wrong = said.spot.mistake("must have a path after `file:`");
        return if path.is_empty() { Err(wrong) } else { Ok(url.to_owned()) };
    }
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    match scheme {
        "libsql" | "http" | "https" => {}
        // Hosts, sockets and options: whoever connects reads them.
        "postgres" | "postgresql" | "mysql" | "mariadb" => return Ok(url.to_owned()),
        _ => {
            let wanted = "must begin with `file:`, `libsql://`, `http://`, `https://`, `postgres://`, `mysql://` or \
                          `mariadb://`, or be `:memory:`";
            return Err(said.spot.mistake(wanted));
        }
    }
    let scheme = if scheme == "libsql" { "https" } else { scheme };
    let place = rest.split_once('?').map_or(rest, |(place, _)| place);
    match BaseUrl::parse(&format!("{scheme}://{place}")) {
        Ok(_) => Ok(url.to_owned()),
        Err(why) => Err(said.spot.mistake(why)),
    }
}

/// Reads where counters are. Whoever connects reads the rest of it.
pub(super) fn read_counters(said: &Said<'_>) -> Result<String, Mistake> {
    let url = said.text()?;
    match url.split_once("://") {
        Some(("redis" | "rediss", rest)) if !rest.is_empty() => Ok(url.to_owned()),
        _ => Err(said.spot.mistake("must begin with `redis://` or `rediss://`")),
    }
}
