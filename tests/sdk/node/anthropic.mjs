// Does the Anthropic SDK of Node reach every provider?

import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";

import { BAD_KEY, FACTS, KEY, Skipped, URL, collect, run, same, throws } from "./harness.mjs";

const client = new Anthropic({ baseURL: URL, apiKey: KEY, maxRetries: 0 });

const WEATHER = {
  name: "weather",
  description: "How warm is it?",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const Weather = z.object({ city: z.string(), degrees: z.number() });

const said = (scene) => [{ role: "user", content: `[[scene ${scene}]] Go on.` }];

const chatRequest = (target) => ({
  model: target.model,
  max_tokens: 300,
  system: FACTS.system,
  messages: said("chat"),
  temperature: 0.5,
});

async function chat(target) {
  checkChat(target, await client.messages.create(chatRequest(target)));
}

async function chatStreamed(target) {
  const pieces = [];
  const stream = client.messages.stream(chatRequest(target)).on("text", (piece) => pieces.push(piece));
  const answer = await stream.finalMessage();
  same(pieces.join(""), FACTS.chat, "the text in pieces");
  assert.ok(pieces.length > 2, `${pieces.length} pieces`);
  checkChat(target, answer);
}

function checkChat(target, answer) {
  same(answer.content.map((block) => block.text), [FACTS.chat], "the text");
  same(answer.stop_reason, "end_turn", "the stop reason");
  same(answer.usage.cache_read_input_tokens ?? 0, target.cached, "the cached tokens");
  same(answer.usage.input_tokens, FACTS.prompt - target.cached, "the prompt's tokens");
  same(answer.usage.output_tokens, FACTS.completion, "the answer's tokens");
}

async function tools(target) {
  await roundTrip(target, (request) => client.messages.create(request));
}

async function toolsStreamed(target) {
  await roundTrip(target, (request) => client.messages.stream(request).finalMessage());
}

async function roundTrip(target, ask) {
  const request = { model: target.model, max_tokens: 300, tools: [WEATHER] };
  const first = await ask({ ...request, messages: said("tools") });
  same(first.stop_reason, "tool_use", "the stop reason");
  const calls = first.content.filter((block) => block.type === "tool_use");
  same(calls.map((call) => call.input), [{ city: "Oslo" }, { city: "Rome" }], "the inputs");
  const turns = [
    { role: "assistant", content: first.content },
    { role: "user", content: calls.toReversed().map(result) },
  ];
  const last = await ask({ ...request, messages: [...said("tools"), ...turns] });
  same(last.content[0].text, "Oslo has 7 degrees, Rome 19.", "the last text");
}

const result = (call) => ({
  type: "tool_result",
  tool_use_id: call.id,
  content: `${FACTS.degrees[call.input.city]} degrees`,
});

async function reasoning(target) {
  await think(target, (request) => client.messages.create(request));
}

async function reasoningStreamed(target) {
  await think(target, (request) => client.messages.stream(request).finalMessage());
}

async function think(target, ask) {
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const request = { model: target.model, max_tokens: 2048, tools: [WEATHER], thinking };
  const first = await ask({ ...request, messages: said("signed") });
  const thought = first.content.find((block) => block.type === "thinking");
  same(thought?.thinking, "Oslo lies in the north.", "the thought");
  const call = first.content.find((block) => block.type === "tool_use");
  const turns = [
    { role: "assistant", content: first.content },
    { role: "user", content: [result(call)] },
  ];
  const last = await ask({ ...request, messages: [...said("signed"), ...turns] });
  same(last.content[0].text, "Oslo has 7 degrees.", "the last text");
}

async function structured(target) {
  const answer = await client.messages.parse({
    model: target.model,
    max_tokens: 300,
    messages: said("structured"),
    output_config: { format: zodOutputFormat(Weather) },
  });
  same(answer.parsed_output, { city: "Oslo", degrees: 7 }, "what was parsed");
}

async function image(target) {
  const source = { type: "base64", media_type: "image/png", data: FACTS.png };
  const content = [
    { type: "image", source },
    { type: "text", text: "[[scene image]]" },
  ];
  const request = { model: target.model, max_tokens: 300, messages: [{ role: "user", content }] };
  same((await client.messages.create(request)).content[0].text, "A red dot.", "the text");
}

const askFor = (target, scene) => () =>
  client.messages.create({ model: target.model, max_tokens: 300, messages: said(scene) });

async function rateLimit(target) {
  const error = await throws(Anthropic.RateLimitError, askFor(target, "limited"));
  same(error.error.error.type, "rate_limit_error", "the type");
}

async function refusedProviderKey(target) {
  await throws(Anthropic.InternalServerError, askFor(target, "locked"));
}

async function contextOverflow(target) {
  await throws(Anthropic.BadRequestError, askFor(target, "overflow"));
}

async function errorInMidStream(target) {
  await brokenStream(target, "broken");
}

async function streamCutShort(target) {
  await brokenStream(target, "cut");
}

async function brokenStream(target, scene) {
  let text = "";
  await throws(Anthropic.APIError, async () => {
    const request = { model: target.model, max_tokens: 300, messages: said(scene) };
    const stream = client.messages.stream(request).on("text", (piece) => (text += piece));
    await stream.finalMessage();
  });
  same(text, "The tide is", "what was said before");
}

async function countTokens(target) {
  try {
    const counted = await client.messages.countTokens({ model: target.model, messages: said("hello") });
    assert.ok(counted.input_tokens > 0, JSON.stringify(counted));
  } catch (error) {
    throw error instanceof Anthropic.NotFoundError ? new Skipped("there is no such route") : error;
  }
}

async function badClientKey() {
  const bad = new Anthropic({ baseURL: URL, apiKey: BAD_KEY, maxRetries: 0 });
  const request = { model: "gpt-4o", max_tokens: 9, messages: said("hello") };
  await throws(Anthropic.AuthenticationError, () => bad.messages.create(request));
}

async function models() {
  const listed = (await collect(client.models.list())).map((model) => model.id);
  for (const model of Object.values(FACTS.models)) assert.ok(listed.includes(model), `${model} is not in ${listed}`);
}

const EACH = [
  chat, chatStreamed, tools, toolsStreamed, reasoning, reasoningStreamed, structured, image, rateLimit,
  refusedProviderKey, contextOverflow, errorInMidStream, streamCutShort, countTokens,
];
await run("js anthropic", EACH, [badClientKey, models]);
