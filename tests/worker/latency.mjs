// How long does an answer take on the Worker when its limits are counted in an object, and when they are in D1?
//
//   node tests/worker/latency.mjs FOLDER [REQUESTS]
//
// FOLDER is the built Worker; every request is one of the demo provider, which asks nobody, by a client of a team, both with
// limits. Both are measured in turns, so that what else the machine does meets both.

import { randomBytes } from "node:crypto";

import { start } from "./harness.mjs";

const [folder, requests = "300"] = process.argv.slice(2);
const ROUNDS = 5;
const ADMIN = { authorization: `Bearer ${randomBytes(32).toString("hex")}`, "content-type": "application/json" };
const BINDINGS = { TIDEGATE_SECRET: randomBytes(32).toString("hex"), TIDEGATE_ADMIN_TOKEN: ADMIN.authorization.slice(7), TIDEGATE_DEMO: "true", TIDEGATE_LOG: "error" };
const LIMITS = [{ dollars: 1000, per: "month" }, { requests: 1e6, per: "minute" }, { concurrent: 100 }];

const contenders = [await gateway("no limits", {}, []), await gateway("an object", {}, LIMITS), await gateway("D1", { HARNESS_WITHOUT: "COUNTERS" }, LIMITS)];
for (let round = 0; round < ROUNDS; round++) {
  for (const one of contenders) await measure(one, Number(requests) / ROUNDS);
}
for (const { name, took, worker } of contenders) {
  took.sort((a, b) => a - b);
  const at = (part) => took[Math.floor(took.length * part)].toFixed(1);
  console.log(`${name}: median ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms of ${took.length} requests`);
  await worker.stop();
}

/** A Worker and the key of a client that is held to limits. */
async function gateway(name, bindings, limits) {
  const worker = await start(folder, { ...BINDINGS, ...bindings });
  await made(worker, "teams", { id: "measured", limits });
  const { key } = await made(worker, "clients", { name: "measured", team: "measured", limits });
  const one = { name, worker, key, took: [] };
  await measure(one, 20);
  one.took = [];
  return one;
}

async function made(worker, what, body) {
  const answer = await fetch(`${worker.url}/api/${what}`, { method: "POST", headers: ADMIN, body: JSON.stringify(body) });
  if (answer.status !== 201) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function measure({ worker, key, took }, count) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const body = JSON.stringify({ model: "echo", messages: [{ role: "user", content: "hi" }] });
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    const answer = await fetch(`${worker.url}/v1/chat/completions`, { method: "POST", headers, body });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(text);
    took.push(performance.now() - began);
  }
}
