//! How are private pieces of data kept? Sealed before they come here, as base64, and read by their client alone.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::{
    super::Blob,
    database::{Database, Outcome, Statement, Value},
    rows::rows,
};
use crate::{
    error::{Error, Result},
    limits::PRUNE_ROWS_MAX,
    ports::Millis,
};

const GET: &str = "SELECT sealed AS sealed FROM blobs \
     WHERE client = ? AND id = ? AND part = ? AND expires_at_ms > ?";
// The inner SELECT has a name because MySQL takes no LIMIT within IN.
// Asked twice: another connection may have put the blob anew.
const EXPIRE: &str = "DELETE FROM blobs WHERE expires_at_ms <= ? AND (client, id, part) IN \
     (SELECT client, id, part FROM (SELECT client, id, part FROM blobs WHERE expires_at_ms <= ? \
     ORDER BY expires_at_ms LIMIT ?) AS old)";

/// Keeps a blob; the same `(client, id, part)` is replaced.
pub(super) async fn put(database: &dyn Database, blob: Blob) -> Result<()> {
    let flavor = database.flavor();
    let replaced = |column| (column, flavor.offered(column));
    let text = flavor.upsert(
        "blobs",
        &["client", "id", "part", "expires_at_ms", "sealed"],
        &["client", "id", "part"],
        &[replaced("expires_at_ms"), replaced("sealed")],
    );
    let sealed = STANDARD.encode(&blob.sealed);
    let args: Vec<Value> = vec![
        blob.client.into(),
        blob.id.into(),
        blob.part.into(),
        blob.expires_at_ms.into(),
        sealed.into(),
    ];
    database.write(vec![Statement::new(text, args)]).await?;
    Ok(())
}

/// Reads the blob with this client, id and part, unless it has expired.
pub(super) async fn get(
    database: &dyn Database,
    [client, id, part]: [&str; 3],
    now_ms: Millis,
) -> Result<Option<Bytes>> {
    let args = vec![client.into(), id.into(), part.into(), now_ms.into()];
    let mut outcomes = database.read(vec![Statement::new(GET, args)]).await?;
    let Some(mut fields) = rows(outcomes.pop().unwrap_or_default(), &["sealed"])?.pop() else {
        return Ok(None);
    };
    let sealed = STANDARD.decode(fields.text()?).map_err(Error::internal)?;
    Ok(Some(sealed.into()))
}

/// Forgets what has expired, at most `limit` of them; returns how many went.
pub(super) async fn expire(database: &dyn Database, now_ms: Millis, limit: u32) -> Result<u64> {
    let limit = i64::from(limit.min(PRUNE_ROWS_MAX));
    let delete = Statement::new(EXPIRE, vec![now_ms.into(), now_ms.into(), limit.into()]);
    let outcomes = database.write(vec![delete]).await?;
    Ok(outcomes.first().map_or(0, |outcome: &Outcome| outcome.changed))
}
