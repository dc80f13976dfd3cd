//! Does a configuration come in as one file: told first, then done as a whole, or refused with all that is wrong with it?

use serde_json::{Value, json};

use super::{
    Case,
    sample::{id, problem, said},
};
use crate::{Result, failed, world::World};

pub(super) const CASES: &[Case] = &[
    Case { name: "import_told_then_done", run: |world| Box::pin(told_then_done(world)) },
    Case { name: "import_all_mistakes", run: |world| Box::pin(mistakes(world)) },
    Case { name: "import_guarded", run: |world| Box::pin(guarded(world)) },
    Case { name: "import_leaves_what_is_declared", run: |world| Box::pin(declared(world)) },
];

/// One of each kind, each leaning on another one of the file.
fn file(world: &World) -> Value {
    let [provider, first, second, proxy, team, below] =
        ["ip", "ig", "ih", "ix", "it", "iu"].map(|name| id(world, name));
    json!({
        "tidegate": 1, "exported_at": "2026-01-01T00:00:00.000Z",
        "providers": [{ "id": provider, "dialect": "openai_chat", "base_url": "https://a.example/v1" }],
        "models": [{ "id": format!("{provider}/m"), "price": { "input": "2.5" } }],
        "groups": [
            { "id": first, "strategy": "priority", "targets": [{ "name": second }] },
            { "id": second, "strategy": "priority", "targets": [{ "name": "mock" }] },
        ],
        "proxies": [{ "id": proxy, "base_url": "https://b.example" }],
        "teams": [{ "id": below, "parent": team }, { "id": team, "models": ["mock"] }],
        "clients": [{ "id": client_id(world), "name": id(world, "ic"), "team": below, "strict": true }],
    })
}

/// Ten letters and digits, as in a key.
fn client_id(world: &World) -> String {
    let own = &world.client.id;
    format!("{}{}", &own[1..], &own[..1])
}

async fn told_then_done(world: &World) -> Result {
    // Every change of another case would come in between.
    let world = &world.fresh(world.setup()?).await?;
    let file = file(world);
    let answer = world.edit("POST", "/api/import", None, file.clone()).await?;
    let tag = answer.header("etag").unwrap_or_default().to_owned();
    let told = said(&answer, 200)?;
    assert_eq!(told["done"], false, "{told}");
    let steps = told["steps"].as_array().map_or(0, Vec::len);
    assert_eq!(steps, 8, "{told}");
    assert!(
        told["steps"].as_array().is_some_and(|all| all.iter().all(|one| one["does"] == "make"))
    );
    let missing = told["missing"].to_string();
    for secret in [id(world, "ip"), id(world, "ix"), client_id(world)] {
        assert!(missing.contains(&secret), "{secret}: {told}");
    }
    let provider = format!("/api/providers/{}", id(world, "ip"));
    assert_eq!(world.admin("GET", &provider).await?.status, 404, "a rehearsal has done it");

    let done = world.edit("POST", "/api/import", Some(&tag), file.clone()).await?;
    assert_eq!(said(&done, 200)?["done"], true);
    assert_eq!(said(&world.admin("GET", &provider).await?, 200)?["version"], 1);
    let client = format!("/api/clients/{}", client_id(world));
    let shown = said(&world.admin("GET", &client).await?, 200)?;
    assert_eq!((&shown["team"], &shown["strict"]), (&json!(id(world, "iu")), &json!(true)));
    let key =
        said(&world.edit("POST", &format!("{client}/rotate"), Some("*"), json!({})).await?, 200)?;
    assert!(key["key"].as_str().is_some_and(|key| key.contains(&client_id(world))), "{key}");
    let rows =
        said(&world.admin("GET", &format!("/api/audit?document={}", id(world, "ip"))).await?, 200)?;
    assert_eq!(rows["data"][0]["action"], "import configuration", "{rows}");

    // What is there and says the same is kept; what says something else is changed, field by field.
    let mut other = file;
    other["providers"][0]["base_url"] = json!("https://c.example/v1");
    let told = said(&world.edit("POST", "/api/import", None, other).await?, 200)?;
    let step = &told["steps"][0];
    assert_eq!(
        (&step["does"], &step["fields"]),
        (&json!("change"), &json!(["base_url"])),
        "{told}"
    );
    assert_eq!(told["steps"][1]["does"], "keep", "{told}");
    assert_eq!(told["missing"], json!([]), "a client keeps its key: {told}");
    Ok(())
}

