//! What does a `config.yaml` of `LiteLLM` say? Deployments of models with their keys, names for several of them, and where a
//! request goes when they fail. What is read is what its documentation of the file describes.

mod hosts;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidegate_core::{Error, Result, identity::Secret};

use super::{Found, Key, Wish, id_of};
use hosts::{Place, place};

/// Looks a variable up.
pub(super) type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

/// How its strategies are called here, and what is not the same.
const STRATEGIES: [(&str, &str, Option<&str>); 6] = [
    ("simple-shuffle", "weighted", None),
    ("latency-based-routing", "latency", None),
    ("cost-based-routing", "cost", None),
    ("least-busy", "weighted", Some("who has least to do is not asked; weights decide")),
    ("usage-based-routing", "weighted", Some("use is not counted; weights decide")),
    ("usage-based-routing-v2", "weighted", Some("use is not counted; weights decide")),
];

/// Lists of fallbacks, and ours.
const FALLBACKS: [(&str, &str); 3] = [
    ("fallbacks", "fallbacks"),
    ("context_window_fallbacks", "context_fallbacks"),
    ("content_policy_fallbacks", "content_fallbacks"),
];

/// Fields that are taken; all others are told.
const TAKEN: [&str; 6] = [
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "model_group_alias",
    "routing_strategy",
];

/// Reads everything.
pub(super) fn read(file: &Value, variables: Variables<'_>) -> Result<Found> {
    let Some(list) = file["model_list"].as_array() else {
        let message = "This is no configuration of LiteLLM: it has no `model_list`.";
        return Err(Error::bad_request(message));
    };
    let mut found = Found::default();
    let mut hosts = Hosts::default();
    let mut groups: BTreeMap<String, Vec<Target>> = BTreeMap::new();
    let mut models = Vec::new();
    for (number, entry) in list.iter().enumerate() {
        match deployment(entry, variables) {
            Ok(Deployment { name, place, key, weight, rates, price }) => {
                let provider = hosts.add(&place, key, rates, &mut found);
                if place.model.contains('*') || name.contains('*') {
                    found.leave(format!(
                        "the name `{name}`: any model is asked for as `{provider}/MODEL` here."
                    ));
                    continue;
                }
                let target = format!("{provider}/{}", place.model);
                models.extend(price.map(|price| model(&target, &price)));
                groups.entry(name).or_default().push(Target { name: target, weight });
            }
            Err(why) => {
                let name = entry["model_name"].as_str().unwrap_or("without a name");
                found.leave(format!("entry {} of model_list ({name}): {why}.", number + 1));
            }
        }
    }
    hosts.wish(&mut found);
    found.wishes.extend(models);
    self::groups(file, &groups, &mut found);
    rest(file, &mut found);
    Ok(found)
}

/// One of `model_list`.
struct Deployment {
    name: String,
    place: Place,
    key: Option<String>,
    weight: u64,
    /// Requests and tokens a minute.
    rates: [Option<u64>; 2],
    price: Option<Map<String, Value>>,
}

struct Target {
    name: String,
    weight: u64,
}

type Told<T> = std::result::Result<T, String>;

fn deployment(entry: &Value, variables: Variables<'_>) -> Told<Deployment> {
    let name = entry["model_name"].as_str().ok_or("it has no model_name")?.to_owned();
    let params = &entry["litellm_params"];
    let text = |field: &str| {
        said(&params[field], variables).map_err(|name| {
        format!("`{field}` is in the variable {name}, which is not set here: set it and import again")
    })
    };
    let model = text("model")?.ok_or("it has no litellm_params.model")?;
    let place = place(&model, text("api_base")?, text("api_version")?)?;
    let key = match text("api_key")? {
        Some(key) => Some(key),
        None => place.variables.iter().find_map(|name| variables(name)),
    };
    let number = |field: &str| params[field].as_u64().or_else(|| entry[field].as_u64());
    let weight = number("weight").or_else(|| number("rpm")).unwrap_or(1).clamp(1, 1_000_000);
    let rates = [number("rpm"), number("tpm")];
    let price = price_of(&entry["model_info"]).or_else(|| price_of(params));
    Ok(Deployment { name, place, key, weight, rates, price })
}

