// How does one exchange with a model go? It is sent, what comes is shown while it comes, and it can be stopped.
import { Problem } from '../api/problem';
import { events, exchange, textOf } from '../exchange';
import type { Wish } from '../exchange';

/** So much of an answer is shown as it came. */
const RAW_LENGTH_MAX = 200_000;

export class Conversation {
  busy = $state(false);
  sent = $state('');
  raw = $state('');
  text = $state('');
  status = $state(0);
  requestId = $state('');
  dropped = $state('');
  firstMs = $state(0);
  totalMs = $state(0);
  problem = $state.raw<Problem>();
  #leaving: AbortController | undefined;

  stop = () => this.#leaving?.abort();

  async send(wish: Wish, key: string) {
    this.#leaving = new AbortController();
    const { path, headers, body } = exchange(wish, key);
    this.sent = `POST ${path}\n\n${JSON.stringify(body, null, 2)}`;
    [this.raw, this.text, this.requestId, this.dropped] = ['', '', '', ''];
    [this.status, this.firstMs, this.totalMs] = [0, 0, 0];
    this.problem = undefined;
    this.busy = true;
    const start = performance.now();
    try {
      const response = await fetch(path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        credentials: 'omit',
        signal: this.#leaving.signal,
      });
      this.status = response.status;
      this.requestId = response.headers.get('x-request-id') ?? '';
      this.dropped = response.headers.get('x-tidegate-dropped') ?? '';
      if (!response.ok) {
        const copy = response.clone();
        this.raw = await response.text();
        throw await Problem.from(copy);
      }
      if (wish.stream) await this.#read(response, wish, start);
      else await this.#take(response, wish);
    } catch (cause) {
      if (!this.#leaving.signal.aborted) this.problem = Problem.of(cause);
    } finally {
      this.totalMs = performance.now() - start;
      this.busy = false;
    }
  }

  async #take(response: Response, wish: Wish) {
    const text = await response.text();
    const json: unknown = JSON.parse(text);
    this.raw = JSON.stringify(json, null, 2);
    this.text = textOf(wish.spoken, json, false);
  }

  async #read(response: Response, wish: Wish, start: number) {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const piece = await reader?.read();
      if (!piece || piece.done) return;
      if (this.firstMs === 0) this.firstMs = performance.now() - start;
      if (this.raw.length < RAW_LENGTH_MAX) this.raw += piece.value;
      const found = events(rest + piece.value);
      rest = found.rest;
      for (const data of found.data) {
        if (data !== '[DONE]') this.text += textOf(wish.spoken, JSON.parse(data), true);
      }
    }
  }
}
