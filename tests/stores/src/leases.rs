//! What is promised of leases: one holder at a time.

use futures_util::future::join_all;
use tidegate_core::{Result, store::Store};

use crate::{
    Run, World,
    check::{Verdict, equal},
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("leases: one holder at a time", |w| Box::pin(one_holder(w))),
    ("leases: the holder renews", |w| Box::pin(renewed(w))),
    ("leases: an expired lease is free", |w| Box::pin(expired(w))),
    ("leases: of 20 takers one gets it", |w| Box::pin(one_of_twenty(w))),
];

const NOW: i64 = 1_785_000_000_000;

async fn one_holder(w: &World) -> Verdict {
    equal(w.store.lease("upkeep", "a", NOW, NOW + 10).await?, true)?;
    equal(w.store.lease("upkeep", "b", NOW + 9, NOW + 19).await?, false)?;
    equal(w.store.lease("prices", "b", NOW, NOW + 10).await?, true)
}

async fn renewed(w: &World) -> Verdict {
    w.store.lease("upkeep", "a", NOW, NOW + 10).await?;
    equal(w.store.lease("upkeep", "a", NOW + 5, NOW + 15).await?, true)?;
    equal(w.store.lease("upkeep", "b", NOW + 14, NOW + 20).await?, false)
}

async fn expired(w: &World) -> Verdict {
    w.store.lease("upkeep", "a", NOW, NOW + 10).await?;
    equal(w.store.lease("upkeep", "b", NOW + 10, NOW + 20).await?, true)?;
    equal(w.store.lease("upkeep", "a", NOW + 11, NOW + 21).await?, false)
}

async fn one_of_twenty(w: &World) -> Verdict {
    let names: Vec<String> = (0..20).map(|number| format!("holder-{number}")).collect();
    let tries = names.iter().map(|name| w.store.lease("upkeep", name, NOW, NOW + 10));
    let results = join_all(tries).await.into_iter().collect::<Result<Vec<bool>>>()?;
    equal(results.into_iter().filter(|taken| *taken).count(), 1)
}
