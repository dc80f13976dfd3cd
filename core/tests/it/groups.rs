//! What does a routed request cost, count and leave in its record?

use crate::common::World;
use bytes::Bytes;
use futures_executor::block_on;
use serde_json::{Value, json};
use tidegate_core::{budget::Policy, config::Config, error::Kind};

const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100}}"#;

/// A gateway with these groups.
fn routing(groups: &str, policy: &str) -> World {
    let read = Config::read(Some(groups), &|_| None).expect("a test writes it well");
    let policy: Policy = serde_json::from_str(policy).expect("a test writes it well");
    World::declaring(|config| {
        config.groups = read.groups;
        config.clients[0].policy = policy;
    })
}

const TIERS: &str = r#"
[[group]]
id = "dispatch"
strategy = "classifier"
targets = ["mock", "up/gpt-4o-mini", "up/gpt-4o"]
classifier = { model = "up/gpt-4.1-nano" }
"#;

fn answers(world: &World, text: &str) {
    world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(text.to_owned()))]);
}

fn rating(said: &str) -> String {
    let message = json!({ "role": "assistant", "content": said });
    let usage = json!({ "prompt_tokens": 200, "completion_tokens": 10 });
    json!({ "choices": [{ "message": message }], "usage": usage }).to_string()
}

fn ask(model: &str) -> String {
    let messages = json!([{ "role": "user", "content": "Prove it." }]);
    json!({ "model": model, "messages": messages, "max_tokens": 200 }).to_string()
}

#[test]
fn a_rating_is_paid_on_the_record_of_its_request() {
    let world = routing(TIERS, "{}");
    answers(&world, &rating("10"));
    answers(&world, ANSWER);
    assert_eq!(block_on(world.ask(&ask("dispatch"))).0, 200);
    let record = block_on(world.record());
    assert_eq!((&*record.requested_model, &*record.model), ("dispatch", "gpt-4o"));
    let side = &record.side;
    assert_eq!((&*side.model, side.prompt, side.completion), ("up/gpt-4.1-nano", 200, 10));
    // 0.10 and 0.40 dollars for a million, and 2.50 and 10.
    assert_eq!(side.cost_nano, 200 * 100 + 10 * 400);
    assert_eq!(record.cost_nano, side.cost_nano + 1000 * 2_500 + 100 * 10_000);
    assert_eq!((record.attempts, record.usage.prompt), (1, 1000));
    let asked = world.upstream.asked();
    let shown = String::from_utf8_lossy(&asked[0].body).into_owned();
    assert!(shown.contains("Prove it.") && shown.contains("from 1"), "{shown}");
}

#[test]
fn a_rating_that_fails_is_no_reason_to_refuse() {
    let world = routing(TIERS, "{}");
    world.upstream.fail(Kind::UpstreamUnreachable);
    answers(&world, ANSWER);
    assert_eq!(block_on(world.ask(&ask("dispatch"))).0, 200);
    let record = block_on(world.record());
    assert_eq!((&*record.model, record.side.cost_nano), ("gpt-4o-mini", 0));
}

