// Is a change under way, and was it refused? What a form and a button show of it.
import { Problem } from '../api/problem';

/** A change that a person starts. */
export class Action {
  busy = $state(false);
  problem = $state.raw<Problem>();

  /** Runs it unless it runs already; says whether it went well. */
  async run(change: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = undefined;
    try {
      await change();
      return true;
    } catch (cause) {
      this.problem = Problem.of(cause);
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** What is wrong with a field, if it is that one. */
  about(field: string): string | undefined {
    return this.problem?.field === field ? this.problem.message : undefined;
  }
}
