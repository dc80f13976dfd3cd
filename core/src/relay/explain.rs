//! What would become of this request? Everything is decided as for a real one, and nobody is asked.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, Response, StatusCode, Uri, request::Parts};
use serde::Serialize;

use super::{
    Endpoint,
    admit::{allowed, dearest, estimate},
    authenticate::presented,
    classify::rating,
    prepare::prepare,
    receive::{Arrival, Inbound, answers, receive},
    resolve::{Question, Rater, Target, resolve},
};
use crate::{
    api,
    budget::{Amounts, Limit, Path, estimate::Most},
    error::{Error, Kind, Result},
    gateway::Gateway,
    health::{Out, Wanted},
    http::Body,
    identity::Client,
    limits::{ATTEMPTS_MAX, RATINGS_MAX},
    media::Fetched,
    operation::Way,
    permit,
    ports::{Background, Millis},
    route::{Leaf, Rated, Ratings, Skipped, Step},
    router::Visit,
    store::Record,
};

/// An admin's program that says `true` here gets to know what would be done, in place of an answer.
const EXPLAIN: HeaderName = HeaderName::from_static("x-tidegate-explain");

/// A request that is not made.
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) uri: &'a Uri,
    /// What the route's pattern takes of the path.
    pub(crate) param: &'a str,
    /// The only provider that may answer, where the path names one.
    pub(crate) pinned: Option<String>,
    pub(crate) body: Body,
    /// Who asks; without one, somebody without limits.
    pub(crate) client: Option<Arc<Client>>,
    /// What rating models are taken to say; without it, nothing is known of them.
    pub(crate) rating: Option<u32>,
}

/// What would become of a request.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Explanation {
    /// The name that was asked for.
    model: String,
    /// Tokens of the prompt, as far as they can be told without asking anybody.
    prompt_tokens: i64,
    /// The model that would be asked first how hard the request is, as `provider/model`; null when nobody is.
    rated_by: Option<String>,
    /// The models it may go to, best first.
    targets: Vec<Planned>,
    /// How many attempts it has, all targets and their keys together.
    attempts_max: u32,
    /// Targets that lead nowhere.
    skipped: Vec<Passed>,
    /// The limits on the way, from the client up.
    limits: Vec<Room>,
}

/// A model that the request may go to.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Planned {
    provider: String,
    model: String,
    /// The groups on the way, from the outermost on, and why each picked this target.
    steps: Vec<Picked>,
    /// Its place among those that would be asked; null when it would be passed over.
    turn: Option<u32>,
    /// Why the provider is left alone just now; null when it is not.
    rests: Option<Rest>,
    /// Its keys, in their order.
    keys: Vec<KeyOut>,
    /// Nano-dollars with no answer at all, and with the longest one; null without a price.
    cost_nano: Option<Range>,
    /// The most tokens that its answer may have.
    answer_tokens_max: i64,
    /// Fields of the request that it would not be told.
    dropped: Vec<String>,
    /// What it would be told that the request does not say.
    added: Vec<String>,
    /// Why the request cannot be written for it; null when it can.
    refusal: Option<String>,
}

/// A group's choice.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Picked {
    group: String,
    target: String,
    why: String,
}

/// A target that leads nowhere.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Passed {
    target: String,
    why: String,
}

/// Why somebody is not asked.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Rest {
    why: &'static str,
    /// Until when, where that is known.
    until_ms: Option<Millis>,
}

/// A key.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct KeyOut {
    id: String,
    /// Why it would not be used; null when it may be.
    out: Option<Rest>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Range {
    least: i64,
    most: i64,
}

/// A limit, and what the request would take of it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Room {
    /// Whose it is.
    of: String,
    limit: Limit,
    /// What is left, in the limit's unit.
    remaining: i64,
    /// What would be reserved.
    wanted: i64,
    /// Whether that fits.
    fits: bool,
}

/// Whether an explanation is asked for in place of an answer.
pub(super) fn wanted(headers: &HeaderMap) -> bool {
    headers.get(EXPLAIN).is_some_and(|value| value == "true")
}

/// Explains a request that came to its own endpoint, to an admin's program.
pub(super) async fn answer(gateway: &Gateway, endpoint: Endpoint, visit: Visit) -> Response<Body> {
    let Visit { param, pinned, caller: _, request, call } = visit;
    let (Parts { headers, uri, .. }, body) = request.into_parts();
    let explained = async {
        let given = presented(&headers, &uri);
        let admin = given.is_some_and(|given| permit::program(gateway, given).is_ok());
        if !admin {
            let message = "An explanation needs the admin token in place of a client key.";
            return Err(Error::new(Kind::Unauthorized, message).coded("admin_only"));
        }
        let (headers, uri, param) = (&headers, &uri, param.as_str());
        let (client, rating) = (None, None);
        let asked = Asked { endpoint, headers, uri, param, pinned, body, client, rating };
        let explanation = Box::pin(explain(gateway, asked, &*call.background)).await?;
        api::write(StatusCode::OK, &explanation)
    };
    explained.await.unwrap_or_else(|error| api::refuse(&error, endpoint.dialect))
}

