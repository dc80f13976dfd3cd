// Runs a built Worker in workerd, with a migrated D1 database, on a free loopback port.
//
//   node tests/worker/harness.mjs FOLDER [BINDINGS]
//
// FOLDER     what the build wrote: index.js and its wasm, such as target/worker
// BINDINGS   a JSON object of variables and secrets, such as '{"TIDEGATE_SECRET":"…"}'; with `-` the first line of
//            standard input holds it. What HARNESS_WITHOUT names is not bound, though wrangler.toml binds it
//
// It prints one line, `ready http://127.0.0.1:PORT`, and stays until standard input closes or SIGTERM comes. What the
// Worker logs goes to standard error. Each further line of standard input is a command, answered by one line:
//
//   scheduled         runs the cron handler to its end           `scheduled ok`, or the outcome that it had instead
//   sql STATEMENT     runs one statement against the database    `sql [{…}, …]`, or `sql error …`
//   reset             empties the database and migrates it again `reset ok`
//
// The flags and the compatibility date are those of wrangler.toml, so what is tested is what is deployed. Nothing is kept
// on disk. The packages are found in node_modules beside this file: `cargo xtask wasm` puts them there, `npm ci` does too.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Log, LogLevel, Miniflare } from "miniflare";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Its files and itself are told apart by it. */
const NAME = "tidegate";

/** Starts the Worker in `folder`; returns its URL and what a test may do to it. */
export async function start(folder, { HARNESS_WITHOUT: without, ...bindings } = {}) {
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    // Without this it would ask the network for the data centre it is in.
    cf: false,
    log: new Log(LogLevel.NONE),
    handleRuntimeStdio: toStandardError,
    ...deployed(),
    bindings,
    name: NAME,
    modules: true,
    modulesRoot: resolve(folder),
    scriptPath: resolve(folder, "index.js"),
    modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
    d1Databases: ["DB"],
    durableObjects: objects(without),
    ...pages(),
  });
  const front = await edge(Number((await miniflare.ready).port));
  const database = await miniflare.getD1Database("DB");
  await migrate(database);
  return {
    url: `http://127.0.0.1:${front.address().port}`,
    scheduled: async () => (await (await miniflare.getWorker()).scheduled({ cron: "0 * * * *" })).outcome,
    sql: async (statement) => (await database.prepare(statement).all()).results,
    reset: () => reset(database),
    stop: async () => {
      front.close();
      await miniflare.dispose();
    },
  };
}

/**
 * Stands before workerd like Cloudflare's edge, which ends a Worker's request as soon as the client has left. workerd
 * alone takes a closed connection for one that may still listen, and notices when a write fails; a reset it understands.
 */
function edge(port) {
  const server = createServer({ noDelay: true }, (client) => {
    const worker = connect({ port, host: "127.0.0.1", noDelay: true });
    client.pipe(worker, { end: false });
    worker.pipe(client);
    client.on("end", () => worker.resetAndDestroy()).on("error", () => worker.resetAndDestroy());
    worker.on("error", () => client.resetAndDestroy());
  });
  return new Promise((ready) => server.listen(0, "127.0.0.1", () => ready(server)));
}

/** What wrangler.toml says about the runtime. */
function deployed() {
  const text = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const [, compatibilityDate] = text.match(/^compatibility_date = "(.*)"/m);
  const [, flags] = text.match(/^compatibility_flags = (\[.*\])/m);
  return { compatibilityDate, compatibilityFlags: JSON.parse(flags) };
}

/** What wrangler.toml says about objects, without one of them. */
function objects(without) {
  const text = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const found = text.matchAll(/^\[\[durable_objects\.bindings\]\]\nname = "(.*)"\nclass_name = "(.*)"/gm);
  const bound = [...found].filter(([, name]) => name !== without);
  return Object.fromEntries(bound.map(([, name, className]) => [name, { className, useSQLite: true }]));
}

/** What wrangler.toml says about the dashboard's files, if they were built. */
function pages() {
  const [, text] = readFileSync(join(ROOT, "wrangler.toml"), "utf8").match(/^\[assets\]\n((?:.+\n)+)/m);
  const said = Object.fromEntries(text.trim().split("\n").map((line) => line.split(" = ")));
  const value = (name) => JSON.parse(said[name]);
  const directory = join(ROOT, value("directory"));
  if (!existsSync(join(directory, "index.html"))) return {};
  return {
    assets: {
      workerName: NAME,
      directory,
      binding: value("binding"),
      routerConfig: { has_user_worker: true, static_routing: { user_worker: value("run_worker_first") } },
      assetConfig: { html_handling: value("html_handling"), not_found_handling: value("not_found_handling") },
    },
  };
}

/** D1 runs a statement a line. Preparing them one by one would wait for each in a way of Miniflare that a late wake-up breaks. */
const run = (database, statements) => database.exec(statements.map((statement) => statement.trim().replace(/\s+/g, " ")).join("\n"));

/** A statement ends with a semicolon at the end of a line. */
async function migrate(database) {
  const folder = join(ROOT, "migrations");
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".sql")).sort()) {
    const text = readFileSync(join(folder, name), "utf8").replace(/^--.*$/gm, "");
    const statements = text.split(/;\s*$/m).filter((statement) => statement.trim() !== "");
    await run(database, statements);
  }
}

async function reset(database) {
  const query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'";
  const { results } = await database.prepare(query).all();
  await run(database, results.map(({ name }) => `DROP TABLE "${name}"`));
  await migrate(database);
}

function toStandardError(output, errors) {
  output.pipe(process.stderr);
  errors.pipe(process.stderr);
}

/** Answers one command with one line. */
async function answer(worker, line) {
  const [, command, rest] = line.match(/^(\S*)\s*(.*)$/);
  switch (command) {
    case "scheduled":
      return worker.scheduled();
    case "sql":
      return JSON.stringify(await worker.sql(rest));
    case "reset":
      await worker.reset();
      return "ok";
    default:
      return "error: there is no such command";
  }
}

async function main([folder, argument = "{}"]) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const bindings = argument === "-" ? (await lines.next()).value : argument;
  const worker = await start(folder, JSON.parse(bindings));
  const stop = async () => {
    await worker.stop();
    process.exit(0);
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
  console.log(`ready ${worker.url}`);
  for (let line = await lines.next(); !line.done; line = await lines.next()) {
    const result = await answer(worker, line.value).catch((error) => `error ${error.message}`);
    console.log(`${line.value.split(" ")[0]} ${result.replaceAll("\n", " ")}`);
  }
  await stop();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2));
}
