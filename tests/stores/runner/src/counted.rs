//! What is promised of counters in Redis? What is promised of all counters, and what is particular to a place that forgets.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::join_all;
use libtest_mimic::{Failed, Trial};
use tidegate_core::store::{
    Add, Admission, Counter, Counters, Record, Reservation, Settlement, Store,
    memory::MemoryCounters, sql::SqlStore,
};
use tidegate_native::{
    HttpClient, Opened, Place, Shared, SystemClock, Writing, open_shared, open_store,
};
use tidegate_stores::{Case, LEFT_OUT_BESIDE};
use tidegate_stores_runner::redis::{Door, Redis};
use tokio::{runtime::Runtime, sync::Mutex, time::sleep};

const NOW: i64 = 1_785_000_000_000;
/// How soon Redis must be found again.
const RECOVERY: Duration = Duration::from_secs(10);
/// How soon somebody who asks meanwhile must be told.
const ANSWER: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(50);

fn open_counters(url: &str, past: &SqlStore) -> tidegate_core::Result<Arc<dyn Counters>> {
    open_shared(url, past).map(|shared| shared.counters)
}

type Holds = std::pin::Pin<Box<dyn Future<Output = Result<(), Failed>>>>;
type Run = fn() -> Holds;

/// What holds of Redis alone.
const OWN: [(&str, Run); 9] = [
    ("values beyond 2^53 are exact, and end at the ends", || Box::pin(exact())),
    ("a settlement that comes twice counts once, and the store is told", || Box::pin(settled())),
    ("an empty one goes on from what the store remembers", || Box::pin(filled())),
    ("whatever is kept ends by itself", || Box::pin(ends())),
    ("while one is away the store counts, and it is filled before it counts again", || {
        Box::pin(killed())
    }),
    ("who was filled by another instance is told what requests hold", || Box::pin(refilled())),
    ("answers that one instance keeps another one gives, until they end", || Box::pin(recalled())),
    ("TLS and passwords are as the URL wants them", || Box::pin(secured())),
    ("a cluster keeps all counters on one node, which is found", || Box::pin(clustered())),
];

pub(crate) fn trials(runtime: &Arc<Runtime>) -> Vec<Trial> {
    let server: Arc<Mutex<Option<Redis>>> = Arc::default();
    let mut left_out = 0;
    let mut trials: Vec<Trial> = Vec::new();
    for case in tidegate_stores::counting() {
        let name = format!("redis: {}", case.name);
        if let Some((_, why)) = LEFT_OUT_BESIDE.iter().find(|(name, _)| *name == case.name) {
            left_out += 1;
            let name = format!("{name} (left out: it {why})");
            trials.push(Trial::test(name, || Ok(())).with_ignored_flag(true));
            continue;
        }
        let (runtime, server) = (Arc::clone(runtime), Arc::clone(&server));
        trials.push(Trial::test(name, move || runtime.block_on(common(&server, &case))));
    }
    let runtime_of = || Arc::clone(runtime);
    let known = move || {
        let message =
            || format!("{left_out} of {} cases to leave out are there", LEFT_OUT_BESIDE.len());
        if left_out == LEFT_OUT_BESIDE.len() { Ok(()) } else { Err(message().into()) }
    };
    trials.push(Trial::test("redis: what is left out is there", known));
    trials.extend(OWN.map(|(name, run)| {
        let runtime = runtime_of();
        Trial::test(format!("redis: server: {name}"), move || runtime.block_on(run()))
    }));
    trials
}

/// A case of the common list, on keys and a store of its own.
async fn common(server: &Mutex<Option<Redis>>, case: &Case) -> Result<(), Failed> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let url = {
        let mut server = server.lock().await;
        if server.is_none() {
            *server = Some(Redis::start(Door::Plain).await?);
        }
        let prefix = format!("case-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        server.as_ref().map(|server| server.url(&prefix)).unwrap_or_default()
    };
    let open = |store: &SqlStore| open_counters(&url, store);
    let outcome = case.run_beside(memory()?.database, Arc::new(SystemClock), &open).await;
    outcome.map_err(|failure| failure.to_string().into())
}

pub(crate) fn memory() -> Result<Opened, Failed> {
    let place = Place::parse(Some(":memory:"), Path::new("unused"))?;
    let client = Arc::new(HttpClient::new()?);
    Ok(open_store((place, Writing::Together), None, client, Arc::new(SystemClock))?)
}

async fn store() -> Result<SqlStore, Failed> {
    let opened = memory()?;
    opened.migrate(&SystemClock).await?;
    Ok(SqlStore::clone(&opened.store))
}

