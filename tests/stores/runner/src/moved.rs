//! What is promised of a move between two engines? A file, its rows in a database server, and the same file again.

use std::{path::Path, sync::Arc};

use libtest_mimic::{Failed, Trial};
use tidegate_core::{
    config::RootSecret,
    identity::{Secret, Vault},
    moving::{Manner, Side, Wanted, check, export, take},
    ports::Clock,
    store::{Audit, Change, Document, Kind, Record, Store},
    testing::root_secret,
};
use tidegate_native::{HttpClient, Opened, OsRandom, Place, SystemClock, Writing, open_store};
use tidegate_stores_runner::servers::{Disk, Engine};
use tokio::runtime::Runtime;

const RECORDS: i64 = 3_000;
const START_MS: i64 = 1_785_024_000_000;

type File = Vec<Vec<u8>>;

pub(crate) fn trial(engine: Engine, runtime: &Arc<Runtime>) -> Trial {
    let name = format!("{engine:?}").to_lowercase();
    let runtime = Arc::clone(runtime);
    Trial::test(format!("{name}: server: everything moves there and back"), move || {
        runtime.block_on(there_and_back(engine))
    })
}

async fn there_and_back(engine: Engine) -> Result<(), Failed> {
    let server = engine.start(Disk::Spared).await?;
    let (first, between, last) = (open(":memory:")?, open(&server.url)?, open(":memory:")?);
    for opened in [&first, &between, &last] {
        opened.migrate(&SystemClock).await?;
    }
    fill(&first).await?;
    let began = exported(&first).await?;
    for (from, into) in [(&first, &between), (&between, &last)] {
        let file = exported(from).await?;
        taken(&file, into).await?;
    }
    let ended = exported(&last).await?;
    let rows = |file: &File| -> File {
        let is_row = |line: &&Vec<u8>| line.starts_with(b"[") || line.starts_with(b"{\"table\"");
        file.iter().filter(is_row).cloned().collect()
    };
    let (began, ended) = (rows(&began), rows(&ended));
    if began != ended {
        let differs = began.iter().zip(&ended).find(|(one, other)| one != other);
        let differs =
            differs.map(|(a, b)| [a, b].map(|line| String::from_utf8_lossy(line).into_owned()));
        return Err(format!("{} rows became {}: {differs:?}", began.len(), ended.len()).into());
    }
    let team = last.store.get(Kind::Team, "sales").await?;
    let wanted = first.store.get(Kind::Team, "sales").await?;
    if team.is_none() || team != wanted {
        return Err(format!("{wanted:?} became {team:?}").into());
    }
    Ok(())
}

fn open(url: &str) -> Result<Opened, Failed> {
    let place = Place::parse(Some(url), Path::new("unused"))?;
    let client = Arc::new(HttpClient::new()?);
    Ok(open_store((place, Writing::Alone), None, client, Arc::new(SystemClock))?)
}

async fn fill(opened: &Opened) -> Result<(), Failed> {
    let team = Document {
        kind: Kind::Team,
        id: "sales".to_owned(),
        parent: String::new(),
        name: "Sales".to_owned(),
        version: 0,
        revision: 0,
        deleted: false,
        shape: 1,
        body: "{}".to_owned(),
    };
    opened.store.commit(vec![Change::Put(team)], Audit::default()).await?;
    let record = |number: i64| Record {
        id: format!("r{number:06}"),
        at_ms: START_MS + number * 60_000,
        client: format!("client {}", number % 7),
        model: format!("m\u{f6}del-{}", number % 5),
        total_ms: number * 7919 % 100_000,
        cost_nano: number,
        ..Record::default()
    };
    let records: Vec<Record> = (0..RECORDS).map(record).collect();
    for (number, records) in records.chunks(250).enumerate() {
        opened.store.flush(&format!("f{number}"), records).await?;
    }
    Ok(())
}

fn passphrase() -> Secret {
    Secret::new("correct horse battery".to_owned())
}

async fn exported(from: &Opened) -> Result<File, Failed> {
    let mut file = File::new();
    let roots = [root_secret()];
    let vault = Vault::new(&roots[0]);
    let mut sink = |lines: &[u8]| {
        file.extend(lines.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        Ok(())
    };
    export(side(from, &vault, &roots), Wanted::Everything, &passphrase(), &mut sink).await?;
    Ok(file)
}

async fn taken(file: &File, into: &Opened) -> Result<(), Failed> {
    let roots = [root_secret()];
    let vault = Vault::new(&roots[0]);
    let mut lines = file.iter().cloned();
    let checked = check(&mut || Ok(lines.next()), &passphrase())?;
    let mut lines = file.iter().cloned();
    let side = side(into, &vault, &roots);
    take(&mut || Ok(lines.next()), &checked, side, Manner::Whole).await?;
    Ok(())
}

fn side<'s>(opened: &'s Opened, vault: &'s Vault, roots: &'s [RootSecret]) -> Side<'s> {
    Side {
        database: &*opened.database,
        store: &*opened.store,
        vault,
        roots,
        random: &OsRandom,
        now: SystemClock.now(),
    }
}
