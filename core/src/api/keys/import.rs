//! How do many keys come in at once? As lines of a text or as a list; those that are there already are told.

use std::collections::HashMap;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    super::{
        Answer,
        document::Resource,
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
    /// Places that hold no key: empty ones, and notes.
    blank: Vec<usize>,
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
        let Lines { keys, blank } = read(&mut fields)?;
        if let Some(name) = fields.keys().next() {
            let message = format!("`{name}` is nothing that can be said here.");
            return Err(Error::bad_request(message).at(name));
        }
        let known = owner.secrets(gateway).await?;
        let mut known: HashMap<&str, Option<&str>> =
            known.iter().map(|(id, secret)| (secret.expose(), Some(id.as_str()))).collect();
        let mut imported = Imported { created: Vec::new(), duplicates: Vec::new(), blank };
        let mut edits = Vec::new();
        for (line, secret, label) in &keys {
            let line = *line;
            let said = Said { label: label.clone(), ..Said::default() };
            said.check("").map_err(|error| at(line, &error))?;
            if let Some(of) = known.get(secret.expose()) {
                imported.duplicates.push(Duplicate { line, of: of.map(str::to_owned) });
                continue;
            }
            known.insert(secret.expose(), None);
            let document = sealed(gateway, &owner, &said, secret)?;
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

/// What an import says.
struct Lines {
    /// The secrets, each with its place and its label.
    keys: Vec<(usize, Secret, String)>,
    /// The other places.
    blank: Vec<usize>,
}

/// A key for each line, and behind ` # ` what people call it.
fn read(fields: &mut Map<String, Value>) -> Result<Lines> {
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
    let mut lines = Lines { keys: Vec::new(), blank: Vec::new() };
    for (line, text) in (1..).zip(texts) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            lines.blank.push(line);
            continue;
        }
        let (text, label) = text.split_once(" #").unwrap_or((text, ""));
        let secret = secret(text).map_err(|error| at(line, &error))?;
        lines.keys.push((line, secret, label.trim().to_owned()));
    }
    if lines.keys.is_empty() || lines.keys.len() > CHANGES_MAX {
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

    type Told = (usize, String, String);

    fn lines(body: Value) -> Result<(Vec<Told>, Vec<usize>)> {
        let Value::Object(mut fields) = body else { panic!("no object") };
        let Lines { keys, blank } = read(&mut fields)?;
        let told =
            keys.into_iter().map(|(line, key, label)| (line, key.expose().to_owned(), label));
        Ok((told.collect(), blank))
    }

    #[test]
    fn lines_and_lists_are_read_alike() {
        let key = |line, key: &str, label: &str| (line, key.to_owned(), label.to_owned());
        let wanted = (vec![key(2, "sk-a", ""), key(4, "sk-b", "team b, #2")], vec![1, 3]);
        let text = "# mine\n sk-a \r\n\nsk-b  # team b, #2 \n";
        assert_eq!(lines(json!({ "text": text })).unwrap(), wanted);
        let keys = json!(["# no", "sk-a", "", "sk-b # team b, #2"]);
        assert_eq!(lines(json!({ "keys": keys })).unwrap(), wanted);
        let hashed = (vec![key(1, "sk#a", "")], vec![]);
        assert_eq!(lines(json!({ "text": "sk#a" })).unwrap(), hashed);
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line() {
        let message = |body| lines(body).unwrap_err().message;
        let wrong = message(json!({ "text": "sk-a\nsk b" }));
        assert_eq!(wrong, "Key 2: A key has visible ASCII characters and no white space.");
        assert!(lines(json!({})).is_err() && lines(json!({ "text": "\n" })).is_err());
    }
}
