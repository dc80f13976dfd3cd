//! What is promised of a move: all of it comes back, row by row; taken twice it is there once; what is there stays.

use tidegate_core::{
    Error,
    config::RootSecret,
    error::Kind as Refusal,
    identity::{Secret, Vault},
    moving::{Checked, Count, Manner, Side, Told, Wanted, check, collisions, export, take},
    store::{
        Add, Counters, Document, Kind, ListQuery, Record, RecordFilter, Store,
        sql::{SqlStore, migrate, moving::content},
    },
    testing::{SeededRandom, root_secret},
};

use crate::{
    Run, World,
    check::{Verdict, equal, refused, some},
    sample::{HOUR, HOUR_MS, document, pick, put, record, team},
    wipe,
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("moving: all of it comes back, row by row", |w| Box::pin(there_and_back(w))),
    ("moving: taken twice it is there once", |w| Box::pin(twice(w))),
    ("moving: what is there stays, and the rest comes beside it", |w| Box::pin(merged(w))),
    ("moving: a damaged file is not taken for a whole one", |w| Box::pin(damaged(w))),
];

const NOW: i64 = HOUR + 48 * HOUR_MS;
const RECORDS: u64 = 700;

type File = Vec<Vec<u8>>;

/// A side of a move, with the root secret that it has.
struct Place<'w> {
    world: &'w World,
    vault: Vault,
    roots: [RootSecret; 1],
    random: SeededRandom,
}

impl<'w> Place<'w> {
    fn new(world: &'w World, seed: u64) -> Self {
        let roots = [root_secret()];
        let vault = Vault::new(&roots[0]);
        Self { world, vault, roots, random: SeededRandom::new(seed) }
    }

    fn side(&self) -> Side<'_> {
        Side {
            database: &*self.world.database,
            store: &self.world.store,
            vault: &self.vault,
            roots: &self.roots,
            random: &self.random,
            now: NOW,
        }
    }

    async fn export(&self) -> Verdict<(File, Told)> {
        let mut file = Vec::new();
        let mut sink = |lines: &[u8]| {
            file.extend(lines.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec));
            Ok(())
        };
        let told = export(self.side(), Wanted::Everything, &passphrase(), &mut sink).await?;
        Ok((file, told))
    }

    async fn take(&self, file: &File, manner: Manner) -> Verdict<Told> {
        let checked = checked(file)?;
        let mut lines = file.iter().cloned();
        Ok(take(&mut || Ok(lines.next()), &checked, self.side(), manner).await?)
    }
}

fn passphrase() -> Secret {
    Secret::new("correct horse battery".to_owned())
}

fn checked(file: &File) -> Result<Checked, Error> {
    let mut lines = file.iter().cloned();
    check(&mut || Ok(lines.next()), &passphrase())
}

/// Documents of several kinds, records of two days of which the first hours were pruned, counters, a history.
async fn fill(world: &World) -> Verdict {
    let (vault, random) = (Vault::new(&root_secret()), SeededRandom::new(9));
    let store = &world.store;
    put(store, team("sales", "Sales")).await?;
    let up = Document {
        body: r#"{"dialect":"openai_chat","base_url":"https://up.example.com/v1"}"#.to_owned(),
        ..document(Kind::Provider, "up", "up")
    };
    put(store, up).await?;
    let place = "key|key-1|https://up.example.com:443";
    let sealed = vault.seal(&Secret::new("sk-1".to_owned()), place, &random)?;
    let key = Document {
        parent: "up".to_owned(),
        body: format!("{{ \"weight\": 2, \"sealed\": \"{sealed}\" }}"),
        ..document(Kind::Key, "key-1", "")
    };
    put(store, key).await?;
    let client = Document {
        body: r#"{"hash":"ab12.cd34","previous":{"hash":"ef56","until_ms":3},"created_at_ms":1}"#
            .to_owned(),
        ..document(Kind::Client, "Ab3dE6gH9j", "Website \u{1f980}")
    };
    put(store, client).await?;
    let mut seed = 5;
    let records: Vec<Record> = (0..RECORDS)
        .map(|number| {
            let at_ms = HOUR + i64::try_from(pick(&mut seed, 47 * 3_600_000)).unwrap_or(0);
            Record {
                client: ["alice", "Alice", ""][usize::try_from(number % 3).unwrap_or(0)].to_owned(),
                tried: "[{\"a\":\"\\n\u{e9}\"}]".to_owned(),
                total_ms: i64::try_from(pick(&mut seed, 100_000)).unwrap_or(0),
                ..record(&format!("r{number:06}"), at_ms)
            }
        })
        .collect();
    for (number, records) in records.chunks(200).enumerate() {
        store.flush(&format!("f{number}"), records).await?;
    }
    store.prune(HOUR + 5 * HOUR_MS + 1_000, 5_000).await?;
    let far = Add {
        name: "sales/month/1".to_owned(),
        by: 77,
        floor: None,
        cap: None,
        expires_at_ms: NOW * 2,
    };
    let ended = Add { name: "sales/minute/1".to_owned(), expires_at_ms: NOW - 1, ..far.clone() };
    store.add(&[far, ended], HOUR).await?;
    Ok(())
}

