//! Pictures of Google's models that do nothing else.

use serde::{Deserialize, Serialize};

use super::{Made, Picture, Wish, broken, refused, shape};
use crate::{
    error::{Error, Result},
    limits::IMAGEN_PICTURES_MAX,
};

/// What follows the model in the path.
pub(super) const VERB: &str = "predict";

/// Whether a model is one of these.
pub(super) fn is(model: &str) -> bool {
    model.strip_prefix("models/").unwrap_or(model).starts_with("imagen")
}

#[derive(Serialize)]
struct Request<'a> {
    instances: [Instance<'a>; 1],
    parameters: Parameters,
}

#[derive(Serialize)]
struct Instance<'a> {
    prompt: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    sample_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    aspect_ratio: Option<&'static str>,
    /// The reason is told only when it is asked for.
    include_rai_reason: bool,
}

/// Writes requests, as many as it takes for all pictures.
pub(super) fn write(wish: &Wish) -> Result<Vec<Vec<u8>>> {
    if !wish.pictures.is_empty() {
        let message = "This model makes pictures of words alone.";
        return Err(Error::bad_request(message).at("image").coded("unsupported_parameter"));
    }
    let aspect_ratio = wish.size.map(|size| shape::nearest(size, shape::FEW));
    let mut left = wish.count;
    let mut bodies = Vec::new();
    while left > 0 {
        let sample_count = left.min(IMAGEN_PICTURES_MAX);
        left -= sample_count;
        let parameters = Parameters { sample_count, aspect_ratio, include_rai_reason: true };
        let request = Request { instances: [Instance { prompt: &wish.prompt }], parameters };
        bodies.push(serde_json::to_vec(&request).expect("strings always serialize"));
    }
    Ok(bodies)
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    predictions: Vec<Prediction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prediction {
    #[serde(default)]
    bytes_base64_encoded: Option<String>,
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    rai_filtered_reason: Option<String>,
}

/// Reads the pictures of an answer. What was held back is left out, unless nothing else is there.
pub(super) fn made(body: &[u8]) -> Result<Made> {
    let reply: Reply = serde_json::from_slice(body).map_err(|_| broken())?;
    let (mut pictures, mut why) = (Vec::new(), String::new());
    for prediction in reply.predictions {
        let Prediction { bytes_base64_encoded, mime_type, rai_filtered_reason } = prediction;
        why = rai_filtered_reason.unwrap_or(why);
        if let Some(base64) = bytes_base64_encoded {
            let mime = mime_type.unwrap_or_else(|| "image/png".to_owned());
            pictures.push(Picture { mime, base64 });
        }
    }
    // An empty answer is how this API holds back a picture without a reason.
    if pictures.is_empty() { Err(refused(&why)) } else { Ok(Made { pictures, usage: None }) }
}

#[cfg(test)]
mod tests {
    use super::{super::Form, *};

    #[test]
    fn many_pictures_take_several_requests() {
        let wish = Wish {
            prompt: "a".to_owned(),
            pictures: Vec::new(),
            count: 5,
            size: Some((1792, 1024)),
            form: Form::Both,
        };
        let bodies = write(&wish).unwrap();
        let bodies: Vec<_> = bodies.iter().map(|body| std::str::from_utf8(body).unwrap()).collect();
        let body = |count: u32| {
            format!(
                r#"{{"instances":[{{"prompt":"a"}}],"parameters":{{"sampleCount":{count},"aspectRatio":"16:9","includeRaiReason":true}}}}"#
            )
        };
        assert_eq!(bodies, [body(4), body(1)]);
    }

    #[test]
    fn a_picture_or_the_reason_comes() {
        let read = made(br#"{"predictions":[{"mimeType":"image/jpeg","bytesBase64Encoded":"AA=="},{"raiFilteredReason":"x"}]}"#);
        let expected = Picture { mime: "image/jpeg".to_owned(), base64: "AA==".to_owned() };
        assert_eq!(read.unwrap().pictures, [expected]);
        let check = |body: &str, expected: &str| {
            let error = made(body.as_bytes()).err().unwrap();
            assert_eq!(*error.message, *expected, "{body}");
        };
        check(
            r#"{"predictions":[{"raiFilteredReason":"No."}]}"#,
            "The provider refused to make this picture: No.",
        );
        check("{}", "The provider refused to make this picture.");
        check("<html>", "The provider's answer holds no picture.");
    }

    #[test]
    fn the_name_tells_the_model() {
        assert!(is("imagen-4.0-generate-001") && is("models/imagen-3.0-generate-002"));
        assert!(!is("gemini-2.5-flash-image"));
    }
}
