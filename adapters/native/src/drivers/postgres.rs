//! How is `PostgreSQL` asked? A batch is BEGIN, then all statements and COMMIT in one go.
//!
//! At READ COMMITTED: whatever two batches could spoil for each other is a row that both change, or that the store locks
//! before it looks. See decision 38.

mod connection;
mod tls;
mod values;

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    limits::{DATABASE_WAIT, UPSTREAM_PROBE_WAIT},
    store::sql::{Flavor, Outcome, Statement},
};
use tokio_postgres::{Config, config::SslMode};

use super::{
    asked::{self, Tls},
    limits::{DATABASE_CONNECT_WAIT, DATABASE_LOCK_WAIT},
    pooled::{Engine, Fault, Pooled, Task},
};
use connection::Connection;
use tls::MakeTls;

/// A `PostgreSQL` database.
pub(crate) type Postgres = Pooled<Servers>;

/// The server that a URL names, or several of which one answers.
pub(crate) struct Servers {
    config: Config,
    tls: MakeTls,
    /// What is said on each new connection.
    settings: String,
}

/// Reads `postgres://user:password@host:port/database?sslmode=…`. It connects when it is asked.
pub(crate) fn postgres(url: &str) -> Result<Postgres> {
    let (asked, url) = asked::asked(url)?;
    // What the crate says of a URL may repeat a part of it.
    let mut config: Config = url.parse().map_err(|_| not_a_url())?;
    config.ssl_mode(match asked.tls {
        Tls::Disable => SslMode::Disable,
        Tls::Prefer => SslMode::Prefer,
        Tls::Require | Tls::VerifyCa | Tls::VerifyFull => SslMode::Require,
    });
    config.connect_timeout(DATABASE_CONNECT_WAIT);
    config.keepalives_idle(UPSTREAM_PROBE_WAIT);
    config.tcp_user_timeout(DATABASE_WAIT);
    if config.get_application_name().is_none() {
        config.application_name("tidegate");
    }
    let (wait, lock_wait) = (DATABASE_WAIT.as_millis(), DATABASE_LOCK_WAIT.as_millis());
    let settings = format!(
        "SET statement_timeout = {wait}; SET lock_timeout = {lock_wait}; \
         SET idle_in_transaction_session_timeout = {wait}; SET client_encoding = 'UTF8'"
    );
    let tls = MakeTls::new(&asked)?;
    Ok(Pooled::new(Servers { config, tls, settings }, asked.connections))
}

#[async_trait]
impl Engine for Servers {
    type Connection = Connection;

    fn flavor(&self) -> Flavor {
        Flavor::Postgres
    }

    async fn connect(&self) -> Result<Connection> {
        let (client, speaking) = self
            .config
            .connect(self.tls.clone())
            .await
            .map_err(|error| connection::told(&error))?;
        if speaking.parameter("server_encoding") != Some("UTF8") {
            return Err(Error::store("the database's encoding is not UTF8"));
        }
        // It ends with the client that it speaks for, or with an error that the client tells whoever asks next.
        tokio::spawn(speaking);
        client.batch_execute(&self.settings).await.map_err(|error| connection::told(&error))?;
        Ok(Connection::new(client))
    }

    fn is_open(&self, connection: &Connection) -> bool {
        connection.is_open()
    }

    async fn run(
        &self,
        connection: &mut Connection,
        task: Task,
        batch: &[Statement],
    ) -> Result<Vec<Outcome>, Fault> {
        connection.run(task, batch).await
    }
}

fn not_a_url() -> Error {
    Error::bad_request("The store's URL is no postgres://USER:PASSWORD@HOST/DATABASE.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_whole_and_not_repeated() {
        let read = |url| postgres(url).err();
        assert!(
            read("postgres://me:secret@db.example:6543/tidegate?sslmode=verify-full").is_none()
        );
        assert!(read("postgresql://me@/tidegate?host=%2Frun%2Fpostgresql").is_none());
        for url in ["postgres://me:secret@host:port/db", "postgres://me:secret@h/db?nonsense=1"] {
            let error = read(url).unwrap();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
