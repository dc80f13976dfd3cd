//! What picture does a client wish for, in JSON or in a form?

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::super::{Form, Picture, Wish, shape};
use crate::{
    dialect::{Losses, Object},
    error::{Error, Result},
    form::parts,
    limits::PICTURES_MAX,
};

/// The fields that are read of a wish for something from nothing.
const KNOWN: [&str; 6] = ["model", "prompt", "n", "size", "response_format", "stream"];

/// Reads a wish for something from nothing.
pub(in super::super) fn read(body: &[u8], losses: &mut Losses) -> Result<Wish> {
    let object = Object::read(body)?;
    lose(&object, &KNOWN, losses);
    fields(&object)?.wish(Vec::new())
}

/// Reads a wish for something from pictures, given by their addresses.
pub(in super::super) fn read_edit(body: &[u8], losses: &mut Losses) -> Result<Wish> {
    let object = Object::read(body)?;
    let known = [&KNOWN[..], &["images", "mask"]].concat();
    lose(&object, &known, losses);
    if object.present("mask").is_some() {
        return Err(masked());
    }
    let images: Vec<Reference<'_>> = object.typed("images")?.unwrap_or_default();
    let pictures = images.iter().map(|image| {
        let here = image.image_url.as_deref().and_then(inline);
        here.ok_or_else(|| {
            let message = "A picture must stand in the request, as a data URI.";
            Error::bad_request(message).at("images").coded("unsupported_parameter")
        })
    });
    some(pictures.collect::<Result<_>>()?).and_then(|pictures| fields(&object)?.wish(pictures))
}

/// Reads a wish for something from pictures that are files of a form.
pub(in super::super) fn read_form(
    body: &[u8],
    boundary: &str,
    losses: &mut Losses,
) -> Result<Wish> {
    let (mut fields, mut pictures) = (Fields::default(), Vec::new());
    for part in parts(body, boundary) {
        let value = &body[part.value];
        let text = || {
            let wrong =
                || Error::bad_request(format!("`{}` is not text.", part.name)).at(part.name);
            std::str::from_utf8(value).map(str::to_owned).map_err(|_| wrong())
        };
        match part.name {
            "image" | "image[]" => {
                let mime = if part.kind.is_empty() { "image/png" } else { part.kind }.to_owned();
                pictures.push(Picture { mime, base64: STANDARD.encode(value) });
            }
            "mask" => return Err(masked()),
            "prompt" => fields.prompt = Some(text()?),
            "n" => {
                let count = text()?
                    .parse()
                    .map_err(|_| Error::bad_request("`n` has the wrong type.").at("n"))?;
                fields.count = Some(count);
            }
            "size" => fields.size = Some(text()?),
            "response_format" => fields.format = Some(text()?),
            "stream" => fields.stream = value == b"true",
            "model" => {}
            name => losses.lose(name),
        }
    }
    fields.wish(some(pictures)?)
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow, default)]
    image_url: Option<Cow<'a, str>>,
}

/// The fields that both forms have.
#[derive(Default)]
struct Fields {
    prompt: Option<String>,
    count: Option<u32>,
    size: Option<String>,
    format: Option<String>,
    stream: bool,
}

fn fields(object: &Object<'_>) -> Result<Fields> {
    Ok(Fields {
        prompt: object.typed("prompt")?,
        count: object.typed("n")?,
        size: object.typed("size")?,
        format: object.typed("response_format")?,
        stream: object.typed("stream")?.unwrap_or(false),
    })
}

impl Fields {
    fn wish(self, pictures: Vec<Picture>) -> Result<Wish> {
        let refuse = |field, message: String| Err(Error::bad_request(message).at(field));
        let Some(prompt) = self.prompt.filter(|prompt| !prompt.is_empty()) else {
            return refuse("prompt", "`prompt` is missing.".to_owned());
        };
        let count = self.count.unwrap_or(1);
        if !(1..=PICTURES_MAX).contains(&count) {
            return refuse("n", format!("`n` is 1 to {PICTURES_MAX}."));
        }
        let size = match self.size.as_deref() {
            None | Some("auto") => None,
            Some(text) => match shape::size(text) {
                Some(size) => Some(size),
                None => {
                    return refuse("size", "`size` is `auto`, or like `1024x1024`.".to_owned());
                }
            },
        };
        let form = match self.format.as_deref() {
            _ if self.stream => Form::Events,
            None => Form::Both,
            Some("b64_json") => Form::Base64,
            Some("url") => Form::Url,
            Some(_) => {
                let message = "`response_format` is `url` or `b64_json`.";
                return refuse("response_format", message.to_owned());
            }
        };
        Ok(Wish { prompt, pictures, count, size, form })
    }
}

