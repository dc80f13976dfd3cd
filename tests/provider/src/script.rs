//! Which words does a script consist of?

use std::time::Duration;

use bytes::Bytes;

/// What a provider answers, step by step. An answer whose steps are over ends as its framing says, and the connection
/// is kept; the default is an empty 200.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(crate) steps: Vec<Step>,
}

/// One step of an answer.
#[derive(Clone, Debug)]
pub enum Step {
    /// The status line and the headers; the framing's own header is added.
    Head {
        /// The HTTP status.
        status: u16,
        /// Written as they stand.
        headers: Vec<(String, String)>,
        /// How the end of the body is told.
        framing: Framing,
    },
    /// A piece of the body, framed.
    Piece(Bytes),
    /// Bytes on the wire without any framing.
    Raw(Bytes),
    /// Nothing for a while.
    Pause(Duration),
    /// The same piece again and again at this interval, until the peer leaves.
    Endless(Bytes, Duration),
    /// Nothing, until the peer leaves.
    Hang,
    /// Cuts the connection with a TCP reset.
    Reset,
    /// Closes the connection in good order, whatever was promised.
    Close,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `content-length`.
    Length(usize),
    /// `transfer-encoding: chunked`.
    Chunked,
    /// The end of the connection.
    UntilClose,
}

impl Script {
    /// A whole answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::whole(status, &[("content-type", "application/json")], body)
    }

    /// A whole answer.
    #[must_use]
    pub fn whole(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::head(status, headers, Framing::Length(body.len())).piece(body)
    }

    /// A 200 answer with a head of server-sent events and nothing else as yet.
    #[must_use]
    pub fn events() -> Self {
        Self::head(200, &[("content-type", "text/event-stream; charset=utf-8")], Framing::Chunked)
    }

    /// A head and nothing else as yet.
    #[must_use]
    pub fn head(status: u16, headers: &[(&str, &str)], framing: Framing) -> Self {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Self::silence().then(Step::Head { status, headers, framing })
    }

    /// No answer as yet, not even a head.
    #[must_use]
    pub fn silence() -> Self {
        Self::default()
    }

    /// Adds a step.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds a piece of the body.
    #[must_use]
    pub fn piece(self, bytes: impl Into<Bytes>) -> Self {
        self.then(Step::Piece(bytes.into()))
    }

    /// Adds pieces with a pause after each.
    #[must_use]
    pub fn paced<T: Into<Bytes>>(
        self,
        pieces: impl IntoIterator<Item = T>,
        pause: Duration,
    ) -> Self {
        pieces.into_iter().fold(self, |script, bytes| script.piece(bytes).pause(pause))
    }

    /// Puts a pause before everything.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.steps.insert(0, Step::Pause(time));
        self
    }

    /// Adds a pause.
    #[must_use]
    pub fn pause(self, time: Duration) -> Self {
        self.then(Step::Pause(time))
    }

    /// Adds `frame` once for every place inside it, cut at that place into two writes that `pause` keeps apart.
    #[must_use]
    pub fn cut_everywhere(self, frame: &Bytes, pause: Duration) -> Self {
        (1..frame.len()).fold(self, |script, at| {
            script.piece(frame.slice(..at)).pause(pause).piece(frame.slice(at..)).pause(pause)
        })
    }
}