/// Goes the way of a request up to where somebody would be asked.
pub(crate) async fn explain(
    gateway: &Gateway,
    asked: Asked<'_>,
    background: &dyn Background,
) -> Result<Explanation> {
    let Asked { endpoint, headers, uri, param, pinned, body, client, rating: said } = asked;
    let view = gateway.view(background).await;
    let client = client.unwrap_or_else(|| Arc::new(Client::nobody()));
    let path = Path::new(client.clone(), &view.snapshot.teams)?;
    let answers = answers(endpoint, headers);
    let arrival = Arrival { headers, uri, answers, param, strict: client.strict };
    let mut inbound = receive(endpoint, arrival, body, &mut Record::default()).await?;
    inbound.fetched = Fetched::closed();
    inbound.pin(pinned);
    let question = Question::new(gateway, &view.snapshot, &inbound, headers);
    let mut ratings = Ratings::default();
    let mut route = allowed(&path, &inbound, resolve(&question, &ratings)?)?;
    let rated_by = route.rater.as_ref().and_then(named);
    let most = dearest(route.tried().map(|leaf| of(gateway, &inbound, leaf)))
        .plus(rating(gateway, &question, &route));
    while let Some(said) = said
        && let Some(rater) = route.rater.take_if(|_| ratings.len() < RATINGS_MAX)
    {
        let scale = rater.group.group.classifier.as_ref().map_or(1, |it| it.scale);
        ratings.add(&rater.group.id, Rated::As(said.clamp(1, scale.max(1))));
        route = allowed(&path, &inbound, resolve(&question, &ratings)?)?;
    }
    let mut targets = Vec::with_capacity(route.leaves.len());
    for leaf in &route.leaves {
        targets.push(planned(gateway, &inbound, headers, (&client.id, leaf)).await);
    }
    let mut turns = 1..;
    let usable = |planned: &&mut Planned| planned.is_usable();
    targets.iter_mut().filter(usable).for_each(|planned| planned.turn = turns.next());
    Ok(Explanation {
        model: inbound.ask.model.clone(),
        prompt_tokens: inbound.size().input,
        rated_by,
        targets,
        attempts_max: ATTEMPTS_MAX,
        skipped: route.skipped.into_iter().map(Passed::from).collect(),
        limits: limits(gateway, &path, most).await?,
    })
}

fn named(rater: &Rater) -> Option<String> {
    rater.leaf.as_ref().map(|leaf| format!("{}/{}", leaf.provider.id, leaf.model))
}

fn of(gateway: &Gateway, inbound: &Inbound, leaf: &Leaf) -> Amounts {
    estimate(gateway, inbound, (&leaf.provider, &leaf.model))
}

async fn planned(
    gateway: &Gateway,
    inbound: &Inbound,
    headers: &HeaderMap,
    (client, leaf): (&str, &Leaf),
) -> Planned {
    let Leaf { provider, model, steps, .. } = leaf;
    let target = Target::of(leaf);
    let mut record = Record { client: client.to_owned(), ..Record::default() };
    let refusal = match target.way {
        // It is written while it is asked.
        Way::Errand => None,
        Way::Conversation | Way::Passage => {
            prepare(gateway, inbound, headers, &target, &mut record).await.err()
        }
    };
    let Most { input, output } = Most::of(inbound.size(), provider, model);
    let prices = gateway.state.prices();
    let quote = |output| prices.quote(&provider.id, model, input, output);
    let now = gateway.ports.clock.now();
    let tokens = u32::try_from(input.saturating_add(output)).unwrap_or(u32::MAX);
    let outs = gateway.state.health.outs(provider, &Wanted { model, tokens, tried: &[], now });
    let keys = provider.keys.iter().zip(outs.keys);
    Planned {
        provider: provider.id.clone(),
        model: model.clone(),
        steps: steps.iter().map(|step| Picked::from(&**step)).collect(),
        turn: None,
        rests: outs.provider.map(Rest::from),
        keys: keys
            .map(|(key, out)| KeyOut { id: key.id.clone(), out: out.map(Rest::from) })
            .collect(),
        cost_nano: quote(0).zip(quote(output)).map(|(least, most)| Range { least, most }),
        answer_tokens_max: output,
        dropped: names(&record.dropped),
        added: names(&record.added),
        refusal: refusal.map(|error| error.message.into_owned()),
    }
}

/// The limits on the way, and whether a request that may take so much would be let through.
async fn limits(gateway: &Gateway, path: &Path, most: Amounts) -> Result<Vec<Room>> {
    let now = gateway.now();
    let claims = path.claims(now);
    let counters: Vec<String> = claims.iter().map(|claim| claim.name.clone()).collect();
    let values = gateway.counters(&path.top()).read(&counters, now).await?;
    let rooms = claims.into_iter().zip(values).map(|(claim, value)| {
        let (remaining, wanted) = (claim.tally(value, now).remaining, claim.least(most));
        Room { of: claim.owner, limit: claim.limit, remaining, wanted, fits: wanted <= remaining }
    });
    Ok(rooms.collect())
}

fn names(joined: &str) -> Vec<String> {
    joined.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

impl Planned {
    /// Whether it would be asked when its turn comes.
    fn is_usable(&self) -> bool {
        let key = self.keys.is_empty() || self.keys.iter().any(|key| key.out.is_none());
        key && self.rests.is_none() && self.refusal.is_none()
    }
}

impl From<Out> for Rest {
    fn from(out: Out) -> Self {
        Self { why: out.why.name(), until_ms: out.until }
    }
}

impl From<Skipped> for Passed {
    fn from(Skipped { name, why }: Skipped) -> Self {
        Self { target: name, why }
    }
}

impl From<&Step> for Picked {
    fn from(Step { group, target, why }: &Step) -> Self {
        Self { group: group.to_string(), target: target.clone(), why: why.to_string() }
    }
}
