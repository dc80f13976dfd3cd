//! What is promised of the request log: nothing twice, nothing lost, pages in order.

use tidegate_core::{
    error::Kind as Refusal,
    limits::{FLUSH_ROWS_MAX, PAGE_ROWS_MAX, RECORD_TRIED_BYTES_MAX},
    store::{Costed, Ended, GroupBy, Record, RecordFilter, Side, StatsQuery, Store, Tariff, Usage},
};

use crate::{
    Run, World,
    check::{Verdict, equal, refused, some},
    sample::{HOUR, HOUR_MS, record},
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("records: a flush can be read, newest first", |w| Box::pin(newest_first(w))),
    ("records: every column survives", |w| Box::pin(every_column(w))),
    ("records: what was priced again costs what it costs", |w| Box::pin(priced_again(w))),
    ("records: every way to end survives", |w| Box::pin(every_end(w))),
    ("records: the largest flush goes in whole", |w| Box::pin(largest_flush(w))),
    ("records: a larger flush is refused", |w| Box::pin(too_large(w))),
    ("records: a flush of nothing is fine", |w| Box::pin(flush_of_nothing(w))),
    ("records: the same flush twice counts once", |w| Box::pin(same_flush(w))),
    ("records: a flush that is known is not looked into", |w| Box::pin(known_flush(w))),
    ("records: a record of another flush is left out", |w| Box::pin(known_record(w))),
    ("records: a flush of known records only is fine", |w| Box::pin(known_records_only(w))),
    ("records: a record twice in one flush counts once", |w| Box::pin(twice_in_one(w))),
    ("records: pages when all times are equal", |w| Box::pin(pages_of_equal_times(w))),
    ("records: pages over hours", |w| Box::pin(pages_over_hours(w))),
    ("records: a page is bounded", |w| Box::pin(page_is_bounded(w))),
    ("records: filter by time", |w| Box::pin(by_time(w))),
    ("records: filter by client", |w| Box::pin(by_client(w))),
    ("records: filter by provider and model", |w| Box::pin(by_provider_and_model(w))),
    ("records: filter by failure", |w| Box::pin(by_failure(w))),
    ("records: those of one team, one status, streams or none", |w| {
        Box::pin(by_team_status_and_stream(w))
    }),
    ("records: all filters together", |w| Box::pin(all_filters(w))),
    ("records: pruning is bounded and takes the oldest", |w| Box::pin(prune_oldest(w))),
    ("records: pruning keeps the sums", |w| Box::pin(prune_keeps_sums(w))),
    ("records: pruning forgets marks and audit rows", |w| Box::pin(prune_marks(w))),
];

/// No condition, and room for everything.
fn all() -> RecordFilter {
    RecordFilter { limit: PAGE_ROWS_MAX, ..RecordFilter::default() }
}

async fn ids(w: &World, filter: &RecordFilter) -> Verdict<Vec<String>> {
    Ok(w.store.records(filter).await?.into_iter().map(|record| record.id).collect())
}

async fn requests(w: &World) -> Verdict<i64> {
    let query =
        StatsQuery { from_ms: 0, to_ms: i64::MAX >> 12, bucket_ms: 0, group_by: GroupBy::Nothing };
    Ok(w.store.stats(&query).await?.iter().map(|bucket| bucket.requests).sum())
}

async fn newest_first(w: &World) -> Verdict {
    let given = [record("a", HOUR + 2), record("b", HOUR + 1), record("c", HOUR + 3)];
    w.store.flush("f1", &given).await?;
    equal(ids(w, &all()).await?, ["c", "a", "b"])?;
    equal(ids(w, &RecordFilter { limit: 1, ..all() }).await?, ["c"])
}

