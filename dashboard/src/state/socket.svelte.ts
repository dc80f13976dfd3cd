// What is told without being asked for? The socket that tells it, opened again when it breaks, later each time.
import type { Told } from '../api/types';

const AGAIN_MS = 2_000;
/** Where nothing can be pushed it stays at this. */
const AGAIN_MAX_MS = 60_000;
/** A session is used when something is asked with it: an older socket is opened anew. */
const RENEW_MS = 300_000;

interface Ears {
  /** From here on everything is told. */
  opened: () => void;
  told: (message: Told) => void;
  closed: () => void;
}

export class Socket {
  /** Whether it tells what ends. */
  open = $state(false);
  #socket: WebSocket | undefined;
  #since = 0;
  #next = 0;
  #pause = AGAIN_MS;

  constructor(
    private path: string,
    private ears: Ears,
  ) {}

  /** Opens it, unless it is there or it is too early; again and again while somebody looks. */
  want() {
    const now = Date.now();
    if (this.open && now - this.#since > RENEW_MS) this.close();
    if (this.#socket || now < this.#next) return;
    this.#next = now + this.#pause;
    this.#pause = Math.min(this.#pause * 2, AGAIN_MAX_MS);
    const socket = new WebSocket(this.path);
    socket.onopen = () => {
      [this.open, this.#since, this.#pause] = [true, Date.now(), AGAIN_MS];
      this.ears.opened();
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => this.ears.told(JSON.parse(data) as Told);
    socket.onclose = () => this.#lost(socket);
    this.#socket = socket;
  }

  /** Nobody looks. */
  close() {
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#lost(socket);
    this.#next = 0;
  }

  #lost(socket: WebSocket) {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    if (!this.open) return;
    this.open = false;
    this.ears.closed();
  }
}
