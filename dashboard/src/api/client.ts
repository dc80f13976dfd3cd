// How is the API asked? One function, typed by the API's description; a lost session is told to whoever listens.
import { Problem } from './problem';
import type { Answer, Method, Path, Row, Sent } from './types';

type Scalar = string | number | boolean | null | undefined;

export interface Options<Body = unknown> {
  /** Stands for `{id}`. */
  id?: string;
  /** What is null, undefined or empty is left out. */
  query?: Record<string, Scalar>;
  body?: Body;
  /** The version that a change is about; `'none'` makes something new. */
  version?: number | 'none';
  signal?: AbortSignal;
}

let told: (problem: Problem) => void = () => {};

/** Calls `listener` when an answer says that nobody is signed in. */
export function onSignedOut(listener: (problem: Problem) => void) {
  told = listener;
}

export async function ask<M extends Method, P extends Path>(
  method: M,
  path: P,
  options: Options<Sent<P, M>> = {},
): Promise<Answer<P, M>> {
  const headers = new Headers({ accept: 'application/json' });
  // A change that needs no words is sent as JSON all the same: no form of another site can do that.
  const body = options.body ?? (method === 'get' || method === 'delete' ? undefined : {});
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (options.version === 'none') headers.set('if-none-match', '*');
  else if (options.version !== undefined) headers.set('if-match', `"${options.version}"`);
  const init: RequestInit = { method: method.toUpperCase(), headers, credentials: 'same-origin' };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (options.signal) init.signal = options.signal;
  const response = await fetch(address(path, options), init).catch((cause: unknown) => {
    throw options.signal?.aborted ? cause : Problem.of(cause);
  });
  if (!response.ok) {
    const problem = await Problem.from(response);
    if (problem.code === 'signed_out' || problem.code === 'unclaimed') told(problem);
    throw problem;
  }
  if (response.status === 204) return undefined as Answer<P, M>;
  return (await response.json()) as Answer<P, M>;
}

/** The address of a path with its id and its query. */
export function address(path: string, { id, query }: Pick<Options, 'id' | 'query'>): string {
  // A model's id has slashes, which the API wants as they are.
  const named = (id ?? '').split('/').map(encodeURIComponent).join('/');
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const search = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]));
  const tail = search.size > 0 ? `?${search}` : '';
  return path.replace('{id}', named) + tail;
}

/** The lists that are small enough to be read whole. */
type Listed =
  | '/api/clients'
  | '/api/teams'
  | '/api/providers'
  | '/api/proxies'
  | '/api/keys'
  | '/api/groups'
  | '/api/models'
  | '/api/prices'
  | '/api/users';

interface Page<R> {
  data: R[];
  next?: string | null;
}

const PAGE_ROWS = 500;
const PAGES_MAX = 40;

/** All rows of a list, page after page. */
export async function all<P extends Listed>(
  path: P,
  query: Record<string, Scalar> = {},
  signal?: AbortSignal,
): Promise<Row<P>[]> {
  const rows: Row<P>[] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const asked: Options<Sent<P, 'get'>> = { query: { ...query, after, limit: PAGE_ROWS } };
    if (signal) asked.signal = signal;
    const answer: unknown = await ask('get', path, asked);
    const { data, next } = answer as Page<Row<P>>;
    rows.push(...data);
    after = next ?? null;
    if (after === null) break;
  }
  return rows;
}
