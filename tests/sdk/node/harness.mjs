// How is a case run, and how is it told? By one line: client, provider, case, outcome and why, with tabs between.

import assert from "node:assert/strict";

export const URL = process.env.TIDEGATE_URL;
export const KEY = process.env.TIDEGATE_KEY;
// What provider and clients must agree on, and which model each provider has.
export const FACTS = JSON.parse(process.env.SDK_FACTS);
// A key of the right form that nobody made.
export const BAD_KEY = KEY.slice(0, -1) + (KEY.endsWith("a") ? "b" : "a");
const ONLY = process.env.SDK_ONLY ?? "";

// The case cannot be run, for this reason.
export class Skipped extends Error {}

export function same(got, wanted, what = "it") {
  assert.deepEqual(got, wanted, `${what} is ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
}

// What `act` throws must be of this kind; returns it.
export async function throws(kind, act) {
  let got;
  try {
    got = await act();
  } catch (error) {
    assert.ok(error instanceof kind, `threw ${error.constructor.name} (${error.message}), not ${kind.name}`);
    return error;
  }
  assert.fail(`threw nothing, but gave ${JSON.stringify(got)}`);
}

export async function collect(stream) {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
}

// Runs the cases of a client: some with each provider, some only once.
export async function run(client, each, once = []) {
  for (const [dialect, model] of Object.entries(FACTS.models)) {
    // Ollama does not say what it had in its cache.
    const cached = dialect === "ollama" ? 0 : FACTS.cached;
    for (const test of each) await tell(client, dialect, test, { dialect, model, cached });
  }
  for (const test of once) await tell(client, "-", test);
}

async function tell(client, provider, test, target) {
  const name = test.name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  if (!`${client} | ${provider} | ${name}`.includes(ONLY)) return;
  let [outcome, why] = ["ok", ""];
  try {
    await test(target);
  } catch (error) {
    outcome = error instanceof Skipped ? "skipped" : "FAILED";
    why = outcome === "skipped" ? error.message : `${error.name}: ${error.message}${place(error)}`;
  }
  console.log([client, provider, name, outcome, why.replace(/\s+/g, " ")].join("\t"));
}

function place(error) {
  const here = /\/node\/((?!harness)\w+\.mjs:\d+)/.exec(error.stack ?? "");
  return here ? ` (${here[1]})` : "";
}
