// What do people call a client? Records hold ids; this finds the names once and keeps them.
import { all } from '../api/client';
import type { Client } from '../api/types';

class Names {
  clients = $state.raw(new Map<string, string>());
  #asked: Promise<void> | undefined;

  /** Sees to it that names are there, or will be. */
  want() {
    this.#asked ??= all('/api/clients').then(
      (clients) => this.keep(clients),
      () => (this.#asked = undefined),
    );
  }

  keep(clients: Client[]) {
    this.clients = new Map(clients.map((client) => [client.id, client.name]));
  }

  /** Asks anew at the next want. */
  forget() {
    this.#asked = undefined;
  }

  client(id: string): string {
    return this.clients.get(id) ?? id;
  }
}

export const names = new Names();
