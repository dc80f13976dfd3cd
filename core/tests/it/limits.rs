//! What may a client still do when its team has limits, and what is counted whatever becomes of a request?

use crate::common::{World, read};
use bytes::Bytes;
use futures_executor::block_on;
use proptest::prelude::*;
use tidegate_core::{
    budget::{Policy, Team},
    config::Config,
    error::Kind,
    store::{Add, Admission, Counters, Ended, Reservation, Settlement, memory::MemoryCounters},
};

const ASK: &str = r#"{"model":"mock","messages":[],"max_tokens":10}"#;
const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;

fn policy(text: &str) -> Policy {
    serde_json::from_str(text).expect("a test writes it well")
}

/// The client is in `lab`, which is below `company`.
fn held(client: &str, lab: &str, company: &str) -> World {
    let team = |id: &str, parent: &str, text: &str| Team {
        id: id.to_owned(),
        name: id.to_owned(),
        parent: parent.to_owned(),
        policy: policy(text),
        locked: true,
    };
    let teams = vec![team("lab", "company", lab), team("company", "", company)];
    World::declaring(|config: &mut Config| {
        "lab".clone_into(&mut config.clients[0].team);
        config.clients[0].policy = policy(client);
        config.teams = teams;
    })
}

fn answers(world: &World, count: usize) {
    for _ in 0..count {
        let pieces = vec![Ok(Bytes::from_static(ANSWER.as_bytes()))];
        world.upstream.answer(200, "application/json", pieces);
    }
}

/// The statuses of some requests, each settled before the next.
async fn statuses(world: &World, count: usize) -> Vec<u16> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(world.ask(ASK).await.0);
        world.later.run_all().await;
    }
    all
}

#[test]
fn each_node_of_the_path_has_its_say() {
    let (three, nine) = (
        r#"{"limits":[{"requests":3,"per":"day"}]}"#,
        r#"{"limits":[{"requests":9,"per":"day"}]}"#,
    );
    for (nodes, owner) in [
        ([three, nine, "{}"], "client `test`"),
        ([nine, three, "{}"], "team `lab`"),
        (["{}", nine, three], "team `company`"),
    ] {
        block_on(async {
            let world = held(nodes[0], nodes[1], nodes[2]);
            answers(&world, 5);
            assert_eq!(statuses(&world, 3).await, [200, 200, 200]);
            let response = world.send(world.chat(ASK)).await;
            assert_eq!(response.headers()["retry-after"], "57600");
            assert_eq!(response.headers()["x-ratelimit-limit-requests"], "3");
            assert_eq!(response.headers()["x-ratelimit-remaining-requests"], "0");
            assert_eq!(response.headers()["x-ratelimit-reset-requests"], "16h0m0s");
            let (status, body) = read(response).await;
            let body = String::from_utf8(body.to_vec()).unwrap();
            let expected = format!(
                "The limit of the {owner} is reached: 3 requests per day; try again at 2027-01-16T00:00:00Z."
            );
            assert!(status == 429 && body.contains(&expected), "{status} {body}");
            world.later.run_all().await;
            let record = world.kept.records().pop().unwrap();
            assert_eq!(
                (record.error.as_str(), record.status, record.attempts),
                ("rate_limited", 429, 0)
            );
            assert_eq!(record.team, "lab");
        });
    }
}

