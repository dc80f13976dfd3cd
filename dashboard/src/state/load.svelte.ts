// Is it there, on its way, or refused? What a page shows of the API.
import { Problem } from '../api/problem';

/** Something that is asked for, and asked for again when what it depends on changes. */
export class Load<T> {
  value = $state.raw<T>();
  problem = $state.raw<Problem>();
  busy = $state(true);
  #turn = $state(0);

  /** Reactive: call where a component begins. */
  constructor(ask: (signal: AbortSignal) => Promise<T>) {
    $effect(() => {
      void this.#turn;
      const leaving = new AbortController();
      this.busy = true;
      ask(leaving.signal).then(
        (value) => {
          if (leaving.signal.aborted) return;
          this.value = value;
          this.problem = undefined;
          this.busy = false;
        },
        (cause: unknown) => {
          if (leaving.signal.aborted) return;
          this.problem = Problem.of(cause);
          this.busy = false;
        },
      );
      return () => leaving.abort();
    });
  }

  /** Asks again; what is there stays until the answer comes. */
  again = () => {
    this.#turn += 1;
  };
}
