// Which providers can be added by name? Where they are and what they speak; everything else is what the gateway knows.
import type { Provider } from './api/types';

export interface Known {
  id: string;
  title: string;
  dialect: Provider['dialect'];
  base_url: string;
  /** Its name in the catalogue of prices, where that is another one. */
  catalog?: string;
  /** It works without a key. */
  keyless?: true;
  /** Its address or its models have to be said. */
  open?: true;
}

export const KNOWN: readonly Known[] = [
  { id: 'openai', title: 'OpenAI', dialect: 'openai_chat', base_url: 'https://api.openai.com/v1' },
  { id: 'anthropic', title: 'Anthropic', dialect: 'anthropic', base_url: 'https://api.anthropic.com/v1' },
  { id: 'gemini', title: 'Google Gemini', dialect: 'gemini', base_url: 'https://generativelanguage.googleapis.com/v1beta', catalog: 'google' },
  { id: 'deepseek', title: 'DeepSeek', dialect: 'openai_chat', base_url: 'https://api.deepseek.com' },
  { id: 'moonshot', title: 'Moonshot', dialect: 'openai_chat', base_url: 'https://api.moonshot.ai/v1', catalog: 'moonshotai' },
  { id: 'xai', title: 'xAI', dialect: 'openai_chat', base_url: 'https://api.x.ai/v1' },
  { id: 'mistral', title: 'Mistral', dialect: 'openai_chat', base_url: 'https://api.mistral.ai/v1' },
  { id: 'groq', title: 'Groq', dialect: 'openai_chat', base_url: 'https://api.groq.com/openai/v1' },
  { id: 'together', title: 'Together', dialect: 'openai_chat', base_url: 'https://api.together.xyz/v1', catalog: 'togetherai' },
  { id: 'fireworks', title: 'Fireworks', dialect: 'openai_chat', base_url: 'https://api.fireworks.ai/inference/v1', catalog: 'fireworks-ai' },
  { id: 'openrouter', title: 'OpenRouter', dialect: 'openai_chat', base_url: 'https://openrouter.ai/api/v1', open: true },
  { id: 'perplexity', title: 'Perplexity', dialect: 'openai_chat', base_url: 'https://api.perplexity.ai' },
  { id: 'cerebras', title: 'Cerebras', dialect: 'openai_chat', base_url: 'https://api.cerebras.ai/v1' },
  { id: 'ollama', title: 'Ollama', dialect: 'ollama', base_url: 'http://127.0.0.1:11434', keyless: true, open: true },
  { id: 'demo', title: 'Demo (no key needed)', dialect: 'openai_chat', base_url: 'echo:', keyless: true },
  { id: '', title: 'Another host', dialect: 'openai_chat', base_url: '', open: true },
];

/** Under which name the catalogue lists a provider's models: by its place, or else by its id. */
export function catalogOf({ id, base_url }: { id: string; base_url?: string }): string {
  const known = KNOWN.find((known) => known.base_url !== '' && known.base_url === base_url) ?? KNOWN.find((known) => known.id === id);
  return known?.catalog ?? known?.id ?? id;
}

export const DIALECTS = [
  ['openai_chat', 'OpenAI Chat Completions'],
  ['openai_responses', 'OpenAI Responses'],
  ['anthropic', 'Anthropic Messages'],
  ['gemini', 'Google Gemini'],
  ['ollama', 'Ollama'],
] as const;

export const ROTATIONS = [
  ['round_robin', 'One after another'],
  ['weighted', 'By weight'],
  ['least_used', 'The least busy one'],
] as const;

export const KEY_PLACES = [
  ['bearer', 'Authorization: Bearer'],
  ['header', 'Another header'],
  ['query', 'A parameter of the query'],
  ['nowhere', 'Nowhere: the client brings its own'],
] as const;

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** In which header a provider wants its key. */
export const HEADERS = [
  [null, 'what is usual there'],
  ['bearer', 'Authorization: Bearer'],
  ['x-api-key', 'x-api-key'],
  ['api-key', 'api-key'],
  ['x-goog-api-key', 'x-goog-api-key'],
] as const;
