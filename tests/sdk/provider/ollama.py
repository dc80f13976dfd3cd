"""How does a provider of Ollama's native dialect read a request and write an answer?"""

import base64

from .parts import COMPLETION, PROMPT, Asked, Call, Image, Result, Text, Thought, Turn, demand, dump, pieces

NAME = "ollama"


def read(_path, body):
    options = body.get("options") or {}
    format = body.get("format")
    asked = Asked(
        NAME,
        body["model"],
        body.get("stream", True),
        tools={t["function"]["name"]: t["function"].get("parameters", {}) for t in body.get("tools") or []},
        schema=format if isinstance(format, dict) else None,
        temperature=options.get("temperature"),
        max_tokens=options.get("num_predict"),
    )
    for message in body["messages"]:
        role, content = message["role"], message.get("content", "")
        demand(isinstance(content, str), "content is a text")
        if role == "system":
            asked.system.append(content)
        elif role == "tool":
            asked.turns.append(Turn(role, [Result(message.get("tool_call_id"), message.get("tool_name"), content)]))
        else:
            asked.turns.append(Turn(role, parts(message, content)))
    return asked


def parts(message, content):
    read = [Thought(message["thinking"], None)] if message.get("thinking") else []
    read += [Text(content)] if content else []
    # It reads the kind of picture from its bytes.
    read += [Image("image/png", base64.b64decode(data, validate=True)) for data in message.get("images") or []]
    for call in message.get("tool_calls") or []:
        function = call["function"]
        demand(isinstance(function["arguments"], dict), "arguments are an object")
        read.append(Call(call.get("id"), function["name"], function["arguments"]))
    return read


def whole(asked, answer):
    message = {"content": answer.text()}
    if thought := answer.thought():
        message["thinking"] = thought.text
    if answer.calls():
        message["tool_calls"] = [write_call(at, call) for at, call in enumerate(answer.calls())]
    return line(asked, message, done=True)


def stream(asked, answer):
    if thought := answer.thought():
        for piece in pieces(thought.text):
            yield written(line(asked, {"content": "", "thinking": piece}))
    for piece in pieces(answer.text()):
        yield written(line(asked, {"content": piece}))
    for at, call in enumerate(answer.calls()):
        yield written(line(asked, {"content": "", "tool_calls": [write_call(at, call)]}))
    yield written(line(asked, {"content": ""}, done=True))


def broken(asked, broken):
    for piece in pieces(broken.text):
        yield written(line(asked, {"content": piece}))
    if broken.says_so:
        yield written({"error": "the model runner has stopped"})


def refusal(fault):
    status = {"limited": 429, "locked": 401, "overloaded": 503, "overflow": 400, "wrong": 400}[fault.word]
    message = fault.message
    if fault.word == "overflow":
        message = "the input length exceeds the context length: maximum context length is 200000 tokens"
    return status, {"error": message}


def write_call(at, call):
    return {"id": call.id, "function": {"index": at, "name": call.name, "arguments": call.arguments}}


def line(asked, message, done=False):
    written = {
        "model": asked.model, "created_at": "2026-11-01T12:00:00Z",
        "message": {"role": "assistant", **message}, "done": done,
    }
    if done:
        counts = {"prompt_eval_count": PROMPT, "eval_count": COMPLETION}
        durations = {"total_duration": 1000, "load_duration": 10, "prompt_eval_duration": 100, "eval_duration": 890}
        written |= {"done_reason": "stop", **counts, **durations}
    return written


def written(value):
    return dump(value).encode() + b"\n"
