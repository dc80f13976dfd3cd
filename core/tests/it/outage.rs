//! What does a request get while the store or the counters are silent? What is known goes on, and nobody is told that a good
//! key is none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::common::{
    NOW, World,
    papers::{Papers, document},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_executor::block_on;
use http::Request;
use tidegate_core::{
    Body, Error, Result,
    budget::Policy,
    identity::{Client, Vault, mint},
    ports::Millis,
    store::{
        Add, Admission, Counter, Counters, Kind, Reservation, Settlement, memory::MemoryCounters,
    },
    testing::{HastyClock, SeededRandom, SilentStore},
};

const ASK: &str = r#"{"model":"mock","messages":[],"max_tokens":10}"#;
const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;

/// Papers that know the clients of these keys.
fn papers(world: &World, keys: &[&str]) -> Papers {
    let root = world.gateway.state().config().secret.as_ref().expect("it is set");
    let vault = Vault::new(root);
    let papers = Papers::default();
    for key in keys {
        let id = key.split('_').nth(1).expect("a key has a public id");
        let client = Client {
            id: id.to_owned(),
            name: id.to_owned(),
            hash: vault.client_hash(key),
            created_at_ms: 0,
            expires_at_ms: None,
            team: String::new(),
            strict: false,
            policy: Policy::default(),
            previous: None,
        };
        let body = client.to_document(0).expect("it can be written").body;
        papers.apply(vec![document(Kind::Client, id, &body)]).expect("it is new");
    }
    papers
}

fn minted(seed: u64) -> String {
    mint(&SeededRandom::new(seed)).key.expose().to_owned()
}

async fn ask(world: &World, key: &str) -> u16 {
    let pieces = vec![Ok(Bytes::from_static(ANSWER.as_bytes()))];
    world.upstream.answer(200, "application/json", pieces);
    let request = Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {key}"))
        .body(Body::from(ASK))
        .expect("the request is a request");
    let status = world.send(request).await.status().as_u16();
    world.later.run_all().await;
    status
}

#[test]
fn a_known_key_goes_on_and_an_unknown_one_is_not_told_that_it_is_wrong() {
    let (known, unknown) = (minted(11), minted(12));
    let papers = Arc::new(papers(&World::new(), &[&known, &unknown]));
    let world = World::over(papers.clone(), |_| {});
    block_on(async {
        world.gateway.refresh().await.expect("the papers can be read");
        assert_eq!(ask(&world, &known).await, 200);
        papers.silent.store(true, Ordering::Relaxed);
        // Confirmed just now, nobody needs to ask.
        world.clock.advance(Duration::from_secs(4));
        assert_eq!((ask(&world, &known).await, papers.asked.load(Ordering::Relaxed)), (200, 0));
        world.clock.advance(Duration::from_secs(16));
        for _ in 0..20 {
            assert_eq!(ask(&world, &known).await, 200);
        }
        // One waits for the configuration, and once more it is asked for beside the others.
        assert_eq!(papers.asked.load(Ordering::Relaxed), 2);
        assert_eq!(ask(&world, &unknown).await, 503);
        world.clock.advance(Duration::from_secs(50));
        assert_eq!(ask(&world, &known).await, 200);
        world.clock.advance(Duration::from_secs(10));
        assert_eq!(ask(&world, &known).await, 503, "75 seconds are over");
        papers.silent.store(false, Ordering::Relaxed);
        world.clock.advance(Duration::from_secs(2));
        assert_eq!(ask(&world, &known).await, 200);
        assert_eq!(ask(&world, &unknown).await, 200);
        assert!(world.kept.records().iter().any(|record| record.stale));
    });
}

#[test]
fn a_change_elsewhere_makes_no_known_key_unknown() {
    let known = minted(11);
    let papers = Arc::new(papers(&World::new(), &[&known]));
    let world = World::over(papers.clone(), |_| {});
    block_on(async {
        world.gateway.refresh().await.expect("the papers can be read");
        assert_eq!(ask(&world, &known).await, 200);
        let own = r#"{"strategy":"priority","targets":[{"name":"mock"}]}"#;
        papers.apply(vec![document(Kind::Group, "other", own)]).expect("it is free");
        world.gateway.refresh().await.expect("the papers can be read");
        papers.silent.store(true, Ordering::Relaxed);
        assert_eq!(ask(&world, &known).await, 200);
        assert_eq!(
            papers.asked.load(Ordering::Relaxed),
            1,
            "it may have changed, so it is asked for"
        );
    });
}

/// Counters that may fall silent.
#[derive(Default)]
struct Fickle {
    counters: MemoryCounters,
    silent: AtomicBool,
}

impl Fickle {
    fn open(&self) -> Result<()> {
        let silent = self.silent.load(Ordering::Relaxed);
        if silent { Err(Error::store("silence")) } else { Ok(()) }
    }
}

#[async_trait]
impl Counters for Fickle {
    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        self.open()?;
        self.counters.add(adds, now_ms).await
    }
    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        self.open()?;
        self.counters.reserve(reservation, now_ms).await
    }
    async fn settle(&self, settlement: Settlement, _: Millis) -> Result<Option<Settlement>> {
        Ok(Some(settlement))
    }
    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        self.open()?;
        self.counters.read(names, now_ms).await
    }
    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        self.open()?;
        self.counters.live(begin, limit, now_ms).await
    }
    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        self.open()?;
        self.counters.expire(now_ms).await
    }
}

/// What some requests get of a client that is held to this, while nobody counts; and the records they leave.
fn unchecked(policy: &str, count: usize) -> (Vec<u16>, World) {
    let policy: Policy = serde_json::from_str(policy).expect("a test writes it well");
    let counters = Arc::new(Fickle::default());
    counters.silent.store(true, Ordering::Relaxed);
    let shared = (Arc::new(SilentStore) as _, counters as _, Arc::new(HastyClock::at(NOW)));
    let world = World::counting(shared, |config| config.clients[0].policy = policy);
    let key = world.key.clone();
    let statuses = block_on(async {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(ask(&world, &key).await);
        }
        statuses
    });
    (statuses, world)
}

#[test]
fn a_budget_that_nobody_counts_refuses_unless_its_owner_would_rather_go_on() {
    let budget = r#""limits":[{"requests":1,"per":"day"}]"#;
    let (statuses, world) = unchecked(&format!("{{{budget}}}"), 3);
    assert_eq!(statuses, [503; 3]);
    assert!(world.kept.records().iter().all(|record| record.error == "unavailable"));
    let (statuses, world) = unchecked(&format!(r#"{{{budget},"on_outage":"allow"}}"#), 3);
    assert_eq!(statuses, [200; 3]);
    let records = world.kept.records();
    assert!(records.iter().all(|record| record.unchecked));
    // It is counted as soon as the record is written.
    let told = |record: &tidegate_core::store::Record| {
        record
            .settlement
            .as_ref()
            .map(|it| (it.holds, it.adds.iter().map(|add| add.by).sum::<i64>()))
    };
    assert!(records.iter().all(|record| told(record) == Some((true, 1_i64))));
}

#[test]
fn a_rate_that_nobody_counts_is_counted_alone() {
    let rate = r#"{"limits":[{"requests":2,"per":"minute"},{"concurrent":1}]}"#;
    let (statuses, world) = unchecked(rate, 4);
    assert_eq!(statuses, [200, 200, 429, 429]);
    let marked = world.kept.records().iter().filter(|record| record.unchecked).count();
    assert_eq!(marked, 2);
}
