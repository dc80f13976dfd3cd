//! Who may pass where? Every route with everybody, from the routes' own table.

use serde_json::json;
use tidegate_core::router::{Needs, ROUTES, Route};

use super::Case;
use crate::{
    Result, failed,
    person::Person,
    wire::{Ask, exchange},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "matrix_of_roles", run: |world| Box::pin(roles(world)) },
    Case { name: "matrix_of_unknown_fields", run: |world| Box::pin(unknown_fields(world)) },
];

/// Whoever asks.
enum Visitor {
    None,
    BadKey,
    Client(String),
    Viewer(Person),
    Admin(Person),
    Disabled(Person),
}

impl Visitor {
    fn name(&self) -> &'static str {
        match self {
            Self::None => "nobody",
            Self::BadKey => "a bad key",
            Self::Client(_) => "a client",
            Self::Viewer(_) => "a viewer",
            Self::Admin(_) => "an admin",
            Self::Disabled(_) => "a disabled admin",
        }
    }

    /// As a page of `origin` asks, where it is a person.
    fn dress(&self, ask: Ask, origin: &str) -> Ask {
        match self {
            Self::None => ask,
            Self::BadKey => ask.bearer("tg_0123456789_bad"),
            Self::Client(key) => ask.bearer(key),
            Self::Viewer(person) | Self::Admin(person) | Self::Disabled(person) => {
                let ask = ask.header("cookie", &person.cookie).header("origin", origin);
                ask.header("sec-fetch-site", "same-origin")
            }
        }
    }

    /// The status of a refusal; `None` when the visitor may pass.
    fn refused(&self, needs: Needs) -> Option<u16> {
        match (needs, self) {
            (Needs::Nothing, _)
            | (Needs::Client, Self::Client(_))
            | (Needs::Viewer, Self::Viewer(_) | Self::Admin(_))
            | (Needs::Admin, Self::Admin(_)) => None,
            (Needs::Admin, Self::Viewer(_)) => Some(403),
            (Needs::Client | Needs::Viewer | Needs::Admin, _) => Some(401),
        }
    }
}

/// A request for a route that, let through, is found wanting before it changes anything.
fn request(route: &Route) -> Result<Ask> {
    let path = match route.pattern.split_once('{') {
        None => route.pattern.to_owned(),
        Some((start, rest)) => {
            let end = rest.split_once('}').map_or("", |(_, end)| end);
            format!("{start}nothing{end}")
        }
    };
    let method = match route.method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        other => return failed(format!("{other} is new here")),
    };
    let mut ask = Ask::post(path, json!({ "zz_unknown": 1 }).to_string());
    if method == "GET" || method == "DELETE" {
        ask = Ask::new(method, ask.path);
    }
    ask.method = method;
    Ok(ask)
}

async fn roles(world: &World) -> Result {
    // First, for the last admin cannot be disabled.
    let admin = Person::new(world, "admin", "admin").await?;
    let disabled = Person::new(world, "was admin", "admin").await?;
    let path = format!("/api/users/{}", disabled.id);
    let ended = world.edit("PATCH", &path, Some("*"), json!({ "enabled": false })).await?;
    assert_eq!(ended.status, 200, "{}", ended.text());
    let visitors = [
        Visitor::None,
        Visitor::BadKey,
        Visitor::Client(world.client.key.clone()),
        Visitor::Viewer(Person::new(world, "viewer", "viewer").await?),
        Visitor::Admin(admin),
        Visitor::Disabled(disabled),
    ];
    // What ends the visitor's own session comes last.
    let mut routes: Vec<&Route> = ROUTES.iter().collect();
    routes
        .sort_by_key(|route| (route.method.as_str(), route.pattern) == ("DELETE", "/api/session"));
    let origin = format!("http://{}", world.gateway.address);
    let mut wrong = Vec::new();
    for visitor in &visitors {
        for route in &routes {
            let ask = visitor.dress(request(route)?, &origin);
            let status = exchange(world.gateway.address, &ask).await?.status;
            let fits = match visitor.refused(route.needs) {
                Some(refusal) => status == refusal,
                None => {
                    status < 500 && (route.needs == Needs::Nothing || ![401, 403].contains(&status))
                }
            };
            if !fits {
                let Route { method, pattern, needs, .. } = route;
                let who = visitor.name();
                wrong.push(format!("{method} {pattern} ({needs:?}) answers {who} with {status}"));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { failed(wrong.join("\n")) }
}

/// Nothing is taken that a route does not name: no role, no owner, no id on the side.
async fn unknown_fields(world: &World) -> Result {
    let admin = Person::new(world, "assigner", "admin").await?;
    // A merge patch is read over what is there.
    let id = format!("there-{}", world.client.id.to_lowercase());
    let url = world.provider.base_url();
    for (path, body) in [
        ("providers", json!({ "dialect": "openai_chat", "base_url": url })),
        ("groups", json!({ "strategy": "priority", "targets": [{ "name": "mock" }] })),
        ("models", json!({ "enabled": true })),
        ("proxies", json!({ "base_url": url, "key_in": "header", "key_name": "X-Api-Token" })),
    ] {
        let made = world.edit("PUT", &format!("/api/{path}/{id}"), None, body).await?;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let made = world.edit("POST", "/api/teams", None, json!({ "id": id })).await?;
    assert_eq!(made.status, 201, "{}", made.text());
    let key = json!({ "provider": id, "secret": "sk-of-somebody-else-0042" });
    let key = world.edit("POST", "/api/keys", None, key).await?.json()?;
    let key = key["id"].as_str().unwrap_or_default();
    let mut wrong = Vec::new();
    let writing = |route: &&Route| ["POST", "PUT", "PATCH"].contains(&route.method.as_str());
    for route in ROUTES.iter().filter(|route| route.pattern.starts_with("/api/")).filter(writing) {
        let there = match route.pattern.split('/').nth(2) {
            Some("keys") => key,
            Some("clients") => &world.client.id,
            _ => &id,
        };
        let mut ask = request(route)?;
        ask.path = ask.path.replace("nothing", there);
        let ask = ask.header("cookie", &admin.cookie).header("sec-fetch-site", "same-origin");
        let answer = exchange(world.gateway.address, &ask.header("if-match", "*")).await?;
        if answer.status != 400 {
            wrong.push(format!("{} {}: {}", route.method, route.pattern, answer.status));
        }
    }
    if wrong.is_empty() { Ok(()) } else { failed(wrong.join("\n")) }
}
