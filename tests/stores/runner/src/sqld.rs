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
    address: String,
    process: Option<Child>,
}

impl Sqld {
    /// Starts the program that `TIDEGATE_SQLD_BIN` names, and waits until it accepts connections.
    pub async fn start(folder: &Path) -> Result<Self, String> {
        let address = free_address().map_err(|error| format!("no free port: {error}"))?;
        let mut sqld = Self { url: format!("http://{address}"), address, process: None };
        sqld.begin(folder).await?;
        Ok(sqld)
    }

    /// Starts it over what it has kept in this folder, and waits until it accepts connections.
    pub async fn begin(&mut self, folder: &Path) -> Result<(), String> {
        let program = env::var_os("TIDEGATE_SQLD_BIN").ok_or("TIDEGATE_SQLD_BIN is not set")?;
        let log = folder.join("sqld.log");
        let output = File::options().create(true).append(true).open(&log);
        let output = output.map_err(|error| error.to_string())?;
        let process = Command::new(&program)
            .args(["--no-welcome", "--http-listen-addr", &self.address])
            // As docs/deploy.md has it started: with more who wait to write, its queue can stand still.
            .args(["--max-concurrent-connections", "2", "--db-path"])
            .arg(folder.join("sqld"))
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(|error| error.to_string())?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        self.process = Some(process);
        let accepts = async {
            while TcpStream::connect(&self.address).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(START_WAIT, accepts).await.is_err() {
            let told = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("sqld accepts no connection: {told}"));
        }
        Ok(())
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    /// Ends it without any farewell.
    pub async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Already ended, which is as good.
            let _ = process.kill().await;
        }
    }
}

/// Free at this moment, which is as much as can be known before a program binds it by itself.
fn free_address() -> std::io::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
