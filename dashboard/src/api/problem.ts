// What went wrong, in words for people and with what is needed to look it up?

/** A refusal of the API, or no answer at all. */
export class Problem extends Error {
  constructor(
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** The field at fault. */
    readonly field: string | null = null,
    /** What the log calls the request. */
    readonly requestId: string | null = null,
  ) {
    super(message);
  }

  static of(cause: unknown): Problem {
    if (cause instanceof Problem) return cause;
    return new Problem(0, 'unreachable', 'Tidegate does not answer. Is it running, and is the network there?');
  }

  static async from(response: Response): Promise<Problem> {
    const requestId = response.headers.get('x-request-id');
    const said = await response.json().catch(() => null);
    if (said && typeof said.detail === 'string') {
      return new Problem(response.status, said.code, said.detail, said.field ?? null, requestId);
    }
    // The data path tells errors in the words of its dialect.
    const message = said?.error?.message ?? `The answer was ${response.status} ${response.statusText}.`;
    return new Problem(response.status, said?.error?.code ?? 'unknown', String(message), null, requestId);
  }
}
