//! How are pictures made at a provider of another dialect? Read here into one form, asked and answered by a file each.

mod gemini;
mod imagen;
mod openai;
mod shape;

use bytes::Bytes;

use super::errand::{self, Answer, Asked, Errand};
use crate::{
    dialect::{Losses, gemini_path},
    error::{Error, Kind, Result},
    store::Usage,
};

/// The model, when a client names none.
pub(super) const USUAL: &str = "dall-e-2";

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Pictures are made of words.
    Generate,
    /// Pictures are made of words and other pictures.
    Edit,
}

impl Task {
    /// What follows the base URL of a provider of the client's dialect.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Generate => "/images/generations",
            Self::Edit => "/images/edits",
        }
    }
}

/// A wish for pictures.
struct Wish {
    prompt: String,
    /// What to start from.
    pictures: Vec<Picture>,
    /// How many.
    count: u32,
    /// How wide and how high.
    size: Option<(u32, u32)>,
    form: Form,
}

/// How a client wants its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Their bytes in base64.
    Base64,
    /// An address, which holds the bytes: nobody keeps them.
    Url,
    /// Both: the clients of some models read the one, those of others the other, and neither can say so.
    Both,
    /// An event for each.
    Events,
}

/// A picture and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Picture {
    mime: String,
    base64: String,
}

/// Pictures that were made.
#[derive(Default)]
struct Made {
    pictures: Vec<Picture>,
    /// What was used, where it is told: some models are paid by the picture.
    usage: Option<Usage>,
}

/// What a provider is asked that [paints](crate::dialect::Dialect::paints).
pub(super) fn errand(task: Task, asked: &Asked<'_>, losses: &mut Losses) -> Result<Errand> {
    let wish = match (task, asked.boundary) {
        (Task::Generate, _) => openai::read(asked.body, losses)?,
        (Task::Edit, None) => openai::read_edit(asked.body, losses)?,
        (Task::Edit, Some(boundary)) => openai::read_form(asked.body, boundary, losses)?,
    };
    let by_predicting = imagen::is(asked.model);
    let (verb, bodies) = if by_predicting {
        (imagen::VERB, imagen::write(&wish)?)
    } else {
        // The models make one picture at a time.
        (gemini::VERB, vec![gemini::write(&wish); wish.count as usize])
    };
    let read = if by_predicting { imagen::made } else { gemini::made };
    let back = Back { task, read, form: wish.form, at_s: asked.at_s };
    let path = gemini_path(asked.model, verb);
    Ok(Errand::Ask { path, bodies, back: errand::Back::Images(back) })
}

/// Makes the client's answer of what a provider said.
pub(crate) struct Back {
    task: Task,
    read: fn(&[u8]) -> Result<Made>,
    form: Form,
    at_s: i64,
}

impl Back {
    /// Reads the pictures of all answers.
    pub(super) fn read(self, answers: &[Bytes]) -> Result<Answer> {
        let mut all = Made::default();
        for answer in answers {
            let Made { pictures, usage } = (self.read)(answer)?;
            all.pictures.extend(pictures);
            all.usage = match (all.usage, usage) {
                (Some(before), Some(more)) => Some(before.plus(&more)),
                (before, more) => before.or(more),
            };
        }
        let images = i64::try_from(all.pictures.len()).unwrap_or(i64::MAX);
        let usage = all.usage.unwrap_or(Usage { images, ..Usage::default() });
        if self.form == Form::Events {
            let (kind, body) =
                ("text/event-stream; charset=utf-8", openai::events(self.task, &all, self.at_s));
            return Ok(Answer { kind, ..Answer::json(body, usage) });
        }
        Ok(Answer::json(openai::answer(&all, self.form, self.at_s), usage))
    }
}

/// The provider would not make a picture.
fn refused(why: &str) -> Error {
    let why: String = why.chars().take(300).collect();
    let message = match why.as_str() {
        "" => "The provider refused to make this picture.".to_owned(),
        why => format!("The provider refused to make this picture: {why}"),
    };
    Error::bad_request(message).at("prompt").coded("content_policy_violation")
}

/// The answer is not what it should be.
fn broken() -> Error {
    Error::new(Kind::UpstreamBroken, "The provider's answer holds no picture.")
}
