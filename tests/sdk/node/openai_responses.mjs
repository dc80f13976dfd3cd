// Does the Responses client of the OpenAI SDK for Node reach every provider?

import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { BAD_KEY, FACTS, KEY, URL, collect, run, same, throws } from "./harness.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: KEY, maxRetries: 0 });

const WEATHER = {
  type: "function",
  name: "weather",
  description: "How warm is it?",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
  strict: true,
};
const Weather = z.object({ city: z.string(), degrees: z.number() });

const said = (scene) => [{ role: "user", content: `[[scene ${scene}]] Go on.` }];

const ask = (request) => client.responses.create(request);
const stream = (request) => client.responses.stream(request).finalResponse();

async function chat(target) {
  checkChat(target, await ask(chatRequest(target)));
}

async function chatStreamed(target) {
  const running = client.responses.stream(chatRequest(target));
  const events = await collect(running);
  same(events.map((event) => event.sequence_number), events.map((_, at) => at), "the sequence numbers");
  const deltas = events.filter((event) => event.type === "response.output_text.delta");
  same(deltas.map((event) => event.delta).join(""), FACTS.chat, "the text in pieces");
  checkChat(target, await running.finalResponse());
}

const chatRequest = (target) => ({
  model: target.model,
  instructions: FACTS.system,
  input: "[[scene chat]]",
  temperature: 0.5,
  max_output_tokens: 300,
});

function checkChat(target, answer) {
  same(answer.output_text, FACTS.chat, "the text");
  same(answer.status, "completed", "the status");
  same(answer.usage.input_tokens, FACTS.prompt, "the prompt's tokens");
  same(answer.usage.input_tokens_details.cached_tokens, target.cached, "the cached tokens");
}

async function tools(target) {
  await roundTrip(target, ask);
}

async function toolsStreamed(target) {
  await roundTrip(target, stream);
}

async function roundTrip(target, ask) {
  const request = { model: target.model, tools: [WEATHER] };
  const first = await ask({ ...request, input: said("tools") });
  const calls = first.output.filter((item) => item.type === "function_call");
  same(calls.map((call) => JSON.parse(call.arguments).city), ["Oslo", "Rome"], "the cities");
  const results = calls.map((call) => ({
    type: "function_call_output",
    call_id: call.call_id,
    output: `${FACTS.degrees[JSON.parse(call.arguments).city]} degrees`,
  }));
  // What the SDK parsed out of the items is not for the API.
  const items = first.output.map(({ parsed_arguments: _, ...item }) => item);
  const last = await ask({ ...request, input: [...said("tools"), ...items, ...results] });
  same(last.output_text, "Oslo has 7 degrees, Rome 19.", "the last text");
}

async function structured(target) {
  const answer = await client.responses.parse({
    model: target.model,
    input: said("structured"),
    text: { format: zodTextFormat(Weather, "weather") },
  });
  same(answer.output_parsed, { city: "Oslo", degrees: 7 }, "what was parsed");
}

async function image(target) {
  const content = [
    { type: "input_text", text: "[[scene image]]" },
    { type: "input_image", image_url: `data:image/png;base64,${FACTS.png}`, detail: "auto" },
  ];
  const answer = await ask({ model: target.model, input: [{ role: "user", content }] });
  same(answer.output_text, "A red dot.", "the text");
}

async function previousResponse(target) {
  const first = await ask({ model: target.model, input: said("memory") });
  const request = { model: target.model, input: "What was it?", previous_response_id: first.id };
  same((await ask(request)).output_text, "It was the lighthouse.", "the second text");
  same((await stream(request)).output_text, "It was the lighthouse.", "the second text, streamed");
}

async function rateLimit(target) {
  await throws(OpenAI.RateLimitError, () => ask({ model: target.model, input: said("limited") }));
}

async function errorInMidStream(target) {
  await brokenStream(target, "broken");
}

async function streamCutShort(target) {
  await brokenStream(target, "cut");
}

// The SDK throws for an `error` event and hands `response.failed` on: either tells the application.
async function brokenStream(target, scene) {
  const told = [];
  let text = "";
  try {
    for await (const event of await ask({ model: target.model, input: said(scene), stream: true })) {
      if (event.type === "response.output_text.delta") text += event.delta;
      if (["error", "response.failed", "response.completed"].includes(event.type)) told.push(event.type);
    }
  } catch (error) {
    assert.ok(error instanceof OpenAI.APIError && !(error instanceof OpenAI.APIConnectionError), `${error}`);
    told.push("thrown");
  }
  same(text, "The tide is", "what was said before");
  assert.ok(told.length && !told.includes("response.completed"), `it told ${told}`);
}

async function badClientKey() {
  const bad = new OpenAI({ baseURL: `${URL}/v1`, apiKey: BAD_KEY, maxRetries: 0 });
  await throws(OpenAI.AuthenticationError, () => bad.responses.create({ model: "gpt-4o", input: "Hello" }));
}

const EACH = [
  chat, chatStreamed, tools, toolsStreamed, structured, image, previousResponse, rateLimit, errorInMidStream,
  streamCutShort,
];
await run("js openai responses", EACH, [badClientKey]);
