//! How does an operator change the root secret? By a new one that writes, and old ones that read until nothing needs them.

use http::Method;
use serde_json::{Value, json};
use tidegate_core::{Body, Error, Result, config::Config, error::Kind};

use crate::{admin::Admin, cli::SecretCommand, console::say, data::Data};

/// Runs `tidegate secret …`.
pub(crate) async fn run(command: SecretCommand, config: Config) -> Result<()> {
    let SecretCommand::Rotate { new } = command;
    let data = Data::new(&config.data);
    let declared = config.secret.is_some();
    if new {
        make(&data, declared)?;
    }
    let admin = Admin::find(config).await?;
    let rotated = rotate(&admin).await;
    admin.close().await;
    let left = rotated?;
    say(&left.told());
    if !left.is_nothing() {
        let message = "Keep the older root secrets: something still needs them.";
        return Err(Error::new(Kind::Conflict, message));
    }
    if declared {
        say("TIDEGATE_SECRET_OLD can go.");
    } else {
        data.forget_old_secrets();
    }
    Ok(())
}

fn make(data: &Data, declared: bool) -> Result<()> {
    if declared {
        let message = "The root secret is TIDEGATE_SECRET: set it to a new one, and TIDEGATE_SECRET_OLD to this one.";
        return Err(Error::bad_request(message));
    }
    // Held by a running server, it is a conflict that says so.
    let _lock = data.lock()?;
    data.replace_secret()
}

/// What older root secrets are still needed for.
#[derive(Default)]
struct Left {
    resealed: u64,
    unreadable: u64,
    clients: u64,
}

impl Left {
    fn is_nothing(&self) -> bool {
        self.unreadable == 0 && self.clients == 0
    }

    fn told(&self) -> String {
        let Self { resealed, unreadable, clients } = self;
        format!(
            "{resealed} upstream keys are sealed anew. Left: {unreadable} upstream keys that do not open, {clients} \
             clients that have not called since."
        )
    }
}

async fn rotate(admin: &Admin) -> Result<Left> {
    let mut left = Left::default();
    let mut after = Value::Null;
    loop {
        let wanted = Body::from(json!({ "after": after }).to_string());
        let mut done = admin.ask(Method::POST, "/api/secret/rotate", wanted).await?;
        let count = |name: &str| done[name].as_u64().unwrap_or(0);
        left.resealed += count("resealed");
        left.unreadable += count("unreadable");
        left.clients += count("clients_left");
        after = done["next"].take();
        if after.is_null() {
            return Ok(left);
        }
    }
}
