// What may somebody new do? Everything, until limits say otherwise.
import type { Team } from './api/types';

export type Policy = Pick<Team, 'limits' | 'models' | 'providers' | 'ips' | 'expires_at_ms' | 'on_exhausted' | 'ledger' | 'on_outage' | 'enabled'>;

export function blank(): Policy {
  return { enabled: true, limits: [], models: [], providers: [], ips: [], expires_at_ms: null, on_exhausted: 'finish', ledger: 'async', on_outage: 'refuse' };
}

/** The policy's part of a team or a client. */
export function policyOf({ enabled, limits, models, providers, ips, expires_at_ms, on_exhausted, ledger, on_outage }: Policy): Policy {
  return { enabled, limits, models, providers, ips, expires_at_ms, on_exhausted, ledger, on_outage };
}
