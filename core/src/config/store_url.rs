//! Which database URLs are there? A file, the memory, or a server that speaks Hrana.

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
    let Some((scheme @ ("libsql" | "http" | "https"), rest)) = url.split_once("://") else {
        let wanted =
            "must begin with `file:`, `libsql://`, `http://` or `https://`, or be `:memory:`";
        return Err(said.spot.mistake(wanted));
    };
    let scheme = if scheme == "libsql" { "https" } else { scheme };
    let place = rest.split_once('?').map_or(rest, |(place, _)| place);
    match BaseUrl::parse(&format!("{scheme}://{place}")) {
        Ok(_) => Ok(url.to_owned()),
        Err(why) => Err(said.spot.mistake(why)),
    }
}
