//! What does a client send along? A short body is kept, so that it can be sent again; any other flows through, once.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body::{Body as _, Frame};

use crate::{
    error::{Error, Kind, Result},
    http::{Body, body_error, read},
    limits::{PROXY_BODY_BYTES_MAX, PROXY_BODY_KEPT_MAX},
};

/// A request's body on its way to an API.
pub(crate) enum Upload {
    /// Whole, and short enough to be sent more than once.
    Kept(Bytes),
    /// It passes piece by piece and is gone then.
    Flowing {
        body: Option<Body>,
        /// How long it is, where the client has said so.
        length: Option<u64>,
        passed: Arc<Passed>,
    },
}

/// What is known of a body that flows.
#[derive(Default)]
pub(crate) struct Passed {
    bytes: AtomicU64,
    failed: Mutex<Option<Error>>,
}

impl Upload {
    /// Takes a body. One of unknown length flows: nobody knows whether its end comes before the answer.
    pub(crate) async fn take(body: Body, headers: &HeaderMap) -> Result<Self> {
        let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let length = said.and_then(|value| value.parse().ok()).or(body.size_hint().exact());
        match length {
            _ if body.is_end_stream() => Ok(Self::Kept(Bytes::new())),
            Some(length) if length > PROXY_BODY_BYTES_MAX => Err(too_large()),
            Some(length) if length <= PROXY_BODY_KEPT_MAX as u64 => {
                Ok(Self::Kept(read(body, PROXY_BODY_KEPT_MAX).await?))
            }
            Some(_) | None => {
                let passed = Arc::default();
                Ok(Self::Flowing { body: Some(body), length, passed })
            }
        }
    }

    /// Whether it can be sent again.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }

    /// How much of it has come so far.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Kept(bytes) => bytes.len() as u64,
            Self::Flowing { passed, .. } => passed.bytes.load(Ordering::Relaxed),
        }
    }

    /// Why the client did not send all of it, if that is so.
    pub(crate) fn failed(&self) -> Option<Error> {
        match self {
            Self::Kept(_) => None,
            Self::Flowing { passed, .. } => passed.failure().clone(),
        }
    }

    /// The body of the next attempt. Its length goes along where it is known.
    pub(crate) fn next(&mut self, headers: &mut HeaderMap) -> Body {
        match self {
            Self::Kept(bytes) => Body::from(bytes.clone()),
            Self::Flowing { body, length, passed } => {
                if let Some(length) = length {
                    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(*length));
                }
                let Some(body) = body.take() else { return Body::empty() };
                Body::new(Passing { body, passed: passed.clone() })
            }
        }
    }
}

impl Passed {
    fn failure(&self) -> std::sync::MutexGuard<'_, Option<Error>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes a body on and counts it. It tells no length of its own, so that it is never taken for one that is there whole.
struct Passing {
    body: Body,
    passed: Arc<Passed>,
}

impl http_body::Body for Passing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(frame) = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(body_error).and_then(|frame| {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            let before = self.passed.bytes.fetch_add(length, Ordering::Relaxed);
            if before + length > PROXY_BODY_BYTES_MAX { Err(too_large()) } else { Ok(frame) }
        });
        if let Err(error) = &frame {
            *self.passed.failure() = Some(error.clone());
        }
        Poll::Ready(Some(frame))
    }
}

fn too_large() -> Error {
    let most = PROXY_BODY_BYTES_MAX >> 30;
    Error::new(Kind::TooLarge, format!("The body is larger than {most} GiB."))
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    fn announced(length: u64) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from(length))])
    }

    fn streamed(pieces: Vec<Result<&'static str, Error>>) -> Body {
        let frame = |piece: Result<&'static str, Error>| piece.map(|text| Frame::data(text.into()));
        Body::new(StreamBody::new(stream::iter(pieces.into_iter().map(frame))))
    }

    #[test]
    fn a_short_body_can_be_sent_again() {
        let mut upload = block_on(Upload::take(streamed(vec![Ok("ab"), Ok("c")]), &announced(3)));
        let upload = upload.as_mut().unwrap();
        assert!(upload.is_kept());
        for _ in 0..2 {
            let mut headers = HeaderMap::new();
            let body = block_on(upload.next(&mut headers).collect()).unwrap().to_bytes();
            assert_eq!((&body[..], headers.len()), (&b"abc"[..], 0));
        }
    }

    #[test]
    fn a_long_one_or_one_of_unknown_length_flows_once_and_is_counted() {
        for (given, expected) in [(announced(1 << 20), 1), (HeaderMap::new(), 0)] {
            let mut upload =
                block_on(Upload::take(streamed(vec![Ok("ab"), Ok("c")]), &given)).unwrap();
            assert!(!upload.is_kept());
            let mut headers = HeaderMap::new();
            let body = upload.next(&mut headers);
            assert_eq!((headers.len(), body.size_hint().exact()), (expected, None));
            assert_eq!(block_on(body.collect()).unwrap().to_bytes(), "abc");
            assert_eq!(upload.bytes(), 3);
            assert!(upload.next(&mut headers).is_end_stream());
        }
    }

    #[test]
    fn a_client_that_stops_is_to_blame_itself() {
        let slow = Error::new(Kind::ClientTimeout, "The body came too slowly.");
        let body = streamed(vec![Ok("ab"), Err(slow)]);
        let mut upload = block_on(Upload::take(body, &HeaderMap::new())).unwrap();
        assert!(block_on(upload.next(&mut HeaderMap::new()).collect()).is_err());
        assert_eq!(upload.failed().map(|error| error.kind), Some(Kind::ClientTimeout));
    }

    #[test]
    fn what_is_announced_too_large_is_not_begun() {
        let upload = block_on(Upload::take(streamed(vec![Ok("a")]), &announced(6 << 30)));
        assert_eq!(upload.err().map(|error| error.kind), Some(Kind::TooLarge));
    }
}
