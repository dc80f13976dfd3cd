//! How are wishes fulfilled? One request to the API each. What is refused is told, and the rest goes on.

use http::Method;
use serde_json::{Map, Value, json};
use tidegate_core::{Body, Error, Result, error::Kind, limits::CHANGES_MAX};

use super::{Found, Key, Known, Wish};
use crate::{admin::Admin, console::say};

/// Makes all of them, and says what became of each and what nobody wished for.
pub(super) async fn apply(found: Found, admin: &Admin, known: Known) -> Result<()> {
    let (mut taken, mut left) = (0_usize, found.left);
    for wish in found.wishes {
        match wish {
            Wish::Put { what, path, body } => {
                let id = path.rsplit_once("/api/").map_or("", |(_, rest)| rest);
                let name = format!("{what} {}", id.split_once('/').map_or(id, |(_, id)| id));
                let put = put(admin, &path, &body, known).await;
                taken += usize::from(tell(&name, put, &mut left)?);
            }
            Wish::Keys { of, id, keys } => {
                let made = self::keys(admin, (of, &id), keys, &mut left).await?;
                if made > 0 {
                    say(&format!("{made} keys of {of} {id}: taken"));
                }
                taken += made;
            }
            Wish::Client { name, body } => {
                let made = admin.ask(Method::POST, "/api/clients", text(&body)).await;
                let told = made.map(|made| {
                    let key = made["key"].as_str().unwrap_or_default();
                    format!("taken, with a new key, shown this once: {key}")
                });
                taken += usize::from(tell(&format!("client {name}"), told, &mut left)?);
            }
            Wish::User { name, role } => {
                let body = json!({ "name": name, "role": role });
                let made = admin.ask(Method::POST, "/api/users", text(&body)).await;
                let told = made.map(|_| {
                    format!("taken, without a password: `tidegate admin reset` or an admin makes a link for {name}")
                });
                taken += usize::from(tell(&format!("user {name}"), told, &mut left)?);
            }
        }
    }
    say(&format!("{taken} taken, {} not:", left.len()));
    for line in left {
        say(&format!("- {line}"));
    }
    Ok(())
}

/// Says that something is taken, or notes why not. A gateway that does not answer ends all.
fn tell(name: &str, done: Result<String>, left: &mut Vec<String>) -> Result<bool> {
    match done {
        Ok(told) => {
            say(&format!("{name}: {told}"));
            Ok(true)
        }
        Err(error) if error.kind == Kind::Unavailable => Err(error),
        Err(error) => {
            left.push(format!("{name}: {}", error.message));
            Ok(false)
        }
    }
}

async fn put(admin: &Admin, path: &str, body: &Value, known: Known) -> Result<String> {
    let there = match admin.ask(Method::GET, path, Body::empty()).await {
        Ok(there) => Some(there),
        Err(error) if error.kind == Kind::NotFound => None,
        Err(error) => return Err(error),
    };
    match there {
        None => {
            admin.ask(Method::PUT, path, text(body)).await?;
            Ok("taken".to_owned())
        }
        Some(there) => match there["declared_in"].as_str() {
            Some(place) => {
                let message = format!("it is declared in {place}, which goes before the database.");
                Err(Error::new(Kind::Conflict, message))
            }
            None if known == Known::Changes => {
                admin.ask(Method::PATCH, path, text(body)).await?;
                Ok("taken, in the place of what was there".to_owned())
            }
            None => {
                let message = "it is there already and stays; --replace takes the other one.";
                Err(Error::new(Kind::Conflict, message))
            }
        },
    }
}

/// Gives keys to their owner; returns how many were new. Plain ones go many at a time.
async fn keys(
    admin: &Admin,
    (of, id): (&'static str, &str),
    keys: Vec<Key>,
    left: &mut Vec<String>,
) -> Result<usize> {
    let plain = |key: &Key| match &key.said {
        Value::Object(said) => said.keys().all(|name| name == "label"),
        _ => true,
    };
    let (plain, special): (Vec<Key>, Vec<Key>) = keys.into_iter().partition(plain);
    let mut made = 0;
    for some in plain.chunks(CHANGES_MAX) {
        let line = |key: &Key| match key.said["label"].as_str() {
            Some(label) if !label.is_empty() => format!("{} # {label}", key.secret.expose()),
            _ => key.secret.expose().to_owned(),
        };
        let mut body = Map::new();
        body.insert(of.to_owned(), id.into());
        body.insert("keys".to_owned(), some.iter().map(line).collect::<Vec<_>>().into());
        let body = text(&Value::Object(body));
        match admin.ask(Method::POST, "/api/keys/import", body).await {
            Ok(told) => {
                let count = |name: &str| told[name].as_array().map_or(0, Vec::len);
                made += count("created");
                if count("duplicates") > 0 {
                    left.push(format!(
                        "{} keys of {of} {id}: they are there already.",
                        count("duplicates")
                    ));
                }
            }
            Err(error) if error.kind == Kind::Unavailable => return Err(error),
            Err(error) => left.push(format!("{} keys of {of} {id}: {}", some.len(), error.message)),
        }
    }
    for Key { secret, said } in special {
        let mut body = said.as_object().cloned().unwrap_or_default();
        body.insert(of.to_owned(), id.into());
        body.insert("secret".to_owned(), secret.expose().into());
        match admin.ask(Method::POST, "/api/keys", text(&Value::Object(body))).await {
            Ok(_) => made += 1,
            Err(error) if error.kind == Kind::Unavailable => return Err(error),
            Err(error) => left.push(format!("a key of {of} {id}: {}", error.message)),
        }
    }
    Ok(made)
}

fn text(value: &Value) -> Body {
    Body::from(value.to_string())
}
