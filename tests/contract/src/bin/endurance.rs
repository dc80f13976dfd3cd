//! Does Tidegate keep what it acknowledged? `tidegate-endurance [kill terminate lambda race together-sqld outage rise even matrix-file …]
//! [--loops N] [--seconds N]`
//!
//! The environment names the binaries as for `tidegate-contract`.

use std::{process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use tidegate_contract::{
    Failure, Result,
    endurance::{
        Ground, begin, broken, even, kill, lambda, live,
        matrix::{self, Place},
        outage, race, terminate, throughput, together,
    },
};
use tidegate_provider::Provider;
use tidegate_stores_runner::servers::Engine;

#[derive(Parser)]
#[command(about = "Kills and terminates gateways under load and compares records with answers")]
struct Arguments {
    /// What to do; everything when nothing is named.
    parts: Vec<Part>,
    /// How often; a full run takes 20.
    #[arg(long, default_value_t = 3)]
    loops: u32,
    /// How long storage is ill, for a shorter look; a full run takes what is promised.
    #[arg(long)]
    seconds: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// `kill -9` under load.
    Kill,
    /// SIGTERM under 100 streams.
    Terminate,
    /// Slow flushes and kills of a frozen Lambda environment.
    Lambda,
    /// More requests at once than a budget has room for, on one server.
    Race,
    /// The same on four servers that share one sqld.
    RaceFour,
    /// The same on four servers that share one `PostgreSQL`.
    RacePostgres,
    /// The same on four servers that share one `MariaDB`.
    RaceMariadb,
    /// The same on four servers that share one `PostgreSQL` and count in one Redis.
    RaceRedis,
    /// A large limit that four servers share, who take room ahead.
    Ahead,
    /// What ends on one of two servers that share a Redis, told by the other.
    LiveRedis,
    /// Eight processes that migrate one file at once, empty and with the schema before.
    BeginFile,
    /// The same with one sqld.
    BeginSqld,
    /// The same with one `PostgreSQL`.
    BeginPostgres,
    /// The same with one `MariaDB`.
    BeginMariadb,
    /// `kill -9` while eight processes migrate one file.
    BrokenFile,
    /// The same with one sqld.
    BrokenSqld,
    /// The same with one `PostgreSQL`.
    BrokenPostgres,
    /// The same with one `MariaDB`.
    BrokenMariadb,
    /// A race in eight Lambda environments that share one sqld.
    RaceLambda,
    /// The same on the Worker, which counts in an object.
    RaceWorker,
    /// The same on the Worker, which counts in D1.
    RaceD1,
    /// Four servers that share one sqld: keys in turn, a key that one sees limited, and what one is told.
    TogetherSqld,
    /// The same with one `PostgreSQL`.
    TogetherPostgres,
    /// The same with one `MariaDB`.
    TogetherMariadb,
    /// The same with one `PostgreSQL` and a Redis, over which all tell what ends on one.
    TogetherRedis,
    /// One server over its file, and four over one `PostgreSQL` and one Redis.
    Throughput,
    /// All providers limited, busy and gone.
    Outage,
    /// A provider that fails more and more requests.
    Rise,
    /// Ten thousand requests over seven keys, on one server.
    Even,
    /// A file that is locked, and one whose disk is full.
    MatrixFile,
    /// `kill -9` while the file is locked, and again while the server catches up.
    MatrixKill,
    /// A sqld that is stopped and killed.
    MatrixSqld,
    /// A `PostgreSQL` that is locked, stopped and killed.
    MatrixPostgres,
    /// A `MariaDB` that is locked, stopped and killed.
    MatrixMariadb,
    /// A Redis that is killed, over a `PostgreSQL`.
    MatrixRedis,
}

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of a command")]
async fn main() -> ExitCode {
    let Arguments { parts, loops, seconds } = Arguments::parse();
    let lasting = seconds.map(Duration::from_secs);
    let parts = if parts.is_empty() { Part::value_variants().to_vec() } else { parts };
    let mut code = ExitCode::SUCCESS;
    for part in parts {
        match play(part, loops, lasting).await {
            Ok(line) => println!("{line}"),
            Err(error) => {
                eprintln!("FAILED {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

async fn play(part: Part, loops: u32, lasting: Option<Duration>) -> Result<String> {
    let provider = Provider::start().await?;
    let matrix =
        async |place| Ok::<_, Failure>(lines(&matrix::run(&provider, place, lasting).await?));
    Ok(match part {
        Part::Kill => kill::run(&provider, loops).await?.to_string(),
        Part::Terminate => terminate::run(&provider).await?.to_string(),
        Part::Lambda => lambda::run(&provider, loops).await?.to_string(),
        Part::Race => race::run(&provider, race::ONE_SERVER).await?.to_string(),
        Part::RaceFour => race::run(&provider, race::FOUR_SERVERS).await?.to_string(),
        Part::RacePostgres => race::run(&provider, race::FOUR_ON_POSTGRES).await?.to_string(),
        Part::RaceMariadb => race::run(&provider, race::FOUR_ON_MARIADB).await?.to_string(),
        Part::RaceRedis => race::run(&provider, race::FOUR_ON_REDIS).await?.to_string(),
        Part::Ahead => race::ahead(&provider).await?.to_string(),
        Part::LiveRedis => live::run(&provider).await?.to_string(),
        Part::BeginFile => begin::run(Ground::File, loops).await?.to_string(),
        Part::BeginSqld => begin::run(Ground::Sqld, loops).await?.to_string(),
        Part::BeginPostgres => begin::run(Ground::Postgres, loops).await?.to_string(),
        Part::BeginMariadb => begin::run(Ground::Mariadb, loops).await?.to_string(),
        Part::BrokenFile => broken::run(Ground::File, loops).await?.to_string(),
        Part::BrokenSqld => broken::run(Ground::Sqld, loops).await?.to_string(),
        Part::BrokenPostgres => broken::run(Ground::Postgres, loops).await?.to_string(),
        Part::BrokenMariadb => broken::run(Ground::Mariadb, loops).await?.to_string(),
        Part::RaceLambda => race::run(&provider, race::EIGHT_FUNCTIONS).await?.to_string(),
        Part::TogetherSqld => together::run(&provider, together::SQLD).await?.to_string(),
        Part::TogetherPostgres => together::run(&provider, together::POSTGRES).await?.to_string(),
        Part::TogetherMariadb => together::run(&provider, together::MARIADB).await?.to_string(),
        Part::TogetherRedis => together::run(&provider, together::REDIS).await?.to_string(),
        Part::Throughput => throughput::run(&provider).await?.to_string(),
        Part::Outage => lines(&outage::run().await?),
        Part::Rise => outage::rise().await?.to_string(),
        Part::Even => even::run(&provider).await?.to_string(),
        Part::MatrixFile => matrix(Place::File).await?,
        Part::MatrixKill => matrix::kill(&provider, loops).await?.to_string(),
        Part::MatrixSqld => matrix(Place::Sqld).await?,
        Part::MatrixPostgres => matrix(Place::Served(Engine::Postgres)).await?,
        Part::MatrixMariadb => matrix(Place::Served(Engine::Mariadb)).await?,
        Part::MatrixRedis => matrix(Place::Redis).await?,
        Part::RaceWorker => race::run(&provider, race::ONE_WORKER).await?.to_string(),
        Part::RaceD1 => race::run(&provider, race::WORKER_ON_D1).await?.to_string(),
    })
}

fn lines<T: ToString>(outcomes: &[T]) -> String {
    outcomes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
