// Does the chat client of the OpenAI SDK for Node reach every provider?

import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { BAD_KEY, FACTS, KEY, URL, collect, run, same, throws } from "./harness.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: KEY, maxRetries: 0 });

const WEATHER = {
  type: "function",
  function: {
    name: "weather",
    description: "How warm is it?",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const Weather = z.object({ city: z.string(), degrees: z.number() });

const said = (scene) => [{ role: "user", content: `[[scene ${scene}]] Go on.` }];
const completions = client.chat.completions;

const chatRequest = (target) => ({
  model: target.model,
  messages: [{ role: "system", content: FACTS.system }, ...said("chat")],
  temperature: 0.5,
  max_completion_tokens: 300,
});

async function chat(target) {
  checkChat(target, await completions.create(chatRequest(target)));
}

async function chatStreamed(target) {
  const request = { ...chatRequest(target), stream_options: { include_usage: true } };
  const stream = completions.stream(request);
  const pieces = [];
  stream.on("content.delta", ({ delta }) => pieces.push(delta));
  const answer = await stream.finalChatCompletion();
  same(pieces.join(""), FACTS.chat, "the text in pieces");
  assert.ok(pieces.length > 2, `${pieces.length} pieces`);
  checkChat(target, answer);
}

function checkChat(target, answer) {
  same(answer.choices[0].message.content, FACTS.chat, "the text");
  same(answer.choices[0].finish_reason, "stop", "the finish reason");
  same(answer.usage.prompt_tokens, FACTS.prompt, "the prompt's tokens");
  same(answer.usage.prompt_tokens_details?.cached_tokens ?? 0, target.cached, "the cached tokens");
  same(answer.usage.completion_tokens, FACTS.completion, "the answer's tokens");
}

async function tools(target) {
  await roundTrip((messages) => completions.create({ model: target.model, messages, tools: [WEATHER] }));
}

async function toolsStreamed(target) {
  await roundTrip((messages) =>
    completions.stream({ model: target.model, messages, tools: [WEATHER] }).finalChatCompletion(),
  );
}

async function roundTrip(ask) {
  const first = (await ask(said("tools"))).choices[0];
  same(first.finish_reason, "tool_calls", "the finish reason");
  const calls = first.message.tool_calls;
  const cities = calls.map((call) => JSON.parse(call.function.arguments).city);
  same(cities, ["Oslo", "Rome"], "the cities");
  // The later call is answered first.
  const results = calls.toReversed().map((call, at) => ({
    role: "tool",
    tool_call_id: call.id,
    content: `${FACTS.degrees[cities.toReversed()[at]]} degrees`,
  }));
  const last = (await ask([...said("tools"), first.message, ...results])).choices[0];
  same(last.message.content, "Oslo has 7 degrees, Rome 19.", "the last text");
}

// The SDK calls the functions by itself.
async function toolsRunByTheSdk(target) {
  const asked = [];
  const weather = ({ city }) => {
    asked.push(city);
    return `${FACTS.degrees[city]} degrees`;
  };
  const tool = { ...WEATHER.function, function: weather, parse: JSON.parse };
  const runner = completions.runTools({
    model: target.model,
    stream: true,
    messages: said("tools"),
    tools: [{ type: "function", function: { name: "weather", ...tool } }],
  });
  same(await runner.finalContent(), "Oslo has 7 degrees, Rome 19.", "the last text");
  same(asked, ["Oslo", "Rome"], "the calls");
}

async function reasoning(target) {
  await think(target, (request) => completions.create(request));
}

// The SDK keeps only the last piece of a field that it does not know, so the pieces are put together here.
async function reasoningStreamed(target) {
  await think(target, async (request) => {
    let thought = "";
    const stream = completions.stream(request);
    stream.on("chunk", ({ choices: [choice] }) => (thought += choice?.delta.reasoning_content ?? ""));
    const answer = await stream.finalChatCompletion();
    answer.choices[0].message.reasoning_content = thought;
    return answer;
  });
}

async function think(target, ask) {
  const request = { model: target.model, tools: [WEATHER], reasoning_effort: "low" };
  const { message } = (await ask({ ...request, messages: said("signed") })).choices[0];
  same(message.reasoning_content, "Oslo lies in the north.", "the thought");
  const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "7 degrees" };
  const last = await ask({ ...request, messages: [...said("signed"), message, result] });
  same(last.choices[0].message.content, "Oslo has 7 degrees.", "the last text");
}

async function structured(target) {
  const answer = await completions.parse({
    model: target.model,
    messages: said("structured"),
    response_format: zodResponseFormat(Weather, "weather"),
  });
  same(answer.choices[0].message.parsed, { city: "Oslo", degrees: 7 }, "what was parsed");
}

async function image(target) {
  const content = [
    { type: "text", text: "[[scene image]]" },
    { type: "image_url", image_url: { url: `data:image/png;base64,${FACTS.png}` } },
  ];
  const answer = await completions.create({ model: target.model, messages: [{ role: "user", content }] });
  same(answer.choices[0].message.content, "A red dot.", "the text");
}

const askFor = (target, scene, more) => () =>
  completions.create({ model: target.model, messages: said(scene), ...more });

async function rateLimit(target) {
  const error = await throws(OpenAI.RateLimitError, askFor(target, "limited"));
  same(error.headers.get("retry-after"), "7", "retry-after");
}

async function refusedProviderKey(target) {
  await throws(OpenAI.InternalServerError, askFor(target, "locked"));
}

async function contextOverflow(target) {
  const error = await throws(OpenAI.BadRequestError, askFor(target, "overflow"));
  same(error.code, "context_length_exceeded", "the code");
}

async function errorInMidStream(target) {
  await brokenStream(target, "broken");
}

async function streamCutShort(target) {
  await brokenStream(target, "cut");
}

async function brokenStream(target, scene) {
  let text = "";
  const error = await throws(OpenAI.APIError, async () => {
    for await (const chunk of await askFor(target, scene, { stream: true })()) {
      text += chunk.choices[0].delta.content ?? "";
    }
  });
  same(text, "The tide is", "what was said before");
  assert.ok(!(error instanceof OpenAI.APIConnectionError), "the connection broke without a word");
}

async function badClientKey() {
  const bad = new OpenAI({ baseURL: `${URL}/v1`, apiKey: BAD_KEY, maxRetries: 0 });
  const request = { model: "gpt-4o", messages: said("hello") };
  await throws(OpenAI.AuthenticationError, () => bad.chat.completions.create(request));
}

async function unknownModel() {
  await throws(OpenAI.NotFoundError, () => completions.create({ model: "nobody", messages: said("hello") }));
}

async function models() {
  const listed = (await collect(client.models.list())).map((model) => model.id);
  for (const model of Object.values(FACTS.models)) assert.ok(listed.includes(model), `${model} is not in ${listed}`);
}

// The SDK asks for base64 by itself, and takes whatever comes for it.
async function embeddings() {
  await embed(["high", "low"]);
}

async function embeddingsFromAProviderOfFloats() {
  await embed(["[[floats]] high", "low"]);
}

async function embed(input) {
  const answer = await client.embeddings.create({ model: FACTS.embedders.openai_chat, input });
  same(answer.data.map((one) => one.embedding), FACTS.vectors, "the vectors");
}

const EACH = [
  chat, chatStreamed, tools, toolsStreamed, toolsRunByTheSdk, reasoning, reasoningStreamed, structured,
  image, rateLimit, refusedProviderKey, contextOverflow, errorInMidStream, streamCutShort,
];
await run("js openai chat", EACH, [badClientKey, unknownModel, models, embeddings, embeddingsFromAProviderOfFloats]);
