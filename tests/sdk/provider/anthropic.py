"""How does a provider of the Anthropic dialect read a request and write an answer?"""

import base64
import itertools

from .parts import (
    CACHED, COMPLETION, PROMPT,
    Asked, Call, Image, Result, Text, Thought, Turn, demand, dump, event, pieces,
)

NAME = "anthropic"


# Conversations that may be continued, by the id of their last answer.
KEPT = {}
COUNT = itertools.count()


def read(_path, body):
    body = continued(body)
    demand(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
    format = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    asked = Asked(
        NAME,
        body["model"],
        body.get("stream") or False,
        tools={tool["name"]: tool.get("input_schema", {}) for tool in body.get("tools") or []},
        schema=format.get("schema"),
        temperature=body.get("temperature"),
        max_tokens=body["max_tokens"],
        name=f"msg_{next(COUNT)}",
    )
    if body.get("thread"):
        KEPT[asked.name] = body
    asked.system = [part.text for part in parts(body.get("system") or [])]
    asked.turns = [Turn(message["role"], parts(message["content"])) for message in body["messages"]]
    roles = [turn.role for turn in asked.turns]
    demand(roles[0] == "user", "the first turn is not the user's")
    demand(all(a != b for a, b in zip(roles, roles[1:])), f"the roles are {roles}")
    for before, after in zip(asked.turns, asked.turns[1:] + [Turn("user", [])]):
        check_results(before, after)
    return asked


def continued(body):
    """The request with the turns before it, which a client of a thread does not send again."""
    if (body.get("thread") or {}).get("type") != "continue":
        return body
    before = KEPT[body["thread"]["previous_message_id"]]
    return before | body | {"messages": before["messages"] + body["messages"]}


def keep(asked, content):
    if asked.name in KEPT:
        before = KEPT[asked.name]
        KEPT[asked.name] = before | {"messages": before["messages"] + [{"role": "assistant", "content": content}]}


def check_results(before, after):
    """Every call has its result at the very beginning of the next turn."""
    called = sorted(part.id for part in before.parts if isinstance(part, Call))
    results = after.parts[: len(called)]
    demand(all(isinstance(part, Result) for part in results), "results do not come first")
    demand(sorted(part.id for part in results) == called, f"calls {called}, results {results}")


def parts(content):
    if isinstance(content, str):
        return [Text(content)]
    demand(all(block.get("text") != "" for block in content), "text content blocks must be non-empty")
    return [KNOWN[block["type"]](block) for block in content]


def read_image(block):
    source = block["source"]
    demand(source["type"] == "base64", f"the source is a {source['type']}")
    return Image(source["media_type"], base64.b64decode(source["data"], validate=True))


def read_result(block):
    return Result(block["tool_use_id"], None, "".join(part.text for part in parts(block.get("content") or [])))


KNOWN = {
    "text": lambda block: Text(block["text"]),
    "image": read_image,
    "tool_use": lambda block: Call(block["id"], block["name"], block["input"]),
    "tool_result": read_result,
    "thinking": lambda block: Thought(block["thinking"], block["signature"]),
}


def whole(asked, answer):
    content = blocks(answer)
    keep(asked, content)
    return message(asked, content, stop(answer), usage())


def blocks(answer):
    return [blank | full for blank, full, _ in map(block, answer.parts)]


def block(part):
    """A block as it opens, what is in it in the end, and its deltas."""
    if isinstance(part, Thought):
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(part.text)]
        deltas.append({"type": "signature_delta", "signature": part.state})
        full = {"thinking": part.text, "signature": part.state}
        return {"type": "thinking", "thinking": "", "signature": ""}, full, deltas
    if isinstance(part, Call):
        said = ["", *pieces(dump(part.arguments))]
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in said]
        blank = {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}
        return blank, {"input": part.arguments}, deltas
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces(part.text)]
    return {"type": "text", "text": ""}, {"text": part.text}, deltas


def stream(asked, answer):
    keep(asked, blocks(answer))
    yield start(asked)
    for index, part in enumerate(answer.parts):
        blank, _, deltas = block(part)
        yield named("content_block_start", index=index, content_block=blank)
        yield named("ping")
        for delta in deltas:
            yield named("content_block_delta", index=index, delta=delta)
        yield named("content_block_stop", index=index)
    delta = {"stop_reason": stop(answer), "stop_sequence": None}
    yield named("message_delta", delta=delta, usage={"output_tokens": COMPLETION})
    yield named("message_stop")


def broken(asked, broken):
    yield start(asked)
    yield named("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for piece in pieces(broken.text):
        yield named("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    if broken.says_so:
        yield named("error", error={"type": "overloaded_error", "message": "Overloaded"})


def refusal(fault):
    known = {
        "limited": (429, "rate_limit_error"),
        "locked": (401, "authentication_error"),
        "overloaded": (529, "overloaded_error"),
        "overflow": (400, "invalid_request_error"),
        "wrong": (400, "invalid_request_error"),
    }
    status, kind = known[fault.word]
    return status, {"type": "error", "error": {"type": kind, "message": fault.message}, "request_id": "req_scripted"}


def start(asked):
    return named("message_start", message=message(asked, [], None, usage() | {"output_tokens": 1}))


def named(name, **fields):
    return event({"type": name, **fields}, name)


def message(asked, content, reason, counted):
    return {
        "id": asked.name, "type": "message", "role": "assistant", "model": asked.model,
        "content": content, "stop_reason": reason, "stop_sequence": None, "usage": counted,
    }


def stop(answer):
    return "tool_use" if answer.calls() else "end_turn"


def usage():
    return {
        "input_tokens": PROMPT - CACHED,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": CACHED,
        "output_tokens": COMPLETION,
        "service_tier": "standard",
    }
