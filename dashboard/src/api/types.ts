// What do the API's things look like? Every type is taken out of its description, which `npm run types` reads.
import type { paths } from './schema';

export type Path = keyof paths;
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

type Json<R> = R extends { content: { 'application/json': infer B } } ? B : undefined;
type Good<R> = R extends { 200: infer A } ? Json<A> : R extends { 201: infer A } ? Json<A> : undefined;

/** What a good answer holds. */
export type Answer<P extends Path, M extends Method> = paths[P] extends Record<M, { responses: infer R }> ? Good<R> : never;

/** What a socket tells. */
type Pushed<P extends Path> = paths[P] extends { get: { responses: { 101: infer A } } } ? Json<A> : never;

/** What is sent. */
export type Sent<P extends Path, M extends Method> = paths[P] extends Record<M, { requestBody?: infer R }>
  ? R extends { content: { 'application/json': infer B } }
    ? B
    : never
  : never;

/** One row of a list. */
export type Row<P extends Path> = Answer<P, 'get'> extends { data: (infer R)[] } ? R : never;

export type Session = Answer<'/api/session', 'get'>;
export type Signed = Row<'/api/sessions'>;
export type Client = Row<'/api/clients'>;
export type Team = Row<'/api/teams'>;
export type Limit = Client['limits'][number];
export type Spending = Answer<'/api/clients/{id}/spending', 'get'>;
export type Provider = Row<'/api/providers'>;
export type Proxy = Row<'/api/proxies'>;
export type Key = Row<'/api/keys'>;
export type Tested = Answer<'/api/keys/{id}/test', 'post'>;
export type Health = Row<'/api/health'>;
export type Group = Row<'/api/groups'>;
export type Model = Row<'/api/models'>;
export type Priced = Row<'/api/prices'>;
export type Prices = Answer<'/api/prices', 'get'>;
export type User = Row<'/api/users'>;
export type Change = Row<'/api/audit'>;
export type Import = Answer<'/api/import', 'post'>;
export type ImportFile = Sent<'/api/import', 'post'>;
export type Settings = Answer<'/api/settings', 'get'>;
export type Record_ = Row<'/api/records'>;
export type Told = Pushed<'/api/live'>;
export type Sum = Row<'/api/stats'>;
export type Stats = Answer<'/api/stats', 'get'>;
export type System = Answer<'/api/system', 'get'>;
export type Explanation = Answer<'/api/simulate', 'post'>;
export type Planned = Explanation['targets'][number];
export type Role = Session['role'];
