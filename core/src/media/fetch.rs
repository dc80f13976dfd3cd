//! How is media fetched? Checked before each step, in bounded time and room, and all that can go wrong looks the same.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::BodyExt;

use super::gate::{Admitted, Gate};
use crate::{
    error::{Error, Kind, Result},
    http::Body,
    limits::{MEDIA_BYTES_MAX, MEDIA_IN_FLIGHT_BYTES_MAX, MEDIA_REDIRECTS_MAX, MEDIA_WAIT},
    ports::{Clock, Upstream, within},
    room::Room,
};

/// Said of whatever is refused and of whatever fails, so that nobody learns what is reachable from here.
const MESSAGE: &str = "The media at this URL cannot be fetched: send its bytes.";

const USER_AGENT: &str = concat!("tidegate/", env!("CARGO_PKG_VERSION"));

/// What was fetched for one request, by URL: another target of the request finds it here.
#[derive(Default)]
pub(crate) struct Fetched {
    files: Mutex<HashMap<String, File>>,
    /// All bytes that came for the request.
    bytes: AtomicUsize,
    /// Whether nothing is fetched for it, because it is only talked about.
    closed: bool,
}

/// A file, and its place among what the process holds.
struct File {
    bytes: Bytes,
    _room: Room,
}

/// What fetching stands on.
pub(crate) struct Fetcher<'a> {
    pub(crate) upstream: &'a dyn Upstream,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) gate: &'a Gate,
    /// What the process holds.
    pub(crate) in_flight: &'a Arc<AtomicU64>,
    pub(crate) fetched: &'a Fetched,
}

impl Fetched {
    /// Of a request that is only talked about: nothing is fetched for it.
    pub(crate) fn closed() -> Self {
        Self { closed: true, ..Self::default() }
    }

    /// Whether nothing is fetched.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether something was fetched.
    pub(crate) fn holds_something(&self) -> bool {
        !self.files.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The bytes behind a URL, if they are here.
    pub(crate) fn get(&self, url: &str) -> Option<Bytes> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(url).map(|file| file.bytes.clone())
    }

    fn put(&self, url: &str, file: File) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(url.to_owned(), file);
    }
}

impl Fetcher<'_> {
    /// Fetches what is behind a URL and keeps it.
    pub(crate) async fn fetch(&self, url: &str) -> Result<()> {
        let following = Box::pin(self.follow(url));
        let file = within(self.clock, MEDIA_WAIT, following).await;
        self.fetched.put(url, file.unwrap_or_else(|| Err(refused("it took too long")))?);
        Ok(())
    }

    async fn follow(&self, url: &str) -> Result<File> {
        let mut at = self.gate.admit(url).map_err(refused)?;
        for _ in 0..=MEDIA_REDIRECTS_MAX {
            let response = self.upstream.send(request(&at)?).await.map_err(refused)?;
            let Some(location) = moved(&response) else { return self.read(response).await };
            at = self.gate.admit_next(&at, &location).map_err(refused)?;
        }
        Err(refused("it is moved too often"))
    }

    async fn read(&self, response: Response<Body>) -> Result<File> {
        let (head, mut body) = response.into_parts();
        if head.status != StatusCode::OK {
            return Err(refused(head.status));
        }
        if is_encoded(&head.headers) {
            return Err(refused("it is encoded"));
        }
        if http_body::Body::size_hint(&body).lower() > MEDIA_BYTES_MAX as u64 {
            return Err(refused("it is too large"));
        }
        let mut room = Room::none(self.in_flight, MEDIA_IN_FLIGHT_BYTES_MAX);
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame.map_err(refused)?.into_data() else { continue };
            room.grow(piece.len() as u64).ok_or_else(overloaded)?;
            let before = self.fetched.bytes.fetch_add(piece.len(), Ordering::Relaxed);
            if before + piece.len() > MEDIA_BYTES_MAX {
                return Err(refused("the request's media is too large"));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(File { bytes: bytes.freeze(), _room: room })
    }
}

/// The one error of all; the reason is for the log.
pub(crate) fn refused(reason: impl fmt::Display) -> Error {
    Error::new(Kind::BadRequest, MESSAGE).coded("media_unavailable").because(reason)
}

/// The process holds too much of it.
fn overloaded() -> Error {
    let message = "Too much media is being fetched; try again.";
    Error::new(Kind::Overloaded, message).retry_after("1")
}

/// Nothing of the client's request goes along.
fn request(at: &Admitted) -> Result<Request<Body>> {
    let uri: Uri = at.as_str().parse().map_err(refused)?;
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    Ok(request)
}

/// Where the media is instead. A redirect that does not say it is an answer like any other, and none that is taken.
fn moved(response: &Response<Body>) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    Some(location.to_owned())
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity")
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::testing::{FakeUpstream, ManualClock};

    #[test]
    fn a_process_that_holds_too_much_fetches_no_more_until_some_is_let_go() {
        let (upstream, clock) = (FakeUpstream::default(), ManualClock::at(0));
        let (gate, in_flight) = (Gate::default(), Arc::default());
        let ask = |fetched: &Fetched| {
            upstream.answer_with(200, &[], "four");
            let (in_flight, gate) = (&in_flight, &gate);
            let fetcher = Fetcher { upstream: &upstream, clock: &clock, gate, in_flight, fetched };
            block_on(fetcher.fetch("https://media.example/a.png"))
        };
        let others = in_flight.fetch_add(MEDIA_IN_FLIGHT_BYTES_MAX - 5, Ordering::Relaxed);
        let first = Fetched::default();
        ask(&first).unwrap();
        let error = ask(&Fetched::default()).unwrap_err();
        assert_eq!(error.kind, Kind::Overloaded);
        drop(first);
        ask(&Fetched::default()).unwrap();
        assert_eq!(in_flight.load(Ordering::Relaxed), others + MEDIA_IN_FLIGHT_BYTES_MAX - 5);
    }
}