/// A text, or what the variable says that it names.
fn said(value: &Value, variables: Variables<'_>) -> std::result::Result<Option<String>, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Ok(None),
    };
    match text.strip_prefix("os.environ/") {
        None => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(name) => variables(name).map(Some).ok_or_else(|| name.to_owned()),
    }
}

/// Its prices are of one token, ours of a million.
fn price_of(info: &Value) -> Option<Map<String, Value>> {
    let mut price = Map::new();
    for (theirs, ours) in [
        ("input_cost_per_token", "input"),
        ("output_cost_per_token", "output"),
        ("cache_read_input_token_cost", "cache_read"),
        ("cache_creation_input_token_cost", "cache_write_5m"),
    ] {
        if let Some(cost) = info[theirs].as_f64() {
            let text = format!("{:.9}", cost * 1e6);
            let text = text.trim_end_matches('0').trim_end_matches('.');
            price.insert(ours.to_owned(), text.into());
        }
    }
    (!price.is_empty()).then_some(price)
}

fn model(target: &str, price: &Map<String, Value>) -> Wish {
    let body = json!({ "price": price });
    Wish::Put { what: "model", path: format!("/api/models/{target}"), body }
}

/// The places that deployments are at: providers here.
#[derive(Default)]
struct Hosts(Vec<Host>);

struct Host {
    id: String,
    place: Place,
    models: Vec<String>,
    keys: Vec<Held>,
}

/// A key, and what it was used for.
struct Held {
    secret: String,
    models: Vec<String>,
    rates: [Option<u64>; 2],
    deployments: usize,
}

impl Hosts {
    /// Notes a deployment; returns the id of its provider.
    fn add(
        &mut self,
        place: &Place,
        key: Option<String>,
        rates: [Option<u64>; 2],
        found: &mut Found,
    ) -> String {
        let known = self.0.iter().position(|host| host.place.is_at(place));
        let at = known.unwrap_or_else(|| self.begin(place));
        let host = &mut self.0[at];
        push(&mut host.models, &place.model);
        let Some(secret) = key else {
            if !place.variables.is_empty() {
                found.leave(format!(
                    "the key of {} at {}: the file has none; set {} or give it by hand.",
                    place.model, host.id, place.variables[0]
                ));
            }
            return host.id.clone();
        };
        if let Some(held) = host.keys.iter_mut().find(|held| held.secret == secret) {
            push(&mut held.models, &place.model);
            held.deployments += 1;
        } else {
            let models = vec![place.model.clone()];
            host.keys.push(Held { secret, models, rates, deployments: 1 });
        }
        host.id.clone()
    }

    /// Notes a place that is new; returns which one it is.
    fn begin(&mut self, place: &Place) -> usize {
        let id = match self.0.iter().filter(|host| host.place.id == place.id).count() {
            0 => place.id.clone(),
            more => format!("{}-{}", place.id, more + 1),
        };
        self.0.push(Host { id, place: place.clone(), models: vec![], keys: vec![] });
        self.0.len() - 1
    }

    fn wish(self, found: &mut Found) {
        for Host { id, place, models, keys } in self.0 {
            let mut body = json!({ "dialect": place.dialect, "base_url": place.base_url });
            if let Some(auth) = place.auth {
                body["auth"] = auth.into();
            }
            if let Some(version) = place.version {
                body["api_version"] = version.into();
            }
            let named: Vec<&String> = models.iter().filter(|name| !name.contains('*')).collect();
            if !place.is_usual && !named.is_empty() {
                body["models"] = json!(named);
            }
            let path = format!("/api/providers/{id}");
            found.wishes.push(Wish::Put { what: "provider", path, body });
            let alone = keys.len() == 1;
            let keys: Vec<Key> = keys.into_iter().map(|held| held.key(alone)).collect();
            if !keys.is_empty() {
                found.wishes.push(Wish::Keys { of: "provider", id, keys });
            }
        }
    }
}

impl Held {
    /// One of several is used for what it was used for; its rates are known where it served one deployment.
    fn key(self, alone: bool) -> Key {
        let mut said = Map::new();
        if !alone && !self.models.iter().any(|model| model.contains('*')) {
            said.insert("models".to_owned(), json!(self.models));
        }
        if self.deployments == 1 {
            for (name, rate) in ["rpm", "tpm"].into_iter().zip(self.rates) {
                said.extend(rate.map(|rate| (name.to_owned(), json!(rate))));
            }
        }
        Key { secret: Secret::new(self.secret), said: Value::Object(said) }
    }
}

