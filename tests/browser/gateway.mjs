// How does the suite start a gateway, ask it something beside the browser, and end it? As the server, as the Lambda function
// in the emulator, or as the Worker in workerd.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const START_MS = 30_000;
const STEP_MS = 50;
const CONFIG = '[prices]\nrefresh = false\n';
/** Opens the API to the suite itself. */
const TOKEN = randomBytes(24).toString('hex');
const HARNESS = fileURLToPath(new URL('../worker/harness.mjs', import.meta.url));

export class Gateway {
  /** Starts the server with a folder of its own, whose database is empty. */
  static async server(program, folder) {
    const port = await freePort();
    const data = join(folder, 'data');
    const child = run(program, ['serve', '--listen', `127.0.0.1:${port}`, '--data', data], folder);
    return new Gateway(child, folder, port, data).ready();
  }

  /** Starts the function in the emulator, over an empty database that the server's command has migrated. */
  static async lambda({ server, lambda, emulator }, folder) {
    const port = await freePort();
    const secret = randomBytes(32).toString('hex');
    const variables = { ...variablesOf(), TIDEGATE_SECRET: secret, DATABASE_URL: `file:${join(folder, 'tidegate.db')}`, TIDEGATE_DATA: folder };
    const migrated = spawnSync(server, ['migrate'], { cwd: folder, env: variables, encoding: 'utf8' });
    if (migrated.status !== 0) throw new Error(`migrate: ${migrated.stderr}`);
    const child = run(emulator, ['--listen', `127.0.0.1:${port}`, lambda], folder, variables);
    return new Gateway(child, folder, port).ready();
  }

  /** Starts the Worker with an empty database. */
  static async worker(build, folder) {
    const bindings = { TIDEGATE_CONFIG: CONFIG, TIDEGATE_ADMIN_TOKEN: TOKEN, TIDEGATE_SECRET: randomBytes(32).toString('hex') };
    const child = run('node', [HARNESS, build, '-'], folder);
    child.stdin.write(`${JSON.stringify(bindings)}\n`);
    const port = await new Promise((resolve, reject) => {
      child.stdout.on('data', (piece) => {
        const [, port] = String(piece).match(/^ready http:\/\/127\.0\.0\.1:(\d+)/m) ?? [];
        if (port) resolve(Number(port));
      });
      child.once('exit', () => reject(new Error(`workerd does not start:\n${readFileSync(join(folder, 'log'), 'utf8')}`)));
    });
    return new Gateway(child, folder, port).ready();
  }

  constructor(child, folder, port, data) {
    Object.assign(this, { child, folder, url: `http://localhost:${port}`, data });
  }

  async ready() {
    for (let waited = 0; waited < START_MS; waited += STEP_MS) {
      if (this.child.exitCode !== null) break;
      const found = await fetch(`${this.url}/ready`).catch(() => undefined);
      if (found?.ok) return this;
      await sleep(STEP_MS);
    }
    throw new Error(`the gateway does not start:\n${readFileSync(join(this.folder, 'log'), 'utf8')}`);
  }

  /** The one-time link of the first admin: in the server's data folder, or asked for by whoever deploys. */
  async setupLink() {
    if (!this.data) {
      this.link ??= (await this.api('POST', '/api/users', { name: 'admin', role: 'admin' })).link;
      return new URL(this.link, this.url).href;
    }
    const file = join(this.data, 'setup-url');
    for (let waited = 0; waited < START_MS; waited += STEP_MS) {
      if (existsSync(file)) return readFileSync(file, 'utf8').trim();
      await sleep(STEP_MS);
    }
    throw new Error('no link was left in the data folder');
  }

  /** Asks the API as a program does. */
  async api(method, path, body, headers = {}) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** Asks a model as an application does. */
  async chat(key, model, content, stream = false) {
    const response = await fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, stream, messages: [{ role: 'user', content }] }),
    });
    await response.text();
    return { status: response.status, id: response.headers.get('x-request-id') };
  }

  async stop() {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}

/** What a gateway is told, and nothing of what the suite's own environment says to one. */
function variablesOf() {
  const own = Object.entries(process.env).filter(([name]) => !/_API_KEY$|^TIDEGATE_|^DATABASE_/.test(name));
  return { ...Object.fromEntries(own), TIDEGATE_CONFIG: CONFIG, TIDEGATE_ADMIN_TOKEN: TOKEN };
}

function run(program, words, folder, env = variablesOf()) {
  const log = createWriteStream(join(folder, 'log'));
  const child = spawn(program, words, { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  return child;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
