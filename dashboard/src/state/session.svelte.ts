// Who is signed in, and what may they do?
import { ask, onSignedOut } from '../api/client';
import { Problem } from '../api/problem';
import type { Session } from '../api/types';

type Standing = 'asking' | 'in' | 'out' | 'unclaimed' | 'failed';

class Sessions {
  standing = $state<Standing>('asking');
  who = $state.raw<Session>();
  problem = $state.raw<Problem>();
  /** It ended while the person was at work. */
  expired = $state(false);

  get admin(): boolean {
    return this.who?.role === 'admin';
  }

  begin(who: Session) {
    this.who = who;
    this.standing = 'in';
    this.expired = false;
  }

  /** Asks who is signed in. */
  async look() {
    this.standing = 'asking';
    try {
      this.begin(await ask('get', '/api/session'));
    } catch (cause) {
      this.problem = Problem.of(cause);
      if (this.standing === 'asking') this.standing = 'failed';
    }
  }

  async signOut() {
    await ask('delete', '/api/session');
    this.who = undefined;
    this.standing = 'out';
  }
}

export const session = new Sessions();

onSignedOut((problem) => {
  session.expired = session.standing === 'in';
  session.standing = problem.code === 'unclaimed' ? 'unclaimed' : 'out';
});
