//! How do many keys come in at once? As lines of a text or as a list; those that are there already are told.

use std::collections::HashMap;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    super::{
        Answer,
        edit::{Edit, commit},
        inbound, write,
    },
    Owner, Said, last_four, sealed, secret,
};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    identity::Secret,
    limits::CHANGES_MAX,
    router::Visit,
};

/// What became of an import.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::api) struct Imported {
    /// The keys that were made.
    created: Vec<Made>,
    /// Those that were there already, or stand twice in the import.
    duplicates: Vec<Duplicate>,
}

/// A key that was made.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Made {
    /// Its place in the import, from 1.
    line: usize,
    /// Its id.
    id: String,
    /// The end of the secret.
    last_four: Option<String>,
}

/// A key that was not made.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Duplicate {
    /// Its place in the import, from 1.
    line: usize,
    /// The key that it is; null when that stands further up in the import.
    of: Option<String>,
}

/// Gives a provider or a proxy many keys, all or none.
pub(crate) fn import(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let mut fields: Map<String, Value> = inbound::body(visit.request).await?;
        let owner = Owner::named(gateway, &mut fields).await?;
        let lines = read(&mut fields)?;
        if let Some(name) = fields.keys().next() {
            let message = format!("`{name}` is nothing that can be said here.");
            return Err(Error::bad_request(message).at(name));
        }
        let known = owner.secrets(gateway).await?;
        let mut known: HashMap<&str, Option<&str>> =
            known.iter().map(|(id, secret)| (secret.expose(), Some(id.as_str()))).collect();
        let mut imported = Imported { created: Vec::new(), duplicates: Vec::new() };
        let mut edits = Vec::new();
        for (line, secret) in &lines {
            let line = *line;
            if let Some(of) = known.get(secret.expose()) {
                imported.duplicates.push(Duplicate { line, of: of.map(str::to_owned) });
                continue;
            }
            known.insert(secret.expose(), None);
            let document = sealed(gateway, &owner, &Said::default(), secret)?;
            let made = Made { line, id: document.id.clone(), last_four: last_four(secret) };
            imported.created.push(made);
            edits.push(Edit::put(document, None));
        }
        if !edits.is_empty() {
            commit(gateway, &visit.caller, "import keys", edits).await?;
        }
        write(StatusCode::CREATED, &imported)
    })
}

/// The secrets with the numbers of their lines; empty lines and those that begin with `#` are passed over.
fn read(fields: &mut Map<String, Value>) -> Result<Vec<(usize, Secret)>> {
    let texts: Vec<String> = match (fields.remove("text"), fields.remove("keys")) {
        (Some(Value::String(text)), None) => text.lines().map(str::to_owned).collect(),
        (None, Some(Value::Array(items))) => {
            let text = |item: Value| match item {
                Value::String(text) => Ok(text),
                _ => Err(Error::bad_request("`keys` is a list of texts.").at("keys")),
            };
            items.into_iter().map(text).collect::<Result<_>>()?
        }
        (_, _) => {
            let message = "Say the keys either as lines of `text` or as the list `keys`.";
            return Err(Error::bad_request(message).at("keys"));
        }
    };
    let lines = (1..).zip(texts).filter(|(_, text)| {
        let text = text.trim();
        !text.is_empty() && !text.starts_with('#')
    });
    let lines =
        lines.map(|(line, text)| Ok((line, secret(&text).map_err(|error| at(line, &error))?)));
    let lines: Vec<_> = lines.collect::<Result<_>>()?;
    if lines.is_empty() || lines.len() > CHANGES_MAX {
        let message = format!("An import has from 1 to {CHANGES_MAX} keys.");
        return Err(Error::bad_request(message).at("keys"));
    }
    Ok(lines)
}

fn at(line: usize, error: &Error) -> Error {
    let message = format!("Key {line}: {}", error.message);
    Error::new(error.kind, message).at("keys")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(body: Value) -> Result<Vec<(usize, String)>> {
        let Value::Object(mut fields) = body else { panic!("no object") };
        let found = read(&mut fields)?;
        Ok(found.into_iter().map(|(line, key)| (line, key.expose().to_owned())).collect())
    }

    #[test]
    fn lines_and_lists_are_read_alike() {
        let wanted = vec![(2, "sk-a".to_owned()), (4, "sk-b".to_owned())];
        assert_eq!(lines(json!({ "text": "# mine\n sk-a \r\n\nsk-b\n" })).unwrap(), wanted);
        assert_eq!(lines(json!({ "keys": ["", "sk-a", "# no", "sk-b"] })).unwrap(), wanted);
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line() {
        let message = |body| lines(body).unwrap_err().message;
        let wrong = message(json!({ "text": "sk-a\nsk b" }));
        assert_eq!(wrong, "Key 2: A key has visible ASCII characters and no white space.");
        assert!(lines(json!({})).is_err() && lines(json!({ "text": "\n" })).is_err());
    }
}
