// With which key does somebody try things out? One client for each of them, whose key is another each time and soon ends.
import { all, ask } from './api/client';

const HOUR_MS = 3_600_000;

/** A key that is good for an hour. */
export async function trialKey(whose: string): Promise<string> {
  const name = `playground of ${whose}`;
  const before = (await all('/api/clients')).find((client) => client.name === name);
  if (!before) return (await ask('post', '/api/clients', { body: { name, expires_in_ms: HOUR_MS } })).key;
  const { id } = before;
  const body = { enabled: true, expires_at_ms: Date.now() + HOUR_MS };
  const { version } = await ask('patch', '/api/clients/{id}', { id, version: before.version, body });
  return (await ask('post', '/api/clients/{id}/rotate', { id, version, body: { grace_ms: 0 } })).key;
}
