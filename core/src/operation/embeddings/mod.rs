//! How do texts become vectors at a provider of another dialect? Read here into one form, asked and answered by a file each.

mod gemini;
mod ollama;
mod openai;

pub(crate) use openai::in_bytes;

use bytes::Bytes;

use super::errand::{self, Answer, Asked, Errand};
use crate::{
    dialect::{Embedding, Losses, gemini_path},
    error::{Error, Kind, Result},
    limits::BYTES_PER_TOKEN,
    store::Usage,
};

/// In what form texts are given and vectors are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `OpenAI`'s list.
    List,
    /// Gemini's single text.
    One,
    /// Gemini's batch.
    Batch,
}

impl Form {
    /// What follows the base URL of a provider of the client's dialect.
    pub(super) fn path(self, model: &str) -> String {
        match self {
            Self::List => openai::PATH.to_owned(),
            Self::One => gemini_path(model, "embedContent"),
            Self::Batch => gemini_path(model, gemini::BATCH),
        }
    }
}

/// Texts of which vectors are wanted.
struct Texts {
    list: Vec<String>,
    /// How long each vector is to be.
    dimensions: Option<u64>,
    numbers: Numbers,
}

/// How the numbers of a vector are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// As numbers.
    Plain,
    /// Their bytes in base64.
    Base64,
}

/// Vectors in the order of their texts.
#[derive(Default)]
struct Vectors {
    list: Vec<Vec<f32>>,
    /// How many tokens the texts had, if it is told.
    tokens: Option<i64>,
}

/// What a provider of another dialect is asked.
pub(super) fn errand(form: Form, asked: &Asked<'_>, losses: &mut Losses) -> Result<Errand> {
    let texts = match form {
        Form::List => openai::read(asked.body, losses)?,
        Form::One => gemini::read_one(asked.body, losses)?,
        Form::Batch => gemini::read_batch(asked.body, losses)?,
    };
    if texts.list.iter().any(String::is_empty) {
        return Err(Error::bad_request("A text is empty.").at("input"));
    }
    written(form, asked, &texts)
}

fn written(form: Form, asked: &Asked<'_>, texts: &Texts) -> Result<Errand> {
    let Some(from) = asked.provider.embedding() else {
        return Err(Error::not_found("The provider has no embeddings.").at("model"));
    };
    let (path, bodies) = match from {
        Embedding::OpenAi => (openai::PATH.to_owned(), vec![openai::write(asked.model, texts)]),
        Embedding::Gemini => {
            (gemini_path(asked.model, gemini::BATCH), gemini::write(asked.model, texts))
        }
        Embedding::Ollama => (ollama::PATH.to_owned(), vec![ollama::write(asked.model, texts)]),
    };
    let bytes = texts.list.iter().map(String::len).sum::<usize>() as u64;
    let back = Back {
        form,
        from,
        model: asked.model.to_owned(),
        numbers: texts.numbers,
        count: texts.list.len(),
        tokens: i64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(i64::MAX),
    };
    Ok(Errand::Ask { path, bodies, back: errand::Back::Embeddings(back) })
}

/// Makes the client's answer of what a provider said.
pub(crate) struct Back {
    form: Form,
    from: Embedding,
    model: String,
    numbers: Numbers,
    /// How many vectors there must be.
    count: usize,
    /// How many tokens the texts must have had.
    tokens: i64,
}

impl Back {
    /// Reads the vectors of all answers.
    pub(super) fn read(self, answers: &[Bytes]) -> Result<Answer> {
        let mut vectors = Vectors::default();
        for answer in answers {
            let Vectors { list, tokens } = match self.from {
                Embedding::OpenAi => openai::vectors(answer),
                Embedding::Gemini => gemini::vectors(answer),
                Embedding::Ollama => ollama::vectors(answer),
            }
            .ok_or_else(broken)?;
            vectors.list.extend(list);
            vectors.tokens = match (vectors.tokens, tokens) {
                (Some(before), Some(more)) => Some(before.saturating_add(more)),
                (before, more) => before.or(more),
            };
        }
        if vectors.list.len() != self.count {
            return Err(broken());
        }
        let tokens = vectors.tokens.unwrap_or(self.tokens).max(0);
        let body = match self.form {
            Form::List => openai::answer(&self.model, &vectors.list, self.numbers, tokens),
            Form::One => gemini::answer_one(&vectors.list, tokens),
            Form::Batch => gemini::answer_batch(&vectors.list, tokens),
        };
        let usage = Usage { prompt: tokens, ..Usage::default() };
        Ok(Answer { estimated: vectors.tokens.is_none(), ..Answer::json(body, usage) })
    }
}

fn broken() -> Error {
    Error::new(Kind::UpstreamBroken, "The provider's answer holds not one vector for each text.")
}
