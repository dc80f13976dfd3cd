// What has happened to those who answer between two looks at their health, in words?
import type { Health } from './api/types';
import { called, page } from './owner';
import { why } from './rest';

export interface Happening {
  kind: 'good' | 'warn' | 'bad';
  text: string;
  about: string;
  href: string;
}

/** What a first look finds wrong has happened, too. */
export function happened(before: Health[], now: Health[]): Happening[] {
  const known = new Map(before.map((health) => [health.provider, health]));
  return now.filter((health) => health.enabled).flatMap((health) => {
    const was = known.get(health.provider);
    const href = page(health.provider);
    return [...standing(was, health), ...keys(was, health)].map((happening) => ({ ...happening, href }));
  });
}

type Told = Omit<Happening, 'href'>;

/** Whether it is asked, and how it answers. */
function standing(was: Health | undefined, is: Health): Told[] {
  const name = called(is.provider);
  if (is.rests) return was?.rests ? [] : [{ kind: 'bad', text: `${name} is left alone`, about: why(is.rests) }];
  const again: Told[] = was?.rests ? [{ kind: 'good', text: `${name} is asked again`, about: '' }] : [];
  if (was?.state === is.state) return again;
  const about = is.last_error ? `last failure: ${is.last_error}` : '';
  if (is.state === 'down') return [...again, { kind: 'bad', text: `${name} is down`, about }];
  if (is.state === 'shaky') return [...again, { kind: 'warn', text: `${name} is shaky`, about: `${is.failed} of ${is.requests} lately failed; ${about}` }];
  return is.state === 'up' && was && was.state !== 'unknown' ? [...again, { kind: 'good', text: `${name} is up again`, about: '' }] : again;
}

/** Which keys begin and end to rest. A key that is gone has not ended. */
function keys(was: Health | undefined, is: Health): Told[] {
  const name = called(is.provider);
  const rested = new Set(was?.resting.map(({ id }) => id));
  const rests = new Set(is.resting.map(({ id }) => id));
  const begun = is.resting.filter(({ id }) => !rested.has(id));
  const ended = is.keys < (was?.keys ?? 0) ? [] : [...rested].filter((id) => !rests.has(id));
  return [
    ...begun.map(({ id, rest }): Told => ({ kind: 'warn', text: `A key of ${name} rests`, about: `${id}: ${why(rest)}` })),
    ...ended.map((id): Told => ({ kind: 'good', text: `A key of ${name} is asked again`, about: id })),
  ];
}
