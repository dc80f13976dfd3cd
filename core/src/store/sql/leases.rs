//! Who does a job that only one process may do at a time? Whoever's row it is.

use super::database::{Database, Statement};
use crate::{
    error::{Kind, Result},
    ports::Millis,
};

const FREE: &str = "DELETE FROM leases WHERE name = ? AND (holder = ? OR until_ms <= ?)";
const TAKE: &str = "INSERT INTO leases (name, holder, until_ms) VALUES (?, ?, ?)";
const GIVE_BACK: &str = "DELETE FROM leases WHERE name = ? AND holder = ?";

/// Takes or renews the lease, unless somebody else holds it.
pub(super) async fn take(
    database: &dyn Database,
    name: &str,
    holder: &str,
    now_ms: Millis,
    until_ms: Millis,
) -> Result<bool> {
    match database.write(taking(name, holder, now_ms, until_ms)).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind == Kind::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

/// The statements that take or renew a lease. Where somebody else holds it, the row that is left refuses the INSERT.
pub(super) fn taking(name: &str, holder: &str, now_ms: Millis, until_ms: Millis) -> Vec<Statement> {
    vec![
        Statement::new(FREE, vec![name.into(), holder.into(), now_ms.into()]),
        Statement::new(TAKE, vec![name.into(), holder.into(), until_ms.into()]),
    ]
}

/// Gives a lease back before its time.
pub(super) async fn give_back(database: &dyn Database, name: &str, holder: &str) -> Result<()> {
    let delete = Statement::new(GIVE_BACK, vec![name.into(), holder.into()]);
    database.write(vec![delete]).await?;
    Ok(())
}
