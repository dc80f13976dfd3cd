// Does the AI SDK reach every provider, whichever of its own providers it is given?

import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, Output, embedMany, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { BAD_KEY, FACTS, KEY, URL, run, same, throws } from "./harness.mjs";

// What it warns of is its own affair.
globalThis.AI_SDK_LOG_WARNINGS = false;

const connect = {
  compatible: (apiKey) =>
    createOpenAICompatible({
      name: "tidegate",
      baseURL: `${URL}/v1`,
      apiKey,
      includeUsage: true,
      supportsStructuredOutputs: true,
    }),
  openai: (apiKey) => createOpenAI({ baseURL: `${URL}/v1`, apiKey }),
  anthropic: (apiKey) => createAnthropic({ baseURL: `${URL}/v1`, apiKey }),
  google: (apiKey) => createGoogleGenerativeAI({ baseURL: `${URL}/v1beta`, apiKey }),
};

const prompt = (scene) => `[[scene ${scene}]] Go on.`;
const Weather = z.object({ city: z.string(), degrees: z.number() });

// The cases of one of its providers; `thinking` is how that one asks for thoughts.
function cases(provider, thinking, summaries) {
  const model = (target) => provider(target.model);
  const base = (target, scene) => ({ model: model(target), prompt: prompt(scene), maxRetries: 0 });
  const chatRequest = (target) => ({
    ...base(target, "chat"),
    system: FACTS.system,
    temperature: 0.5,
    maxOutputTokens: 300,
  });

  async function chat(target) {
    const answer = await generateText(chatRequest(target));
    same(answer.text, FACTS.chat, "the text");
    checkEnd(target, answer.finishReason, answer.usage);
  }

  async function chatStreamed(target) {
    const answer = streamed(chatRequest(target));
    const pieces = await answer.whole;
    same(pieces.join(""), FACTS.chat, "the text in pieces");
    assert.ok(pieces.length > 2, `${pieces.length} pieces`);
    checkEnd(target, await answer.result.finishReason, await answer.result.usage);
  }

  // The SDK calls both functions and sends their results back.
  async function tools(target) {
    const { request, asked } = weather(base(target, "tools"));
    const answer = await generateText(request);
    same(answer.text, "Oslo has 7 degrees, Rome 19.", "the last text");
    same(answer.steps[0].finishReason, "tool-calls", "the finish reason");
    same(asked, ["Oslo", "Rome"], "the calls");
  }

  async function toolsStreamed(target) {
    const { request, asked } = weather(base(target, "tools"));
    const answer = streamed(request);
    await answer.whole;
    same(await answer.result.text, "Oslo has 7 degrees, Rome 19.", "the last text");
    same(asked, ["Oslo", "Rome"], "the calls");
  }

  async function reasoning(target) {
    const { request } = weather(base(target, "signed"));
    const answer = await generateText({ ...request, providerOptions: thinking });
    checkThought(target, answer.steps[0]);
    same(answer.text, "Oslo has 7 degrees.", "the last text");
  }

  async function reasoningStreamed(target) {
    const { request } = weather(base(target, "signed"));
    const answer = streamed({ ...request, providerOptions: thinking });
    await answer.whole;
    checkThought(target, (await answer.result.steps)[0]);
    same(await answer.result.text, "Oslo has 7 degrees.", "the last text");
  }

  // These providers give raw thoughts, no summaries of them, and not every client shows both.
  function checkThought(target, step) {
    const raw = ["openai_chat", "ollama"].includes(target.dialect);
    if (!(raw && summaries)) same(step.reasoningText, "Oslo lies in the north.", "the thought");
  }

  async function structured(target) {
    const request = { ...base(target, "structured"), output: Output.object({ schema: Weather }) };
    same((await generateText(request)).output, { city: "Oslo", degrees: 7 }, "what was parsed");
  }

  async function structuredStreamed(target) {
    const request = { ...base(target, "structured"), output: Output.object({ schema: Weather }) };
    const answer = streamed(request);
    await answer.whole;
    same(await answer.result.output, { city: "Oslo", degrees: 7 }, "what was parsed");
  }

  async function image(target) {
    const content = [
      { type: "text", text: "[[scene image]]" },
      { type: "image", image: Buffer.from(FACTS.png, "base64"), mediaType: "image/png" },
    ];
    const { prompt: _, ...request } = base(target, "image");
    const answer = await generateText({ ...request, messages: [{ role: "user", content }] });
    same(answer.text, "A red dot.", "the text");
  }

  async function rateLimit(target) {
    const error = await throws(APICallError, () => generateText(base(target, "limited")));
    same([error.statusCode, error.isRetryable], [429, true], "the status");
    assert.match(error.message, /slow down/);
  }

  async function refusedProviderKey(target) {
    const error = await throws(APICallError, () => generateText(base(target, "locked")));
    same(error.statusCode, 502, "the status");
  }

  async function contextOverflow(target) {
    const error = await throws(APICallError, () => generateText(base(target, "overflow")));
    same([error.statusCode, error.isRetryable], [400, false], "the status");
  }

  async function errorInMidStream(target) {
    await brokenStream(target, "broken");
  }

  async function streamCutShort(target) {
    await brokenStream(target, "cut");
  }

  async function brokenStream(target, scene) {
    const answer = streamed(base(target, scene));
    const pieces = await answer.pieces;
    same(pieces.join(""), "The tide is", "what was said before");
    assert.ok(answer.errors.length, "no error was told");
  }

  return [
    chat, chatStreamed, tools, toolsStreamed, reasoning, reasoningStreamed, structured, structuredStreamed,
    image, rateLimit, refusedProviderKey, contextOverflow, errorInMidStream, streamCutShort,
  ];
}

