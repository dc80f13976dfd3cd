// What does a form change, and has somebody else changed it meanwhile? Then both versions are there to choose from.
import { Problem } from '../api/problem';
import { Action } from './action.svelte';

interface Versioned {
  version: number;
}

/** The server says that the version is another one by now. */
const CONFLICT = 412;

export class Draft<T extends Versioned> {
  /** What the form shows. */
  body = $state() as T;
  /** What somebody else has saved, when that is in the way. */
  theirs = $state.raw<T>();
  action = new Action();
  #kept = $state.raw() as T;

  constructor(
    kept: T,
    private reread: () => Promise<T>,
  ) {
    this.take(kept);
  }

  get changed(): boolean {
    return JSON.stringify(this.body) !== JSON.stringify(this.#kept);
  }

  /** Starts again from what is saved. */
  take(kept: T) {
    this.#kept = kept;
    this.body = structuredClone(kept);
    this.theirs = undefined;
    this.action.problem = undefined;
  }

  /** Forgets the changes. */
  reset = () => this.take(this.#kept);

  /** Leaves the form as it is, and puts it over what the other one has saved. */
  keepMine = () => {
    if (!this.theirs) return;
    const { version } = this.theirs;
    this.#kept = this.theirs;
    this.body.version = version;
    this.theirs = undefined;
    this.action.problem = undefined;
  };

  /** Sends what the form says; says whether it is saved. */
  async save(send: (body: T) => Promise<T>): Promise<boolean> {
    const body = $state.snapshot(this.body) as T;
    const saved = await this.action.run(async () => this.take(await send(body)));
    if (!saved && this.action.problem?.status === CONFLICT) {
      try {
        this.theirs = await this.reread();
      } catch (cause) {
        this.action.problem = Problem.of(cause);
      }
    }
    return saved;
  }
}
