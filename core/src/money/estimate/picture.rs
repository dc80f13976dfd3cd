//! How many tokens does a picture come to? Each provider has a formula over its width and height.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use crate::{
    dialect::Dialect,
    limits::{PICTURE_HEAD_BYTES_MAX, TOKENS_PER_MEDIA},
};

/// The shortest text that may be a file.
const DATA_BYTES_MIN: usize = 256;

/// The base64 of a file that is part of the request, if this value is one.
pub(super) fn inline<'a>(key: &[u8], text: &'a [u8]) -> Option<&'a [u8]> {
    if text.starts_with(b"data:") {
        let comma = memchr::memchr(b',', &text[..text.len().min(200)])?;
        return Some(&text[comma + 1..]);
    }
    let is_file = matches!(key, b"data" | b"file_data" | b"bytesBase64Encoded" | b"bytes");
    (is_file && text.len() >= DATA_BYTES_MIN).then_some(text)
}

/// The tokens of a file that is told in base64.
pub(super) fn tokens(dialect: Dialect, data: &[u8]) -> u64 {
    let Some((width, height)) = size(data) else { return TOKENS_PER_MEDIA };
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Ollama => tiles(width, height),
        Dialect::Anthropic => area(width, height),
        Dialect::Gemini => crops(width, height),
    }
}

/// `OpenAI`: scaled into 2048 × 2048, then to a short side of 768; 170 for each tile of 512, and 85.
fn tiles(width: u64, height: u64) -> u64 {
    let (width, height) = within(width, height, 2048);
    let short = width.min(height).max(1);
    let (width, height) =
        if short > 768 { (width * 768 / short, height * 768 / short) } else { (width, height) };
    85 + 170 * width.div_ceil(512).max(1) * height.div_ceil(512).max(1)
}

/// Anthropic: scaled to a long side of 1568 and about 1.15 megapixels; a token for each 750 pixels.
fn area(width: u64, height: u64) -> u64 {
    let (width, height) = within(width, height, 1568);
    (width * height).div_ceil(750).min(1600)
}

/// Gemini: 258 for each tile of 768, or for the whole of a small one.
fn crops(width: u64, height: u64) -> u64 {
    if width <= 384 && height <= 384 {
        return 258;
    }
    258 * width.div_ceil(768) * height.div_ceil(768)
}

/// Scaled down until no side is longer than this.
fn within(width: u64, height: u64, side: u64) -> (u64, u64) {
    let long = width.max(height).max(1);
    if long <= side { (width, height) } else { (width * side / long, height * side / long) }
}

/// Width and height, from the head of a picture.
fn size(data: &[u8]) -> Option<(u64, u64)> {
    let head = &data[..data.len().min(PICTURE_HEAD_BYTES_MAX) / 4 * 4];
    let bytes = STANDARD_NO_PAD.decode(head).ok()?;
    let told = imagesize::blob_size(&bytes).ok()?;
    // A head may say anything; no provider takes larger ones.
    let bounded = |side: usize| u64::try_from(side).unwrap_or(u64::MAX).min(65_535);
    Some((bounded(told.width), bounded(told.height)))
}
