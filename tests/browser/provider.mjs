// What does the provider say whom the suite asks? An OpenAI-compatible one: it answers with what it was told, counts
// words as tokens, streams, and fails where the model is called so.
import { createServer } from 'node:http';

/** Prompts that begin so are answered with nothing but what stands behind. */
const SAY = 'say: ';
/** Prompts that begin so are refused in the words that stand behind. */
const FAIL = 'fail: ';

const words = (text) => text.split(/\s+/).filter(Boolean).length;

/** Starts it; returns its address and how it is closed. */
export async function startProvider() {
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = JSON.parse(Buffer.concat(pieces).toString() || '{}');
    const told = String(body.messages?.at(-1)?.content ?? '');
    if (request.headers.authorization === 'Bearer sk-refused') return refuse(response, 401, 'This key is not good.');
    if (told.startsWith(FAIL)) return refuse(response, 400, told.slice(FAIL.length));
    if (body.model === 'broken') return refuse(response, 500, 'It is broken.');
    const said = told.startsWith(SAY) ? told.slice(SAY.length) : `You said: ${told}`;
    const usage = { prompt_tokens: words(told), completion_tokens: words(said), total_tokens: words(told) + words(said) };
    if (body.stream) return stream(response, body.model, said, usage);
    answer(response, 200, {
      id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: body.model,
      choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop' }], usage,
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  return { url: `http://127.0.0.1:${server.address().port}/v1`, close };
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response, status, message) {
  answer(response, status, { error: { message, type: 'provider', code: null } });
}

function stream(response, model, said, usage) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const chunk = (rest) => response.write(`data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model, ...rest })}\n\n`);
  for (const word of said.split(/(?<= )/)) chunk({ choices: [{ index: 0, delta: { content: word }, finish_reason: null }] });
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  chunk({ choices: [], usage });
  response.end('data: [DONE]\n\n');
}
