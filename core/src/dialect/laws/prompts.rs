//! What may a client ask for? Conversations that every dialect can hold, with wishes that some cannot.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::arbitrary::{arguments, image, name, state, text};
use crate::dialect::{
    Prompt,
    ir::{
        Cache, Call, Choice, Effort, Format, Function, Logprobs, Outcome, Part, Reasoning, Role,
        Sampling, Schema, Thought, Tool, ToolKind, Turn,
    },
};

/// The tools of every prompt that has any.
const TOOLS: [&str; 3] = ["look", "find_2", "go-on"];

/// A conversation without a wish.
pub(super) fn plain() -> impl Strategy<Value = Prompt> {
    (vec(words(), 0..2), rounds()).prop_map(|(system, rounds)| {
        let system = system.into_iter().map(|part| Turn::new(Role::System, vec![part]));
        let turns = system.chain(rounds.into_iter().flatten()).collect();
        Prompt { model: "model".to_owned(), turns, ..Prompt::default() }
    })
}

/// A conversation with wishes.
pub(super) fn prompt() -> impl Strategy<Value = Prompt> {
    (plain(), tools(), sampling(), limits(), habits()).prop_map(
        |(plain, (tools, choice, parallel), sampling, limits, habits)| Prompt {
            tools,
            choice,
            parallel,
            sampling,
            max_tokens: limits.max_tokens,
            stop: limits.stop,
            format: limits.format,
            reasoning: limits.reasoning,
            ..Prompt { model: plain.model, turns: plain.turns, ..habits }
        },
    )
}

/// Text that is not blank: a blank one is said by no dialect, or by a makeshift.
fn words() -> impl Strategy<Value = Part> {
    text().prop_map(|text| Part::text(format!("So{text}")))
}

fn rounds() -> impl Strategy<Value = Vec<Vec<Turn>>> {
    let asked = prop_oneof![4 => words(), 1 => Just(Part::Media(image()))];
    let asked = (words(), vec(asked, 0..2)).prop_map(|(first, mut more)| {
        more.insert(0, first);
        Turn::new(Role::User, more)
    });
    let called = (select(TOOLS.to_vec()), arguments(), result());
    let answered = (option::of(thought()), words(), vec(called, 0..3));
    vec((asked, answered), 1..4).prop_map(|rounds| {
        let rounds = rounds.into_iter().enumerate();
        rounds.map(|(round, (asked, answered))| turns(round, asked, answered)).collect()
    })
}

