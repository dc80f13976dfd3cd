// What does one paste where to use a client key?
import type { Proxy } from './api/types';

export interface Snippet {
  name: string;
  text: string;
}

const PYTHON = (base: string, key: string, model: string) => `from openai import OpenAI

client = OpenAI(base_url="${base}/v1", api_key="${key}")
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hello, Tidegate!"}],
)
print(answer.choices[0].message.content)`;

const NODE = (base: string, key: string, model: string) => `import OpenAI from 'openai';

const client = new OpenAI({ baseURL: '${base}/v1', apiKey: '${key}' });
const answer = await client.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: 'Hello, Tidegate!' }],
});
console.log(answer.choices[0].message.content);`;

const CURL = (base: string, key: string, model: string) => `curl ${base}/v1/chat/completions \\
  -H 'authorization: Bearer ${key}' \\
  -H 'content-type: application/json' \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello, Tidegate!"}]}'`;

const CLAUDE = (base: string, key: string, model: string) => `export ANTHROPIC_BASE_URL=${base}
export ANTHROPIC_AUTH_TOKEN=${key}
export ANTHROPIC_MODEL=${model}
claude`;

const CODEX = (base: string, key: string, model: string) => `# ~/.codex/config.toml
model = "${model}"
model_provider = "tidegate"

[model_providers.tidegate]
name = "Tidegate"
base_url = "${base}/v1"
wire_api = "responses"
env_key = "TIDEGATE_KEY"

# then: TIDEGATE_KEY=${key} codex`;

const LANGCHAIN = (base: string, key: string, model: string) => `from langchain_openai import ChatOpenAI

model = ChatOpenAI(base_url="${base}/v1", api_key="${key}", model="${model}")
print(model.invoke("Hello, Tidegate!").content)`;

/** One for each way in. */
export function snippets(base: string, key: string, model: string): Snippet[] {
  const made = (name: string, write: typeof CURL) => ({ name, text: write(base, key, model) });
  return [
    made('curl', CURL),
    made('Python', PYTHON),
    made('Node', NODE),
    made('Claude Code', CLAUDE),
    made('Codex', CODEX),
    made('LangChain', LANGCHAIN),
  ];
}

/** A request through a proxy that may pass it. */
export function throughProxy(base: string, { id, methods, paths }: Pick<Proxy, 'id' | 'methods' | 'paths'>): string {
  const method = methods.length === 0 || methods.includes('GET') ? '' : `-X ${methods[0]} `;
  const url = `${base}/proxy/${id}${paths[0] ?? '/'}`.replaceAll("'", "'\\''");
  return `curl ${method}'${url}' -H 'x-tidegate-key: YOUR_CLIENT_KEY'`;
}