async fn every_column(w: &World) -> Verdict {
    const MOST: i64 = (1 << 53) - 1;
    let given = Record {
        id: "01J\u{1F980}".to_owned(),
        at_ms: HOUR + 1,
        client: "clïent".to_owned(),
        team: "'team'".to_owned(),
        endpoint: "/v1/models/{id}".to_owned(),
        dialect: "anthropic".to_owned(),
        requested_model: "große \u{1F680} \"model\"".to_owned(),
        provider: "up".to_owned(),
        model: "vendor/mock:free".to_owned(),
        key_id: "key".to_owned(),
        status: 529,
        error: "upstream_status".to_owned(),
        stream: true,
        usage: Usage {
            prompt: MOST,
            cached: 2,
            cache_write_5m: 3,
            cache_write_1h: 4,
            completion: 5,
            reasoning: 6,
            audio_in: 7,
            audio_out: 8,
            image_in: 9,
            image_out: 10,
            calls: 11,
            cached_audio: 15,
            images: 16,
            tariff: Tariff::Priority,
            // Not kept: it is the cost.
            told_nano: None,
        },
        estimated: true,
        cost_nano: -MOST,
        price_id: "2026-07-01".to_owned(),
        grade: "hd/1024x1792".to_owned(),
        first_byte_ms: 12,
        total_ms: 13,
        attempts: 3,
        bytes_in: 14,
        bytes_out: 9_007_199_254_740_991,
        dropped: "logit_bias,\u{10FFFF}".to_owned(),
        added: "system".to_owned(),
        stale: true,
        unchecked: true,
        recalled: true,
        ended: Ended::UpstreamBroke,
        side: Side { model: "up/cheap".to_owned(), prompt: 17, completion: 18, cost_nano: 19 },
        tried: "\u{1F980}".repeat(RECORD_TRIED_BYTES_MAX),
        settlement: None,
    };
    w.store.flush("f1", std::slice::from_ref(&given)).await?;
    equal(w.store.records(&all()).await?, [given])
}

async fn priced_again(w: &World) -> Verdict {
    w.store.flush("f1", &[record("a", HOUR), record("b", HOUR + 1)]).await?;
    let costed = |id: &str| Costed { id: id.to_owned(), cost_nano: 7, price_id: "new".to_owned() };
    w.store.reprice(&[costed("a"), costed("gone")]).await?;
    w.store.reprice(&[]).await?;
    let found = w.store.records(&all()).await?;
    let costs: Vec<_> = found.iter().map(|it| (it.cost_nano, it.price_id.as_str())).collect();
    let other = record("b", HOUR + 1);
    equal(costs, [(other.cost_nano, other.price_id.as_str()), (7, "new")])
}

async fn every_end(w: &World) -> Verdict {
    let given: Vec<Record> = Ended::ALL
        .into_iter()
        .map(|ended| Record { ended, ..record(ended.name(), HOUR) })
        .collect();
    w.store.flush("f1", &given).await?;
    let found = w.store.records(&all()).await?;
    equal(found.len(), given.len())?;
    for record in found {
        equal(record.ended.name(), record.id)?;
    }
    Ok(())
}

fn many(count: usize) -> Vec<Record> {
    (0_i64..).take(count).map(|number| record(&format!("r{number:04}"), HOUR + number)).collect()
}

async fn largest_flush(w: &World) -> Verdict {
    w.store.flush("f1", &many(FLUSH_ROWS_MAX)).await?;
    equal(ids(w, &all()).await?.len(), FLUSH_ROWS_MAX)?;
    equal(requests(w).await?, i64::try_from(FLUSH_ROWS_MAX).unwrap_or_default())
}

async fn too_large(w: &World) -> Verdict {
    refused(w.store.flush("f1", &many(FLUSH_ROWS_MAX + 1)).await, Refusal::Internal)?;
    equal(ids(w, &all()).await?.len(), 0)
}

async fn flush_of_nothing(w: &World) -> Verdict {
    w.store.flush("f1", &[]).await?;
    equal(requests(w).await?, 0)
}

async fn same_flush(w: &World) -> Verdict {
    let given = [record("a", HOUR), record("b", HOUR)];
    w.store.flush("f1", &given).await?;
    w.store.flush("f1", &given).await?;
    equal(ids(w, &all()).await?, ["b", "a"])?;
    equal(requests(w).await?, 2)
}

async fn known_flush(w: &World) -> Verdict {
    w.store.flush("f1", &[record("a", HOUR)]).await?;
    w.store.flush("f1", &[record("b", HOUR)]).await?;
    equal(ids(w, &all()).await?, ["a"])
}