// A stream that is read to its end; `whole` fails with the first error that it told of.
function streamed(request) {
  const errors = [];
  const result = streamText({ ...request, onError: ({ error }) => errors.push(error) });
  // Where it broke, nobody asks for the rest.
  for (const rest of ["text", "usage", "finishReason", "steps", "output"]) result[rest]?.then?.(undefined, () => {});
  const pieces = (async () => {
    const all = [];
    for await (const piece of result.textStream) if (piece) all.push(piece);
    return all;
  })();
  const whole = pieces.then((all) => {
    if (errors.length) throw errors[0];
    return all;
  });
  whole.catch(() => {});
  return { result, pieces, whole, errors };
}

function weather(request) {
  const asked = [];
  const execute = async ({ city }) => {
    asked.push(city);
    return `${FACTS.degrees[city]} degrees`;
  };
  const inputSchema = z.object({ city: z.string() });
  const tools = { weather: tool({ description: "How warm is it?", inputSchema, execute }) };
  return { asked, request: { ...request, tools, stopWhen: stepCountIs(3) } };
}

function checkEnd(target, finishReason, usage) {
  same(finishReason, "stop", "the finish reason");
  same(usage.inputTokens, FACTS.prompt, "the prompt's tokens");
  same(usage.cachedInputTokens ?? 0, target.cached, "the cached tokens");
  same(usage.outputTokens, FACTS.completion, "the answer's tokens");
}

const badClientKey = (connect) =>
  async function badClientKey() {
    const request = { model: connect(BAD_KEY)("gpt-4o"), prompt: prompt("hello"), maxRetries: 0 };
    const error = await throws(APICallError, () => generateText(request));
    same(error.statusCode, 401, "the status");
  };

async function embeddings() {
  const model = connect.compatible(KEY).textEmbeddingModel(FACTS.embedders.openai_chat);
  const answer = await embedMany({ model, values: ["high", "low"], maxRetries: 0 });
  same(answer.embeddings, FACTS.vectors, "the vectors");
}

const THINKING = {
  compatible: { tidegate: { reasoningEffort: "low" } },
  openai: {
    openai: {
      store: false,
      forceReasoning: true,
      reasoningEffort: "low",
      reasoningSummary: "auto",
      include: ["reasoning.encrypted_content"],
    },
  },
  anthropic: { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } },
  google: { google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } } },
};

for (const [name, connected] of Object.entries(connect)) {
  const once = [badClientKey(connected), ...(name === "compatible" ? [embeddings] : [])];
  await run(`js ai ${name}`, cases(connected(KEY), THINKING[name], name === "openai"), once);
}
