// Runs the store cases on D1, in workerd, and reports them as libtest does.
//
//   node tests/worker/stores.mjs FOLDER [FILTER]
//
// FOLDER is the built Worker of tests/stores/worker; FILTER is a part of the names of the cases to run.
// `cargo xtask stores d1` builds that Worker and runs this.

import { start } from "./harness.mjs";

const [folder, filter = ""] = process.argv.slice(2);
const worker = await start(folder);
const names = await (await fetch(worker.url)).json();
const chosen = names.map((name, place) => ({ name, place })).filter(({ name }) => name.includes(filter));
const failures = [];

console.log(`running ${chosen.length} tests`);
// One by one: every case begins by emptying the database.
for (const { name, place } of chosen) {
  const failure = await run(place);
  console.log(`test d1::${name.replaceAll(" ", "_")} ... ${failure === null ? "ok" : `FAILED\n    ${failure}`}`);
  if (failure !== null) failures.push(name);
}
await worker.stop();
const passed = chosen.length - failures.length;
const left = names.length - chosen.length;
const word = failures.length === 0 ? "ok" : "FAILED";
console.log(`test result: ${word}. ${passed} passed; ${failures.length} failed; 0 ignored; 0 measured; ${left} filtered out`);
process.exit(failures.length === 0 ? 0 : 1);

/** What did not hold, or null. A Worker that panicked answers no JSON. */
async function run(place) {
  // Each case has a connection of its own: one that was kept may be closed from the other side just when it is used again.
  const answer = await fetch(`${worker.url}/${place}`, { method: "POST", headers: { connection: "close" } });
  const text = await answer.text();
  return answer.ok ? JSON.parse(text).failure : `status ${answer.status}: ${text}`;
}
