//! Which images and documents does a message hold?

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{cache, content::Content};
use crate::{
    dialect::{
        Dialect,
        ir::{Media, MediaKind, Part, Source},
        object::Object,
    },
    error::{Error, Result},
};

/// Where media is.
enum Place<'a> {
    /// Where all dialects can say it is.
    Plain(Source),
    /// In blocks of its own.
    Blocks(&'a RawValue),
}

/// An image.
pub(super) fn image(block: &Object<'_>) -> Result<Part> {
    let Place::Plain(source) = place(block)? else { return Err(wrong()) };
    let (kind, cache) = (MediaKind::Image, cache(block)?);
    Ok(Part::Media(Media { kind, source, detail: None, name: None, cache }))
}

impl Content<'_> {
    /// A document, or what it consists of.
    pub(super) fn document(&mut self, block: &Object<'_>, parts: &mut Vec<Part>) -> Result<()> {
        self.note_citations(block)?;
        if block.present("context").is_some() {
            self.lose("context");
        }
        match place(block)? {
            Place::Plain(source) => {
                let (name, cache) = (block.typed("title")?, cache(block)?);
                parts.push(document(source, name, cache));
            }
            Place::Blocks(content) => parts.extend(self.read(content)?),
        }
        Ok(())
    }

    /// What a search of the client's found is a short document.
    pub(super) fn found(&mut self, block: &Object<'_>, parts: &mut Vec<Part>) -> Result<()> {
        self.note_citations(block)?;
        let content = block.present("content").map(|content| self.read(content)).transpose()?;
        let texts = content.into_iter().flatten().filter_map(|part| match part {
            Part::Text { text, .. } => Some(text),
            _ => None,
        });
        let source = Source::Text(texts.collect());
        let title: Option<String> = block.typed("title")?;
        let name = title.map_or_else(|| block.typed("source"), |title| Ok(Some(title)))?;
        parts.push(document(source, name, cache(block)?));
        Ok(())
    }

    fn note_citations(&mut self, block: &Object<'_>) -> Result<()> {
        let citations = block.nested("citations")?;
        let wanted = citations.map(|citations| citations.typed("enabled")).transpose()?.flatten();
        if wanted.unwrap_or(false) {
            self.lose("citations");
        }
        Ok(())
    }
}

fn document(
    source: Source,
    name: Option<String>,
    cache: Option<crate::dialect::ir::Cache>,
) -> Part {
    Part::Media(Media { kind: MediaKind::Document, source, detail: None, name, cache })
}

fn place<'a>(block: &Object<'a>) -> Result<Place<'a>> {
    let source = block.nested("source")?.ok_or_else(wrong)?;
    let kind: Cow<'_, str> = source.typed("type")?.unwrap_or_default();
    let text = |name| source.typed::<String>(name).map(Option::unwrap_or_default);
    Ok(Place::Plain(match &*kind {
        "base64" => Source::Data { mime: text("media_type")?, base64: text("data")? },
        "text" => Source::Text(text("data")?),
        "url" => Source::Url { mime: None, url: text("url")? },
        "file" => Source::File { dialect: Dialect::Anthropic, id: text("file_id")? },
        "content" => return source.present("content").map(Place::Blocks).ok_or_else(wrong),
        _ => return Err(wrong()),
    }))
}

fn wrong() -> Error {
    Error::bad_request("A block needs a `source` of a known type.").at("source")
}
