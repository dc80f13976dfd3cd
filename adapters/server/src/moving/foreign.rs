//! How does what another gateway was configured with come in? It is read into wishes, which are made as people would make
//! them: through the API, one after another, each with its report.

mod apply;
mod gophergate;
mod litellm;
mod rotator;
mod rows;
mod sealed;
mod yaml;

use serde_json::Value;
use tidegate_core::{Result, config::Config, identity::Secret};
use tidegate_native::Libsql;

use crate::{
    admin::Admin,
    cli::{Foreign, Import},
};

/// What was read.
#[derive(Default)]
struct Found {
    /// In the order in which it is made.
    wishes: Vec<Wish>,
    /// What nobody wishes for, and why.
    left: Vec<String>,
}

/// What becomes of a thing that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It stays as it is.
    Stays,
    /// It says what the other gateway says of it.
    Changes,
}

/// One thing to be made.
enum Wish {
    /// A thing whose id the other gateway chose.
    Put {
        /// What people call such a thing.
        what: &'static str,
        /// Where it is kept.
        path: String,
        /// What it says.
        body: Value,
    },
    /// Upstream keys.
    Keys {
        /// `provider` or `proxy`.
        of: &'static str,
        id: String,
        keys: Vec<Key>,
    },
    /// A client, who gets a new key.
    Client { name: String, body: Value },
    /// A user, who chooses a new password.
    User { name: String, role: &'static str },
}

/// An upstream key.
struct Key {
    secret: Secret,
    /// What is said of it beside the secret.
    said: Value,
}

impl Found {
    fn leave(&mut self, what: impl Into<String>) {
        self.left.push(what.into());
    }
}

/// Reads, makes and tells.
pub(super) async fn import(from: Foreign, import: &Import, config: Config) -> Result<()> {
    let found = read(from, &import.file).await?;
    let admin = Admin::find(config).await?;
    let known = if import.replace { Known::Changes } else { Known::Stays };
    let done = apply::apply(found, &admin, known).await;
    admin.close().await;
    done
}

async fn read(from: Foreign, file: &str) -> Result<Found> {
    match from {
        Foreign::Gophergate => {
            let database = Libsql::foreign(file.as_ref())?;
            gophergate::read(&database, &sealed::Opener::of_environment()).await
        }
        Foreign::ApiKeyRotator if file.starts_with("mysql://") => {
            rotator::read(&*rows::mysql(file)?).await
        }
        Foreign::ApiKeyRotator => rotator::read(&Libsql::foreign(file.as_ref())?).await,
        Foreign::Litellm => litellm::read(&yaml::read(file.as_ref())?, &|name| {
            std::env::var(name).ok().filter(|text| !text.is_empty())
        }),
    }
}

/// What may be the id of a provider, a group or a proxy, made of a name.
fn id_of(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let text: String =
        name.chars().map(|c| if plain(c) { c.to_ascii_lowercase() } else { '-' }).collect();
    text.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_an_id() {
        for (name, id) in [("gpt-4o", "gpt-4o"), ("Azure/GPT 4", "azure-gpt-4"), ("..a", "a")] {
            assert_eq!(id_of(name), id);
        }
    }
}
