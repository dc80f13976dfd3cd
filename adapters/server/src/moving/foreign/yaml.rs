//! How is a file of YAML read? Whole, with bounds on what it may become.

use std::{fs::File, io::Read, path::Path};

use serde_json::Value;
use tidegate_core::{Error, Result, limits::IMPORT_BYTES_MAX};

use crate::data::cannot;

/// The file's one document.
pub(super) fn read(path: &Path) -> Result<Value> {
    let mut text = String::new();
    let most = IMPORT_BYTES_MAX as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_string(&mut text));
    read.map_err(|error| cannot(path, &error))?;
    if text.len() > IMPORT_BYTES_MAX {
        return Err(Error::bad_request(format!("{} is too long.", path.display())));
    }
    parse(&text).map_err(|why| Error::bad_request(format!("{}: {why}.", path.display())))
}

/// Anchors may not make much of little: the parser counts.
pub(super) fn parse(text: &str) -> std::result::Result<Value, String> {
    // Where the parser shows the line, that may hold a key.
    serde_saphyr::from_str(text).map_err(|error| match error.location() {
        Some(place) => format!("line {} is no YAML", place.line()),
        None => "this is no YAML".to_owned(),
    })
}
