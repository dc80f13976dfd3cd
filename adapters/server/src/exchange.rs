//! What becomes of one request between its connection and the gateway?

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::Router;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Version, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tidegate_core::{Body, router::passes_bodies};
use tower::Service;

use crate::{
    body::{Course, Rest, paced},
    bounds::Bounds,
    flight::{Budget, Flight},
    guard,
    pulse::Pulse,
};

/// The address at the other end, as an extension of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What the requests of one connection share.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) router: Router,
    pub(crate) peer: IpAddr,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) bounds: Arc<Bounds>,
}

impl Desk {
    /// Answers one request.
    pub(crate) async fn exchange(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Answer>, Infallible> {
        let version = request.version();
        let flaw = self.pulse.begin(version);
        let flight = Arc::new(Flight::new(self.pulse, self.budget));
        let refusal = guard::inspect(&request, flaw).err();
        let last = version < Version::HTTP_2
            && (refusal.is_some() || request.headers().contains_key(header::TRANSFER_ENCODING));

        let passes = passes_bodies(request.uri().path());
        let course = if passes { Course::Passes } else { Course::Stays };
        let body = (course, what_about_the_rest(&request));
        let mut request =
            request.map(|incoming| paced(incoming, &flight, body, Arc::clone(&self.bounds)));
        request.extensions_mut().insert(Peer(self.peer));
        let mut response = match refusal {
            Some(refusal) => refusal.response(),
            None => answer(self.router, request).await,
        };
        if last {
            // After a chunked body the scan of raw heads has lost its place.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Answer { body, _flight: flight }))
    }
}

async fn answer(mut router: Router, request: Request<Body>) -> Response<Body> {
    let Ok(response) = router.call(request).await;
    response
}

fn what_about_the_rest(request: &Request<Incoming>) -> Rest {
    let waits = request.headers().contains_key(header::EXPECT);
    if waits || request.version() >= Version::HTTP_2 { Rest::Leave } else { Rest::Linger }
}

/// An answer's body, which keeps the request in flight until it has gone.
pub(crate) struct Answer {
    body: Body,
    _flight: Arc<Flight>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
