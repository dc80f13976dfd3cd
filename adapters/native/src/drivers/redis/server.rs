//! Which Redis does a URL mean, and how does a connection to it come about?

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use redis::{
    AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    aio::{MultiplexedConnection, PubSub},
};
use rustls::{ClientConfig, pki_types::ServerName};
use tidegate_core::{Error, Result};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::super::{
    asked::{connections, decoded, roots},
    limits::{DATABASE_CONNECTIONS, REDIS_PREFIX_LENGTH_MAX},
};

/// What all keys begin with, unless the URL says otherwise.
const PREFIX: &str = "tidegate";

/// A Redis and how one gets in. Its URL is not kept.
pub(super) struct Server {
    /// Host and port.
    pub(super) place: (String, u16),
    /// User, password and number of the database.
    login: RedisConnectionInfo,
    tls: Option<TlsConnector>,
    /// Connections at most.
    pub(super) connections: usize,
    /// What all keys begin with. The braces make a cluster keep them on one node: an admission is one script over all its
    /// counters, which may be any of a tree of teams, and a script works on one node only.
    pub(super) base: String,
}

/// Whatever bytes go over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Server {
    /// Reads `redis://USER:PASSWORD@HOST:PORT/NUMBER`, or `rediss://` for TLS, and its parameters `prefix`, `connections`
    /// and `sslrootcert`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = base.split_once("://").ok_or_else(not_a_url)?;
        let encrypted = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(not_a_url()),
        };
        let info = format!("redis://{rest}").into_connection_info().map_err(|_| not_a_url())?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else { return Err(not_a_url()) };
        let (mut wanted, mut prefix) = (DATABASE_CONNECTIONS, PREFIX.to_owned());
        let mut authorities: Option<PathBuf> = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("connections", value) => wanted = connections(value)?,
                ("prefix", value) => prefix = checked(decoded(value))?,
                ("sslrootcert", value) if encrypted => authorities = Some(decoded(value).into()),
                _ => {
                    return Err(Error::bad_request(
                        "The counters' URL has a parameter that is none of prefix, connections, and with rediss:// sslrootcert.",
                    ));
                }
            }
        }
        let tls = encrypted.then(|| tls(authorities.as_deref())).transpose()?;
        Ok(Self {
            place: (host.clone(), *port),
            login: info.redis_settings().clone(),
            tls,
            connections: wanted,
            base: format!("{{{prefix}}}"),
        })
    }

    /// One connection, logged in.
    pub(super) async fn connect(&self, (host, port): (&str, u16)) -> Result<MultiplexedConnection> {
        let stream = self.reach(host, port).await?;
        // Waits are ours.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (connection, speaking) =
            MultiplexedConnection::new_with_config(&self.login, stream, config)
                .await
                .map_err(|error| told(&error))?;
        // It ends with the connection that it speaks for.
        tokio::spawn(speaking);
        Ok(connection)
    }

    /// One connection that listens.
    pub(super) async fn listen(&self, (host, port): (&str, u16)) -> Result<PubSub> {
        let stream = self.reach(host, port).await?;
        PubSub::new(&self.login, stream).await.map_err(|error| told(&error))
    }

    async fn reach(&self, host: &str, port: u16) -> Result<Box<dyn Stream>> {
        let broken = |error: std::io::Error| Error::store(format!("Redis: {error}"));
        let plain = TcpStream::connect((host, port)).await.map_err(broken)?;
        plain.set_nodelay(true).map_err(broken)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(plain)) };
        let name = ServerName::try_from(host.to_owned()).map_err(Error::store)?;
        Ok(Box::new(tls.connect(name, plain).await.map_err(broken)?))
    }
}

/// Whoever wants TLS wants to know whom they speak to.
fn tls(authorities: Option<&Path>) -> Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?
        .with_root_certificates(roots(authorities)?)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

/// A prefix stands in the names of all keys.
fn checked(prefix: String) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if (1..=REDIS_PREFIX_LENGTH_MAX).contains(&prefix.len()) && prefix.bytes().all(plain) {
        return Ok(prefix);
    }
    Err(Error::bad_request(format!(
        "The prefix in the counters' URL is none of 1 to {REDIS_PREFIX_LENGTH_MAX} letters, digits and -_.:"
    )))
}

fn not_a_url() -> Error {
    Error::bad_request(
        "The counters' URL is no redis://USER:PASSWORD@HOST:PORT/NUMBER, nor rediss://.",
    )
}

/// What the core makes of an error.
pub(super) fn told(error: &RedisError) -> Error {
    Error::store(format!("Redis: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_whole() {
        let url = "redis://me:p%40ss@cache.example:7000/3?prefix=blue&connections=4";
        let server = Server::parse(url).unwrap();
        assert_eq!(server.place, ("cache.example".to_owned(), 7000));
        assert_eq!((server.login.username(), server.login.password()), (Some("me"), Some("p@ss")));
        assert_eq!((server.login.db(), server.connections), (3, 4));
        assert_eq!((server.base.as_str(), server.tls.is_some()), ("{blue}", false));
        let server = Server::parse("rediss://:secret@cache.example").unwrap();
        assert_eq!(server.place, ("cache.example".to_owned(), 6379));
        assert_eq!((server.base.as_str(), server.tls.is_some()), ("{tidegate}", true));
    }

    #[test]
    fn nonsense_is_refused_and_not_repeated() {
        for url in [
            "redis://me:secret@host:port",
            "redis://me:secret@host/db",
            "http://me:secret@host",
            "redis://me:secret@host?prefix=a{b}",
            "redis://me:secret@host?prefix=",
            "redis://me:secret@host?connections=0",
            "redis://me:secret@host?protocol=resp9",
            "redis://me:secret@host?sslrootcert=ca.pem",
            "rediss://me:secret@host?sslrootcert=/there/is/no/secret.pem.at.all/ca",
        ] {
            let error = Server::parse(url).err().unwrap();
            assert!(!error.to_string().contains("me:secret"), "{error}");
        }
    }
}