async fn mistakes(world: &World) -> Result {
    let [group, other] = ["ma", "mb"].map(|name| id(world, name));
    let file = json!({
        "tidegate": 1,
        "settings": { "retention_days": 0 },
        "providers": [
            { "id": id(world, "mp"), "dialect": "none", "base_url": "https://a.example/v1" },
            { "id": id(world, "mq"), "dialect": "openai_chat", "base_url": "https://a.example/v1", "role": 1 },
            { "dialect": "openai_chat", "base_url": "https://a.example/v1" },
        ],
        "groups": [
            { "id": group, "strategy": "priority", "targets": [{ "name": other }] },
            { "id": other, "strategy": "priority", "targets": [{ "name": group }] },
        ],
        "teams": [{ "id": id(world, "mt"), "parent": "nowhere" }],
        "clients": [{ "id": "short", "name": "x" }, { "id": client_id(world), "name": "y", "team": "nowhere" }],
    });
    let told = problem(&world.edit("POST", "/api/import", None, file).await?, 400)?;
    let detail = told["detail"].as_str().unwrap_or_default();
    for place in [
        "settings",
        "providers[0].dialect",
        "providers[1].role",
        "providers[2].id",
        "groups[0]",
        "groups[1]",
        "teams[0].parent",
        "clients[0].id",
        "clients[1].team",
    ] {
        assert!(detail.lines().any(|line| line.starts_with(place)), "{place}: {detail}");
    }
    for wrong in [json!({}), json!({ "tidegate": 2 }), json!({ "tidegate": 1, "users": [] })] {
        problem(&world.edit("POST", "/api/import", None, wrong).await?, 400)?;
    }
    Ok(())
}

async fn guarded(world: &World) -> Result {
    let name = id(world, "gp");
    let row = json!({ "id": name, "dialect": "openai_chat", "base_url": "https://a.example/v1" });
    let file = json!({ "tidegate": 1, "providers": [row] });
    let answer = world.edit("POST", "/api/import", None, file.clone()).await?;
    let tag = answer.header("etag").unwrap_or_default().to_owned();
    let change = json!({ "dialect": "openai_chat", "base_url": "https://z.example/v1" });
    let path = format!("/api/providers/{name}");
    assert_eq!(world.edit("PUT", &path, None, change).await?.status, 201);
    problem(&world.edit("POST", "/api/import", Some(&tag), file.clone()).await?, 412)?;
    assert_eq!(said(&world.admin("GET", &path).await?, 200)?["base_url"], "https://z.example/v1");
    assert_eq!(
        said(&world.edit("POST", "/api/import", Some("*"), file).await?, 200)?["done"],
        true
    );
    assert_eq!(said(&world.admin("GET", &path).await?, 200)?["version"], 2);
    Ok(())
}

async fn declared(world: &World) -> Result {
    let list = said(&world.admin("GET", "/api/providers").await?, 200)?;
    let mut row = list["data"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|row| !row["declared_in"].is_null())
        .cloned()
        .unwrap_or_default();
    let Some(fields) = row.as_object_mut() else { return failed("no provider is declared") };
    let name = fields.get("id").cloned().unwrap_or_default();
    fields.retain(|field, _| field != "version" && field != "declared_in");
    let file = json!({ "tidegate": 1, "providers": [row] });
    let told = said(&world.edit("POST", "/api/import", Some("*"), file).await?, 200)?;
    let step = &told["steps"][0];
    assert_eq!((&step["id"], &step["does"]), (&name, &json!("leave")), "{told}");
    assert!(!step["declared_in"].is_null(), "{told}");
    Ok(())
}
