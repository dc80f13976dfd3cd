//! How is the gateway set? One document, with what the configuration declares locked in it.

use async_trait::async_trait;
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Answer,
    document::{Resource, Stored, fresh, locked, merged, tagged},
    edit::{Edit, commit},
    inbound::{self, Precondition},
    write,
};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    limits::{CAPTURE_BYTES_MAX, CAPTURE_DAYS_MAX, CAPTURE_LISTED_MAX, RETENTION_DAYS_MAX},
    recall::limits::{RECALL_LISTED_MAX, RECALL_SECONDS_MAX},
    router::Visit,
    settings::{ID, Settings},
    store::Kind,
};

pub(super) const PLACE: &str = "the configuration (`retention_days`)";

#[async_trait]
impl Resource for Settings {
    const KIND: Kind = Kind::Setting;
    const WORD: &'static str = "setting";

    fn check(&self, _: &str) -> Result<()> {
        let wrong = |field: &str, message: String| Err(Error::bad_request(message).at(field));
        if !(1..=RETENTION_DAYS_MAX).contains(&self.retention_days) {
            return wrong("retention_days", format!("Days go from 1 to {RETENTION_DAYS_MAX}."));
        }
        let capture = &self.capture;
        if !(1..=CAPTURE_DAYS_MAX).contains(&capture.days) {
            return wrong("capture.days", format!("Days go from 1 to {CAPTURE_DAYS_MAX}."));
        }
        if !(1..=CAPTURE_BYTES_MAX).contains(&capture.bytes_max) {
            return wrong("capture.bytes_max", format!("Bytes go from 1 to {CAPTURE_BYTES_MAX}."));
        }
        if capture.clients.len() > CAPTURE_LISTED_MAX || capture.teams.len() > CAPTURE_LISTED_MAX {
            return wrong("capture", format!("At most {CAPTURE_LISTED_MAX} of each are listed."));
        }
        let recall = &self.recall;
        if !(1..=RECALL_SECONDS_MAX).contains(&recall.seconds) {
            return wrong("recall.seconds", format!("Seconds go from 1 to {RECALL_SECONDS_MAX}."));
        }
        if recall.clients.len() > RECALL_LISTED_MAX || recall.teams.len() > RECALL_LISTED_MAX {
            return wrong("recall", format!("At most {RECALL_LISTED_MAX} of each are listed."));
        }
        Ok(())
    }
}

/// The settings, as they are shown.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// Counts their changes; the `ETag`.
    version: i64,
    /// The fields that the configuration declares, so that they cannot be changed here.
    declared: Vec<&'static str>,
    #[serde(flatten)]
    settings: Settings,
}

/// The settings that are in force.
pub(crate) fn get(gateway: &Gateway, _: Visit) -> Answer<'_> {
    Box::pin(async move {
        let (version, _, settings) = load(gateway).await?;
        show(gateway, version, settings)
    })
}

/// Changes what a merge patch names.
pub(crate) fn patch(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Visit { caller, request, .. } = visit;
        let condition = Precondition::read(request.headers())?;
        let patch: Map<String, Value> = inbound::body(request).await?;
        let (version, before, settings) = load(gateway).await?;
        condition.allow(version)?;
        if gateway.state.config.retention_days.is_some() && patch.contains_key("retention_days") {
            return Err(locked("setting", "retention_days", PLACE).at("retention_days"));
        }
        let settings: Settings = merged(&settings, patch)?;
        settings.check(ID)?;
        let edit = match &before {
            Some(before) => Edit::put(before.saying(&settings)?, Some(&before.document)),
            None => Edit::put(fresh(ID, "", ID, &settings)?, None),
        };
        commit(gateway, &caller, "change settings", vec![edit]).await?;
        show(gateway, version + 1, settings)
    })
}

pub(super) async fn load(gateway: &Gateway) -> Result<(i64, Option<Stored<Settings>>, Settings)> {
    let Some(document) = gateway.ports.store.get(Kind::Setting, ID).await? else {
        return Ok((0, None, Settings::default()));
    };
    let stored = Stored::<Settings>::read(document)?;
    let settings = stored.body.clone();
    Ok((stored.document.version, Some(stored), settings))
}

fn show(gateway: &Gateway, version: i64, mut settings: Settings) -> Result<Response<Body>> {
    let declared = gateway.state.config.retention_days;
    settings.retention_days = declared.unwrap_or(settings.retention_days);
    let declared = declared.map(|_| "retention_days").into_iter().collect();
    let shown = Shown { version, declared, settings };
    Ok(tagged(write(StatusCode::OK, &shown)?, version))
}
