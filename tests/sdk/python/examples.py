"""Do the examples of an earlier gateway's README run unchanged? Only their URL and their key are put in."""

import contextlib
import io
from pathlib import Path

import openai

from harness import FACTS, KEY, URL, run, same

EXAMPLES = Path(__file__).parent.parent / "examples"


def play(name, **given):
    """Runs one example; returns what it left in its variables and what it printed."""
    text = (EXAMPLES / f"{name}.py").read_text()
    text = text.replace("http://localhost:8080", URL).replace("YOUR_CLIENT_API_KEY", KEY)
    left, printed = dict(given), io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, f"{name}.py", "exec"), left)
    return left, printed.getvalue().split("\n")


def chat():
    left, _ = play("chat")
    same(left["response"].choices[0].message.content, "Hello! Nice to meet you.", "the text")


def responses():
    _, printed = play("responses")
    same(printed[0], "Hello! Nice to meet you.", "what it printed")


def groups():
    left, _ = play("groups")
    same(left["response"].choices[0].message.content, "Hello! Nice to meet you.", "the text")


def dispatcher():
    # This example goes on where the one before it ended.
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY)
    left, _ = play("dispatcher", client=client)
    same(left["response"].choices[0].message.content, "Hello! Nice to meet you.", "the text")


def images():
    _, printed = play("images")
    same(printed[0], FACTS["picture_url"], "the first address")
    assert printed[1].startswith("data:image/png;base64,"), printed[1]


if __name__ == "__main__":
    run("examples", [], [chat, responses, groups, dispatcher, images])
