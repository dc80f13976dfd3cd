"""How does a provider of the Gemini dialect read a request and write an answer?"""

import base64
import re

from .parts import (
    CACHED, COMPLETION, PROMPT,
    Asked, Call, Image, Result, Text, Thought, Turn, demand, dump, event, pieces,
)

NAME = "gemini"


def read(path, body):
    body = camel(body)
    model, _, method = path.partition("/models/")[2].partition(":")
    config = body.get("generationConfig") or {}
    asked = Asked(
        NAME,
        model,
        method.startswith("stream"),
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
        temperature=config.get("temperature"),
        max_tokens=config.get("maxOutputTokens"),
    )
    if asked.schema:
        demand(config.get("responseMimeType") == "application/json", "a schema without its mime type")
    for tool in body.get("tools") or []:
        for function in tool["functionDeclarations"]:
            asked.tools[function["name"]] = function.get("parametersJsonSchema") or function.get("parameters", {})
    asked.system = [part["text"] for part in (body.get("systemInstruction") or {}).get("parts", [])]
    roles = {"model": "assistant", "user": "user"}
    for content in body["contents"]:
        asked.turns.append(Turn(roles[content.get("role", "user")], parts(content["parts"])))
    for before, after in zip(asked.turns, asked.turns[1:] + [Turn("user", [])]):
        called = sum(isinstance(part, Call) for part in before.parts)
        results = sum(isinstance(part, Result) for part in after.parts)
        demand(called == results, "number of function response parts is not that of function call parts")
    return asked


# What stands in these is not the API's own.
FOREIGN = {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema"}


def camel(value):
    """The API takes both ways to write a name, and its SDK mixes them."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub("_([a-z])", lambda found: found[1].upper(), name): one for name, one in value.items()}
    return {name: one if name in FOREIGN else camel(one) for name, one in named.items()}


def parts(content):
    return [read_part(part) for part in content]


def read_part(part):
    if part.get("thought"):
        return Thought(part.get("text", ""), part.get("thoughtSignature"))
    if "text" in part:
        return Text(part["text"])
    if "inlineData" in part:
        data = part["inlineData"]
        return Image(data["mimeType"], base64.b64decode(data["data"], validate=True))
    if "functionCall" in part:
        call = part["functionCall"]
        return Call(call.get("id"), call["name"], call.get("args") or {}, part.get("thoughtSignature"))
    if "functionResponse" in part:
        result = part["functionResponse"]
        demand(isinstance(result["response"], dict), "a response is an object")
        return Result(result.get("id"), result["name"], dump(result["response"]))
    demand(False, f"a part is {part}")


def whole(asked, answer):
    return element(asked, [write(part) for part in answer.parts], "STOP")


def stream(asked, answer):
    for part in answer.parts:
        if isinstance(part, Text):
            for piece in pieces(part.text):
                yield data(element(asked, [{"text": piece}]))
        else:
            yield data(element(asked, [write(part)]))
    yield data(element(asked, [{"text": ""}], "STOP"))


def broken(asked, broken):
    for piece in pieces(broken.text):
        yield data(element(asked, [{"text": piece}]))
    if broken.says_so:
        yield data({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})


def refusal(fault):
    known = {
        "limited": (429, "RESOURCE_EXHAUSTED"),
        "locked": (400, "INVALID_ARGUMENT"),
        "overloaded": (503, "UNAVAILABLE"),
        "overflow": (400, "INVALID_ARGUMENT"),
        "wrong": (400, "INVALID_ARGUMENT"),
    }
    status, word = known[fault.word]
    details = []
    message = fault.message
    if fault.word == "locked":
        info = "type.googleapis.com/google.rpc.ErrorInfo"
        details = [{"@type": info, "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
    if fault.word == "overflow":
        message = "The input token count (210000) exceeds the maximum number of tokens allowed (200000)."
    return status, {"error": {"code": status, "message": message, "status": word, "details": details}}


def write(part):
    if isinstance(part, Thought):
        return {"text": part.text, "thought": True}
    if isinstance(part, Call):
        call = {"name": part.name, "args": part.arguments}
        state = {"thoughtSignature": part.state} if part.state else {}
        return {"functionCall": call, **state}
    return {"text": part.text}


def element(asked, content, reason=None):
    candidate = {"content": {"role": "model", "parts": content}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    usage = {
        "promptTokenCount": PROMPT,
        "cachedContentTokenCount": CACHED,
        "candidatesTokenCount": COMPLETION,
        "totalTokenCount": PROMPT + COMPLETION,
    }
    return {
        "candidates": [candidate], "usageMetadata": usage,
        "modelVersion": asked.model, "responseId": "scripted",
    }


def data(value):
    # This provider alone ends its lines with CRLF.
    return event(value).replace(b"\n", b"\r\n")