#[test]
fn what_was_reserved_becomes_what_was_used() {
    block_on(async {
        // The prompt and at most ten tokens are reserved, seven are used.
        let world = held(r#"{"limits":[{"tokens":40,"per":"day"}]}"#, "{}", "{}");
        answers(&world, 9);
        let all = statuses(&world, 9).await;
        let fitting = all.iter().take_while(|status| **status == 200).count();
        assert!((3..=5).contains(&fitting), "{all:?}");
        assert!(all[fitting..].iter().all(|status| *status == 429), "{all:?}");
    });
}

#[test]
fn what_never_reached_a_provider_counts_for_nothing() {
    block_on(async {
        let world =
            held(r#"{"limits":[{"requests":1,"per":"total"},{"concurrent":1}]}"#, "{}", "{}");
        for body in [r#"{"model":"nothing-like-it","messages":[]}"#, "{"] {
            world.ask(body).await;
            world.later.run_all().await;
        }
        answers(&world, 1);
        let first = statuses(&world, 2).await;
        assert_eq!(first, [200, 429]);
    });
}

#[test]
fn who_has_no_limits_is_not_counted() {
    block_on(async {
        let world = World::new();
        answers(&world, 2);
        assert_eq!(statuses(&world, 2).await, [200, 200]);
        assert!(world.kept.records().iter().all(|record| record.settlement.is_none()));
    });
}

#[test]
fn a_slot_is_free_again_whatever_ended_its_request() {
    block_on(async {
        let world = held(r#"{"limits":[{"concurrent":1}]}"#, "{}", "{}");
        // Held open by its client.
        answers(&world, 1);
        let open = world.send(world.chat(ASK)).await;
        let (status, body) = world.ask(ASK).await;
        assert_eq!(status, 429, "{body:?}");
        // The client leaves without reading.
        drop(open);
        world.later.run_all().await;
        world.upstream.fail(Kind::UpstreamTimeout);
        assert_eq!(statuses(&world, 1).await, [504]);
        // A client that leaves while its provider is silent.
        world.upstream.hang();
        world.clock.stop();
        let mut asked = Box::pin(world.send(world.chat(ASK)));
        assert!(futures_util::FutureExt::now_or_never(&mut asked).is_none());
        assert_eq!(world.ask(ASK).await.0, 429);
        drop(asked);
        world.later.run_all().await;
        answers(&world, 1);
        assert_eq!(statuses(&world, 1).await, [200]);
    });
}

#[test]
fn models_providers_addresses_and_dates_are_kept_to() {
    for (client, lab, status) in [
        (r#"{"models":["mock"]}"#, r#"{"models":["mo*"]}"#, 200),
        (r#"{"models":["mock"]}"#, r#"{"models":["gpt-*"]}"#, 403),
        (r#"{"providers":["up"]}"#, r#"{"providers":["*"]}"#, 200),
        (r#"{"providers":["up"]}"#, r#"{"providers":["openai"]}"#, 403),
        (r#"{"ips":["10.0.0.0/8"]}"#, "{}", 403),
        ("{}", r#"{"enabled":false}"#, 403),
        ("{}", r#"{"expires_at_ms":1800000000000}"#, 403),
        ("{}", r#"{"expires_at_ms":1800000000001}"#, 200),
        (r#"{"expires_at_ms":1800000000000}"#, "{}", 401),
    ] {
        block_on(async {
            let world = held(client, lab, "{}");
            answers(&world, 1);
            let (told, body) = world.ask(ASK).await;
            assert_eq!(told, status, "{client} {lab} {body:?}");
            world.record().await;
        });
    }
}

fn word(text: &str) -> Bytes {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
        .into()
}

/// The provider writes far more than it was asked for.
fn long_stream(world: &World) {
    let words = (0..2_000).map(|_| Ok(word("and so it goes on, and on, ")));
    let end = [
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n",
    ];
    let end = end.map(|text| Ok(Bytes::from_static(text.as_bytes())));
    world.upstream.answer(200, "text/event-stream", words.chain(end).collect());
}

#[test]
fn a_stream_that_uses_up_a_budget_is_cut_where_that_is_wanted() {
    let ask = r#"{"model":"mock","stream":true,"messages":[],"max_tokens":10}"#;
    for (on_exhausted, limit, cut) in
        [("cut", 2_000, true), ("finish", 2_000, false), ("cut", 2_000_000, false)]
    {
        block_on(async {
            let lab = format!(
                r#"{{"on_exhausted":"{on_exhausted}","limits":[{{"tokens":{limit},"per":"day"}}]}}"#
            );
            let world = held("{}", &lab, "{}");
            long_stream(&world);
            let (status, body) = world.ask(ask).await;
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(status == 200 && body.ends_with("data: [DONE]\n\n"), "{status}");
            assert_eq!(
                body.contains("\"finish_reason\":\"length\""),
                cut,
                "{on_exhausted} {limit}"
            );
            assert_eq!(body.contains("\"finish_reason\":\"stop\""), !cut, "{on_exhausted} {limit}");
            let record = world.record().await;
            assert_eq!(record.ended == Ended::Cut, cut);
            if cut {
                assert!((900..=2_100).contains(&record.usage.completion), "{record:?}");
            } else {
                assert!(record.usage.completion > 10_000, "{record:?}");
            }
            let (status, _) = world.ask(ASK).await;
            assert_eq!(
                status,
                if limit == 2_000 && !cut { 429 } else { 502 },
                "nothing more is scripted"
            );
        });
    }
}

#[test]
fn a_cut_stream_ends_as_its_dialect_ends() {
    let lab = r#"{"on_exhausted":"cut","limits":[{"tokens":1500,"per":"day"}]}"#;
    let message = r#"{"model":"mock","stream":true,"max_tokens":10,"messages":[{"role":"user","content":"x"}]}"#;
    let input = r#"{"model":"mock","stream":true,"max_output_tokens":10,"input":"x"}"#;
    for (path, body, ends) in [
        ("/v1/messages", message, ["\"stop_reason\":\"max_tokens\"", "event: message_stop"]),
        (
            "/v1/responses",
            input,
            ["event: response.incomplete", "\"reason\":\"max_output_tokens\""],
        ),
    ] {
        block_on(async {
            let world = held("{}", lab, "{}");
            long_stream(&world);
            let request = http::Request::post(path)
                .header("authorization", format!("Bearer {}", world.key))
                .body(tidegate_core::Body::from(body))
                .unwrap();
            let (status, body) = read(world.send(request).await).await;
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert_eq!(status, 200, "{body}");
            let tail = &body[body.len().saturating_sub(60_000)..];
            assert!(
                ends.iter().all(|end| tail.contains(end)),
                "{}",
                &body[body.len().saturating_sub(900)..]
            );
        });
    }
}

#[test]
fn a_strict_ledger_that_is_silent_gives_no_answer() {
    block_on(async {
        // The store of these tests never answers.
        let world = held(r#"{"ledger":"strict"}"#, "{}", "{}");
        answers(&world, 1);
        let (status, refusal) = world.ask(ASK).await;
        assert_eq!(status, 503, "{refusal:?}");
        let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        let pieces = vec![Ok(word("hello")), Ok(Bytes::from_static(end.as_bytes()))];
        world.upstream.answer(200, "text/event-stream", pieces);
        let (status, body) = world.ask(r#"{"model":"mock","stream":true,"messages":[]}"#).await;
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(status == 200 && body.contains("hello"), "{status} {body}");
        assert!(body.contains("data: {\"error\":") && !body.contains("[DONE]"), "{body}");
        world.later.run_all().await;
        let records = world.kept.records();
        assert!(records.iter().all(|record| record.ended == Ended::Refused));
        assert_eq!(records.len(), 2);
        assert!(
            records.iter().any(|record| record.bytes_out == refusal.len() as u64),
            "{records:?}"
        );
    });
}

#[test]
fn a_client_of_no_known_team_is_not_let_in() {
    block_on(async {
        let world = World::declaring(|config| config.clients[0].team = "gone".to_owned());
        let (status, _) = world.ask(ASK).await;
        assert!(status == 403 || status == 503, "{status}");
    });
}

#[derive(Clone, Debug)]
enum Step {
    Reserve(usize, i64, i64),
    Settle(usize, i64, i64),
    Expire,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..12_usize, 0..30_i64, 0..30_i64).prop_map(|(id, a, b)| Step::Reserve(id, a, b)),
        3 => (0..12_usize, 0..30_i64, 0..30_i64).prop_map(|(id, a, b)| Step::Settle(id, a, b)),
        1 => Just(Step::Expire),
    ];
    proptest::collection::vec(step, 0..60)
}

const CAPS: [i64; 2] = [100, 70];

fn adds(a: i64, b: i64, capped: bool) -> Vec<Add> {
    ["a", "b"]
        .into_iter()
        .zip([a, b])
        .zip(CAPS)
        .map(|((name, by), cap)| Add {
            name: name.to_owned(),
            by,
            floor: None,
            cap: capped.then_some(cap),
            expires_at_ms: 1_000_000,
        })
        .collect()
}

proptest! {
    /// Whatever happens in whatever order: a counter is what was settled and what is reserved, and no more than its cap.
    #[test]
    fn counters_are_the_sum_of_settled_and_reserved(steps in steps()) {
        block_on(async {
            let counters = MemoryCounters::default();
            let mut settled = [0_i64; 2];
            let mut live: Vec<Option<(i64, [i64; 2])>> = vec![None; 12];
            for (now, step) in (1_i64..).zip(steps) {
                match step {
                    Step::Reserve(id, a, b) if live[id].is_none() => {
                        let until_ms = now + 10;
                        let reservation = Reservation { id: format!("{id}-{now}"), part: now, adds: adds(a, b, true), until_ms };
                        let admission = counters.reserve(&reservation, now).await.unwrap();
                        let held: [i64; 2] = std::array::from_fn(|at| live.iter().flatten().map(|one| one.1[at]).sum());
                        let fits = (0..2).all(|at| settled[at] + held[at] + [a, b][at] <= CAPS[at]);
                        assert_eq!(matches!(admission, Admission::Added(_)), fits, "no false refusal and no overshoot");
                        if fits {
                            live[id] = Some((now, [a, b]));
                        }
                    }
                    Step::Settle(id, a, b) => {
                        let Some((since, held)) = live[id].take() else { continue };
                        // Never more than was reserved, as a reservation is meant.
                        let used = [a.min(held[0]), b.min(held[1])];
                        let settlement = Settlement { id: format!("{id}-{since}"), adds: adds(used[0], used[1], false), holds: true, ahead: None };
                        for _ in 0..2 {
                            counters.settle(settlement.clone(), now).await.unwrap();
                        }
                        settled = std::array::from_fn(|at| settled[at] + used[at]);
                    }
                    Step::Expire => {
                        counters.expire(now).await.unwrap();
                        for one in &mut live {
                            if one.is_some_and(|(since, _)| since + 10 <= now) {
                                *one = None;
                            }
                        }
                    }
                    Step::Reserve(..) => {}
                }
                let values = counters.read(&["a", "b"].map(str::to_owned), now).await.unwrap();
                for at in 0..2 {
                    let held: i64 = live.iter().flatten().map(|one| one.1[at]).sum();
                    assert_eq!(values[at], settled[at] + held);
                    assert!(values[at] <= CAPS[at]);
                }
            }
        });
    }
}
