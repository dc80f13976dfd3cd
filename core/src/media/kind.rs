//! Is media what it is said to be? Its first bytes tell, and nothing else is believed.

use crate::dialect::ir::MediaKind;

/// How a format begins: bytes at places.
struct Format {
    kind: MediaKind,
    mime: &'static str,
    begins: &'static [(usize, &'static [u8])],
}

const fn format(
    kind: MediaKind,
    mime: &'static str,
    begins: &'static [(usize, &'static [u8])],
) -> Format {
    Format { kind, mime, begins }
}

/// What providers take.
const FORMATS: [Format; 13] = [
    format(MediaKind::Image, "image/png", &[(0, b"\x89PNG\r\n\x1a\n")]),
    format(MediaKind::Image, "image/jpeg", &[(0, b"\xff\xd8\xff")]),
    format(MediaKind::Image, "image/gif", &[(0, b"GIF87a")]),
    format(MediaKind::Image, "image/gif", &[(0, b"GIF89a")]),
    format(MediaKind::Image, "image/webp", &[(0, b"RIFF"), (8, b"WEBP")]),
    format(MediaKind::Document, "application/pdf", &[(0, b"%PDF-")]),
    format(MediaKind::Audio, "audio/wav", &[(0, b"RIFF"), (8, b"WAVE")]),
    format(MediaKind::Audio, "audio/mpeg", &[(0, b"ID3")]),
    format(MediaKind::Audio, "audio/mpeg", &[(0, b"\xff\xfb")]),
    format(MediaKind::Audio, "audio/mpeg", &[(0, b"\xff\xf3")]),
    format(MediaKind::Audio, "audio/mpeg", &[(0, b"\xff\xf2")]),
    format(MediaKind::Audio, "audio/flac", &[(0, b"fLaC")]),
    format(MediaKind::Audio, "audio/ogg", &[(0, b"OggS")]),
];

/// The type of media of this kind, or `None` when the bytes are something else.
pub(crate) fn mime_of(kind: MediaKind, bytes: &[u8]) -> Option<&'static str> {
    let holds = |&(at, sign): &(usize, &[u8])| bytes.get(at..).is_some_and(|b| b.starts_with(sign));
    let fits = |format: &&Format| format.kind == kind && format.begins.iter().all(holds);
    FORMATS.iter().find(fits).map(|format| format.mime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        use MediaKind::{Audio, Document, Image, Video};
        for (kind, bytes, mime) in [
            (Image, &b"\x89PNG\r\n\x1a\n\0"[..], Some("image/png")),
            (Image, b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (Image, b"GIF89a", Some("image/gif")),
            (Image, b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (Image, b"RIFF\0\0\0\0WAVEfmt ", None),
            (Audio, b"RIFF\0\0\0\0WAVEfmt ", Some("audio/wav")),
            (Audio, b"ID3\x04", Some("audio/mpeg")),
            (Document, b"%PDF-1.7", Some("application/pdf")),
            (Image, b"%PDF-1.7", None),
            (Document, b"\x89PNG\r\n\x1a\n", None),
            (Image, b"<svg xmlns", None),
            (Image, b"<html>", None),
            (Image, br#"{"AccessKeyId":"#, None),
            (Image, b"RIFF", None),
            (Image, b"", None),
            (Video, b"\x1aE\xdf\xa3", None),
        ] {
            assert_eq!(mime_of(kind, bytes), mime, "{kind:?} {bytes:?}");
        }
    }
}