async fn known_record(w: &World) -> Verdict {
    w.store.flush("f1", &[record("a", HOUR)]).await?;
    w.store.flush("f2", &[record("a", HOUR), record("b", HOUR)]).await?;
    equal(ids(w, &all()).await?, ["b", "a"])?;
    equal(requests(w).await?, 2)
}

async fn known_records_only(w: &World) -> Verdict {
    w.store.flush("f1", &[record("a", HOUR)]).await?;
    w.store.flush("f2", &[record("a", HOUR)]).await?;
    equal(requests(w).await?, 1)
}

async fn twice_in_one(w: &World) -> Verdict {
    w.store.flush("f1", &[record("a", HOUR), record("a", HOUR)]).await?;
    equal(ids(w, &all()).await?, ["a"])?;
    equal(requests(w).await?, 1)
}

/// All pages of `limit`, each as its ids.
async fn pages(w: &World, limit: u32) -> Verdict<Vec<Vec<String>>> {
    let mut pages = Vec::new();
    let mut filter = RecordFilter { limit, ..RecordFilter::default() };
    loop {
        let page = w.store.records(&filter).await?;
        let Some(last) = page.last() else { return Ok(pages) };
        filter.before = Some((last.at_ms, last.id.clone()));
        pages.push(page.into_iter().map(|record| record.id).collect());
    }
}

async fn pages_of_equal_times(w: &World) -> Verdict {
    let given: Vec<Record> = ["c", "a", "e", "b", "d"].map(|id| record(id, HOUR)).into();
    w.store.flush("f1", &given).await?;
    equal(pages(w, 2).await?, [vec!["e", "d"], vec!["c", "b"], vec!["a"]])
}

async fn pages_over_hours(w: &World) -> Verdict {
    let given: Vec<Record> =
        (0..7).map(|number| record(&format!("r{number}"), HOUR + number / 2 * HOUR_MS)).collect();
    w.store.flush("f1", &given).await?;
    equal(pages(w, 3).await?, [vec!["r6", "r5", "r4"], vec!["r3", "r2", "r1"], vec!["r0"]])
}

async fn page_is_bounded(w: &World) -> Verdict {
    let given = many(PAGE_ROWS_MAX as usize + 1);
    for (number, part) in given.chunks(FLUSH_ROWS_MAX).enumerate() {
        w.store.flush(&format!("f{number}"), part).await?;
    }
    let found = ids(w, &RecordFilter { limit: u32::MAX, ..all() }).await?;
    equal(found.len(), PAGE_ROWS_MAX as usize)
}

/// Four records that differ in everything that can be filtered by.
async fn flush_four(w: &World) -> Verdict {
    let of = |id: &str, at_ms, client: &str, provider: &str, model: &str, ended| Record {
        client: client.to_owned(),
        provider: provider.to_owned(),
        model: model.to_owned(),
        ended,
        ..record(id, at_ms)
    };
    let given = [
        of("a", HOUR, "alice", "up", "m1", Ended::Done),
        of("b", HOUR + 1, "bob", "up", "m2", Ended::Refused),
        of("c", HOUR + 2, "alice", "other", "m1", Ended::ClientGone),
        of("d", HOUR + 3, "ALICE", "other", "M1", Ended::Done),
    ];
    w.store.flush("f1", &given).await?;
    Ok(())
}

async fn by_time(w: &World) -> Verdict {
    flush_four(w).await?;
    let span = |from_ms, to_ms| RecordFilter { from_ms, to_ms, ..all() };
    equal(ids(w, &span(Some(HOUR + 1), Some(HOUR + 3))).await?, ["c", "b"])?;
    equal(ids(w, &span(Some(HOUR + 3), None)).await?, ["d"])?;
    equal(ids(w, &span(None, Some(HOUR))).await?, [""; 0])
}

async fn by_client(w: &World) -> Verdict {
    flush_four(w).await?;
    let of = |client: &str| RecordFilter { client: Some(client.to_owned()), ..all() };
    equal(ids(w, &of("alice")).await?, ["c", "a"])?;
    equal(ids(w, &of("nobody")).await?, [""; 0])
}

