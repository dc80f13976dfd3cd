//! What does the URL of a database server say beside host, name and password? How its TLS is checked, and how many
//! connections it may have.

use std::path::{Path, PathBuf};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tidegate_core::{Error, Result};

use super::limits::{DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_MAX};
use crate::connect;

/// How much TLS there must be, in the words of `PostgreSQL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// None.
    Disable,
    /// If the server can, whoever it is.
    Prefer,
    /// Whoever the server is.
    Require,
    /// The server's certificate is from a known authority.
    VerifyCa,
    /// And it names the host of the URL.
    VerifyFull,
}

/// What Tidegate itself reads of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// How much TLS there must be.
    pub(super) tls: Tls,
    /// The authorities that are known, in a file; the system's where there is none.
    pub(super) authorities: Option<PathBuf>,
    /// Connections at most.
    pub(super) connections: usize,
}

/// Reads our parameters; returns them, and the URL without them.
pub(super) fn asked(url: &str) -> Result<(Asked, String)> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut asked =
        Asked { tls: Tls::Prefer, authorities: None, connections: DATABASE_CONNECTIONS };
    let mut others = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "sslmode" | "ssl-mode" => asked.tls = tls(value)?,
            "sslrootcert" | "ssl-ca" => asked.authorities = Some(decoded(value).into()),
            "connections" => asked.connections = connections(value)?,
            _ => others.push(pair),
        }
    }
    // As libpq has it: who names authorities wants them asked.
    if asked.tls == Tls::Require && asked.authorities.is_some() {
        asked.tls = Tls::VerifyCa;
    }
    let query = others.join("&");
    let rest = if query.is_empty() { base.to_owned() } else { format!("{base}?{query}") };
    Ok((asked, rest))
}

fn tls(value: &str) -> Result<Tls> {
    match value.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Ok(Tls::Disable),
        "allow" | "prefer" | "preferred" => Ok(Tls::Prefer),
        "require" | "required" => Ok(Tls::Require),
        "verify-ca" => Ok(Tls::VerifyCa),
        "verify-full" | "verify-identity" => Ok(Tls::VerifyFull),
        _ => Err(Error::bad_request(
            "The store's URL has an sslmode that is none of disable, prefer, require, verify-ca, verify-full.",
        )),
    }
}

/// Reads a number of connections.
pub(super) fn connections(value: &str) -> Result<usize> {
    let wanted = value.parse().ok().filter(|count| (1..=DATABASE_CONNECTIONS_MAX).contains(count));
    wanted.ok_or_else(|| {
        Error::bad_request(format!(
            "The URL wants no number of connections from 1 to {DATABASE_CONNECTIONS_MAX}."
        ))
    })
}

/// A parameter without its percent signs.
pub(super) fn decoded(value: &str) -> String {
    percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned()
}

/// The authorities in a file; the system's where none is named.
pub(super) fn roots(authorities: Option<&Path>) -> Result<RootCertStore> {
    let Some(path) = authorities else { return Ok(connect::roots()) };
    let wrong = |why: String| {
        Error::bad_request(format!("Cannot read the authorities in {}: {why}.", path.display()))
    };
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    roots.add_parsable_certificates(found.filter_map(std::result::Result::ok));
    if roots.is_empty() { Err(wrong("there are none".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_url_has_the_usual() {
        let (asked, rest) = asked("postgres://me:pw@host/tidegate").unwrap();
        assert_eq!(rest, "postgres://me:pw@host/tidegate");
        assert_eq!((asked.tls, asked.connections), (Tls::Prefer, DATABASE_CONNECTIONS));
    }

    #[test]
    fn ours_is_read_and_the_rest_is_left() {
        let url = "mysql://h/db?ssl-mode=VERIFY_IDENTITY&a=b&ssl-ca=%2Fca.pem&connections=3";
        let (asked, rest) = asked(url).unwrap();
        assert_eq!(rest, "mysql://h/db?a=b");
        let authorities = Some("/ca.pem".into());
        assert_eq!(asked, Asked { tls: Tls::VerifyFull, authorities, connections: 3 });
    }

    #[test]
    fn who_names_authorities_wants_them_asked() {
        let (asked, _) = asked("postgres://h/db?sslmode=require&sslrootcert=ca.pem").unwrap();
        assert_eq!(asked.tls, Tls::VerifyCa);
    }

    #[test]
    fn nonsense_is_refused_and_not_repeated() {
        for query in ["sslmode=maybe", "connections=0", "connections=1000000"] {
            let error = asked(&format!("postgres://me:secret@h/db?{query}")).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
