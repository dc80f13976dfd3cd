//! How does the program speak to whoever started it? Results on standard output, complaints on standard error.

use std::io::{self, Write};

/// A result.
pub(crate) fn say(text: &str) {
    // Whoever closed the pipe does not want to hear it.
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// A complaint.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
