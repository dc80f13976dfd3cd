// Can a new password be sent? What the gateway would refuse is said before it is asked, which counts attempts.
import { Problem } from './api/problem';

export const PASSWORD_LENGTH_MIN = 12;

/** How many characters are missing. */
export const missing = (password: string) => PASSWORD_LENGTH_MIN - [...password].length;

/** Throws what is wrong with it. */
export function check(password: string, again: string) {
  if (missing(password) > 0) throw new Problem(0, 'too_short', `A password has at least ${PASSWORD_LENGTH_MIN} characters.`, 'password');
  if (password !== again) throw new Problem(0, 'different', 'The two passwords differ.', 'again');
}
