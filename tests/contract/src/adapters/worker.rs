//! How is the Worker started? In workerd with a D1 database, by the script that the Worker's own tests use.

use std::{path::Path, process::Stdio};

use serde_json::{Map, Value};
use tokio::{io::AsyncWriteExt, process::Command};

use super::{Instance, Log, Process, announced, path_from};
use crate::{Result, failed, setup::Setup};

const HARNESS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../worker/harness.mjs");

pub(super) async fn start(setup: Setup) -> Result<Instance> {
    if !Path::new(HARNESS).exists() {
        return failed(format!("{HARNESS} is missing"));
    }
    let mut child = Command::new("node")
        .arg(HARNESS)
        .arg(path_from("TIDEGATE_WORKER_BUILD")?)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let Some(mut input) = child.stdin.take() else { return failed("node has no input") };
    let variables: Map<String, Value> =
        setup.environment().into_iter().map(|(name, value)| (name, value.into())).collect();
    input.write_all(format!("{}\n", Value::from(variables)).as_bytes()).await?;
    let log = Log::of(&mut child);
    let address = announced(&log, &mut child).await?;
    Ok(Instance { address, setup, log, process: Process::Piped { input: input.into(), child } })
}
