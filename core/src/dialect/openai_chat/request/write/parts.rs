//! What does a message hold, in the words of this API?

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    dialect::{
        Dialect,
        ir::{Cache, Losses, Media, MediaKind, Part, Source},
        traits::{Breakpoints, Documents, Traits},
    },
    error::{Error, Result},
};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PartOut<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(flatten)]
        mark: Mark,
    },
    ImageUrl {
        image_url: UrlOut<'a>,
    },
    VideoUrl {
        video_url: UrlOut<'a>,
    },
    InputAudio {
        input_audio: AudioOut<'a>,
    },
    File {
        file: FileOut<'a>,
    },
    DocumentUrl {
        document_url: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        document_name: Option<&'a str>,
    },
}

/// Says that a cache may end here.
#[derive(Serialize, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_breakpoint: Option<Explicit>,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
struct Control {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
struct Explicit {
    mode: &'static str,
}

#[derive(Serialize)]
pub(super) struct UrlOut<'a> {
    url: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct AudioOut<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Serialize)]
pub(super) struct FileOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
}

/// The mark of a place where a cache ends, as the host reads it; lost where it reads none.
pub(super) fn mark(cache: Option<Cache>, traits: &Traits, losses: &mut Losses) -> Mark {
    let Some(cache) = cache else { return Mark::default() };
    match traits.breakpoints {
        Breakpoints::Untold => {
            losses.lose("cache_control");
            Mark::default()
        }
        Breakpoints::CacheControl => {
            let ttl = (cache == Cache::Long).then_some("1h");
            Mark { cache_control: Some(Control { kind: "ephemeral", ttl }), ..Mark::default() }
        }
        // It keeps for half an hour unless told otherwise, and next to that only for twelve.
        Breakpoints::PromptCache => {
            let prompt_cache_breakpoint = Some(Explicit { mode: "explicit" });
            Mark { prompt_cache_breakpoint, ..Mark::default() }
        }
    }
}

impl<'a> PartOut<'a> {
    /// Text that no cache ends at.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into(), mark: Mark::default() }
    }
}

pub(super) fn part_out<'a>(
    part: &'a Part,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<Option<PartOut<'a>>> {
    match part {
        Part::Text { text, cache, .. } => {
            let mark = mark(*cache, traits, losses);
            Ok(Some(PartOut::Text { text: Cow::Borrowed(text), mark }))
        }
        Part::Refusal(text) => Ok(Some(PartOut::text(text))),
        Part::Media(media) => media_out(media, traits, losses).map(Some),
        Part::Opaque { kind, .. } => {
            losses.lose(format!("messages.{kind}"));
            Ok(None)
        }
        Part::Thought(_) | Part::Call(_) | Part::Outcome(_) => Ok(None),
    }
}

pub(super) fn media_out<'a>(
    media: &'a Media,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<PartOut<'a>> {
    losses.lose_if(media.cache.is_some(), "cache_control");
    let detail = media.detail.as_deref();
    let filename = media.name.as_deref();
    let foreign = || {
        let message = "A file of another provider's store cannot be sent to this one.";
        Error::bad_request(message).at("file_id").coded("unsupported_parameter")
    };
    Ok(match (media.kind, &media.source) {
        (MediaKind::Document, Source::File { dialect: Dialect::OpenAiChat, id }) => {
            let file = FileOut { file_id: Some(id), file_data: None, filename: None };
            PartOut::File { file }
        }
        (_, Source::File { .. }) => return Err(foreign()),
        (MediaKind::Image, source) => {
            PartOut::ImageUrl { image_url: UrlOut { url: url(source), detail } }
        }
        (MediaKind::Video, source) => {
            PartOut::VideoUrl { video_url: UrlOut { url: url(source), detail: None } }
        }
        (MediaKind::Audio, Source::Data { mime, base64 }) => {
            let format = mime.strip_prefix("audio/").unwrap_or(mime);
            let format = if format == "mpeg" { "mp3" } else { format.trim_start_matches("x-") };
            PartOut::InputAudio { input_audio: AudioOut { data: base64, format } }
        }
        (MediaKind::Document, Source::Text(text)) => PartOut::text(text),
        (MediaKind::Document, source) if traits.documents == Documents::Url => {
            PartOut::DocumentUrl { document_url: url(source), document_name: filename }
        }
        (MediaKind::Document, source @ Source::Data { .. }) => {
            let filename = filename.or(Some("document.pdf"));
            let file_data = Some(url(source).into_owned());
            PartOut::File { file: FileOut { file_id: None, file_data, filename } }
        }
        (MediaKind::Document | MediaKind::Audio, Source::Url { .. } | Source::Text(_)) => {
            let message = "This provider takes documents and audio only with their bytes.";
            return Err(Error::bad_request(message).at("content").coded("unsupported_parameter"));
        }
    })
}

fn url(source: &Source) -> Cow<'_, str> {
    match source {
        Source::Data { mime, base64 } => Cow::Owned(format!("data:{mime};base64,{base64}")),
        Source::Url { url, .. } => Cow::Borrowed(url),
        Source::Text(text) => Cow::Borrowed(text),
        Source::File { id, .. } => Cow::Borrowed(id),
    }
}

/// What is lost with media that the model made: this API's history holds none.
pub(super) fn unknown_media(media: &Media) -> &'static str {
    match media.kind {
        MediaKind::Image => "messages.image",
        MediaKind::Document => "messages.document",
        MediaKind::Audio => "messages.audio",
        MediaKind::Video => "messages.video",
    }
}