fn add(name: &str, by: i64, cap: Option<i64>) -> Add {
    let expires_at_ms = NOW + 100_000;
    Add { name: name.to_owned(), by, floor: None, cap, expires_at_ms }
}

fn wanting(id: &str, adds: &[Add]) -> Reservation {
    Reservation { id: id.to_owned(), part: 0, adds: adds.to_vec(), until_ms: NOW + 1_000 }
}

fn used(id: &str, adds: &[Add]) -> Settlement {
    Settlement { id: id.to_owned(), adds: adds.to_vec(), holds: true, ahead: None }
}

async fn value(counters: &dyn Counters, name: &str) -> Result<i64, Failed> {
    Ok(counters.read(&[name.to_owned()], NOW).await?.into_iter().sum())
}

fn equal<T: PartialEq + std::fmt::Debug>(found: &T, wanted: &T) -> Result<(), Failed> {
    if found == wanted { Ok(()) } else { Err(format!("found {found:?}, wanted {wanted:?}").into()) }
}

/// Additions of every size, against what a few lines of Rust do.
async fn exact() -> Result<(), Failed> {
    let server = Redis::start(Door::Plain).await?;
    let counters = open_counters(&server.url("exact"), &store().await?)?;
    let model = MemoryCounters::default();
    let steps = [
        0,
        1,
        7,
        999_999_999_999_999,
        1_000_000_000_000_000,
        (1 << 53) - 1,
        1 << 53,
        (1 << 53) + 1,
        i64::MAX / 2,
        i64::MAX - 1,
        i64::MAX,
    ];
    let mut seed: u64 = 3;
    let mut pick = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap_or(0) % below
    };
    for step in 0..3_000 {
        let mut number = || {
            let size = steps[pick(steps.len())];
            if pick(2) == 0 { size } else { -size }
        };
        let (by, floor, cap) = (number(), number(), number());
        let floor = (step % 3 == 0).then_some(floor);
        let cap = (step % 2 == 0).then_some(cap);
        let one = [Add { floor, ..add(["a", "b", "c"][step % 3], by, cap) }];
        let (found, wanted) = (counters.add(&one, NOW).await?, model.add(&one, NOW).await?);
        equal(&(step, &one, found), &(step, &one, wanted))?;
    }
    // What is reserved of a large one is taken off it exactly.
    let large = (1 << 53) + 1;
    counters.add(&[add("d", large, None)], NOW).await?;
    counters.reserve(&wanting("r1", &[add("d", large + 2, None)]), NOW).await?;
    equal(&value(&*counters, "d").await?, &(2 * large + 2))?;
    counters.settle(used("r1", &[add("d", 1, None)]), NOW).await?;
    equal(&value(&*counters, "d").await?, &(large + 1))
}

async fn settled() -> Result<(), Failed> {
    let server = Redis::start(Door::Plain).await?;
    let counters = open_counters(&server.url("settled"), &store().await?)?;
    let adds = [add("a", 50, Some(90)), add("b", 1, Some(1))];
    counters.reserve(&wanting("r1", &adds), NOW).await?;
    for _ in 0..2 {
        let told =
            counters.settle(used("r1", &[add("a", 7, None), add("b", 0, None)]), NOW).await?;
        let wanted = Settlement { holds: false, ..used("r1", &[add("a", 7, None)]) };
        equal(&told, &Some(wanted))?;
        equal(&(value(&*counters, "a").await?, value(&*counters, "b").await?), &(7, 0))?;
    }
    equal(&counters.settle(used("r2", &[add("b", 0, None)]), NOW).await?, &None)
}

/// Many find it empty at once, and all go on from what records have used.
async fn filled() -> Result<(), Failed> {
    let server = Redis::start(Door::Plain).await?;
    let store = store().await?;
    let url = server.url("filled");
    let first = open_counters(&url, &store)?;
    let adds = [add("a", 50, Some(90))];
    first.reserve(&wanting("r1", &adds), NOW).await?;
    let told = first.settle(used("r1", &[add("a", 7, None)]), NOW).await?;
    let record = Record {
        id: "r1".to_owned(),
        at_ms: NOW,
        settlement: told.map(Box::new),
        ..Record::default()
    };
    store.flush("f1", &[record]).await?;
    // More than fit in one call.
    let spent: Vec<Add> =
        (0..2_500).map(|number| add(&format!("many/{number}"), number, None)).collect();
    store.add(&spent, NOW).await?;
    // Left by a request of which nobody will ever hear again.
    first.reserve(&wanting("r2", &[add("a", 40, Some(90))]), NOW).await?;
    drop(first);
    server.ask(&["FLUSHALL"])?;
    let others = (0..8).map(|_| open_counters(&url, &store)).collect::<Result<Vec<_>, _>>()?;
    let tries = others.iter().enumerate().map(async |(number, one)| {
        one.reserve(&wanting(&format!("s{number}"), &[add("a", 10, Some(37))]), NOW).await
    });
    let admitted = join_all(tries).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let admitted = admitted.iter().filter(|one| matches!(one, Admission::Added(_))).count();
    equal(&(admitted, value(&*others[0], "a").await?), &(3, 37))?;
    let live = others[0].live("many/", 10_000, NOW).await?;
    let sum: i64 = live.iter().map(|counter: &Counter| counter.value).sum();
    equal(&(live.len(), sum), &(2_500, 2_499 * 2_500 / 2))
}

