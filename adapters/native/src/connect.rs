//! How does a connection to the outside come about? A name is looked up, TCP and TLS are agreed on, all within one wait.

use std::{
    error, io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
    vec,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};
use tidegate_core::{
    Body, Error, Result,
    limits::{
        UPSTREAM_POOL_IDLE_WAIT, UPSTREAM_PROBE_WAIT, UPSTREAM_PROBES_MAX, UPSTREAM_SILENT_WAIT,
    },
    ports::BoxFuture,
};
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

/// Why a connection did not come about.
type Fault = Box<dyn error::Error + Send + Sync>;

/// Connections that are kept and used again.
pub(crate) type Pool = Client<Connector, Body>;

/// Finds the addresses of a name.
pub(crate) type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Whether an address may be connected to.
pub(crate) type Rule = fn(IpAddr) -> bool;

/// A pool over HTTP/1.1 and HTTP/2, which keeps so many unused connections to a host. It adds nothing to a request,
/// follows nothing and knows no proxy.
pub(crate) fn pool(names: Names, wait: Duration, idle_max: usize) -> Result<Pool> {
    let mut tcp = HttpConnector::new_with_resolver(names);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(wait));
    // An answer may be minutes away: a host that has vanished is noticed in the meantime.
    tcp.set_keepalive(Some(UPSTREAM_PROBE_WAIT));
    tcp.set_keepalive_interval(Some(UPSTREAM_PROBE_WAIT));
    tcp.set_keepalive_retries(Some(UPSTREAM_PROBES_MAX));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UPSTREAM_SILENT_WAIT));
    let tls = HttpsConnectorBuilder::new().with_tls_config(tls()?).https_or_http();
    let connector = Connector { https: tls.enable_all_versions().wrap_connector(tcp), wait };
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(UPSTREAM_POOL_IDLE_WAIT)
        .pool_max_idle_per_host(idle_max)
        .build(connector))
}

/// The operating system's addresses of a name.
pub(crate) fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    })
}

/// A resolver whose answers all pass, or none is used: a name that leads even partly elsewhere is not trusted.
#[derive(Clone)]
pub(crate) struct Names {
    pub(crate) lookup: Lookup,
    pub(crate) rule: Rule,
}

impl Service<Name> for Names {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Fault;
    type Future = BoxFuture<Result<Self::Response, Fault>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (found, rule) = ((self.lookup)(name.as_str().to_owned()), self.rule);
        Box::pin(async move {
            let found = found.await?;
            if found.iter().all(|address| rule(address.ip())) {
                Ok(found.into_iter())
            } else {
                Err("the name leads inside".into())
            }
        })
    }
}

/// Connects within a time that counts the look-up and TLS too.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<HttpConnector<Names>>,
    wait: Duration,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Fault;
    type Future = BoxFuture<Result<Self::Response, Fault>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, wait) = (self.https.call(uri), self.wait);
        Box::pin(async move { timeout(wait, connecting).await? })
    }
}

/// The platform's authorities. An image made from scratch has none, and gets Mozilla's.
pub(crate) fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// What all connections agree on TLS with.
fn tls() -> Result<ClientConfig> {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(known) = TLS.get() {
        return Ok(known.clone());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?
        .with_root_certificates(roots())
        .with_no_client_auth();
    Ok(TLS.get_or_init(|| tls).clone())
}
