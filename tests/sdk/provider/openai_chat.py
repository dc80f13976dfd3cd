"""How does a provider of the OpenAI chat dialect read a request and write an answer?"""

import json

from .parts import (
    CACHED, COMPLETION, CREATED, PROMPT,
    Asked, Call, Result, Text, Turn, data_url, demand, dump, event, pieces,
)

NAME = "openai_chat"


def read(_path, body):
    schema = body.get("response_format") or {}
    asked = Asked(
        NAME,
        body["model"],
        body.get("stream") or False,
        tools={t["function"]["name"]: t["function"].get("parameters", {}) for t in body.get("tools") or []},
        schema=schema.get("json_schema", {}).get("schema"),
        temperature=body.get("temperature"),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        usage=bool((body.get("stream_options") or {}).get("include_usage")),
    )
    open_calls = set()
    for message in body["messages"]:
        role, content = message["role"], message.get("content")
        if role in ("system", "developer"):
            asked.system += [part.text for part in parts(content)]
        elif role == "tool":
            demand(message["tool_call_id"] in open_calls, f"nobody called {message['tool_call_id']}")
            open_calls.remove(message["tool_call_id"])
            result = "".join(part.text for part in parts(content))
            asked.turns.append(Turn(role, [Result(message["tool_call_id"], None, result)]))
        else:
            demand(not open_calls, f"no result for {open_calls}")
            calls = [read_call(call) for call in message.get("tool_calls") or []]
            open_calls = {call.id for call in calls}
            asked.turns.append(Turn(role, parts(content) + calls))
    demand(not open_calls, f"no result for {open_calls}")
    return asked


def parts(content):
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)]
    known = {
        "text": lambda part: Text(part["text"]),
        "image_url": lambda part: data_url(part["image_url"]["url"]),
    }
    return [known[part["type"]](part) for part in content]


def read_call(call):
    function = call["function"]
    return Call(call["id"], function["name"], json.loads(function["arguments"]))


def whole(asked, answer):
    message = {"role": "assistant", "content": answer.text() or None, "refusal": None, "annotations": []}
    if thought := answer.thought():
        message["reasoning_content"] = thought.text
    if calls := answer.calls():
        message["tool_calls"] = [write_call(call, dump(call.arguments)) for call in calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish(answer)}
    return envelope(asked, "chat.completion", choices=[choice], usage=usage())


def stream(asked, answer):
    yield chunk(asked, {"role": "assistant", "content": "", "refusal": None})
    if thought := answer.thought():
        for piece in pieces(thought.text):
            yield chunk(asked, {"reasoning_content": piece})
    for piece in pieces(answer.text()):
        yield chunk(asked, {"content": piece})
    for index, call in enumerate(answer.calls()):
        yield chunk(asked, {"tool_calls": [{"index": index, **write_call(call, "")}]})
        for piece in pieces(dump(call.arguments)):
            yield chunk(asked, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk(asked, {}, finish(answer))
    if asked.usage:
        yield event(envelope(asked, "chat.completion.chunk", choices=[], usage=usage()))
    yield event("[DONE]")


def broken(asked, broken):
    yield chunk(asked, {"role": "assistant", "content": "", "refusal": None})
    for piece in pieces(broken.text):
        yield chunk(asked, {"content": piece})
    if broken.says_so:
        error = {"message": "The model fell over.", "type": "server_error", "param": None, "code": None}
        yield event({"error": error})


def refusal(fault):
    known = {
        "limited": (429, "requests", "rate_limit_exceeded"),
        "locked": (401, "invalid_request_error", "invalid_api_key"),
        "overloaded": (503, "server_error", "overloaded"),
        "overflow": (400, "invalid_request_error", "context_length_exceeded"),
        "wrong": (400, "invalid_request_error", "wrong"),
    }
    status, kind, code = known[fault.word]
    return status, {"error": {"message": fault.message, "type": kind, "param": None, "code": code}}


def write_call(call, arguments):
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def chunk(asked, delta, finish_reason=None):
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    fields = {"usage": None} if asked.usage else {}
    return event(envelope(asked, "chat.completion.chunk", choices=[choice], **fields))


def envelope(asked, kind, **fields):
    return {"id": "chatcmpl-scripted", "object": kind, "created": CREATED, "model": asked.model, **fields}


def finish(answer):
    return "tool_calls" if answer.calls() else "stop"


def usage():
    return {
        "prompt_tokens": PROMPT,
        "completion_tokens": COMPLETION,
        "total_tokens": PROMPT + COMPLETION,
        "prompt_tokens_details": {"cached_tokens": CACHED, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
