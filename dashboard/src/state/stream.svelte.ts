// What is asked just now? The newest requests, found by asking for what came since; what cannot be shown is counted.
import { ask } from '../api/client';
import { Problem } from '../api/problem';
import type { Record_ } from '../api/types';

/** So many are shown. */
export const SHOWN_MAX = 100;
/** So many of the API's pages are read at a time; what lies below them is not even counted. */
const PAGES_MAX = 6;
const PAGE_ROWS = 500;
/** A request is listed when it has ended, at the time when it began: so far back is looked for late ones. */
const LATE_MS = 120_000;

const later = (one: Record_, other: Record_) => other.at_ms - one.at_ms || (other.id < one.id ? -1 : 1);

export class Stream {
  rows = $state.raw<Record_[]>([]);
  /** Those that came so fast that they were never in the list. */
  skipped = $state(0);
  /** There were more than could be counted. */
  uncounted = $state(false);
  problem = $state.raw<Problem>();
  begun = $state(false);
  #known = new Map<string, number>();
  /** What came before the first look is no news. */
  #from = 0;
  #busy = false;

  constructor(private filter: Record<string, string>) {}

  /** Asks for what came since. */
  poll = async () => {
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (this.begun) this.#take(await this.#since());
      else this.#begin((await this.#page(null, 0)).data);
      this.problem = undefined;
    } catch (cause) {
      this.problem = Problem.of(cause);
    } finally {
      this.#busy = false;
    }
  };

  #page(before: string | null, from_ms: number) {
    const limit = this.begun ? PAGE_ROWS : SHOWN_MAX;
    return ask('get', '/api/records', { query: { ...this.filter, before, from_ms, limit } });
  }

  /** What is there already is shown. */
  #begin(found: Record_[]) {
    this.rows = found;
    if (found.length === SHOWN_MAX) this.#from = (found.at(-1)?.at_ms ?? 0) + 1;
    this.#remember(found);
    this.begun = true;
  }

  /** Page after page, until nothing on one is new. */
  async #since(): Promise<Record_[]> {
    const from = Math.max((this.rows[0]?.at_ms ?? 0) - LATE_MS, this.#from);
    const fresh: Record_[] = [];
    let before: string | null = null;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const { data, next } = await this.#page(before, from);
      const unknown = data.filter((row) => !this.#known.has(row.id));
      fresh.push(...unknown);
      before = next ?? null;
      if (before === null || unknown.length === 0) return fresh;
    }
    this.uncounted = true;
    return fresh;
  }

  #take(found: Record_[]) {
    const all = [...found, ...this.rows].sort(later);
    this.#remember(found);
    this.rows = all.slice(0, SHOWN_MAX);
    const shown = new Set(this.rows);
    this.skipped += found.filter((row) => !shown.has(row)).length;
  }

  #remember(found: Record_[]) {
    for (const row of found) this.#known.set(row.id, row.at_ms);
    const newest = Math.max(...found.map((row) => row.at_ms), this.rows[0]?.at_ms ?? 0);
    for (const [id, at_ms] of this.#known) if (at_ms < newest - LATE_MS) this.#known.delete(id);
  }
}
