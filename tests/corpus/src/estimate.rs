//! How far are estimates of tokens from what providers counted?

use std::fmt::Write as _;

use tidegate_core::{dialect::Dialect, money::estimate};

use crate::{oracle, recording::Exchange};

/// The fewest tokens that a share of an error says something about.
const TOKENS_MIN: i64 = 20;

/// A line for each dialect, and one for all.
pub(crate) fn report(exchanges: &[Exchange]) -> String {
    let mut text = String::new();
    let (mut prompts, mut replies) = (Vec::new(), Vec::new());
    for dialect in Dialect::ALL {
        let of: Vec<&Exchange> =
            exchanges.iter().filter(|exchange| exchange.dialect == dialect).collect();
        let prompt: Vec<f64> = of.iter().filter_map(|exchange| of_prompt(exchange)).collect();
        let reply: Vec<f64> = of.iter().filter_map(|exchange| of_reply(exchange)).collect();
        line(&mut text, dialect.name(), &prompt, &reply);
        prompts.extend(prompt);
        replies.extend(reply);
    }
    line(&mut text, "all", &prompts, &replies);
    text
}

fn line(text: &mut String, name: &str, prompts: &[f64], replies: &[f64]) {
    let of = |errors: &[f64]| {
        let mut errors: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        errors.sort_by(f64::total_cmp);
        let at = |hundredths: usize| {
            let last = errors.len().saturating_sub(1);
            errors.get(last * hundredths / 100).copied().unwrap_or_default() * 100.0
        };
        format!(
            "{} with an error of {:.0} % (median) and {:.0} % (95th)",
            errors.len(),
            at(50),
            at(95)
        )
    };
    let _ = writeln!(text, "estimates, {name}: prompts {}; replies {}", of(prompts), of(replies));
}

/// By which share the estimate of the prompt is off, where the provider counted it.
fn of_prompt(exchange: &Exchange) -> Option<f64> {
    let told = told(exchange)?.prompt;
    let body = serde_json::to_vec(exchange.request.as_ref()?).ok()?;
    share(estimate::prompt(exchange.dialect, &body), told)
}

/// The same of a reply in plain words: what is thought is often not told.
fn of_reply(exchange: &Exchange) -> Option<f64> {
    let answer = exchange.answer.as_ref()?;
    let said = said(exchange)?;
    let usage = said.usage.as_ref()?;
    if !said.calls.is_empty()
        || usage.reasoning > 0
        || !said.thoughts.is_empty()
        || answer.body.is_empty()
    {
        return None;
    }
    let mut text = estimate::Text::default();
    text.push(said.text.as_bytes());
    share(text.tokens(), usage.completion)
}

fn told(exchange: &Exchange) -> Option<oracle::Usage> {
    said(exchange)?.usage
}

fn said(exchange: &Exchange) -> Option<oracle::Said> {
    let answer = exchange.answer.as_ref()?;
    Some(if exchange.stream {
        oracle::stream(exchange.dialect, &answer.body)
    } else {
        oracle::whole(exchange.dialect, &answer.body)
    })
}

#[expect(clippy::cast_precision_loss, reason = "a share of tokens")]
fn share(estimated: i64, told: i64) -> Option<f64> {
    (told >= TOKENS_MIN).then(|| (estimated - told) as f64 / told as f64)
}