async fn ends() -> Result<(), Failed> {
    let server = Redis::start(Door::Plain).await?;
    let counters = open_counters(&server.url("ends"), &store().await?)?;
    let never = Add { expires_at_ms: i64::MAX / 2, ..add("never", 1, None) };
    counters.add(&[never, add("a", i64::MAX - 3, None)], NOW).await?;
    counters.add(&[add("a", 1, None)], NOW).await?;
    counters.reserve(&wanting("r1", &[add("b", 1, None)]), NOW).await?;
    counters.reserve(&wanting("r2", &[add("b", 1, None)]), NOW).await?;
    counters.expire(NOW + 1_000).await?;
    counters.reserve(&wanting("r3", &[add("b", 1, None)]), NOW).await?;
    let keys = server.ask(&["KEYS", "*"])?;
    let (mut seen, mut ends) = (0, true);
    for key in keys.lines() {
        if !key.starts_with("{ends}/") {
            return Err(format!("the key {key} lies elsewhere").into());
        }
        seen += 1;
        ends &= server.ask(&["PTTL", key])?.parse::<i64>().is_ok_and(|time| time > 0);
    }
    // Three counters, what was taken, what was given up twice, three lists, and that it began.
    equal(&(seen, ends, keys), &(10, true, server.ask(&["KEYS", "*"])?))
}

/// A killed Redis comes back with what it once had on its disk.
async fn killed() -> Result<(), Failed> {
    let mut server = Redis::start(Door::Plain).await?;
    let store = store().await?;
    let counters = open_counters(&server.url("killed"), &store)?;
    counters.ready().await?;
    let ten = |id: &str, by| wanting(id, &[add("a", by, Some(10))]);
    counters.reserve(&ten("r1", 5), NOW).await?;
    server.ask(&["CONFIG", "SET", "save", "3600 1"])?;
    server.ask(&["SAVE"])?;
    server.kill();
    let began = Instant::now();
    // What is held is known wherever it is counted.
    let full = Admission::Refused { counter: "a".to_owned(), value: 5 };
    equal(&counters.reserve(&ten("r2", 6), NOW).await?, &full)?;
    equal(&counters.reserve(&ten("r3", 4), NOW).await?, &Admission::Added(vec![9]))?;
    if began.elapsed() > ANSWER || counters.ready().await.is_ok() {
        return Err(format!("told after {:?}", began.elapsed()).into());
    }
    equal(&counters.replaced_since().is_some(), &true)?;
    // What has ended meanwhile goes to the store with its record.
    let told = counters.settle(used("r1", &[add("a", 3, None)]), NOW).await?;
    equal(&told.as_ref().map(|told| (told.adds.len(), told.holds)), &Some((1, true)))?;
    let settlement = told.map(Box::new);
    let record = Record { id: "r1".to_owned(), at_ms: NOW, settlement, ..Record::default() };
    store.flush("f1", &[record]).await?;
    equal(&value(&*counters, "a").await?, &7)?;
    server.begin().await?;
    let began = Instant::now();
    while counters.replaced_since().is_some() {
        if began.elapsed() > RECOVERY {
            return Err("it was not found again".into());
        }
        sleep(LOOK).await;
    }
    // Three were used, four are held; what was on the disk is forgotten.
    equal(&value(&*counters, "a").await?, &7)?;
    equal(&(server.ask(&["HGET", "{killed}/counter/a", "value"])?.as_str()), &"7")?;
    let told = counters.settle(used("r3", &[add("a", 1, None)]), NOW).await?;
    equal(&(value(&*counters, "a").await?, told.map(|told| told.holds)), &(4, Some(true)))
}

