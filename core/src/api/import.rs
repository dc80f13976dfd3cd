//! How does a configuration come in as one file? First it is said what would be done; then all of it is done, or nothing.
//!
//! Read in this order: this file (what is sent and told), [`plan`] (what would be done), [`documents`] (kinds whose ids people
//! choose), [`callers`] (teams and clients).

mod callers;
mod documents;
mod plan;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Answer,
    document::tagged,
    edit::commit,
    inbound::{self, Precondition},
    write,
};
use crate::{
    error::{Error, Kind as Refusal, Result},
    gateway::Gateway,
    limits::{CHANGES_MAX, IMPORT_BYTES_MAX},
    router::Visit,
};
pub(super) use plan::{Missing, Plan, Step};

/// The form of the file.
const FORM: u32 = 1;

/// Things as they are shown, without what is counted of them.
type Rows = Vec<Map<String, Value>>;

/// What is configured, as one file. What it does not name stays as it is.
#[derive(Deserialize)]
struct File {
    tidegate: u32,
    #[serde(default, rename = "exported_at")]
    _exported_at: Option<String>,
    #[serde(default)]
    settings: Option<Map<String, Value>>,
    #[serde(default)]
    providers: Rows,
    #[serde(default)]
    models: Rows,
    #[serde(default)]
    groups: Rows,
    #[serde(default)]
    proxies: Rows,
    #[serde(default)]
    teams: Rows,
    #[serde(default)]
    clients: Rows,
}

/// What a file does here.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Told {
    /// Whether it is done; otherwise it would be, with `If-Match` and the `ETag` of this answer.
    done: bool,
    /// What is done with each thing of the file, in its order.
    steps: Vec<Step>,
    /// Secrets that no file holds, and that are to be given now.
    missing: Vec<Missing>,
    /// Counts the changes of everything; the `ETag`.
    version: i64,
}

/// Says what a file would do, and does it where `If-Match` says that this was seen.
pub(crate) fn create(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Visit { caller, request, .. } = visit;
        let condition = Precondition::read(request.headers())?;
        let file: File = inbound::bounded(request, IMPORT_BYTES_MAX).await?;
        if file.tidegate != FORM {
            let message = format!("This reads the form {FORM} of the file.");
            return Err(Error::bad_request(message).at("tidegate"));
        }
        gateway.refresh().await?;
        let seen = gateway.state.snapshot().revision;
        let done = condition != Precondition::Unsaid;
        if done {
            condition.allow(seen)?;
        }
        let Plan { steps, missing, edits, .. } = plan(gateway, file).await?.without_mistakes()?;
        if edits.len() > CHANGES_MAX {
            let message = format!(
                "It would change {} things, and {CHANGES_MAX} are changed at a time: take some lists out of the file and bring them in after.",
                edits.len()
            );
            return Err(Error::new(Refusal::Conflict, message).coded("too_many"));
        }
        if done && !edits.is_empty() {
            commit(gateway, &caller, "import configuration", edits).await?;
        }
        let version = gateway.state.snapshot().revision;
        Ok(tagged(write(StatusCode::OK, &Told { done, steps, missing, version })?, version))
    })
}

async fn plan(gateway: &Gateway, file: File) -> Result<Plan> {
    let mut plan = Plan::default();
    if let Some(settings) = file.settings {
        documents::settings(gateway, settings, &mut plan).await?;
    }
    documents::providers(gateway, file.providers, &mut plan).await?;
    documents::models(gateway, file.models, &mut plan).await?;
    documents::groups(gateway, file.groups, &mut plan).await?;
    documents::proxies(gateway, file.proxies, &mut plan).await?;
    let teams = callers::teams(gateway, file.teams, &mut plan).await?;
    callers::clients(gateway, file.clients, &teams, &mut plan).await?;
    Ok(plan)
}
