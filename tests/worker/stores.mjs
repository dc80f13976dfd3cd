// Runs the store cases in workerd, and reports them as libtest does.
//
//   node tests/worker/stores.mjs FOLDER LIST [FILTER]
//
// FOLDER is the built Worker of tests/stores/worker; LIST is `d1`, or `objects` for counters in Durable Objects; FILTER is a
// part of the names of the cases to run. `cargo xtask stores d1` and `cargo xtask stores objects` build that Worker and run this.

import { start } from "./harness.mjs";

const [folder, list, filter = ""] = process.argv.slice(2);
const worker = await start(folder);
const cases = await (await fetch(`${worker.url}/${list}`)).json();
const found = cases.map((one, place) => ({ ...one, place })).filter(({ name }) => name.includes(filter));
const chosen = found.filter((one) => one.left_out === null);
const failures = [];

console.log(`running ${chosen.length} tests`);
// One by one: every case begins by emptying the database.
for (const { name, left_out } of found.filter((one) => one.left_out !== null)) {
  console.log(`test ${title(name)} ... ignored, it ${left_out}`);
}
for (const { name, place } of chosen) {
  const failure = await run(place);
  console.log(`test ${title(name)} ... ${failure === null ? "ok" : `FAILED\n    ${failure}`}`);
  if (failure !== null) failures.push(name);
}
await worker.stop();
const passed = chosen.length - failures.length;
const ignored = found.length - chosen.length;
const left = cases.length - found.length;
const word = failures.length === 0 ? "ok" : "FAILED";
console.log(`test result: ${word}. ${passed} passed; ${failures.length} failed; ${ignored} ignored; 0 measured; ${left} filtered out`);
process.exit(failures.length === 0 ? 0 : 1);

function title(name) {
  return `${list}::${name.replaceAll(" ", "_")}`;
}

/** What did not hold, or null. A Worker that panicked answers no JSON. */
async function run(place) {
  // Each case has a connection of its own: one that was kept may be closed from the other side just when it is used again.
  const answer = await fetch(`${worker.url}/${list}/${place}`, { method: "POST", headers: { connection: "close" } });
  const text = await answer.text();
  return answer.ok ? JSON.parse(text).failure : `status ${answer.status}: ${text}`;
}