fn push(list: &mut Vec<String>, name: &str) {
    if list.iter().all(|known| known != name) {
        list.push(name.to_owned());
    }
}

fn groups(file: &Value, groups: &BTreeMap<String, Vec<Target>>, found: &mut Found) {
    let strategy = setting(file, "routing_strategy").and_then(Value::as_str);
    let known = STRATEGIES.iter().find(|(theirs, _, _)| Some(*theirs) == strategy);
    let (_, ours, differs) = known.unwrap_or(&STRATEGIES[0]);
    match (strategy, known, differs) {
        (Some(strategy), None, _) => {
            found.leave(format!("routing_strategy `{strategy}`: weights decide instead."));
        }
        (Some(strategy), Some(_), Some(differs)) => {
            found.leave(format!("routing_strategy `{strategy}` in part: {differs}."));
        }
        _ => {}
    }
    let ids: BTreeMap<&str, String> =
        groups.keys().map(|name| (name.as_str(), id_of(name))).collect();
    let mut aliases = aliases(file, &ids, found);
    for (name, targets) in groups {
        let id = &ids[name.as_str()];
        let listed: Vec<Value> = targets
            .iter()
            .map(|target| json!({ "name": target.name, "weight": target.weight }))
            .collect();
        let mut body = json!({ "strategy": ours, "targets": listed });
        for (theirs, ours) in FALLBACKS {
            let names = fallbacks(file, theirs, name, &ids);
            if !names.is_empty() {
                body[ours] = json!(names);
            }
        }
        let mut names = aliases.remove(name.as_str()).unwrap_or_default();
        if id != name {
            names.push(name.clone());
        }
        if !names.is_empty() {
            body["aliases"] = json!(names);
        }
        let path = format!("/api/groups/{id}");
        found.wishes.push(Wish::Put { what: "group", path, body });
    }
}

/// Names for names, by the name that they stand for.
fn aliases<'n>(
    file: &'n Value,
    ids: &BTreeMap<&str, String>,
    found: &mut Found,
) -> BTreeMap<&'n str, Vec<String>> {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let said = setting(file, "model_group_alias").and_then(Value::as_object);
    for (alias, of) in said.into_iter().flatten() {
        match of.as_str().or_else(|| of["model"].as_str()) {
            Some(name) if ids.contains_key(name) => {
                all.entry(name).or_default().push(alias.clone());
                if of["hidden"] == true {
                    found.leave(format!("that the alias `{alias}` is hidden: it is listed here."));
                }
            }
            _ => found
                .leave(format!("the alias `{alias}`: what it stands for is not in model_list.")),
        }
    }
    all
}

fn fallbacks(file: &Value, list: &str, name: &str, ids: &BTreeMap<&str, String>) -> Vec<String> {
    let own = setting(file, list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find_map(|entry| entry[name].as_array());
    let usual = || setting(file, "default_fallbacks").and_then(Value::as_array);
    let names = match list {
        "fallbacks" => own.or_else(usual),
        _ => own,
    };
    let id = |value: &Value| {
        let text = value.as_str()?;
        Some(ids.get(text).cloned().unwrap_or_else(|| text.to_owned()))
    };
    let own = &ids[name];
    names.into_iter().flatten().filter_map(id).filter(|other| other != own).collect()
}

/// The router's settings go before those of the library.
fn setting<'f>(file: &'f Value, name: &str) -> Option<&'f Value> {
    ["router_settings", "litellm_settings"]
        .into_iter()
        .map(|part| &file[part][name])
        .find(|value| !value.is_null())
}

/// Everything else, by its name alone: a value may be a secret.
fn rest(file: &Value, found: &mut Found) {
    let fields = file.as_object().into_iter().flatten();
    for (part, said) in fields.filter(|(part, _)| *part != "model_list") {
        let names = said.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        for name in names.filter(|name| !TAKEN.contains(name)) {
            let why = match name {
                "master_key" => {
                    "the admin token is TIDEGATE_ADMIN_TOKEN, and callers get keys of their own"
                }
                "database_url" => {
                    "nothing of that database is read: virtual keys, teams and spending stay there"
                }
                _ => "there is no setting for it that is the same",
            };
            found.leave(format!("{part}.{name}: {why}."));
        }
    }
}

#[cfg(test)]
mod tests;
