//! What blocks does a request consist of?

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::super::wire::Input;
use crate::{
    dialect::{
        Dialect,
        ir::{Cache, Losses, Media, MediaKind, Outcome, Part, Source},
    },
    error::{Error, Result},
};

/// One block of a request.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheOut>,
    },
    Image {
        source: SourceOut<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheOut>,
    },
    Document {
        source: SourceOut<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheOut>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: String,
        name: &'a str,
        input: Input<'a>,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheOut>,
    },
    #[serde(untagged)]
    Raw(&'a RawValue),
}

/// Where media is.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum SourceOut<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'static str, data: Cow<'a, str> },
    Url { url: &'a str },
    File { file_id: &'a str },
}

/// A breakpoint.
#[derive(Clone, Serialize)]
pub(super) struct CacheOut {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl CacheOut {
    /// A breakpoint that holds as long as the client wants.
    pub(super) fn of(cache: Cache) -> Self {
        let ttl = match cache {
            Cache::Short => None,
            Cache::Long => Some("1h"),
        };
        Self { kind: "ephemeral", ttl }
    }

    /// Whether it holds for an hour.
    pub(super) fn is_long(&self) -> bool {
        self.ttl.is_some()
    }

    /// Lets it hold for some minutes only.
    pub(super) fn shorten(&mut self) {
        self.ttl = None;
    }
}

impl<'a> Block<'a> {
    /// Plain text.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into(), cache_control: None }
    }

    /// The breakpoint, of a block that can have one.
    pub(super) fn cache(&mut self) -> Option<&mut Option<CacheOut>> {
        match self {
            Self::Text { cache_control, .. }
            | Self::Image { cache_control, .. }
            | Self::Document { cache_control, .. }
            | Self::ToolResult { cache_control, .. } => Some(cache_control),
            Self::Thinking { .. }
            | Self::RedactedThinking { .. }
            | Self::ToolUse { .. }
            | Self::Raw(_) => None,
        }
    }

    /// The block of some text. Blank texts are refused, so they have none.
    pub(super) fn said(text: &'a str, cache: Option<Cache>) -> Option<Self> {
        let cache_control = cache.map(CacheOut::of);
        (!text.trim().is_empty()).then_some(Self::Text { text: text.into(), cache_control })
    }

    /// The block of an image or a document.
    pub(super) fn media(media: &'a Media, losses: &mut Losses) -> Result<Self> {
        let cache_control = media.cache.map(CacheOut::of);
        let closely = media.detail.as_deref().is_some_and(|detail| detail != "auto");
        losses.lose_if(closely, "detail");
        match media.kind {
            MediaKind::Image => Ok(Self::Image { source: image(&media.source)?, cache_control }),
            MediaKind::Document => {
                let (source, title) = (document(&media.source)?, media.name.as_deref());
                Ok(Self::Document { source, title, cache_control })
            }
            MediaKind::Audio => Err(unsupported("This model takes no audio.")),
            MediaKind::Video => Err(unsupported("This model takes no video.")),
        }
    }

    /// The block of a result.
    pub(super) fn result(
        outcome: &'a Outcome,
        tool_use_id: String,
        losses: &mut Losses,
    ) -> Result<Self> {
        let mut content = Vec::with_capacity(outcome.parts.len());
        for part in &outcome.parts {
            match part {
                Part::Text { text, cache, .. } => content.extend(Self::said(text, *cache)),
                Part::Refusal(text) => content.extend(Self::said(text, None)),
                Part::Media(media) => content.push(Self::media(media, losses)?),
                Part::Opaque { dialect, kind, json } => {
                    content.push(Self::opaque(*dialect, kind, json)?);
                }
                Part::Thought(_) | Part::Call(_) | Part::Outcome(_) => {}
            }
        }
        let is_error = outcome.failed.then_some(true);
        let cache_control = outcome.cache.map(CacheOut::of);
        Ok(Self::ToolResult { tool_use_id, content, is_error, cache_control })
    }

    /// A block that only one dialect knows: no other one can say it.
    pub(super) fn opaque(dialect: Dialect, kind: &str, json: &'a RawValue) -> Result<Self> {
        if dialect == Dialect::Anthropic {
            return Ok(Self::Raw(json));
        }
        Err(unsupported(format!("This model's provider does not know `{kind}`.")))
    }
}

fn image(source: &Source) -> Result<SourceOut<'_>> {
    match source {
        Source::Data { mime, base64 } => {
            // Many clients write the file's extension.
            let media_type = if mime == "image/jpg" { "image/jpeg" } else { mime };
            Ok(SourceOut::Base64 { media_type, data: base64 })
        }
        Source::Text(_) => Err(unsupported("An image cannot be text.")),
        Source::Url { url, .. } => reachable(url),
        Source::File { dialect, id } => file(*dialect, id),
    }
}

fn document(source: &Source) -> Result<SourceOut<'_>> {
    let plain = |data| SourceOut::Text { media_type: "text/plain", data };
    match source {
        Source::Data { mime, base64 } if mime.starts_with("text/") => {
            let bytes = STANDARD.decode(base64).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.ok_or_else(|| unsupported("A text document is not UTF-8."))?;
            Ok(plain(Cow::Owned(text)))
        }
        Source::Data { mime, base64 } if mime == "application/pdf" => {
            Ok(SourceOut::Base64 { media_type: mime, data: base64 })
        }
        Source::Data { mime, .. } => {
            Err(unsupported(format!("This model takes no documents of type `{mime}`.")))
        }
        Source::Text(text) => Ok(plain(Cow::Borrowed(text))),
        Source::Url { url, .. } => reachable(url),
        Source::File { dialect, id } => file(*dialect, id),
    }
}

fn reachable(url: &str) -> Result<SourceOut<'_>> {
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(SourceOut::Url { url });
    }
    Err(unsupported("This model's provider reaches media by http only."))
}

fn file(dialect: Dialect, id: &str) -> Result<SourceOut<'_>> {
    if dialect == Dialect::Anthropic {
        return Ok(SourceOut::File { file_id: id });
    }
    Err(unsupported("The file is in another provider's store."))
}

fn unsupported(message: impl Into<Cow<'static, str>>) -> Error {
    Error::bad_request(message).at("messages").coded("unsupported_parameter")
}
