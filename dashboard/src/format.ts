// How are numbers, money and times written? Money with enough digits to be true, times in the viewer's zone.
const NANO = 1_000_000_000;

const whole = new Intl.NumberFormat();
/** Some places write a million as m, which is small. */
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const dated = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const watch = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

export const count = (value: number) => whole.format(value);
export const short = (value: number) => (value < 1_000_000 ? whole.format(value) : compact.format(value));
export const share = (part: number, of: number) => (of > 0 ? percent.format(part / of) : '–');

/** Dollars to the last nano-dollar that is there. */
export function money(nano: number): string {
  const sign = nano < 0 ? '−' : '';
  const size = Math.abs(nano);
  const digits = String(size % NANO).padStart(9, '0').replace(/0+$/, '');
  return `${sign}$${whole.format(Math.floor(size / NANO))}.${digits.padEnd(2, '0')}`;
}

/** Dollars at a glance: whole ones where they are many, cents, or two digits of what is less. */
export function roundMoney(nano: number): string {
  const dollars = nano / NANO;
  if (dollars === 0) return '$0.00';
  const options: Intl.NumberFormatOptions = { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' };
  if (Math.abs(dollars) >= 1000) return dollars.toLocaleString(undefined, { ...options, maximumFractionDigits: 0 });
  if (Math.abs(dollars) >= 0.1) return dollars.toLocaleString(undefined, options);
  return dollars.toLocaleString(undefined, { ...options, minimumSignificantDigits: 2, maximumSignificantDigits: 2 });
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`;
  return `${Math.floor(ms / 86_400_000)} d ${Math.round((ms % 86_400_000) / 3_600_000)} h`;
}

export const date = (ms: number) => dated.format(ms);
export const time = (ms: number) => moment.format(ms);
/** For a row among many: day and time of day. */
export const stamp = (ms: number) => clock.format(ms);
/** For what happens while somebody looks. */
export const timeOfDay = (ms: number) => watch.format(ms);
export const bucket = (ms: number, hours: number) => (hours < 24 ? `${day.format(ms)}, ${hour.format(ms)}` : day.format(ms));

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];

/** How long ago, or how soon. */
export function ago(ms: number, now = Date.now()): string {
  const away = ms - now;
  const [unit, size] = STEPS.find(([, size]) => Math.abs(away) >= size) ?? ['second', 1000];
  return relative.format(Math.round(away / size), unit);
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  if (size < 1024 ** 2) return `${(size / 1024).toFixed(1)} KiB`;
  if (size < 1024 ** 3) return `${(size / 1024 ** 2).toFixed(1)} MiB`;
  return `${(size / 1024 ** 3).toFixed(2)} GiB`;
}