type Called = (&'static str, String, Part);

/// One question, its answer, and what came of the answer's calls.
fn turns(
    round: usize,
    asked: Turn,
    (thought, said, called): (Option<Part>, Part, Vec<Called>),
) -> Vec<Turn> {
    let mut answer: Vec<Part> = thought.into_iter().chain([said]).collect();
    let mut results = Vec::new();
    for (at, (name, arguments, result)) in called.into_iter().enumerate() {
        let (id, name) = (format!("call_{round}x{at}"), name.to_owned());
        let (state, custom) = (None, false);
        answer.push(Part::Call(Call { id: id.clone(), name, arguments, custom, state }));
        let (parts, failed, cache) = (vec![result], false, None);
        results.push(Part::Outcome(Outcome { id, name: None, parts, failed, custom, cache }));
    }
    let turns = [asked, Turn::new(Role::Assistant, answer), Turn::new(Role::User, results)];
    turns.into_iter().filter(|turn| !turn.parts.is_empty()).collect()
}

fn result() -> impl Strategy<Value = Part> {
    prop_oneof![text(), arguments().prop_filter("blank", |text| !text.is_empty())]
        .prop_map(Part::text)
}

fn thought() -> impl Strategy<Value = Part> {
    (text(), state()).prop_map(|(text, state)| {
        Part::Thought(Thought { text, summary: false, state: Some(state) })
    })
}

fn tools() -> impl Strategy<Value = (Vec<Tool>, Option<Choice>, Option<bool>)> {
    let choice = prop_oneof![
        Just(Choice::Auto),
        Just(Choice::Required),
        Just(Choice::Never),
        Just(Choice::Only(TOOLS[0].to_owned())),
    ];
    let tools = (option::of("[a-z ]{1,9}"), option::of(schema()));
    let tools = vec(tools, TOOLS.len()).prop_map(|tools| {
        let tools = tools.into_iter().zip(TOOLS);
        let tools = tools.map(|((description, schema), name)| {
            let name = name.to_owned();
            let function = Function { name, description, schema, strict: None };
            Tool { kind: ToolKind::Function(function), cache: None }
        });
        tools.collect()
    });
    let some = (tools, option::of(choice), option::of(any::<bool>()));
    prop_oneof![1 => Just((Vec::new(), None, None)), 3 => some]
}

/// A schema that every dialect takes as it is: an object whose fields are all required.
fn schema() -> impl Strategy<Value = Schema> {
    let text = |text: &str| Schema::Text(text.to_owned());
    let field = select(vec!["string", "integer", "number", "boolean"])
        .prop_map(move |kind| Schema::Map(vec![("type".to_owned(), text(kind))]));
    vec((name(), field), 1..3).prop_map(move |mut fields| {
        fields.dedup_by(|a, b| a.0 == b.0);
        let required = fields.iter().map(|(name, _)| text(name)).collect();
        let fields = [
            ("type", text("object")),
            ("properties", Schema::Map(fields)),
            ("required", Schema::List(required)),
            ("additionalProperties", Schema::Bool(false)),
        ];
        Schema::Map(fields.map(|(name, value)| (name.to_owned(), value)).into())
    })
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let eighth = |most: i32| (1..most).prop_map(|eighths| f64::from(eighths) / 8.0);
    let chosen = (option::of(eighth(8)), option::of(eighth(8)), option::of(1_u64..100));
    let penalties = (option::of(eighth(16)), option::of(eighth(16)));
    let logprobs = option::of((0_u64..6).prop_map(|top| Logprobs { top }));
    (chosen, penalties, option::of(0_i64..i64::from(i32::MAX)), logprobs).prop_map(
        |((temperature, top_p, top_k), (presence_penalty, frequency_penalty), seed, logprobs)| {
            let answers = None;
            Sampling {
                temperature,
                top_p,
                top_k,
                seed,
                presence_penalty,
                frequency_penalty,
                answers,
                logprobs,
            }
        },
    )
}

/// A prompt of which only the form and the bounds of the answer count.
fn limits() -> impl Strategy<Value = Prompt> {
    let format = schema().prop_map(|schema| {
        let (name, description, strict) = (Some("answer".to_owned()), None, Some(true));
        Format::Schema { name, description, schema, strict }
    });
    let effort = select(vec![Effort::Low, Effort::Medium, Effort::High, Effort::Budget(2_000)]);
    (option::of(4_096_u64..9_000), vec("[A-Z]{1,3}", 0..3), option::of(format), option::of(effort))
        .prop_map(|(max_tokens, stop, format, effort)| {
            let reasoning = Reasoning { effort, show: None };
            Prompt { format, reasoning, stop, max_tokens, ..Prompt::default() }
        })
}

/// A prompt of which only the rest counts.
fn habits() -> impl Strategy<Value = Prompt> {
    let word = |words: &[&'static str]| option::of(select(words.to_vec()).prop_map(str::to_owned));
    let tier = word(&["auto", "default", "flex", "priority"]);
    let cache = option::of(select(vec![Cache::Short, Cache::Long]));
    (word(&["low", "high"]), word(&["user-1"]), tier, cache, word(&["key-1"])).prop_map(
        |(verbosity, user, tier, cache, cache_key)| Prompt {
            verbosity,
            user,
            tier,
            cache,
            cache_key,
            ..Prompt::default()
        },
    )
}
