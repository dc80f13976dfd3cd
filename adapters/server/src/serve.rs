//! What does `tidegate serve` do from its start to its end?

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tidegate_core::{
    Error, Gateway, Result,
    config::Config,
    error::Kind,
    limits::{DRAIN_WAIT, LIVE_SEND_WAIT, PROBES_POLL, RESTS_POLL, REVISION_POLL, UPKEEP_EVERY},
    provider::Host,
    store::{Spare, leased::limits::LEASES_LOOK},
};
use tokio::{
    net::TcpListener,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    accept::Door,
    bounds::Bounds,
    console::say,
    data::{Contact, Data},
    demo, entrance,
    house::House,
    people,
    shutdown::Signals,
};

/// Runs the gateway until a signal ends it.
pub(crate) async fn serve(config: Config) -> Result<()> {
    let mut signals = Signals::listen()?;
    let wanted = config.listen.clone();
    let bounds = Bounds {
        trusted_proxies: config.people.trusted_proxies.clone(),
        ..Bounds::of_server(config.waits.first_byte.max(config.waits.idle))
    };
    let has_demo = config.providers.iter().any(|provider| provider.host == Host::Echo);

    let house = House::open(config).await?;
    let listener = bind(&wanted).await?;
    let url = url(listener.local_addr().map_err(Error::internal)?);
    if let Err(cause) = house.gateway.refresh().await {
        warn!(%cause, "starting without what the database holds");
    }
    house.gateway.check_secrets()?;
    if let Err(cause) = house.gateway.settle_in().await {
        warn!(%cause, "the first admin could not be made");
    }
    let token = house.token.expose().to_owned();
    house.data.write_contact(&Contact { url: url.clone(), token })?;

    let closing = CancellationToken::new();
    let router = entrance::router(house.gateway.clone(), Arc::clone(&house.background));
    let door = Arc::new(Door::new(router, bounds, closing.clone()));
    let letting_in = tokio::spawn({
        let door = Arc::clone(&door);
        async move { door.accept(listener).await }
    });
    let chores = [
        every(REVISION_POLL, house.gateway.clone(), Chore::Refresh),
        every(RESTS_POLL, house.gateway.clone(), Chore::LearnRests),
        every(PROBES_POLL, house.gateway.clone(), Chore::Probe),
        every(UPKEEP_EVERY, house.gateway.clone(), Chore::Maintain),
        every(LEASES_LOOK, house.gateway.clone(), Chore::GiveBack),
    ]
    .map(tokio::spawn);

    say(&format!("Tidegate {} listens on {url}", env!("CARGO_PKG_VERSION")));
    let welcoming = tokio::spawn(welcome(house.gateway.clone(), house.data.clone(), url.clone()));
    if has_demo {
        demo::welcome(&house, &url).await?;
    }

    signals.next().await;
    signals.end_at_next();
    house.data.remove_contact();
    house.gateway.drain();
    closing.cancel();
    // It ends by itself: the door is closing.
    let _ = letting_in.await;
    house.hub.drain(LIVE_SEND_WAIT).await;
    door.drain(DRAIN_WAIT).await;
    chores.iter().for_each(tokio::task::JoinHandle::abort);
    welcoming.abort();
    drop(door);
    house.close().await;
    Ok(())
}

/// Shows the set-up link again and again, each time it is another one, until somebody has used it.
async fn welcome(gateway: Gateway, data: Data, url: String) {
    let mut ticks = interval(REVISION_POLL);
    loop {
        ticks.tick().await;
        if let Err(cause) = people::show_setup(&gateway, &data, &url) {
            warn!(%cause, "the set-up link cannot be left in the data folder");
        }
        if gateway.is_claimed() {
            return;
        }
    }
}

async fn bind(wanted: &str) -> Result<TcpListener> {
    TcpListener::bind(wanted).await.map_err(|error| {
        Error::new(Kind::Unavailable, format!("Cannot listen on {wanted}: {error}."))
    })
}

/// Where a client on this machine finds the server.
fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[derive(Clone, Copy, Debug)]
enum Chore {
    Refresh,
    LearnRests,
    Probe,
    Maintain,
    GiveBack,
}

/// Does a chore again and again. One that fails is told when that begins, not every time.
async fn every(pause: Duration, gateway: Gateway, chore: Chore) {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let outcome = match chore {
            Chore::Refresh => gateway.refresh().await,
            Chore::LearnRests => gateway.learn_rests().await,
            Chore::Probe => {
                gateway.probe().await;
                Ok(())
            }
            Chore::Maintain => gateway.maintain().await,
            Chore::GiveBack => gateway.give_back(Spare::Idle).await,
        };
        match outcome {
            Ok(()) => failing = false,
            Err(cause) if !failing => {
                warn!(%cause, ?chore, "a chore fails");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_is_reached_by_loopback() {
        let check = |address: &str, expected: &str| {
            assert_eq!(url(address.parse().unwrap()), expected);
        };
        check("0.0.0.0:8080", "http://127.0.0.1:8080");
        check("[::]:8080", "http://[::1]:8080");
        check("192.0.2.1:80", "http://192.0.2.1:80");
    }
}
