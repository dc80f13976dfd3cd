//! How is the Lambda function started? In an execution environment of the emulator, over a migrated database.

use std::process::Stdio;

use tidegate_emulator::{Emulator, Options};
use tokio::process::Command;

use super::{Instance, Log, Process, path_from};
use crate::{Result, failed, setup::Setup};

pub(super) async fn start(setup: Setup) -> Result<Instance> {
    let file = || format!("file:{}", setup.path("tidegate.db").display());
    let store = setup.store().map_or_else(file, str::to_owned);
    migrate(&setup, &store).await?;
    let mut options = Options::new(path_from("TIDEGATE_LAMBDA_BIN")?)
        .env("DATABASE_URL", store)
        .env("TIDEGATE_DATA", setup.folder.display().to_string());
    options.env.extend(setup.environment());
    let emulator = Emulator::start(options).await?;
    let url = emulator.url();
    let Some(Ok(address)) = url.strip_prefix("http://").map(str::parse) else {
        return failed(format!("the emulator is at {url}"));
    };
    Ok(Instance { address, setup, log: Log::default(), process: Process::Sandbox(emulator) })
}

/// A function does not migrate: an operator does, before the deployment, with the command line tool.
async fn migrate(setup: &Setup, store: &str) -> Result {
    let output = Command::new(path_from("TIDEGATE_SERVER_BIN")?)
        .arg("migrate")
        .current_dir(&setup.folder)
        .envs(setup.environment())
        .env("TIDEGATE_DATA", &setup.folder)
        .env("DATABASE_URL", store)
        .stdin(Stdio::null())
        .output()
        .await?;
    if output.status.success() {
        return Ok(());
    }
    failed(format!("migrate: {} {}", output.status, String::from_utf8_lossy(&output.stderr)))
}
