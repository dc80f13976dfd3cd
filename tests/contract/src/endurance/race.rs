//! Does a budget let through exactly what it has room for, however many ask at once and wherever they ask?

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tidegate_provider::Provider;
use tidegate_stores_runner::servers::Engine;

use super::{
    GIVEN_BACK_WAIT, HEARD_WAIT, WHOLE,
    load::chat,
    place::{IN_REDIS, Place, Shared, addresses},
    play_all,
};
use crate::{
    Result,
    adapters::Adapter,
    failed,
    setup::ADMIN_TOKEN,
    wire::{Ask, exchange},
    world::create_client,
};

/// How many ask how often, of what.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    name: &'static str,
    adapter: Adapter,
    gateways: usize,
    store: Place,
    /// Whether all count in one Redis.
    redis: bool,
    clients: usize,
    requests: usize,
}

/// A server counts in memory.
pub const ONE_SERVER: Course = Course {
    name: "one server",
    adapter: Adapter::Server,
    gateways: 1,
    store: Place::Own,
    redis: false,
    clients: 200,
    requests: 5,
};
/// Servers that share a database count there.
pub const FOUR_SERVERS: Course =
    Course { name: "four servers, one sqld", gateways: 4, store: Place::Sqld, ..ONE_SERVER };
/// The same, and no one writes alone there.
pub const FOUR_ON_POSTGRES: Course = Course {
    name: "four servers, one PostgreSQL",
    store: Place::Served(Engine::Postgres),
    ..FOUR_SERVERS
};
/// The same.
pub const FOUR_ON_MARIADB: Course = Course {
    name: "four servers, one MariaDB",
    store: Place::Served(Engine::Mariadb),
    ..FOUR_SERVERS
};
/// The same, and what is counted lies in Redis, with a database under it that only remembers.
pub const FOUR_ON_REDIS: Course =
    Course { name: "four servers, one PostgreSQL, one Redis", redis: true, ..FOUR_ON_POSTGRES };
/// An environment takes one request at a time.
pub const EIGHT_FUNCTIONS: Course = Course {
    name: "eight Lambda environments, one sqld",
    adapter: Adapter::Lambda,
    gateways: 8,
    ..FOUR_SERVERS
};
/// An isolate has one thread, and counts in a Durable Object.
pub const ONE_WORKER: Course =
    Course { name: "the Worker and an object", adapter: Adapter::Worker, ..ONE_SERVER };
/// The same, and D1 counts.
pub const WORKER_ON_D1: Course =
    Course { name: "the Worker on D1", store: Place::D1, clients: 50, requests: 4, ..ONE_WORKER };

const LIMIT: usize = 100;
/// So much that servers take room ahead until little is left.
const LARGE_LIMIT: usize = 5_000;
const UNDER_WAY: &str = "SELECT COUNT(*) AS n FROM counters WHERE name LIKE '%/concurrent'";
const SETTLED_WAIT: Duration = Duration::from_secs(20);
const AT_ONCE: usize = 16;

/// What came of a race.
#[derive(Debug)]
pub struct Outcome {
    course: Course,
    admitted: usize,
    refused: usize,
    took: Duration,
    slowest: Duration,
}

/// What came of a race for a large limit.
#[derive(Debug)]
pub struct Ahead {
    /// In the first round, in which room may lie where nobody asks for it.
    early: usize,
    took: Duration,
    /// The same without taking ahead.
    asking_took: Duration,
}

/// Lets as many ask as there is room for, of whom nobody may be refused, and then far more.
pub async fn run(provider: &Provider, course: Course) -> Result<Outcome> {
    race(provider, course, "", |addresses| hold(provider, course, addresses)).await
}

/// Lets four servers take room ahead of a limit, and says what that saves.
pub async fn ahead(provider: &Provider) -> Result<Ahead> {
    let course = FOUR_ON_POSTGRES;
    let (early, took) = race(provider, course, "", exhaust).await?;
    let asking = "[counters]\nahead = false\n";
    let (_, asking_took) = race(provider, course, asking, exhaust).await?;
    Ok(Ahead { early, took, asking_took })
}