fn lose(object: &Object<'_>, known: &[&str], losses: &mut Losses) {
    for name in object.names().filter(|name| !known.contains(name)) {
        losses.lose(name);
    }
}

fn some(pictures: Vec<Picture>) -> Result<Vec<Picture>> {
    if pictures.is_empty() {
        return Err(Error::bad_request("`image` is missing.").at("image"));
    }
    Ok(pictures)
}

/// The picture in a data URI.
fn inline(url: &str) -> Option<Picture> {
    let (mime, base64) = url.strip_prefix("data:")?.split_once(";base64,")?;
    Some(Picture { mime: mime.to_owned(), base64: base64.to_owned() })
}

fn masked() -> Error {
    let message = "This model's provider changes whole pictures: it takes no mask.";
    Error::bad_request(message).at("mask").coded("unsupported_parameter")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(wish: Result<Wish>) -> String {
        match wish {
            Ok(Wish { prompt, pictures, count, size, form }) => {
                let pictures: Vec<_> =
                    pictures.iter().map(|it| format!("{} {}", it.mime, it.base64)).collect();
                format!("{prompt} {pictures:?} {count} {size:?} {form:?}")
            }
            Err(error) => error.message.into_owned(),
        }
    }

    #[test]
    fn a_wish_is_read() {
        let check = |body: &str, expected: &str, lost: &[&str]| {
            let mut losses = Losses::default();
            assert_eq!(said(read(body.as_bytes(), &mut losses)), expected, "{body}");
            assert_eq!(losses.names(), lost, "{body}");
        };
        check(r#"{"prompt":"é"}"#, "é [] 1 None Both", &[]);
        check(
            r#"{"model":"m","prompt":"a","n":2,"size":"1024x1536","response_format":"url","quality":"hd","style":null}"#,
            "a [] 2 Some((1024, 1536)) Url",
            &["quality"],
        );
        check(
            r#"{"prompt":"a","size":"auto","response_format":"b64_json"}"#,
            "a [] 1 None Base64",
            &[],
        );
        check(r#"{"prompt":"a","stream":true}"#, "a [] 1 None Events", &[]);
        check("{}", "`prompt` is missing.", &[]);
        check(r#"{"prompt":"a","n":0}"#, "`n` is 1 to 10.", &[]);
        check(r#"{"prompt":"a","n":"1"}"#, "`n` has the wrong type.", &[]);
        check(r#"{"prompt":"a","size":"big"}"#, "`size` is `auto`, or like `1024x1024`.", &[]);
        check(
            r#"{"prompt":"a","response_format":"x"}"#,
            "`response_format` is `url` or `b64_json`.",
            &[],
        );
    }

    #[test]
    fn pictures_are_read_of_addresses() {
        let check = |body: &str, expected: &str| {
            let mut losses = Losses::default();
            assert_eq!(said(read_edit(body.as_bytes(), &mut losses)), expected, "{body}");
        };
        check(
            r#"{"prompt":"a","images":[{"image_url":"data:image/webp;base64,AA=="}]}"#,
            r#"a ["image/webp AA=="] 1 None Both"#,
        );
        let missing = "A picture must stand in the request, as a data URI.";
        check(r#"{"prompt":"a","images":[{"image_url":"https://a/b.png"}]}"#, missing);
        check(r#"{"prompt":"a","images":[{"file_id":"f"}]}"#, missing);
        check(r#"{"prompt":"a"}"#, "`image` is missing.");
        check(
            r#"{"prompt":"a","mask":{"file_id":"f"}}"#,
            "This model's provider changes whole pictures: it takes no mask.",
        );
    }

    #[test]
    fn pictures_are_read_of_a_form() {
        let body = "--X\r\ncontent-disposition: form-data; name=\"image[]\"; filename=\"a\"\r\ncontent-type: image/jpeg\r\n\r\n\0\r\n--X\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\na b\r\n--X\r\ncontent-disposition: form-data; name=\"n\"\r\n\r\n2\r\n--X\r\ncontent-disposition: form-data; name=\"quality\"\r\n\r\nhigh\r\n--X--\r\n";
        let mut losses = Losses::default();
        let wish = read_form(body.as_bytes(), "X", &mut losses);
        assert_eq!(said(wish), r#"a b ["image/jpeg AA=="] 2 None Both"#);
        assert_eq!(losses.names(), ["quality"]);
        let wish = read_form(b"--X\r\n--X--", "X", &mut losses);
        assert_eq!(said(wish), "`image` is missing.");
    }
}
