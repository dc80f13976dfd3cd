// How does the suite start the server, ask it something beside the browser, and end it?
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 30_000;
const STEP_MS = 50;
const CONFIG = '[prices]\nrefresh = false\n';
/** Opens the API to the suite itself. */
const TOKEN = randomBytes(24).toString('hex');

export class Gateway {
  /** Starts the server with a folder of its own, whose database is empty. */
  static async start(program, folder) {
    const port = await freePort();
    const log = createWriteStream(join(folder, 'log'));
    const data = join(folder, 'data');
    const variables = Object.entries(process.env).filter(([name]) => !/_API_KEY$|^TIDEGATE_|^DATABASE_/.test(name));
    const child = spawn(program, ['serve', '--listen', `127.0.0.1:${port}`, '--data', data], {
      cwd: folder,
      env: { ...Object.fromEntries(variables), TIDEGATE_CONFIG: CONFIG, TIDEGATE_ADMIN_TOKEN: TOKEN },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    const gateway = new Gateway(child, `http://localhost:${port}`, data);
    await gateway.#ready(folder);
    return gateway;
  }

  constructor(child, url, data) {
    Object.assign(this, { child, url, data });
  }

  async #ready(folder) {
    for (let waited = 0; waited < START_MS; waited += STEP_MS) {
      if (this.child.exitCode !== null) break;
      const found = await fetch(`${this.url}/ready`).catch(() => undefined);
      if (found?.ok) return;
      await sleep(STEP_MS);
    }
    throw new Error(`the server does not start:\n${readFileSync(join(folder, 'log'), 'utf8')}`);
  }

  /** The one-time link that the owner finds in the data folder. */
  async setupLink() {
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

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