async fn refilled() -> Result<(), Failed> {
    let server = Redis::start(Door::Plain).await?;
    let store = store().await?;
    let url = server.url("refilled");
    let (one, other) = (open_counters(&url, &store)?, open_counters(&url, &store)?);
    one.reserve(&wanting("r1", &[add("a", 5, Some(10))]), NOW).await?;
    server.ask(&["FLUSHALL"])?;
    // It is the other one that finds it empty.
    equal(&value(&*other, "a").await?, &0)?;
    equal(&value(&*one, "a").await?, &5)?;
    equal(&value(&*other, "a").await?, &5)?;
    one.settle(used("r1", &[add("a", 2, None)]), NOW).await?;
    equal(&value(&*other, "a").await?, &2)
}

/// Beside the counters, and gone with Redis without a word.
async fn recalled() -> Result<(), Failed> {
    let mut server = Redis::start(Door::Plain).await?;
    let (store, url) = (store().await?, server.url("recalled"));
    let (one, other) = (open_shared(&url, &store)?, open_shared(&url, &store)?);
    let elsewhere = open_shared(&server.url("elsewhere"), &store)?;
    equal(&one.cache.get("k").await, &None)?;
    // Not all bytes are text.
    let value = Bytes::from((0..=255).cycle().take(300_000).collect::<Vec<u8>>());
    one.cache.put("k", value.clone(), Duration::from_secs(60)).await;
    equal(&other.cache.get("k").await, &Some(value))?;
    equal(&(other.cache.get("K").await, elsewhere.cache.get("k").await), &(None, None))?;
    let left: i64 = server.ask(&["PTTL", "{recalled}/recall/k"])?.parse()?;
    equal(&(50_000..=60_000).contains(&left), &true)?;
    other.cache.put("k", Bytes::from_static(b"newer"), Duration::from_millis(300)).await;
    equal(&one.cache.get("k").await, &Some(Bytes::from_static(b"newer")))?;
    sleep(Duration::from_millis(400)).await;
    equal(&one.cache.get("k").await, &None)?;
    one.counters.reserve(&wanting("r1", &[add("a", 5, Some(10))]), NOW).await?;
    equal(&value_of(&other).await?, &5)?;
    server.kill();
    one.cache.put("k", Bytes::from_static(b"lost"), Duration::from_secs(60)).await;
    equal(&one.cache.get("k").await, &None)
}

async fn value_of(shared: &Shared) -> Result<i64, Failed> {
    value(&*shared.counters, "a").await
}

async fn secured() -> Result<(), Failed> {
    let server = Redis::start(Door::Tls).await?;
    let known = format!("&sslrootcert={}", server.certificate().display());
    let by_name = server.url("secured").replace("127.0.0.1", "localhost");
    let store = store().await?;
    for (url, wanted) in [
        (format!("{by_name}{known}"), true),
        // Another name than the certificate's, an authority that nobody knows, no TLS, another password.
        (format!("{}{known}", server.url("secured")), false),
        (by_name.clone(), false),
        (by_name.replace("rediss:", "redis:"), false),
        (format!("{by_name}{known}").replace("canary", "guess"), false),
    ] {
        let answer = open_counters(&url, &store)?.ready().await;
        if answer.is_ok() != wanted || format!("{answer:?}").contains("redis-canary") {
            return Err(format!("wanted {wanted}: {answer:?}").into());
        }
    }
    Ok(())
}

async fn clustered() -> Result<(), Failed> {
    let (asked, other) = (Redis::start(Door::Cluster).await?, Redis::start(Door::Cluster).await?);
    other.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"])?;
    asked.ask(&["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string()])?;
    let began = Instant::now();
    let joined = |node: &Redis| {
        let told = node.ask(&["CLUSTER", "INFO"])?;
        Ok::<_, String>(told.contains("cluster_state:ok") && told.contains("known_nodes:2"))
    };
    while !(joined(&asked)? && joined(&other)?) {
        if began.elapsed() > RECOVERY {
            return Err("the nodes do not find each other".into());
        }
        sleep(LOOK).await;
    }
    let counters = open_counters(&asked.url("clustered"), &store().await?)?;
    let names: Vec<Add> =
        (0..50).map(|number| add(&format!("team-{number}/a"), 1, Some(2))).collect();
    for wanted in [1, 2] {
        let reserved = counters.reserve(&wanting(&format!("r{wanted}"), &names), NOW).await?;
        equal(&reserved, &Admission::Added(vec![wanted; 50]))?;
    }
    equal(&(other.ask(&["DBSIZE"])? != "0", asked.ask(&["DBSIZE"])?), &(true, "0".to_owned()))
}
