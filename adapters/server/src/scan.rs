//! What does hyper forgive that may mean two things to two readers? A look at the raw heads before it reads them.
//!
//! hyper drops `content-length` when there is also `transfer-encoding`, and takes a bare line feed for a line's end. A
//! proxy in front that reads it otherwise sees other requests than we do (request smuggling), so both are refused.

use memchr::memchr;
use tidegate_core::limits::HEADER_BYTES_MAX;

/// Follows the bytes of one connection from head to head.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    at: At,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    head: Head,
}

/// What is wrong with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// `content-length` beside `transfer-encoding`.
    TwoLengths,
    /// A line that ends without a carriage return.
    BareLineFeed,
}

#[derive(Debug, Default)]
enum At {
    #[default]
    Head,
    /// So many bytes of a body are still to come.
    Body(u64),
    /// HTTP/2 has no such doubts. After a chunked body the connection is closed, so no other head comes.
    End,
}

#[derive(Debug, Default)]
struct Head {
    lines: usize,
    length: Option<u64>,
    chunked: bool,
    bare_line_feed: bool,
}

impl Scan {
    /// Takes the next bytes as they came from the socket. Returns what is wrong with the first bad head among them.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Option<Flaw> {
        let mut flaw = None;
        while !bytes.is_empty() {
            match &mut self.at {
                At::End => break,
                At::Body(left) => {
                    let skipped = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    bytes = &bytes[skipped..];
                    *left -= skipped as u64;
                    if *left == 0 {
                        self.at = At::Head;
                    }
                }
                At::Head => {
                    let Some(end) = memchr(b'\n', bytes) else {
                        // hyper refuses a head this long, so its rest does not matter.
                        if self.partial.len() < HEADER_BYTES_MAX {
                            self.partial.extend_from_slice(bytes);
                        }
                        break;
                    };
                    let (line, rest) = bytes.split_at(end);
                    bytes = &rest[1..];
                    let found = self.take_line(line);
                    flaw = flaw.or(found);
                }
            }
        }
        flaw
    }

    fn take_line(&mut self, line: &[u8]) -> Option<Flaw> {
        if self.partial.is_empty() {
            return self.read_line(line);
        }
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend_from_slice(line);
        self.read_line(&whole)
    }

    fn read_line(&mut self, line: &[u8]) -> Option<Flaw> {
        let text = line.strip_suffix(b"\r");
        self.head.bare_line_feed |= text.is_none();
        let text = text.unwrap_or(line);
        if !text.is_empty() {
            self.head.read(text);
            return None;
        }
        // Empty lines before a request line are skipped by every reader.
        if self.head.lines == 0 {
            return None;
        }
        let head = std::mem::take(&mut self.head);
        self.at = head.what_follows();
        head.flaw()
    }
}

impl Head {
    fn read(&mut self, line: &[u8]) {
        self.lines += 1;
        if self.lines == 1 {
            return;
        }
        let Some(colon) = memchr(b':', line) else { return };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            // hyper refuses a length that is no number, and closes.
            let digits = std::str::from_utf8(value.trim_ascii()).unwrap_or_default();
            self.length = Some(digits.parse().unwrap_or(0));
        }
    }

    fn what_follows(&self) -> At {
        // The HTTP/2 preface reads like a head of one line: `PRI * HTTP/2.0`. Everything else has a Host.
        if self.chunked || self.lines == 1 {
            return At::End;
        }
        match self.length {
            None | Some(0) => At::Head,
            Some(length) => At::Body(length),
        }
    }

    fn flaw(&self) -> Option<Flaw> {
        if self.chunked && self.length.is_some() {
            Some(Flaw::TwoLengths)
        } else if self.bare_line_feed {
            Some(Flaw::BareLineFeed)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n";
    /// Thirty bytes that would be a bad head if they were one.
    const BODY: &str = "a\nContent-Length:1\nTE: x\n\n\r\n\r\n";
    const BOTH: &str =
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nTRANSFER-ENCODING: chunked\r\n\r\n";
    const BARE: &str = "GET / HTTP/1.1\nHost: a\r\n\r\n";

    fn check(text: &str, expected: Option<Flaw>) {
        for size in 1..=text.len() {
            let mut scan = Scan::default();
            let found = text.as_bytes().chunks(size).fold(None, |found: Option<Flaw>, piece| {
                let flaw = scan.push(piece);
                found.or(flaw)
            });
            assert_eq!(found, expected, "{text:?} in pieces of {size}");
        }
    }

    #[test]
    fn a_plain_request_passes() {
        check(PLAIN, None);
        check(&format!("{PLAIN}{BODY}"), None);
    }

    #[test]
    fn two_lengths_are_a_flaw_in_any_order() {
        check(BOTH, Some(Flaw::TwoLengths));
        check(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
            Some(Flaw::TwoLengths),
        );
    }

    #[test]
    fn a_bare_line_feed_is_a_flaw() {
        check(BARE, Some(Flaw::BareLineFeed));
        check("GET / HTTP/1.1\r\nHost: a\n\r\n", Some(Flaw::BareLineFeed));
        check("GET / HTTP/1.1\r\nHost: a\r\n\n", Some(Flaw::BareLineFeed));
    }

    #[test]
    fn the_second_of_two_requests_is_looked_at() {
        assert_eq!(BODY.len(), 30);
        check(&format!("{PLAIN}{BODY}\r\n{BOTH}"), Some(Flaw::TwoLengths));
        check(&format!("{PLAIN}{BODY}{BARE}"), Some(Flaw::BareLineFeed));
    }

    #[test]
    fn http2_is_left_alone() {
        check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\nabc\n\n", None);
    }
}
