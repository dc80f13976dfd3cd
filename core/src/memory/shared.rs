//! How does one instance know what another one was told? What an answer leaves is stored sealed, by its first call.

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{Kept, Place, first_call};
use crate::{
    dialect::{
        Dialect,
        ir::{Role, State, Thought, Turn},
    },
    error::{Error, Result},
    gateway::Gateway,
    identity::Secret,
    json,
    limits::{MEMORY_BYTES_MAX, STATE_FETCH_WAIT, STATE_STORE_WAIT, STATES_AT_ONCE_MAX},
    ports::{Millis, within},
    store::Blob,
};

/// Which of a call's blobs holds this.
const PART: &str = "state";

/// What one answer leaves for other instances.
pub(crate) struct Leaving {
    client: String,
    provider: String,
    /// The id of the answer's first call.
    call: String,
    at_ms: Millis,
    text: String,
}

/// One call, as it is stored.
#[derive(Serialize, Deserialize)]
struct Line {
    call: String,
    at_ms: Millis,
    thoughts: Vec<StoredThought>,
    state: Option<StoredState>,
}

#[derive(Serialize, Deserialize)]
struct StoredThought {
    text: String,
    summary: bool,
    state: Option<StoredState>,
}

#[derive(Serialize, Deserialize)]
struct StoredState {
    dialect: String,
    form: String,
    id: String,
    data: String,
}

impl Leaving {
    /// `None` when the answer has no call or is too large to be kept.
    pub(super) fn new(client: &str, provider: &str, kept: &[(String, Kept)]) -> Option<Self> {
        let (call, first) = kept.first()?;
        if kept.iter().map(|(_, kept)| kept.bytes).sum::<usize>() > MEMORY_BYTES_MAX {
            return None;
        }
        let lines: Vec<_> = kept.iter().map(|(call, kept)| Line::new(call, kept)).collect();
        let text = serde_json::to_string(&lines).expect("plain fields always serialize");
        let (client, provider, call) = (client.to_owned(), provider.to_owned(), call.clone());
        Some(Self { client, provider, call, at_ms: first.at_ms, text })
    }

    /// Stores it. An answer whose state could not be stored is an answer all the same.
    pub(crate) async fn store(self, gateway: &Gateway) {
        let stored = Box::pin(self.put(gateway));
        match within(&*gateway.ports.clock, STATE_STORE_WAIT, stored).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(%error, "a provider's state could not be stored"),
            None => tracing::warn!("a provider's state could not be stored in time"),
        }
    }

    async fn put(self, gateway: &Gateway) -> Result<()> {
        let Self { client, provider, call, at_ms, text } = self;
        let (vault, random) = (&gateway.state.vault, &*gateway.ports.random);
        let place = place(&client, &provider, &call);
        let sealed = vault.seal(&Secret::new(text), &place, random)?.into();
        let (id, part) = (vault.hash(&place), PART.to_owned());
        let expires_at_ms = at_ms.saturating_add(super::keep_ms());
        gateway.ports.store.put_blob(Blob { client, id, part, expires_at_ms, sealed }).await
    }
}

/// Takes into this instance's memory what others have stored of the calls of a conversation that nothing is known of
/// here. What does not come in time is missing, as it would be without a store.
pub(crate) async fn fetch(gateway: &Gateway, client: &str, provider: &str, turns: &[Turn]) {
    let now = gateway.ports.clock.now();
    let missing = gateway.state.memory.missing(client, provider, turns, now);
    if missing.is_empty() {
        return;
    }
    // The last answer may be on its way into the store; of an earlier one that is not there nothing will come.
    let last = turns.iter().rev().find(|turn| turn.role == Role::Assistant).and_then(first_call);
    let absent = |call: &str| {
        if last == Some(call) { Absent::AskAgain } else { Absent::Remember }
    };
    let calls = missing.iter().map(String::as_str);
    let asks: Vec<_> =
        calls.map(|call| take(gateway, (client, provider, call), absent(call), now)).collect();
    let all = stream::iter(asks).buffer_unordered(STATES_AT_ONCE_MAX).for_each(|taken| async {
        if let Err(error) = taken {
            tracing::debug!(%error, "a provider's state could not be read");
        }
    });
    if within(&*gateway.ports.clock, STATE_FETCH_WAIT, Box::pin(all)).await.is_none() {
        tracing::debug!("a provider's state did not come in time");
    }
}

/// What becomes of a call that the store does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    AskAgain,
    Remember,
}

async fn take(
    gateway: &Gateway,
    (client, provider, call): (&str, &str, &str),
    absent: Absent,
    now: Millis,
) -> Result<()> {
    let (vault, place) = (&gateway.state.vault, place(client, provider, call));
    let blob = gateway.ports.store.get_blob(client, &vault.hash(&place), PART, now).await?;
    let here = |call: &str| {
        let (client, provider) = (client.to_owned(), provider.to_owned());
        Place { client, provider, call: call.to_owned() }
    };
    let Some(sealed) = blob else {
        if absent == Absent::Remember {
            gateway.state.memory.keep(here(call), Kept::new(Vec::new(), None, now));
        }
        return Ok(());
    };
    let text = vault.open(std::str::from_utf8(&sealed).map_err(Error::internal)?, &place)?;
    let lines: Vec<Line> = json::read(text.expose()).map_err(Error::internal)?;
    for line in lines {
        gateway.state.memory.keep(here(&line.call), line.into());
    }
    Ok(())
}

fn place(client: &str, provider: &str, call: &str) -> String {
    format!("state|{client}|{provider}|{call}")
}

impl Line {
    fn new(call: &str, kept: &Kept) -> Self {
        let stored = |state: &Option<State>| state.as_ref().map(StoredState::from);
        let thought = |thought: &Thought| StoredThought {
            text: thought.text.clone(),
            summary: thought.summary,
            state: stored(&thought.state),
        };
        let thoughts = kept.thoughts.iter().map(thought).collect();
        Self { call: call.to_owned(), at_ms: kept.at_ms, thoughts, state: stored(&kept.state) }
    }
}

impl From<Line> for Kept {
    fn from(line: Line) -> Self {
        let state = |state: Option<StoredState>| state.and_then(StoredState::known);
        let thought = |thought: StoredThought| {
            let StoredThought { text, summary, state: stored } = thought;
            Thought { text, summary, state: state(stored) }
        };
        Self::new(line.thoughts.into_iter().map(thought).collect(), state(line.state), line.at_ms)
    }
}

impl From<&State> for StoredState {
    fn from(state: &State) -> Self {
        let State { dialect, form, id, data } = state;
        let (dialect, form) = (dialect.name().to_owned(), (*form).to_owned());
        Self { dialect, form, id: id.clone(), data: data.clone() }
    }
}

impl StoredState {
    /// `None` when another version of Tidegate knew more dialects or forms.
    fn known(self) -> Option<State> {
        let Self { dialect, form, id, data } = self;
        let dialect = Dialect::ALL.into_iter().find(|known| known.name() == dialect)?;
        let form = State::FORMS.into_iter().find(|known| *known == form)?;
        Some(State { dialect, form, id, data })
    }
}