/// Starts what a course needs, declares some more, and runs it.
async fn race<T, F: Future<Output = Result<T>>>(
    provider: &Provider,
    course: Course,
    declared: &str,
    run: impl FnOnce(Vec<SocketAddr>) -> F,
) -> Result<T> {
    play_all(provider);
    let shared = Shared::start(course.store, course.redis).await?;
    let mut gateways = Vec::with_capacity(course.gateways);
    for _ in 0..course.gateways {
        let setup = shared.setup(provider, declared)?;
        let setup = match course.store {
            Place::D1 => setup.variable("HARNESS_WITHOUT", "COUNTERS"),
            Place::Own | Place::Sqld | Place::Served(_) => setup,
        };
        gateways.push(course.adapter.start(setup).await?);
    }
    let mut outcome = run(addresses(&gateways)).await;
    if let Some(redis) = &shared.redis {
        // Otherwise it was the database that counted.
        let counted = redis.ask(&["EXISTS", &format!("{{{IN_REDIS}}}/begun")]);
        if counted.as_deref() != Ok("1") {
            outcome = failed(format!("nothing was counted in Redis: {counted:?}"));
        }
    }
    if course.adapter == Adapter::Worker {
        // What is under way is counted in one place alone, and D1 hears of it only where it is that place.
        let there = gateways[0].sql(UNDER_WAY).await?;
        if there.contains("\"n\":0") == (course.store == Place::D1) {
            outcome = failed(format!("it was counted somewhere else: {there}"));
        }
    }
    outcome.or_else(|error| {
        let logs: Vec<String> = gateways.iter().map(|gateway| last_lines(&gateway.log())).collect();
        failed(format!("{error}{}", logs.concat()))
    })
}

/// The end of a log.
fn last_lines(log: &str) -> String {
    const LINES: usize = 3;
    let skipped = log.lines().count().saturating_sub(LINES);
    log.lines().skip(skipped).flat_map(|line| ["\n    | ", line]).collect()
}

async fn hold(provider: &Provider, course: Course, addresses: Vec<SocketAddr>) -> Result<Outcome> {
    let fitting = Crowd::gather(("fitting", LIMIT), &addresses, LIMIT).await?;
    let (admitted, refused, ..) = fitting.ask(1).await?;
    if (admitted, refused) != (LIMIT, 0) {
        return failed(format!("{}: {admitted} of {LIMIT} admitted", course.name));
    }
    let crowd = Crowd::gather(("racing", LIMIT), &addresses, course.clients).await?;
    let (admitted, refused, took, slowest) = crowd.ask(course.requests).await?;
    let outcome = Outcome { course, admitted, refused, took, slowest };
    let asked = course.clients * course.requests;
    let reached = provider.seen(WHOLE).len();
    if (admitted, refused, reached) != (LIMIT, asked - LIMIT, 2 * LIMIT) {
        return failed(format!("{outcome}; {reached} reached the provider in both rounds"));
    }
    for one in [&fitting, &crowd] {
        one.settled().await?;
    }
    Ok(outcome)
}

/// Uses up a large limit. At its end some may be refused early; in the end exactly as many are let in as fit.
async fn exhaust(addresses: Vec<SocketAddr>) -> Result<(usize, Duration)> {
    const CLIENTS: usize = 100;
    let crowd = Crowd::gather(("large", LARGE_LIMIT), &addresses, CLIENTS).await?;
    let (first, _, took, _) = crowd.ask(LARGE_LIMIT / CLIENTS + 2).await?;
    tokio::time::sleep(GIVEN_BACK_WAIT).await;
    let (rest, ..) = crowd.ask(2).await?;
    if first + rest != LARGE_LIMIT {
        return failed(format!("{first} and {rest} were let in, and {LARGE_LIMIT} fit"));
    }
    crowd.settled().await?;
    Ok((rest, took))
}

/// Clients of one team.
struct Crowd {
    team: String,
    limit: usize,
    addresses: Vec<SocketAddr>,
    asks: Vec<Ask>,
}

