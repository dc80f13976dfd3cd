"""What is asked and what is answered, whatever the dialect?"""

import base64
import json
from dataclasses import dataclass, field

# What a request costs, wherever a dialect can say it.
PROMPT, CACHED, COMPLETION = 21, 8, 9
CREATED = 1_790_000_000


@dataclass
class Text:
    text: str


@dataclass
class Thought:
    """Reasoning, with the state that its provider wants back."""

    text: str
    state: str


@dataclass
class Image:
    mime: str
    data: bytes


@dataclass
class Call:
    id: str | None
    name: str
    arguments: dict
    # State that a provider binds to a call.
    state: str | None = None


@dataclass
class Result:
    id: str | None
    name: str | None
    content: str


@dataclass
class Turn:
    role: str
    parts: list


@dataclass
class Asked:
    """A request, read strictly."""

    dialect: str
    model: str
    stream: bool
    system: list[str] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    # Names and schemas of the tools.
    tools: dict = field(default_factory=dict)
    # What a structured answer must obey.
    schema: dict | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    # The answer's id, where the provider keeps what it answered.
    name: str = ""
    # Whether a stream should end with its usage.
    usage: bool = True

    def all(self, kind):
        return [part for turn in self.turns for part in turn.parts if isinstance(part, kind)]

    def text(self):
        return "\n".join(self.system + [part.text for part in self.all(Text)])


@dataclass
class Answer:
    parts: list

    def calls(self):
        return [part for part in self.parts if isinstance(part, Call)]

    def text(self):
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    def thought(self):
        return next((part for part in self.parts if isinstance(part, Thought)), None)


@dataclass
class Fault:
    """A refusal before the first byte."""

    status: int
    word: str
    message: str


@dataclass
class Broken:
    """A stream that says this much and then fails, with an error event or by ending early."""

    text: str
    says_so: bool


class Wrong(Exception):
    """The request is not what the dialect or the scene demands."""


def demand(holds, message):
    if not holds:
        raise Wrong(message)


def pieces(text, size=7):
    """The text, cut as a stream would."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def data_url(url):
    demand(url.startswith("data:") and ";base64," in url, f"not a data URL: {url[:40]}")
    mime, data = url[len("data:") :].split(";base64,", 1)
    return Image(mime, base64.b64decode(data, validate=True))


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def event(data, name=None):
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    body = data if isinstance(data, str) else dump(data)
    return f"{head}data: {body}\n\n".encode()
