//! How hard is this request? A cheap model is asked beside it, and what that costs stands in the same record.

use bytes::Bytes;
use http::{HeaderValue, header};

use super::{
    admit::allowed,
    judge::{read_failure, read_whole},
    prepare::request,
    resolve::{Question, Rater, Route, Target, resolve},
    settle::Guard,
};
use crate::{
    budget::{Amounts, Path},
    dialect::{Ask, Losses, ir::Part},
    error::{Error, Result},
    gateway::Gateway,
    health::{Fault, Outcome, Wanted},
    limits::{
        RATING_BYTES_MAX, RATING_INSTRUCTIONS_BYTES, RATING_REPLY_BYTES_MAX, RATING_TOKENS_MAX,
        RATING_WAIT, RATINGS_MAX,
    },
    money::estimate::{self, Text},
    ports::within,
    provider::{Host, address, echo, traits},
    route::{self, Classifier, Leaf, Rated, Ratings, Unrated},
    store::{Record, Usage},
};

/// Asks as long as a rating changes where the request goes. Without one it goes on all the same.
pub(super) async fn classify(
    question: &Question<'_>,
    path: &Path,
    mut route: Route,
    guard: &mut Guard,
) -> Result<Route> {
    let mut ratings = Ratings::default();
    while let Some(rater) = route.rater.take_if(|_| ratings.len() < RATINGS_MAX) {
        let rated = rate(question, &rater, guard).await;
        ratings.add(&rater.group.id, rated);
        route = allowed(path, question.inbound, resolve(question, &ratings)?)?;
    }
    Ok(route)
}

/// What a rating may use at most.
pub(super) fn rating(gateway: &Gateway, question: &Question<'_>, route: &Route) -> Amounts {
    let Some(Leaf { provider, model, .. }) =
        route.rater.as_ref().and_then(|rater| rater.leaf.as_ref())
    else {
        return Amounts::default();
    };
    let classifier = route.rater.as_ref().and_then(|rater| rater.group.group.classifier.as_ref());
    let told = classifier.and_then(|classifier| classifier.instructions.as_ref());
    let shown = question.last().len().min(RATING_BYTES_MAX)
        + told.map_or(RATING_INSTRUCTIONS_BYTES, String::len);
    let input = Text::of_bytes(shown as u64).tokens();
    let output = i64::try_from(RATING_TOKENS_MAX).unwrap_or(i64::MAX);
    let nano = gateway.state.prices().quote(&provider.id, model, input, output).unwrap_or(0);
    Amounts { nano, tokens: input.saturating_add(output), requests: 0 }
}

async fn rate(question: &Question<'_>, rater: &Rater, guard: &mut Guard) -> Rated {
    let (Some(classifier), Some(leaf)) = (&rater.group.group.classifier, &rater.leaf) else {
        return Rated::Not(Unrated::Nobody);
    };
    let (clock, health) = (&question.gateway.ports.clock, &question.gateway.state.health);
    let now = clock.now();
    let wanted = Wanted { model: &leaf.model, tokens: 0, tried: &[], now };
    let Ok(used) = health.choose(&leaf.provider, &wanted) else {
        return Rated::Not(Unrated::Failed);
    };
    let target = Target::of(leaf).with(used.at);
    // The guard gives the key back, also when the client leaves meanwhile.
    let using = guard.using.insert(used);
    let asked = Box::pin(ask(question, classifier, target, &mut guard.record));
    let outcome = within(&**clock, RATING_WAIT, asked).await;
    let seen = match &outcome {
        Some(Ok(_)) => Some(Outcome::Good { spent_until: None }),
        Some(Err(error)) => {
            let until = error.hints.as_ref().and_then(|hints| hints.rests_until_ms);
            Some(Outcome::Failed { fault: Fault::of(error), until })
        }
        // It was given less time than it may take.
        None => None,
    };
    if let Some(seen) = seen {
        health.note(using, seen, clock.now());
    }
    guard.release();
    match outcome {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => {
            tracing::warn!(group = &*rater.group.id, %error, "a request was not rated");
            Rated::Not(Unrated::Failed)
        }
        None => Rated::Not(Unrated::Late),
    }
}

async fn ask(
    question: &Question<'_>,
    classifier: &Classifier,
    target: Target,
    record: &mut Record,
) -> Result<Rated> {
    let Question { gateway, inbound, .. } = question;
    let Target { provider, model, .. } = &target;
    record.side.model = format!("{}/{model}", provider.id);
    let prompt = route::rating_prompt(classifier, model, &question.last());
    let (traits, mut losses) = (traits::of(provider, model), Losses::default());
    let body = Bytes::from(provider.dialect.write_request(&prompt, &traits, &mut losses)?);
    let response = match &provider.host {
        Host::Echo => echo::answer(&body)?,
        Host::Url(base) => {
            let ask = Ask { model: model.clone(), stream: false, usage_wanted: true };
            let path = provider.dialect.path(&ask, model, provider.dialect.framing());
            let uri = address::url(provider, base, &path, model)?;
            let mut request = request(&uri, inbound, None, &target, body.clone())?;
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::ACCEPT, json);
            gateway.ports.upstream.send(request).await?
        }
    };
    let (head, answer) = response.into_parts();
    if !head.status.is_success() {
        return Err(read_failure(gateway, provider.dialect, head, answer).await);
    }
    let answer = read_whole(gateway, answer, RATING_REPLY_BYTES_MAX).await?;
    let Some(mut read) = provider.dialect.glance(&answer) else {
        return Err(Error::internal("a rating is not JSON"));
    };
    if let Some(error) = read.failure.take() {
        return Err(error);
    }
    let usage = read.usage.unwrap_or_else(|| Usage {
        prompt: estimate::prompt(provider.dialect, &body),
        completion: Text::of_bytes(read.text_bytes).tokens(),
        ..Usage::default()
    });
    note(gateway, &target, usage, record);
    let reply = provider.dialect.read_reply(&answer)?;
    let said: Vec<&str> = reply.parts.iter().filter_map(text).collect();
    Ok(route::read_rating(&said.concat(), classifier.scale))
}

/// Adds what was used beside the answer to the record of its request.
pub(super) fn note(gateway: &Gateway, target: &Target, usage: Usage, record: &mut Record) {
    let mut priced = Record {
        provider: target.provider.id.clone(),
        model: target.model.clone(),
        usage,
        ..Record::default()
    };
    gateway.state.prices().price(&mut priced);
    let side = &mut record.side;
    side.prompt = side.prompt.saturating_add(usage.prompt);
    side.completion = side.completion.saturating_add(usage.completion);
    side.cost_nano = side.cost_nano.saturating_add(priced.cost_nano);
}

fn text(part: &Part) -> Option<&str> {
    match part {
        Part::Text { text, .. } => Some(text),
        Part::Refusal(_)
        | Part::Media(_)
        | Part::Thought(_)
        | Part::Call(_)
        | Part::Outcome(_)
        | Part::Opaque { .. } => None,
    }
}
