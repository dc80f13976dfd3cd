//! What is promised of blobs: their client alone reads them, and not for longer than they were to live.

use bytes::Bytes;
use tidegate_core::store::{Blob, Store};

use crate::{
    Run, World,
    check::{Verdict, equal},
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("blobs: every byte survives", |w| Box::pin(every_byte(w))),
    ("blobs: nobody but the client reads them", |w| Box::pin(by_client_only(w))),
    ("blobs: the same part is replaced", |w| Box::pin(replaced(w))),
    ("blobs: an expired one is not there", |w| Box::pin(expired(w))),
    ("blobs: what expired is forgotten, a few at a time", |w| Box::pin(forgotten(w))),
];

const NOW: i64 = 1_785_000_000_000;

fn blob(client: &str, part: &str, sealed: &[u8]) -> Blob {
    Blob {
        client: client.to_owned(),
        id: "r1".to_owned(),
        part: part.to_owned(),
        expires_at_ms: NOW + 1_000,
        sealed: Bytes::copy_from_slice(sealed),
    }
}

async fn read(w: &World, client: &str, part: &str, now_ms: i64) -> Verdict<Option<Vec<u8>>> {
    let found = w.store.get_blob(client, "r1", part, now_ms).await?;
    Ok(found.map(|sealed| sealed.to_vec()))
}

async fn every_byte(w: &World) -> Verdict {
    let sealed: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    w.store.put_blob(blob("alice", "body", &sealed)).await?;
    w.store.put_blob(blob("alice", "empty", b"")).await?;
    equal(read(w, "alice", "body", NOW).await?, Some(sealed))?;
    equal(read(w, "alice", "empty", NOW).await?, Some(Vec::new()))
}

async fn by_client_only(w: &World) -> Verdict {
    w.store.put_blob(blob("alice", "body", b"hers")).await?;
    w.store.put_blob(blob("bob", "body", b"his")).await?;
    equal(read(w, "alice", "body", NOW).await?, Some(b"hers".to_vec()))?;
    equal(read(w, "bob", "body", NOW).await?, Some(b"his".to_vec()))?;
    equal(read(w, "Alice", "body", NOW).await?, None)?;
    equal(read(w, "", "body", NOW).await?, None)
}

async fn replaced(w: &World) -> Verdict {
    w.store.put_blob(blob("alice", "body", b"old")).await?;
    let longer = Blob { expires_at_ms: NOW + 9_000, ..blob("alice", "body", b"new") };
    w.store.put_blob(longer).await?;
    equal(read(w, "alice", "body", NOW + 5_000).await?, Some(b"new".to_vec()))?;
    equal(w.number("SELECT COUNT(*) AS n FROM blobs").await?, 1)
}

async fn expired(w: &World) -> Verdict {
    w.store.put_blob(blob("alice", "body", b"a")).await?;
    equal(read(w, "alice", "body", NOW + 999).await?, Some(b"a".to_vec()))?;
    equal(read(w, "alice", "body", NOW + 1_000).await?, None)
}

async fn forgotten(w: &World) -> Verdict {
    for part in ["a", "b", "c"] {
        w.store.put_blob(blob("alice", part, b"x")).await?;
    }
    w.store.put_blob(Blob { expires_at_ms: NOW + 9_000, ..blob("alice", "d", b"x") }).await?;
    equal(w.store.expire_blobs(NOW, 10).await?, 0)?;
    equal(w.store.expire_blobs(NOW + 1_000, 2).await?, 2)?;
    equal(w.store.expire_blobs(NOW + 1_000, 2).await?, 1)?;
    equal(read(w, "alice", "d", NOW + 1_000).await?, Some(b"x".to_vec()))
}
