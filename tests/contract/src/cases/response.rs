//! Can a client go on with an earlier answer, whoever gave it?

use serde_json::{Value, json};
use tidegate_provider::{Framing, Script};

use super::{
    Case,
    sample::{COMPLETION, DONE, FINISH, USAGE, chunk, refused},
};
use crate::{
    Result, failed,
    wire::{Answer, Ask},
    world::World,
};

const PATH: &str = "/v1/responses";

pub(super) const CASES: &[Case] = &[
    Case { name: "response_goes_on", run: |world| Box::pin(goes_on(world)) },
    Case { name: "response_goes_on_after_stream", run: |world| Box::pin(after_stream(world)) },
    Case { name: "response_items_by_reference", run: |world| Box::pin(by_reference(world)) },
    Case { name: "response_fetched_and_forgotten", run: |world| Box::pin(fetched(world)) },
    Case { name: "response_not_stored", run: |world| Box::pin(not_stored(world)) },
    Case { name: "response_of_another_client", run: |world| Box::pin(of_another(world)) },
    Case { name: "response_background_refused", run: |world| Box::pin(background(world)) },
];

fn ask(world: &World, input: &str, fields: Value) -> Ask {
    let mut body = json!({ "model": "mock", "input": format!("{input} {}", world.tag()) });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    Ask::post(PATH, body.to_string()).bearer(&world.client.key)
}

fn id(answer: &Answer) -> Result<String> {
    let body = answer.json()?;
    match body["id"].as_str() {
        Some(id) if answer.status == 200 => Ok(id.to_owned()),
        _ => failed(format!("{}: {}", answer.status, answer.text())),
    }
}

/// The texts of the messages in the last request that reached the provider.
fn said(world: &World) -> Vec<String> {
    let body = world.seen().pop().map(|seen| seen.body).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let begun = |message: &Value| {
        let content = message["content"].as_str().unwrap_or_default();
        format!(
            "{}: {}",
            message["role"].as_str().unwrap_or_default(),
            content.split(' ').next().unwrap_or_default()
        )
    };
    messages.iter().map(begun).collect()
}

async fn goes_on(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let first = id(&world.ask(&ask(world, "one", json!({}))).await?)?;
    let second =
        id(&world.ask(&ask(world, "two", json!({ "previous_response_id": first }))).await?)?;
    assert_ne!(first, second);
    assert_eq!(said(world), ["user: one", "assistant: café", "user: two"]);
    world.ask(&ask(world, "three", json!({ "previous_response_id": second }))).await?;
    let all = ["user: one", "assistant: café", "user: two", "assistant: café", "user: three"];
    assert_eq!(said(world), all);
    Ok(())
}

async fn after_stream(world: &World) -> Result {
    let head = Script::head(200, &[("content-type", "text/event-stream")], Framing::Chunked);
    world.play(head.piece([&chunk("hello"), FINISH, USAGE, DONE].concat()));
    let answer = world.ask(&ask(world, "one", json!({ "stream": true }))).await?;
    let last: Value = match answer.events().last() {
        Some(last) => serde_json::from_str(last).unwrap_or_default(),
        None => return failed("no events"),
    };
    assert_eq!(last["type"], "response.completed", "{}", answer.text());
    let first = last["response"]["id"].clone();
    // The end was seen, so the turn must be there at once.
    world.play(Script::json(200, COMPLETION));
    let second = world.ask(&ask(world, "two", json!({ "previous_response_id": first }))).await?;
    assert_eq!(second.status, 200, "{}", second.text());
    assert_eq!(said(world), ["user: one", "assistant: hello", "user: two"]);
    Ok(())
}

/// Some SDKs name the items of an earlier answer instead of sending them again.
async fn by_reference(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let first = world.ask(&ask(world, "one", json!({}))).await?.json()?;
    let reference = json!({ "type": "item_reference", "id": first["output"][0]["id"] });
    let words = format!("two {}", world.tag());
    let input = json!([reference, { "role": "user", "content": words }]);
    let second = world.ask(&ask(world, "", json!({ "input": input }))).await?;
    assert_eq!(second.status, 200, "{}", second.text());
    assert_eq!(said(world), ["assistant: café", "user: two"]);
    let lost = json!({ "type": "item_reference", "id": "msg_nobody" });
    let input = json!([lost, { "role": "user", "content": words }]);
    let answer = world.ask(&ask(world, "", json!({ "input": input }))).await?;
    refused(&answer, 400)?;
    Ok(())
}

async fn fetched(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let answer = world.ask(&ask(world, "one", json!({ "metadata": { "a": "b" } }))).await?;
    let id = id(&answer)?;
    let path = format!("/v1/responses/{id}");
    let get = |path: String| Ask::new("GET", path).bearer(&world.client.key);
    let again = world.ask(&get(path.clone())).await?;
    assert_eq!((again.status, again.json()?), (200, answer.json()?));
    let items = world.ask(&get(format!("{path}/input_items"))).await?.json()?;
    assert_eq!(items["data"][0]["role"], "user", "{items}");
    let delete = Ask::new("DELETE", path.clone()).bearer(&world.client.key);
    let deleted = world.ask(&delete).await?.json()?;
    assert_eq!((&deleted["id"], &deleted["deleted"]), (&json!(id), &json!(true)), "{deleted}");
    refused(&world.ask(&get(path)).await?, 404)?;
    refused(&world.ask(&delete).await?, 404)?;
    let gone = world.ask(&ask(world, "two", json!({ "previous_response_id": id }))).await?;
    let error = refused(&gone, 400)?;
    assert_eq!(error["code"], "previous_response_not_found", "{error}");
    Ok(())
}

async fn not_stored(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let id = id(&world.ask(&ask(world, "one", json!({ "store": false }))).await?)?;
    let get = Ask::new("GET", format!("/v1/responses/{id}")).bearer(&world.client.key);
    refused(&world.ask(&get).await?, 404)?;
    // Nor what is answered in a dialect in which nobody refers to it.
    let other = ask(world, "one", json!({})).header("x-tidegate-answer", "openai_chat");
    let id = self::id(&world.ask(&other).await?)?;
    let gone = world.ask(&ask(world, "two", json!({ "previous_response_id": id }))).await?;
    let error = refused(&gone, 400)?;
    assert_eq!(error["code"], "previous_response_not_found", "{error}");
    Ok(())
}

async fn of_another(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let id = id(&world.ask(&ask(world, "one", json!({}))).await?)?;
    let other =
        world.another_client(json!({ "name": format!("{}-other", world.client.id) })).await?;
    let get = Ask::new("GET", format!("/v1/responses/{id}")).bearer(&other.key);
    refused(&world.ask(&get).await?, 404)?;
    let delete = Ask::new("DELETE", format!("/v1/responses/{id}")).bearer(&other.key);
    refused(&world.ask(&delete).await?, 404)?;
    let get = Ask::new("GET", format!("/v1/responses/{id}")).bearer(&world.client.key);
    assert_eq!(world.ask(&get).await?.status, 200);
    Ok(())
}

async fn background(world: &World) -> Result {
    let answer = world.ask(&ask(world, "one", json!({ "background": true }))).await?;
    let error = refused(&answer, 400)?;
    assert_eq!(error["param"], "background", "{error}");
    assert!(world.seen().is_empty());
    Ok(())
}