async fn by_provider_and_model(w: &World) -> Verdict {
    flush_four(w).await?;
    let of = |provider: Option<&str>, model: Option<&str>| RecordFilter {
        provider: provider.map(str::to_owned),
        model: model.map(str::to_owned),
        ..all()
    };
    equal(ids(w, &of(Some("up"), None)).await?, ["b", "a"])?;
    equal(ids(w, &of(None, Some("m1"))).await?, ["c", "a"])?;
    equal(ids(w, &of(Some("other"), Some("m1"))).await?, ["c"])
}

async fn by_failure(w: &World) -> Verdict {
    flush_four(w).await?;
    let failed = |failed| RecordFilter { failed: Some(failed), ..all() };
    equal(ids(w, &failed(true)).await?, ["c", "b"])?;
    equal(ids(w, &failed(false)).await?, ["d", "a"])
}

async fn by_team_status_and_stream(w: &World) -> Verdict {
    let row = |id: &str, team: &str, status, stream| Record {
        team: team.to_owned(),
        status,
        stream,
        ..record(id, HOUR)
    };
    let rows = [
        row("a", "sales", 200, false),
        row("b", "sales", 429, true),
        row("c", "support", 429, false),
    ];
    w.store.flush("f1", &rows).await?;
    let team = RecordFilter { team: Some("sales".to_owned()), ..all() };
    equal(ids(w, &team).await?, ["b", "a"])?;
    equal(ids(w, &RecordFilter { status: Some(429), ..all() }).await?, ["c", "b"])?;
    equal(ids(w, &RecordFilter { stream: Some(true), ..all() }).await?, ["b"])?;
    equal(ids(w, &RecordFilter { stream: Some(false), ..team }).await?, ["a"])
}

async fn all_filters(w: &World) -> Verdict {
    flush_four(w).await?;
    let filter = RecordFilter {
        from_ms: Some(HOUR),
        to_ms: Some(HOUR + 3),
        client: Some("alice".to_owned()),
        team: Some("sales".to_owned()),
        provider: Some("other".to_owned()),
        model: Some("m1".to_owned()),
        status: Some(200),
        failed: Some(true),
        stream: Some(false),
        before: Some((HOUR + 2, "d".to_owned())),
        limit: 10,
    };
    equal(ids(w, &filter).await?, ["c"])?;
    let before_it = RecordFilter { before: Some((HOUR + 2, "c".to_owned())), ..filter };
    equal(ids(w, &before_it).await?, [""; 0])
}

async fn prune_oldest(w: &World) -> Verdict {
    w.store.flush("f1", &many(10)).await?;
    equal(w.store.prune(HOUR + 6, 4).await?, 4)?;
    let left = ids(w, &all()).await?;
    equal((left.len(), some(left.last())?.as_str()), (6, "r0004"))?;
    equal(w.store.prune(HOUR + 6, 100).await?, 2)?;
    equal(w.store.prune(HOUR + 6, 100).await?, 0)?;
    equal(some(ids(w, &all()).await?.last())?, "r0006")
}

async fn prune_keeps_sums(w: &World) -> Verdict {
    w.store.flush("f1", &many(10)).await?;
    w.store.prune(HOUR + HOUR_MS, 100).await?;
    equal(ids(w, &all()).await?.len(), 0)?;
    equal(requests(w).await?, 10)
}

async fn prune_marks(w: &World) -> Verdict {
    const DAY_MS: i64 = 24 * HOUR_MS;
    w.write(&["INSERT INTO audit (changed_at_revision, place, at_ms, actor, action, kind, document) VALUES (1, 0, 1, 'a', 'b', 'c', 'd')"]).await?;
    w.store.flush("old", &[record("a", HOUR)]).await?;
    w.store.flush("fresh", &[record("b", HOUR + 2 * DAY_MS)]).await?;
    w.store.prune(HOUR, 100).await?;
    // Its flush is two days old, but the record is to stay.
    equal(ids(w, &all()).await?.len(), 2)?;
    equal(w.number("SELECT COUNT(*) AS n FROM flushes WHERE id = 'old'").await?, 0)?;
    equal(w.number("SELECT COUNT(*) AS n FROM flushes WHERE id = 'fresh'").await?, 1)?;
    equal(w.number("SELECT COUNT(*) AS n FROM audit").await?, 0)
}