impl Crowd {
    async fn gather(
        (team, limit): (&str, usize),
        addresses: &[SocketAddr],
        count: usize,
    ) -> Result<Self> {
        let limits = json!([{ "requests": limit, "per": "total" }, { "concurrent": 10_000 }]);
        let body = json!({ "id": team, "limits": limits }).to_string();
        let made =
            exchange(addresses[0], &Ask::post("/api/teams", body).bearer(ADMIN_TOKEN)).await?;
        if made.status != 201 {
            return failed(format!("no team was made: {}", made.text()));
        }
        let (mut asks, mut keys) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for number in 0..count {
            let fields = json!({ "name": format!("{team} {number}"), "team": team });
            let client = create_client(addresses[0], fields).await?;
            asks.push(chat(&client.key, WHOLE, false));
            keys.push(client.key);
        }
        let crowd = Self { team: team.to_owned(), limit, addresses: addresses.to_vec(), asks };
        crowd.introduce(&keys).await?;
        Ok(crowd)
    }

    /// Lets every gateway look every key up before the race: that is not what is raced for.
    async fn introduce(&self, keys: &[String]) -> Result {
        // By then every gateway has heard of the newest client, and keeps what it looks up.
        tokio::time::sleep(HEARD_WAIT).await;
        let pairs = keys.iter().flat_map(|key| self.addresses.iter().map(move |at| (key, *at)));
        let looks: Vec<_> =
            pairs.map(|(key, at)| (at, Ask::new("GET", "/v1/models").bearer(key))).collect();
        for some in looks.chunks(AT_ONCE) {
            for answer in join_all(some.iter().map(|(at, ask)| exchange(*at, ask))).await {
                let answer = answer?;
                if answer.status != 200 {
                    return failed(format!("a key is not known: {}", answer.text()));
                }
            }
        }
        Ok(())
    }

    /// Everybody asks so often, one request after the other, all at once, at all gateways in turn.
    async fn ask(&self, requests: usize) -> Result<(usize, usize, Duration, Duration)> {
        let began = Instant::now();
        let one = async |at: usize, ask: &Ask| {
            let mut answers = Vec::with_capacity(requests);
            for turn in 0..requests {
                let sent = Instant::now();
                let address = self.addresses[(at + turn) % self.addresses.len()];
                answers.push((exchange(address, ask).await, sent.elapsed()));
            }
            answers
        };
        let all = join_all(self.asks.iter().enumerate().map(|(at, ask)| one(at, ask))).await;
        let (mut admitted, mut refused, mut slowest) = (0, 0, Duration::ZERO);
        for (answer, took) in all.into_iter().flatten() {
            let answer = answer?;
            slowest = slowest.max(took);
            match answer.status {
                200 => admitted += 1,
                429 if answer.text().contains(&self.team) => refused += 1,
                status => return failed(format!("{status}: {}", answer.text())),
            }
        }
        Ok((admitted, refused, began.elapsed(), slowest))
    }

    /// In the end everything that was admitted is used, and nothing is reserved.
    async fn settled(&self) -> Result {
        let path = format!("/api/teams/{}/spending", self.team);
        let deadline = Instant::now() + SETTLED_WAIT;
        loop {
            let ask = Ask::new("GET", &path).bearer(ADMIN_TOKEN);
            let told = exchange(self.addresses[0], &ask).await?.json()?;
            let used = |at: usize| told["limits"][at]["used"].clone();
            if (used(0), used(1)) == (json!(self.limit), Value::from(0)) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return failed(format!("{} is not settled: {told}", self.team));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl fmt::Display for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { early, took, asking_took } = self;
        write!(
            f,
            "room ahead on four servers, one PostgreSQL: {LARGE_LIMIT} of {LARGE_LIMIT} let in and none more, {early} of them \
             refused at first, nothing left reserved; {took:.1?} in all, {asking_took:.1?} when every request asks"
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { course, admitted, refused, took, slowest } = self;
        let Course { name, clients, requests, .. } = course;
        write!(
            f,
            "race on {name}: {clients} clients x {requests} against {LIMIT} calls: {admitted} admitted, \
             {refused} refused, 0 refused below the limit, nothing left reserved; {took:.1?} in all, the \
             slowest answer {slowest:.1?}"
        )
    }
}
