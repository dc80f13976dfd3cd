// What is asked just now? The newest requests, told over a socket, or found by asking for what came since; what cannot
// be shown is counted.
import { ask } from '../api/client';
import { Problem } from '../api/problem';
import type { Record_, Told } from '../api/types';
import { fits } from '../filters';
import { Socket } from './socket.svelte';

/** So many are shown. */
export const SHOWN_MAX = 100;
/** So many of the API's pages are read at a time; what lies below them is not even counted. */
const PAGES_MAX = 6;
const PAGE_ROWS = 500;
/** A request is listed when it has ended, at the time when it began: so far back is looked for late ones. */
const LATE_MS = 120_000;
/** Beside the socket it is asked so often: other servers of the same log tell what they have answered to others. */
const BESIDE_MS = 10_000;
/** The socket tells a request when it ends: longer ago than this all of them were told, or found beside it. */
const TOLD_MS = 15_000;

const later = (one: Record_, other: Record_) => other.at_ms - one.at_ms || (other.id < one.id ? -1 : 1);
const ended = (row: Record_) => row.at_ms + row.total_ms;

export class Stream {
  rows = $state.raw<Record_[]>([]);
  /** Those that came so fast that they were never in the list. */
  skipped = $state(0);
  /** There were more than could be counted. */
  uncounted = $state(false);
  problem = $state.raw<Problem>();
  begun = $state(false);
  socket: Socket;
  /** When those ended that are known; what ended before `#over` is known, too. */
  #known = new Map<string, number>();
  #over = 0;
  /** What came before the first look is no news. */
  #from = 0;
  #busy = false;
  #asked = 0;
  /** Whether the socket has told all since the last question. */
  #whole = false;
  /** Whether the question under way may have come too early. */
  #early = false;

  constructor(private filter: Record<string, string>) {
    const missed = () => this.#missed();
    const closed = () => (this.#whole = false);
    this.socket = new Socket('/api/live', { opened: missed, told: (message) => this.#told(message), closed });
  }

  /** Again and again: sees to it that what ends is told, and asks for what is not. */
  look = (looking: boolean) => {
    if (!looking) return this.socket.close();
    this.socket.want();
    if (!this.#whole || Date.now() - this.#asked >= BESIDE_MS) void this.poll();
  };

  /** Asks for what came since. */
  poll = async () => {
    if (this.#busy) return;
    [this.#busy, this.#early, this.#asked] = [true, false, Date.now()];
    try {
      if (this.begun) this.#take(await this.#since());
      else this.#begin((await this.#page(null, 0)).data);
      this.problem = undefined;
      this.#whole = this.socket.open && !this.#early;
    } catch (cause) {
      this.problem = Problem.of(cause);
      this.#whole = false;
    } finally {
      this.#busy = false;
    }
  };

  /** What was not told is asked for, when it is looked next. */
  #missed() {
    [this.#whole, this.#early] = [false, true];
  }

  #told({ records, skipped }: Told) {
    if (!this.begun) return;
    this.#take(records.filter((row) => this.#isNew(row) && fits(row, this.filter)));
    if (skipped > 0) this.#missed();
  }

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
      const unknown = data.filter((row) => this.#isNew(row));
      fresh.push(...unknown);
      before = next ?? null;
      if (before === null || unknown.length === 0) return fresh.filter((row) => this.#isNew(row));
    }
    this.uncounted = true;
    return fresh.filter((row) => this.#isNew(row));
  }

  #isNew(row: Record_) {
    return !this.#known.has(row.id) && ended(row) > this.#over;
  }

  #take(found: Record_[]) {
    if (found.length === 0) return;
    const all = [...found, ...this.rows].sort(later);
    this.#remember(found);
    this.rows = all.slice(0, SHOWN_MAX);
    const shown = new Set(this.rows);
    this.skipped += found.filter((row) => !shown.has(row)).length;
  }

  #remember(found: Record_[]) {
    const newest = found.reduce((most, row) => Math.max(most, ended(row)), 0);
    for (const row of found) this.#known.set(row.id, ended(row));
    this.#over = Math.max(this.#over, newest - (this.#whole ? TOLD_MS : LATE_MS));
    for (const [id, at] of this.#known) if (at <= this.#over) this.#known.delete(id);
  }
}