#[test]
fn nobody_is_asked_for_a_rating_before_there_is_room_in_the_limits() {
    let world = routing(TIERS, r#"{"limits":[{"requests":0,"per":"day"}]}"#);
    assert_eq!(block_on(world.ask(&ask("dispatch"))).0, 429);
    assert!(world.upstream.asked().is_empty());
}

#[test]
fn a_rating_counts_in_the_limits_too() {
    // A request holds some 560 tokens with its rating. The first one uses 1100 and 210 for its rating: without those there
    // would be room for another.
    let world = routing(TIERS, r#"{"limits":[{"tokens":1760,"per":"day"}]}"#);
    answers(&world, &rating("10"));
    answers(&world, ANSWER);
    let ask = ask("dispatch");
    assert_eq!(block_on(world.ask(&ask)).0, 200);
    block_on(world.later.run_all());
    let (status, body) = block_on(world.ask(&ask));
    assert_eq!(status, 429, "{}", String::from_utf8_lossy(&body));
    assert_eq!(world.upstream.asked().len(), 2);
}

#[test]
fn a_rater_that_the_client_may_not_use_is_not_asked() {
    let text = TIERS.replace("up/gpt-4.1-nano", "anthropic/claude-haiku-4-5");
    let world = routing(&text, r#"{"providers":["up"]}"#);
    answers(&world, ANSWER);
    assert_eq!(block_on(world.ask(&ask("dispatch"))).0, 200);
    let record = block_on(world.record());
    assert_eq!((&*record.model, &*record.side.model), ("gpt-4o-mini", ""));
}

#[test]
fn a_target_that_fails_makes_room_for_the_next_one() {
    assert_eq!(block_on(World::new().ask(&ask("two"))).0, 404, "nothing else has this name");
    let text =
        "[[group]]\nid = \"two\"\ntargets = [\"gemini/none\", \"mock\"]\nfallbacks = [\"echo\"]\n";
    let world = routing(text, "{}");
    for status in [503, 429, 500] {
        world.upstream.answer(status, "application/json", vec![Ok(Bytes::from_static(b"{}"))]);
    }
    let (status, _) = block_on(world.ask(&ask("two")));
    // Three attempts in all: both keys of the second target were among them.
    assert_eq!((status, world.upstream.asked().len()), (500, 3));
    assert!(world.upstream.asked()[0].url.contains("gemini.example"));
    let record = block_on(world.record());
    assert_eq!((&*record.provider, &*record.model, record.attempts), ("up", "mock", 3));
}

#[test]
fn a_stream_is_routed_like_a_whole_answer() {
    let text = "[[group]]\nid = \"g\"\nstrategy = \"heuristic\"\ntargets = [\"up/a\", \"up/b\"]\n\
                [[group.rule]]\ntarget = \"up/b\"\nkeywords = [\"prove\"]\n";
    let world = routing(text, "{}");
    let events = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n";
    world.upstream.answer(
        200,
        "text/event-stream",
        vec![Ok(Bytes::from_static(events.as_bytes()))],
    );
    let ask = ask("g").replace("\"max_tokens\":200", "\"stream\":true");
    let (status, body) = block_on(world.ask(&ask));
    assert_eq!((status, &body[..]), (200, events.as_bytes()));
    assert_eq!(block_on(world.record()).model, "b");
}

const TOO_LONG: &str =
    r#"{"error":{"message":"The input token count (9) exceeds the maximum (8)."}}"#;
const FILTERED: &str = r#"{"error":{"message":"no","code":"content_filter"}}"#;
const BUSY: &str = "{}";

const NAMED: &str = r#"
[[group]]
id = "named"
targets = ["inner", "up/next"]
fallbacks = ["up/last"]
context_fallbacks = ["up/widest"]
[[group]]
id = "inner"
targets = ["up/short"]
context_fallbacks = ["gemini/wide", "up/wider"]
content_fallbacks = ["anthropic/free"]
"#;

/// Asks a group whose providers answer so, and returns the status and the models that were asked.
fn asked(world: &World, group: &str, answers: &[(u16, &str)]) -> (u16, Vec<String>) {
    for (status, text) in answers {
        let pieces = vec![Ok(Bytes::from((*text).to_owned()))];
        world.upstream.answer(*status, "application/json", pieces);
    }
    let status = block_on(world.ask(&ask(group))).0;
    let names = ["short", "next", "last", "widest", "wider", "wide", "free"];
    let name = |asked: &tidegate_core::testing::Asked| {
        let text = format!("{} {}", asked.url, String::from_utf8_lossy(&asked.body));
        names.iter().find(|name| text.contains(**name)).map(ToString::to_string)
    };
    (status, world.upstream.asked().iter().filter_map(name).collect())
}

#[test]
fn what_is_too_long_goes_to_those_that_are_named_for_it() {
    let check = |answers: &[(u16, &str)], expected: (u16, &[&str])| {
        let world = routing(NAMED, "{}");
        let (status, models) = asked(&world, "named", answers);
        let (wanted, names) = expected;
        assert_eq!((status, models.join(" ")), (wanted, names.join(" ")), "{answers:?}");
        assert_eq!(block_on(world.record()).attempts as usize, models.len());
    };
    let long = (400, TOO_LONG);
    let candidate = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}"#;
    check(&[long, (200, candidate)], (200, &["short", "wide"]));
    // One of them that fails makes room for the next one, too long again or not; three are asked in all.
    check(&[long, long, (200, ANSWER)], (200, &["short", "wide", "wider"]));
    check(&[long, (503, BUSY), (200, ANSWER)], (200, &["short", "wide", "wider"]));
    check(&[long, long, long, (200, ANSWER)], (400, &["short", "wide", "wider"]));
    // What another group names for it stands behind what the innermost one does.
    let outer = NAMED.replace("\"gemini/wide\", \"up/wider\"", "");
    let world = routing(&outer, "{}");
    let (status, models) = asked(&world, "named", &[long, (200, ANSWER)]);
    assert_eq!((status, models), (200, vec!["short".to_owned(), "widest".to_owned()]));
}

#[test]
fn what_a_filter_refuses_goes_to_those_that_are_named_for_it() {
    let message = r#"{"type":"message","role":"assistant","content":[],"stop_reason":"end_turn"}"#;
    let world = routing(NAMED, "{}");
    let answers = [(400, FILTERED), (200, message)];
    let (status, models) = asked(&world, "named", &answers);
    assert_eq!((status, models), (200, vec!["short".to_owned(), "free".to_owned()]));
    let record = block_on(world.record());
    assert_eq!((&*record.provider, &*record.model), ("anthropic", "free"));
}

#[test]
fn nobody_is_asked_for_what_nobody_is_named_for() {
    let text = NAMED.replace("context_fallbacks", "content_fallbacks").replace(
        "content_fallbacks = [\"anthropic/free\"]",
        "context_fallbacks = [\"nobodys\", \"off\"]",
    );
    let world = routing(&text, "{}");
    let (status, models) = asked(&world, "named", &[(400, TOO_LONG), (200, ANSWER)]);
    assert_eq!((status, models), (400, vec!["short".to_owned()]));
    // Nor are those of a list for anything else.
    let world = routing(NAMED, "{}");
    let answers = [(404, BUSY), (404, BUSY), (404, BUSY), (200, ANSWER)];
    let (status, models) = asked(&world, "named", &answers);
    assert_eq!((status, models.len()), (404, 3));
    assert!(models.iter().all(|model| ["short", "next"].contains(&&**model)), "{models:?}");
}

#[test]
fn whoever_is_named_has_to_be_allowed_and_paid_for() {
    // A client that may use only these models is not led to others.
    let world = routing(NAMED, r#"{"models":["short","next"]}"#);
    let (status, models) = asked(&world, "named", &[(400, TOO_LONG), (200, ANSWER)]);
    assert_eq!((status, models), (400, vec!["short".to_owned()]));
    // Nor to a dearer one than there is money for: 200 tokens of answer at 75 dollars a million are 1.5 cents.
    let text = NAMED
        .replace("gemini/wide", "anthropic/claude-opus-4-1")
        .replace("up/short", "up/gpt-4o-mini");
    let world = routing(&text, r#"{"limits":[{"dollars":0.01,"per":"day"}]}"#);
    world.upstream.answer(
        400,
        "application/json",
        vec![Ok(Bytes::from_static(TOO_LONG.as_bytes()))],
    );
    assert_eq!(block_on(world.ask(&ask("named"))).0, 429);
    assert_eq!(world.upstream.asked().len(), 1);
}

const WITHOUT_WORDS: &str = r#"{"choices":[{"message":{"role":"assistant","content":""},"finish_reason":"content_filter"}],"usage":{"prompt_tokens":7,"completion_tokens":0}}"#;

/// A group of one target, with this said of it.
fn alone(target: &str, told: &str) -> World {
    routing(&format!("[[group]]\nid = \"alone\"\ntargets = [\"{target}\"]\n{told}"), "{}")
}

#[test]
fn an_answer_without_words_goes_to_those_that_are_named_for_a_filter() {
    let check = |target: &str, text: &str, elsewhere: bool| {
        let world = alone(target, "content_fallbacks = [\"up/free\"]\n");
        let (status, models) = asked(&world, "alone", &[(200, text), (200, ANSWER)]);
        let expected: &[&str] = if elsewhere { &["short", "free"] } else { &["short"] };
        assert_eq!((status, models.join(" ")), (200, expected.join(" ")), "{text}");
        let record = block_on(world.record());
        assert_eq!(record.model, expected[expected.len() - 1], "{text}");
    };
    for (said, reason, elsewhere) in [
        (r#"{"content":""}"#, "content_filter", true),
        (r#"{"content":null}"#, "content_filter", true),
        (r#"{"content":"Once"}"#, "content_filter", false),
        (r#"{"refusal":"I would rather not."}"#, "content_filter", false),
        (r#"{"content":"","reasoning_content":"Hm."}"#, "content_filter", false),
        (r#"{"content":""}"#, "stop", false),
        (r#"{"content":""}"#, "length", false),
    ] {
        let text = format!(r#"{{"choices":[{{"message":{said},"finish_reason":"{reason}"}}]}}"#);
        check("up/short", &text, elsewhere);
    }
    for (text, elsewhere) in [
        (r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, true),
        (r#"{"candidates":[{"finishReason":"PROHIBITED_CONTENT"}]}"#, true),
        (r#"{"candidates":[{"finishReason":"SAFETY","content":{"parts":[{"text":"a"}]}}]}"#, false),
        (r#"{"candidates":[{"finishReason":"STOP"}]}"#, false),
    ] {
        check("gemini/short", text, elsewhere);
    }
    let message = |reason: &str| {
        format!(r#"{{"type":"message","role":"assistant","content":[],"stop_reason":"{reason}"}}"#)
    };
    check("anthropic/short", &message("refusal"), true);
    check("anthropic/short", &message("end_turn"), false);
}

#[test]
fn an_answer_without_words_is_paid_for_beside_the_one_that_serves() {
    let world = alone("up/gpt-4o", "content_fallbacks = [\"up/mock\"]\n");
    answers(&world, WITHOUT_WORDS);
    answers(&world, ANSWER);
    let (status, body) = block_on(world.ask(&ask("alone")));
    assert_eq!((status, &body[..]), (200, ANSWER.as_bytes()));
    let record = block_on(world.record());
    assert_eq!((&*record.model, record.attempts, record.usage.prompt), ("mock", 2, 1000));
    // 2.50 dollars for a million.
    let side = &record.side;
    assert_eq!((&*side.model, side.prompt, side.cost_nano), ("up/gpt-4o", 7, 7 * 2_500));
}

#[test]
fn an_answer_without_words_is_the_answer_when_nobody_has_a_better_one() {
    let check = |told: &str, others: &[u16], attempts: u32| {
        let world = alone("up/short", told);
        answers(&world, WITHOUT_WORDS);
        for status in others {
            world.upstream.answer(*status, "application/json", vec![Ok(Bytes::from_static(b"{}"))]);
        }
        let (status, body) = block_on(world.ask(&ask("alone")));
        assert_eq!((status, &body[..]), (200, WITHOUT_WORDS.as_bytes()), "{told}");
        let record = block_on(world.record());
        assert_eq!((&*record.provider, &*record.model), ("up", "short"), "{told}");
        assert_eq!((record.attempts, record.usage.prompt), (attempts, 7), "{told}");
        assert_eq!((&*record.side.model, &*record.error), ("", ""), "{told}");
    };
    check("", &[], 1);
    check("context_fallbacks = [\"up/wide\"]\n", &[], 1);
    check("fallbacks = [\"up/wide\"]\n", &[], 1);
    check("content_fallbacks = [\"nobodys\"]\n", &[], 1);
    check("content_fallbacks = [\"up/short\"]\n", &[], 1);
    check("content_fallbacks = [\"gemini/free\"]\n", &[503], 2);
    // A request that somebody else does not understand is no reason to keep an answer from the client.
    check("content_fallbacks = [\"gemini/free\"]\n", &[400], 2);
}

#[test]
fn a_stream_that_ends_before_its_first_word_goes_elsewhere_too() {
    let check = |target: &str, events: &[&str], elsewhere: bool| {
        let world = alone(target, "content_fallbacks = [\"up/free\"]\n");
        // Each event comes in a piece of its own: the first ones say nothing yet.
        let pieces = events.iter().map(|event| Ok(Bytes::from(format!("data: {event}\n\n"))));
        world.upstream.answer(200, "text/event-stream", pieces.collect());
        let words = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n";
        let words = vec![Ok(Bytes::from_static(words.as_bytes()))];
        world.upstream.answer(200, "text/event-stream", words);
        let ask = ask("alone").replace("\"max_tokens\":200", "\"stream\":true");
        let (status, body) = block_on(world.ask(&ask));
        assert_eq!((status, world.upstream.asked().len()), (200, 1 + usize::from(elsewhere)));
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(body.contains("\"content\":\"x\""), elsewhere, "{body}");
        assert_eq!(body.matches("[DONE]").count(), 1, "{body}");
        assert_eq!(block_on(world.record()).model == "free", elsewhere, "{events:?}");
    };
    let role = r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#;
    let word = r#"{"choices":[{"delta":{"content":"Once"}}]}"#;
    let filtered = r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#;
    let stopped = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    check("up/short", &[role, filtered, "[DONE]"], true);
    check("up/short", &[role, word, filtered, "[DONE]"], false);
    check("up/short", &[role, stopped, "[DONE]"], false);
    check("gemini/short", &[r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#], true);
    check(
        "anthropic/short",
        &[
            r#"{"type":"message_start","message":{"id":"m","model":"short","content":[]}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"refusal"}}"#,
            r#"{"type":"message_stop"}"#,
        ],
        true,
    );
}

#[test]
fn a_record_tells_who_was_asked_and_what_came_of_it() {
    let ask = |model: &str, answers: &[(u16, &str)], told: Value| {
        let groups = "[[group]]\nid = \"alone\"\ntargets = [\"up/short\"]\ncontent_fallbacks = [\"up/free\"]\n\
                      [[group]]\nid = \"words\"\nstrategy = \"heuristic\"\ntargets = [\"up/short\", \"alone\"]\n\
                      [[group.rule]]\ntarget = \"alone\"\nkeywords = [\"prove\"]\n";
        let read = Config::read(Some(groups), &|_| None).expect("a test writes it well");
        let world = World::declaring(|config| {
            config.groups = read.groups;
            // Who is asked after both keys of `up`.
            config.providers[3].models = vec!["mock".to_owned()];
        });
        let (status, _) = asked(&world, model, answers);
        let record = block_on(world.record());
        assert_eq!(i64::from(record.status), i64::from(status));
        let text = if record.tried.is_empty() { "[]" } else { &record.tried };
        assert_eq!(serde_json::from_str::<Value>(text).expect("it is JSON"), told, "{text}");
    };
    let step = |to: &str, key: &str, why: &str, status: u16| json!({ "to": to, "key": key, "ms": 0, "why": why, "status": status });
    let good = |to: &str, key: &str| step(to, key, "ok", 200);
    ask("mock", &[(200, ANSWER)], json!([]));
    // It says nothing of what a provider has said, nor of the key itself.
    let refused = r#"{"error":{"message":"Incorrect key sk-first","code":"invalid_api_key"}}"#;
    let candidate = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}"#;
    let failed = [
        step("up/mock", "up-1", "upstream_status", 401),
        step("up/mock", "up-2", "upstream_status", 429),
    ];
    let [first, second] = failed.clone();
    let told = json!([first, second, good("gemini/mock", "gemini-1")]);
    ask("mock", &[(401, refused), (429, BUSY), (200, candidate)], told);
    let [first, second] = failed;
    let last = step("gemini/mock", "gemini-1", "upstream_broken", 0);
    ask("mock", &[(401, refused), (429, BUSY), (200, "no JSON")], json!([first, second, last]));
    let by = |group: &str, rule: &str| json!({ "by": format!("group {group}"), "rule": rule });
    let picked = [by("words", "rule 1: the keyword `prove`"), by("alone", "next in the list")];
    let [outer, inner] = picked.clone();
    ask("words", &[(200, ANSWER)], json!([outer, inner, good("up/short", "up-1")]));
    let [outer, inner] = picked;
    let held = step("up/short", "up-1", "held_back", 200);
    let told = json!([outer, inner, held, good("up/free", "up-2")]);
    ask("words", &[(200, WITHOUT_WORDS), (200, ANSWER)], told);
}