/// An empty store in the same database.
async fn emptied(world: &World) -> Verdict {
    wipe(&*world.database).await?;
    migrate(&*world.database, &*world.clock, "moving").await?;
    Ok(())
}

/// The lines of tables, without counters that had ended.
fn rows(file: &File) -> Vec<String> {
    let lines = file.iter().map(|line| String::from_utf8_lossy(line).into_owned());
    let lines = lines.skip_while(|line| !line.starts_with("{\"table\""));
    lines.filter(|line| !line.contains("/minute/") && !line.starts_with("{\"end\"")).collect()
}

async fn documents(store: &SqlStore) -> Verdict<Vec<Document>> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        all.extend(store.list(kind, &ListQuery { limit: 500, ..ListQuery::default() }).await?);
    }
    Ok(all)
}

/// The documents with what stands for secrets taken out, and the secret that the key holds.
fn readable(documents: Vec<Document>, vault: &Vault) -> Verdict<(Vec<Document>, String)> {
    let mut secret = String::new();
    let mut readable = Vec::new();
    for mut document in documents {
        if document.kind == Kind::Key {
            let (begin, rest) = some(document.body.split_once("\"sealed\": \""))?;
            let (sealed, end) = some(rest.split_once('"'))?;
            let place = "key|key-1|https://up.example.com:443";
            vault.open(sealed, place)?.expose().clone_into(&mut secret);
            document.body = format!("{begin}{end}");
        }
        readable.push(document);
    }
    Ok((readable, secret))
}

async fn there_and_back(world: &World) -> Verdict {
    fill(world).await?;
    let place = Place::new(world, 1);
    let before = readable(documents(&world.store).await?, &place.vault)?;
    let stood = content(&*world.database).await?;
    let (first, told) = place.export().await?;
    equal(told.counts.get("key").copied(), Some(Count { moved: 1, ..Count::default() }))?;
    equal(told.notes, Vec::<String>::new())?;

    emptied(world).await?;
    let told = place.take(&first, Manner::Whole).await?;
    equal(told.counts.get("counters").copied(), Some(Count { moved: 1, kept: 0, left: 1 }))?;
    equal(readable(documents(&world.store).await?, &place.vault)?, before.clone())?;
    equal(before.1, "sk-1")?;
    equal(content(&*world.database).await?, stood)?;
    let (second, _) = Place::new(world, 2).export().await?;
    equal(rows(&second), rows(&first))?;
    // It is a store like any other.
    put(&world.store, team("more", "More")).await?;
    equal(world.store.revision().await?, stood.revision + 1)?;
    let same_name = document(Kind::Client, "other", "WEBSITE \u{1f980}");
    refused(put(&world.store, same_name).await, Refusal::Conflict)
}

