//! How are MySQL and `MariaDB` asked? Statement by statement, between START TRANSACTION and COMMIT.
//!
//! At READ COMMITTED, as `PostgreSQL` is: `InnoDB` then locks the rows that it changes and no gaps between them. See
//! decision 38.

mod values;

use async_trait::async_trait;
use mysql_async::{
    Conn, DriverError, Error as Refusal, Opts, OptsBuilder, Params, Row, SslOpts,
    prelude::Queryable,
};
use tidegate_core::{
    Error, Result,
    limits::{MIGRATION_LEASE, STATEMENTS_KEPT_MAX, UPSTREAM_PROBE_WAIT},
    store::sql::{Flavor, Outcome, Statement},
};

use super::{
    asked::{self, Asked, Tls},
    limits::DATABASE_LOCK_WAIT,
    pooled::{Engine, Fault, Pooled, Task},
};

/// A MySQL or `MariaDB` database.
pub(crate) type Mysql = Pooled<Server>;

/// The server that a URL names.
pub(crate) struct Server {
    options: Opts,
    /// Without TLS, for a server that has none where none is needed.
    plain: Option<Opts>,
}

/// Reads `mysql://user:password@host:port/database?ssl-mode=…`, or the same with `mariadb`. It connects when it is
/// asked.
pub(crate) fn mysql(url: &str) -> Result<Mysql> {
    let (asked, url) = asked::asked(url)?;
    let url = url.replacen("mariadb://", "mysql://", 1);
    // What the crate says of a URL may repeat a part of it.
    let options = Opts::from_url(&url).map_err(|_| not_a_url())?;
    if options.db_name().is_none() {
        return Err(not_a_url());
    }
    let wait = DATABASE_LOCK_WAIT.as_secs();
    let schema_wait = MIGRATION_LEASE.as_secs();
    let settings = vec![
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin".to_owned(),
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
        format!(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', \
             autocommit = 1, innodb_lock_wait_timeout = {wait}, lock_wait_timeout = {schema_wait}"
        ),
    ];
    let options = OptsBuilder::from_opts(options)
        // A row that is found and stays as it is counts as changed, as it does elsewhere.
        .client_found_rows(true)
        .prefer_socket(false)
        .stmt_cache_size(STATEMENTS_KEPT_MAX)
        .tcp_keepalive(Some(UPSTREAM_PROBE_WAIT))
        .init(settings);
    let plain: Opts = options.clone().ssl_opts(None::<SslOpts>).into();
    let (options, plain) = match asked.tls {
        Tls::Disable => (plain, None),
        Tls::Prefer => (options.ssl_opts(tls(&asked)).into(), Some(plain)),
        Tls::Require | Tls::VerifyCa | Tls::VerifyFull => {
            (options.ssl_opts(tls(&asked)).into(), None)
        }
    };
    Ok(Pooled::new(Server { options, plain }, asked.connections))
}

fn tls(asked: &Asked) -> SslOpts {
    let options = SslOpts::default();
    if matches!(asked.tls, Tls::Disable | Tls::Prefer | Tls::Require) {
        return options.with_danger_accept_invalid_certs(true);
    }
    // Whoever asks for a known authority gets the name checked as well: what the crate would pass over, rustls calls
    // differently by now.
    if let Some(path) = &asked.authorities {
        let known = vec![path.clone().into()];
        return options.with_disable_built_in_roots(true).with_root_certs(known);
    }
    let known = rustls_native_certs::load_native_certs().certs;
    options
        // An image made from scratch has none, and gets Mozilla's.
        .with_disable_built_in_roots(!known.is_empty())
        .with_root_certs(known.into_iter().map(|certificate| certificate.to_vec().into()).collect())
}

#[async_trait]
impl Engine for Server {
    type Connection = Conn;

    fn flavor(&self) -> Flavor {
        Flavor::Mysql
    }

    async fn connect(&self) -> Result<Conn> {
        let connecting = match (Conn::new(self.options.clone()).await, &self.plain) {
            (Err(Refusal::Driver(DriverError::NoClientSslFlagFromServer)), Some(plain)) => {
                Conn::new(plain.clone()).await
            }
            (connecting, _) => connecting,
        };
        connecting.map_err(|error| told(&error))
    }

    fn is_open(&self, connection: &Conn) -> bool {
        !connection.is_disconnected()
    }

    async fn run(
        &self,
        connection: &mut Conn,
        task: Task,
        batch: &[Statement],
    ) -> Result<Vec<Outcome>, Fault> {
        if task == Task::Read && batch.len() == 1 {
            return all(connection, batch).await.map_err(|error| fault(&error).of_question());
        }
        begin(connection, task).await.map_err(|error| Fault::Stale(told(&error)))?;
        match all(connection, batch).await {
            Ok(outcomes) => {
                // An answer that is lost here may have been a yes.
                let committed = connection.query_drop("COMMIT").await;
                committed.map(|()| outcomes).map_err(|error| match fault(&error) {
                    Fault::Refused(error) | Fault::Stale(error) | Fault::Broken(error) => {
                        Fault::Broken(error)
                    }
                })
            }
            Err(error) if error.is_fatal() => Err(Fault::Broken(told(&error))),
            Err(error) => match connection.query_drop("ROLLBACK").await {
                Ok(()) => Err(fault(&error)),
                Err(_) => Err(Fault::Broken(told(&error))),
            },
        }
    }
}

async fn begin(connection: &mut Conn, task: Task) -> Result<(), Refusal> {
    match task {
        Task::Read => {
            // Of the next transaction alone.
            connection.query_drop("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
            connection.query_drop("START TRANSACTION READ ONLY").await
        }
        Task::Write | Task::Migrate => connection.query_drop("START TRANSACTION").await,
    }
}

async fn all(connection: &mut Conn, batch: &[Statement]) -> Result<Vec<Outcome>, Refusal> {
    let mut outcomes = Vec::with_capacity(batch.len());
    for statement in batch {
        outcomes.push(ask(connection, statement).await?);
    }
    Ok(outcomes)
}

async fn ask(connection: &mut Conn, statement: &Statement) -> Result<Outcome, Refusal> {
    let args = match statement.args.as_slice() {
        [] => Params::Empty,
        args => Params::Positional(args.iter().map(values::bound).collect()),
    };
    let mut answer = connection.exec_iter(&*statement.sql, args).await?;
    let columns = answer.columns_ref().iter().map(|c| c.name_str().into_owned()).collect();
    let rows: Vec<Row> = answer.collect().await?;
    let changed = answer.affected_rows();
    answer.drop_result().await?;
    Ok(Outcome { columns, rows: rows.into_iter().map(values::fields).collect(), changed })
}

fn fault(error: &Refusal) -> Fault {
    if error.is_fatal() { Fault::Broken(told(error)) } else { Fault::Refused(told(error)) }
}

/// What the core makes of an error.
fn told(error: &Refusal) -> Error {
    match error {
        Refusal::Server(said) => {
            Flavor::Mysql.refusal(&format!("{}: {} ({})", said.code, said.message, said.state))
        }
        other => Error::store(other),
    }
}

fn not_a_url() -> Error {
    Error::bad_request("The store's URL is no mysql://USER:PASSWORD@HOST/DATABASE.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_whole_and_not_repeated() {
        let read = |url| mysql(url).err();
        assert!(read("mysql://me:secret@db.example:3307/tidegate?ssl-mode=REQUIRED").is_none());
        assert!(read("mariadb://me@db.example/tidegate").is_none());
        for url in ["mysql://me:secret@host", "mysql://me:secret@h/db?nonsense=1"] {
            let error = read(url).unwrap();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
