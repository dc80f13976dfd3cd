"""How does a provider of the OpenAI Responses dialect read a request and write an answer?"""

import itertools
import json

from .parts import (
    CACHED, COMPLETION, CREATED, PROMPT,
    Asked, Call, Result, Text, Thought, Turn, data_url, demand, dump, event, pieces,
)
from .openai_chat import refusal as refusal

NAME = "openai_responses"

# What was answered, by its id: it may be referred to.
KEPT = {}
COUNT = itertools.count()


def read(_path, body):
    demand(not body.get("previous_response_id"), "this provider keeps items, not responses")
    format = (body.get("text") or {}).get("format") or {}
    asked = Asked(
        NAME,
        body["model"],
        body.get("stream") or False,
        tools={tool["name"]: tool.get("parameters", {}) for tool in body.get("tools") or []},
        schema=format.get("schema"),
        temperature=body.get("temperature"),
        max_tokens=body.get("max_output_tokens"),
    )
    if body.get("instructions"):
        asked.system.append(body["instructions"])
    items = body["input"]
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    open_calls = set()
    for item in map(referred, items):
        role, read_parts = read_item(item, open_calls)
        if role in ("system", "developer"):
            asked.system += [part.text for part in read_parts]
        elif asked.turns and asked.turns[-1].role == role:
            asked.turns[-1].parts += read_parts
        else:
            asked.turns.append(Turn(role, read_parts))
    demand(not open_calls, f"no output for {open_calls}")
    return asked


def referred(item):
    if item.get("type") != "item_reference":
        return item
    demand(item["id"] in KEPT, f"nobody made the item {item['id']}")
    return KEPT[item["id"]]


def read_item(item, open_calls):
    kind = item.get("type", "message")
    if kind == "message":
        return item["role"], parts(item["content"])
    if kind == "function_call":
        open_calls.add(item["call_id"])
        return "assistant", [Call(item["call_id"], item["name"], json.loads(item["arguments"]))]
    if kind == "function_call_output":
        demand(item["call_id"] in open_calls, f"nobody called {item['call_id']}")
        open_calls.remove(item["call_id"])
        output = item["output"]
        if not isinstance(output, str):
            output = "".join(part["text"] for part in output)
        return "tool", [Result(item["call_id"], None, output)]
    demand(kind == "reasoning", f"an item is a {kind}")
    text = "".join(part["text"] for part in item["summary"])
    return "assistant", [Thought(text, item.get("encrypted_content"))]


def parts(content):
    if isinstance(content, str):
        return [Text(content)]
    known = {
        "input_text": lambda part: Text(part["text"]),
        "output_text": lambda part: Text(part["text"]),
        "input_image": lambda part: data_url(part["image_url"]),
    }
    return [known[part["type"]](part) for part in content]


def whole(asked, answer):
    return response(asked, f"resp_{next(COUNT)}", "completed", [item for item, _ in items(answer)], usage())


def stream(asked, answer):
    return numbered(events(asked, answer))


def broken(asked, broken):
    return numbered(broken_events(asked, broken))


def items(answer):
    """Every item of the answer with the part that it is made of."""
    for part in answer.parts:
        item = write_item(next(COUNT), part)
        KEPT[item["id"]] = item
        yield item, part


def write_item(at, part):
    if isinstance(part, Thought):
        summary = [{"type": "summary_text", "text": part.text}]
        return {"id": f"rs_{at}", "type": "reasoning", "summary": summary, "encrypted_content": part.state}
    if isinstance(part, Call):
        call = {"id": f"fc_{at}", "type": "function_call", "call_id": part.id, "name": part.name}
        return {**call, "arguments": dump(part.arguments), "status": "completed"}
    return message(f"msg_{at}", "completed", [output_text(part.text)])


def events(asked, answer):
    name = f"resp_{next(COUNT)}"
    yield from opening(asked, name)
    done = []
    for index, (item, part) in enumerate(items(answer)):
        place = {"item_id": item["id"], "output_index": index}
        if isinstance(part, Thought):
            yield added(index, {**item, "summary": []})
            yield from summary(place, part.text)
        elif isinstance(part, Call):
            yield added(index, {**item, "arguments": "", "status": "in_progress"})
            for piece in pieces(item["arguments"]):
                yield "response.function_call_arguments.delta", {**place, "delta": piece}
            yield "response.function_call_arguments.done", {**place, "arguments": item["arguments"]}
        else:
            yield added(index, message(item["id"], "in_progress", []))
            yield from text(place, part.text)
        yield "response.output_item.done", {"output_index": index, "item": item}
        done.append(item)
    yield "response.completed", {"response": response(asked, name, "completed", done, usage())}


def text(place, said):
    place = {**place, "content_index": 0}
    yield "response.content_part.added", {**place, "part": output_text("")}
    for piece in pieces(said):
        yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**place, "text": said, "logprobs": []}
    yield "response.content_part.done", {**place, "part": output_text(said)}


def summary(place, said):
    place = {**place, "summary_index": 0}
    yield "response.reasoning_summary_part.added", {**place, "part": {"type": "summary_text", "text": ""}}
    for piece in pieces(said):
        yield "response.reasoning_summary_text.delta", {**place, "delta": piece}
    yield "response.reasoning_summary_text.done", {**place, "text": said}
    yield "response.reasoning_summary_part.done", {**place, "part": {"type": "summary_text", "text": said}}


def broken_events(asked, broken):
    name = f"resp_{next(COUNT)}"
    yield from opening(asked, name)
    place = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    yield added(0, message("msg_0", "in_progress", []))
    yield "response.content_part.added", {**place, "part": output_text("")}
    for piece in pieces(broken.text):
        yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
    if broken.says_so:
        failed = response(asked, name, "failed", [], None)
        failed["error"] = {"code": "server_error", "message": "The model fell over."}
        yield "response.failed", {"response": failed}


def opening(asked, name):
    started = response(asked, name, "in_progress", [], None)
    yield "response.created", {"response": started}
    yield "response.in_progress", {"response": started}


def added(index, item):
    return "response.output_item.added", {"output_index": index, "item": item}


def numbered(events):
    for number, (name, data) in enumerate(events):
        yield event({"type": name, **data, "sequence_number": number}, name)


def message(name, status, content):
    return {"id": name, "type": "message", "role": "assistant", "status": status, "content": content}


def output_text(said):
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": []}


def response(asked, name, status, output, counted):
    return {
        "id": name, "object": "response", "created_at": CREATED, "status": status,
        "error": None, "incomplete_details": None, "instructions": None, "model": asked.model,
        "output": output, "parallel_tool_calls": True, "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None}, "store": False, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": counted, "metadata": {},
    }


def usage():
    return {
        "input_tokens": PROMPT,
        "input_tokens_details": {"cached_tokens": CACHED},
        "output_tokens": COMPLETION,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": PROMPT + COMPLETION,
    }
