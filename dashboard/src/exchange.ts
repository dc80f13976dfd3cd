// How is a model asked in each of the four dialects, and where in an answer stands what it said?

export const SPOKEN = [
  ['openai_chat', 'Chat Completions'],
  ['openai_responses', 'Responses'],
  ['anthropic', 'Anthropic'],
  ['gemini', 'Gemini'],
] as const;

export type Spoken = (typeof SPOKEN)[number][0];

export interface Wish {
  spoken: Spoken;
  model: string;
  system: string;
  prompt: string;
  tokens: number;
  stream: boolean;
}

export interface Exchange {
  path: string;
  headers: Record<string, string>;
  body: object;
}

/** What is sent. */
export function exchange(wish: Wish, key: string): Exchange {
  const { spoken, model, system, prompt, tokens, stream } = wish;
  const bearer = { authorization: `Bearer ${key}` };
  switch (spoken) {
    case 'openai_chat': {
      const turns = [...(system ? [{ role: 'system', content: system }] : []), { role: 'user', content: prompt }];
      return { path: '/v1/chat/completions', headers: bearer, body: { model, messages: turns, max_tokens: tokens, stream } };
    }
    case 'openai_responses': {
      const body = { model, input: prompt, max_output_tokens: tokens, stream, store: false };
      return { path: '/v1/responses', headers: bearer, body: system ? { ...body, instructions: system } : body };
    }
    case 'anthropic': {
      const body = { model, max_tokens: tokens, stream, messages: [{ role: 'user', content: prompt }] };
      const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01' };
      return { path: '/v1/messages', headers, body: system ? { ...body, system } : body };
    }
    case 'gemini': {
      const verb = stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
      const named = model.split('/').map(encodeURIComponent).join('/');
      const body = { contents: [{ role: 'user', parts: [{ text: prompt }] }], generationConfig: { maxOutputTokens: tokens } };
      const instructed = system ? { ...body, systemInstruction: { parts: [{ text: system }] } } : body;
      return { path: `/v1beta/models/${named}:${verb}`, headers: { 'x-goog-api-key': key }, body: instructed };
    }
  }
}

type Tree = { [name: string]: Tree | undefined } & { [index: number]: Tree | undefined };

/** The text in a whole answer, or in one event of a stream. */
export function textOf(spoken: Spoken, json: unknown, streamed: boolean): string {
  const said = json as Tree;
  switch (spoken) {
    case 'openai_chat': {
      const choice = said?.['choices']?.[0];
      return plain((streamed ? choice?.['delta'] : choice?.['message'])?.['content']);
    }
    case 'openai_responses':
      if (streamed) return plain(said?.['type']) === 'response.output_text.delta' ? plain(said['delta']) : '';
      return list(said?.['output']).flatMap((item) => list(item['content'])).map((part) => plain(part['text'])).join('');
    case 'anthropic':
      if (streamed) return plain(said?.['delta']?.['text']);
      return list(said?.['content']).map((part) => plain(part['text'])).join('');
    case 'gemini':
      return list(said?.['candidates']?.[0]?.['content']?.['parts']).map((part) => plain(part['text'])).join('');
  }
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): Tree[] => (Array.isArray(value) ? value : []);

/** The data of whole events, and what is left of the text behind them. */
export function events(text: string): { data: string[]; rest: string } {
  const parts = text.replaceAll('\r\n', '\n').split('\n\n');
  const rest = parts.pop() ?? '';
  const data = parts.map((part) => {
    const lines = part.split('\n').filter((line) => line.startsWith('data:'));
    return lines.map((line) => line.slice('data:'.length).trimStart()).join('\n');
  });
  return { data: data.filter(Boolean), rest };
}