async fn twice(world: &World) -> Verdict {
    fill(world).await?;
    let place = Place::new(world, 1);
    let (file, _) = place.export().await?;
    // The first time it stopped somewhere on the way.
    emptied(world).await?;
    let cut: File = file.iter().take(file.len() / 2).cloned().collect();
    let whole = checked(&file)?;
    let mut lines = cut.iter().cloned();
    take(&mut || Ok(lines.next()), &whole, place.side(), Manner::Whole).await?;
    for _ in 0..2 {
        place.take(&file, Manner::Merge).await?;
        let (again, _) = place.export().await?;
        equal(rows(&again).len(), rows(&file).len())?;
        equal(rows(&again), rows(&file))?;
    }
    let told = place.take(&file, Manner::Merge).await?;
    let moved: u64 = told.counts.values().map(|count| count.moved).sum();
    equal(moved, 0)
}

async fn merged(world: &World) -> Verdict {
    fill(world).await?;
    let place = Place::new(world, 1);
    let (file, _) = place.export().await?;
    let newest = RecordFilter { limit: 1, ..RecordFilter::default() };
    let theirs = some(world.store.records(&newest).await?.pop())?;

    emptied(world).await?;
    // Somebody has begun anew: a team of the same name, a provider at another host, and a request of their own.
    put(&world.store, team("own", "SALES")).await?;
    let up = Document {
        body: r#"{"dialect":"openai_chat","base_url":"https://other.example.com/v1"}"#.to_owned(),
        ..document(Kind::Provider, "up", "up")
    };
    put(&world.store, up).await?;
    let own = Record { id: "own".to_owned(), ..theirs.clone() };
    world.store.flush("own", &[own]).await?;
    let mut lines = file.iter().cloned();
    let found = collisions(&mut || Ok(lines.next()), place.side()).await?;
    let found: Vec<(Kind, &str)> = found.iter().map(|one| (one.kind, one.id.as_str())).collect();
    equal(found, [(Kind::Provider, "up"), (Kind::Team, "sales")])?;

    let told = place.take(&file, Manner::Merge).await?;
    equal(told.counts.get("team").copied(), Some(Count { moved: 0, kept: 1, left: 0 }))?;
    equal(told.counts.get("key").copied(), Some(Count { moved: 0, kept: 0, left: 1 }))?;
    equal(told.counts.get("client").copied(), Some(Count { moved: 1, kept: 0, left: 0 }))?;
    equal(some(world.store.find(Kind::Team, "sales").await?)?.id, "own")?;
    let told = told.notes.join("\n");
    equal((told.contains("another host"), told.contains("`Sales`")), (true, true))?;
    // Both requests count, each once.
    let all = i64::try_from(RECORDS).unwrap_or(0) + 1;
    equal(world.sum("SELECT requests AS requests FROM rollups").await?, all)?;
    equal(world.sum("SELECT requests AS requests FROM rollups_daily").await?, all)?;
    equal(world.sum("SELECT requests AS requests FROM latency_daily").await?, all)
}

async fn damaged(world: &World) -> Verdict {
    put(&world.store, team("sales", "Sales")).await?;
    let (file, _) = Place::new(world, 1).export().await?;
    checked(&file)?;
    let mut broken: Vec<File> = Vec::new();
    for without in [1, 2, file.len() - 2, file.len() - 1] {
        broken.push([&file[..without], &file[without + 1..]].concat());
    }
    let mut turned = file.clone();
    turned.swap(3, 4);
    broken.push(turned);
    let mut longer = file.clone();
    longer.push(b"[]\n".to_vec());
    broken.push(longer);
    let mut changed = file.clone();
    let line = String::from_utf8_lossy(&changed[2]).replace("Sales", "Sails");
    changed[2] = line.into_bytes();
    broken.push(changed);
    for file in broken {
        refused(checked(&file).map(|_| ()), Refusal::BadRequest)?;
    }
    let mut lines = file.iter().cloned();
    let other = Secret::new("another passphrase".to_owned());
    let error = check(&mut || Ok(lines.next()), &other).err();
    equal(some(error)?.message, "The passphrase does not fit this file.")
}
