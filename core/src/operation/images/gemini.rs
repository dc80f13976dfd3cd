//! Pictures of Gemini's models that make them as part of a conversation.

use serde::Serialize;

use super::{Made, Picture, Wish, broken, refused, shape};
use crate::{
    dialect::{
        Dialect,
        ir::{Media, Part, Source, Stop},
    },
    error::Result,
};

/// What follows the model in the path.
pub(super) const VERB: &str = "generateContent";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    contents: [Content<'a>; 1],
    generation_config: Config,
}

#[derive(Serialize)]
struct Content<'a> {
    role: &'static str,
    parts: Vec<PartOut<'a>>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct PartOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<Blob<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Blob<'a> {
    mime_type: &'a str,
    data: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    response_modalities: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    image_config: Option<ImageConfig>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageConfig {
    aspect_ratio: &'static str,
}

/// Writes a request for one picture.
pub(super) fn write(wish: &Wish) -> Vec<u8> {
    let pictures = wish.pictures.iter().map(|picture| {
        let blob = Blob { mime_type: &picture.mime, data: &picture.base64 };
        PartOut { inline_data: Some(blob), ..PartOut::default() }
    });
    let words = PartOut { text: Some(&wish.prompt), ..PartOut::default() };
    let shape = wish.size.map(|size| shape::nearest(size, shape::MANY));
    let request = Request {
        contents: [Content { role: "user", parts: pictures.chain([words]).collect() }],
        generation_config: Config {
            response_modalities: ["IMAGE"],
            image_config: shape.map(|aspect_ratio| ImageConfig { aspect_ratio }),
        },
    };
    serde_json::to_vec(&request).expect("strings always serialize")
}

/// Reads the pictures of an answer. One without any is a refusal if the model says so, by its words or by its stop.
pub(super) fn made(body: &[u8]) -> Result<Made> {
    let reply = Dialect::Gemini.read_reply(body)?;
    let (mut pictures, mut words) = (Vec::new(), String::new());
    for part in reply.parts {
        match part {
            Part::Media(Media { source: Source::Data { mime, base64 }, .. }) => {
                pictures.push(Picture { mime, base64 });
            }
            Part::Text { text, .. } | Part::Refusal(text) => words.push_str(&text),
            Part::Media(_)
            | Part::Thought(_)
            | Part::Call(_)
            | Part::Outcome(_)
            | Part::Opaque { .. } => {}
        }
    }
    match reply.stop {
        _ if !pictures.is_empty() => Ok(Made { pictures, usage: reply.usage }),
        Stop::Filtered | Stop::Refused => Err(refused(&words)),
        _ if !words.is_empty() => Err(refused(&words)),
        _ => Err(broken()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Form, *};

    #[test]
    fn words_and_pictures_go() {
        let mut wish = Wish {
            prompt: "a \"gopher\"".to_owned(),
            pictures: Vec::new(),
            count: 1,
            size: None,
            form: Form::Both,
        };
        let check = |wish: &Wish, expected: &str| {
            assert_eq!(String::from_utf8(write(wish)).unwrap(), expected);
        };
        check(
            &wish,
            r#"{"contents":[{"role":"user","parts":[{"text":"a \"gopher\""}]}],"generationConfig":{"responseModalities":["IMAGE"]}}"#,
        );
        wish.size = Some((1024, 1536));
        wish.pictures.push(Picture { mime: "image/png".to_owned(), base64: "AA==".to_owned() });
        check(
            &wish,
            r#"{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}},{"text":"a \"gopher\""}]}],"generationConfig":{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"2:3"}}}"#,
        );
    }

    #[test]
    fn a_picture_or_the_reason_comes() {
        let picture = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Here"},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1290,"totalTokenCount":1295}}"#;
        let read = made(picture.as_bytes()).unwrap();
        let expected = Picture { mime: "image/png".to_owned(), base64: "AA==".to_owned() };
        assert_eq!(read.pictures, [expected]);
        assert_eq!(read.usage.map(|usage| (usage.prompt, usage.completion)), Some((5, 1290)));
        let check = |body: &str, expected: &str| {
            let error = made(body.as_bytes()).err().unwrap();
            assert_eq!(*error.message, *expected, "{body}");
        };
        check(
            r#"{"candidates":[{"finishReason":"IMAGE_SAFETY"}]}"#,
            "The provider refused to make this picture.",
        );
        check(
            r#"{"candidates":[{"content":{"parts":[{"text":"I cannot."}]},"finishReason":"STOP"}]}"#,
            "The provider refused to make this picture: I cannot.",
        );
        check(
            r#"{"candidates":[{"content":{"parts":[]},"finishReason":"STOP"}]}"#,
            "The provider's answer holds no picture.",
        );
    }
}
