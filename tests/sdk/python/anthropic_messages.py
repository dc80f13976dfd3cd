"""Does the Anthropic SDK reach every provider?"""

import anthropic
from pydantic import BaseModel

from harness import BAD_KEY, FACTS, KEY, URL, Skipped, raises, run, same

client = anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0)

WEATHER = {
    "name": "weather",
    "description": "How warm is it?",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
THINKING = {"type": "enabled", "budget_tokens": 1024}


class Weather(BaseModel):
    city: str
    degrees: int


def said(scene):
    return [{"role": "user", "content": f"[[scene {scene}]] Go on."}]


def chat_request(target):
    # The SDK's types know no temperature any more.
    sampling = {"temperature": 0.5}
    return {
        "model": target.model, "max_tokens": 300, "system": FACTS["system"],
        "messages": said("chat"), "extra_body": sampling,
    }


def chat(target):
    check_chat(target, client.messages.create(**chat_request(target)))


def chat_streamed(target):
    with client.messages.stream(**chat_request(target)) as stream:
        deltas = list(stream.text_stream)
        answer = stream.get_final_message()
    same("".join(deltas), FACTS["chat"], "the text in pieces")
    assert len(deltas) > 2, f"{len(deltas)} pieces"
    check_chat(target, answer)


def check_chat(target, answer):
    same([block.type for block in answer.content], ["text"], "the blocks")
    same(answer.content[0].text, FACTS["chat"], "the text")
    same(answer.stop_reason, "end_turn", "the stop reason")
    same(answer.usage.cache_read_input_tokens or 0, target.cached, "the cached tokens")
    same(answer.usage.input_tokens, FACTS["prompt"] - target.cached, "the prompt's tokens")
    same(answer.usage.output_tokens, FACTS["completion"], "the answer's tokens")


def tools(target):
    def ask(messages):
        return client.messages.create(model=target.model, max_tokens=300, messages=messages, tools=[WEATHER])

    round_trip(ask)


def tools_streamed(target):
    def ask(messages):
        with client.messages.stream(
            model=target.model, max_tokens=300, messages=messages, tools=[WEATHER]
        ) as stream:
            return stream.get_final_message()

    round_trip(ask)


def round_trip(ask):
    messages = said("tools")
    first = ask(messages)
    same(first.stop_reason, "tool_use", "the stop reason")
    same([block.type for block in first.content], ["text", "tool_use", "tool_use"], "the blocks")
    calls = first.content[1:]
    same([call.input for call in calls], [{"city": "Oslo"}, {"city": "Rome"}], "the inputs")
    messages.append({"role": "assistant", "content": first.content})
    messages.append({"role": "user", "content": [result(call) for call in reversed(calls)]})
    last = ask(messages)
    same(last.content[0].text, "Oslo has 7 degrees, Rome 19.", "the last text")
    same(last.stop_reason, "end_turn", "the last stop reason")


def result(call):
    text = f"{FACTS['degrees'][call.input['city']]} degrees"
    return {"type": "tool_result", "tool_use_id": call.id, "content": text}


def tools_run_by_the_sdk(target):
    """The SDK calls the functions by itself, at the path of its beta."""
    asked = []

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """How warm is it?"""
        asked.append(city)
        return f"{FACTS['degrees'][city]} degrees"

    runner = client.beta.messages.tool_runner(
        model=target.model, max_tokens=300, messages=said("tools"), tools=[weather]
    )
    same(runner.until_done().content[0].text, "Oslo has 7 degrees, Rome 19.", "the last text")
    same(asked, ["Oslo", "Rome"], "the calls")


def reasoning(target):
    think(lambda **request: client.messages.create(model=target.model, **request))


def reasoning_streamed(target):
    def ask(**request):
        with client.messages.stream(model=target.model, **request) as stream:
            return stream.get_final_message()

    think(ask)


def think(ask):
    request = {"max_tokens": 2048, "tools": [WEATHER], "thinking": THINKING}
    messages = said("signed")
    first = ask(messages=messages, **request)
    # State that another provider binds to a call travels in a block of its own.
    shown = [block for block in first.content if block.type != "redacted_thinking"]
    same([block.type for block in shown], ["thinking", "tool_use"], "the blocks")
    same(shown[0].thinking, "Oslo lies in the north.", "the thought")
    messages.append({"role": "assistant", "content": first.content})
    messages.append({"role": "user", "content": [result(shown[1])]})
    same(ask(messages=messages, **request).content[0].text, "Oslo has 7 degrees.", "the last text")


def structured(target):
    answer = client.messages.parse(
        model=target.model, max_tokens=300, messages=said("structured"), output_format=Weather
    )
    same(answer.parsed_output, Weather(city="Oslo", degrees=7), "what was parsed")


def structured_streamed(target):
    with client.messages.stream(
        model=target.model, max_tokens=300, messages=said("structured"), output_format=Weather
    ) as stream:
        answer = stream.get_final_message()
    same(answer.parsed_output, Weather(city="Oslo", degrees=7), "what was parsed")


def image(target):
    source = {"type": "base64", "media_type": "image/png", "data": FACTS["png"]}
    blocks = [{"type": "image", "source": source}, {"type": "text", "text": "[[scene image]]"}]
    answer = client.messages.create(
        model=target.model, max_tokens=300, messages=[{"role": "user", "content": blocks}]
    )
    same(answer.content[0].text, "A red dot.", "the text")


def ask_for(target, scene, **more):
    return lambda: client.messages.create(model=target.model, max_tokens=300, messages=said(scene), **more)


def kind(error):
    return error.body["error"]["type"]


def rate_limit(target):
    error = raises(anthropic.RateLimitError, ask_for(target, "limited"))
    same(kind(error), "rate_limit_error", "the type")
    same(error.response.headers.get("retry-after"), "7", "retry-after")


def refused_provider_key(target):
    error = raises(anthropic.InternalServerError, ask_for(target, "locked"))
    same(kind(error), "api_error", "the type")
    assert "sk-scripted" not in str(error), error


def overload(target):
    error = raises(anthropic.APIStatusError, ask_for(target, "overloaded"))
    # The other providers say no more than 503.
    wanted = ["overloaded_error"] if target.dialect == "anthropic" else ["overloaded_error", "api_error"]
    assert kind(error) in wanted, kind(error)
    assert error.status_code in (503, 529), error.status_code


def context_overflow(target):
    error = raises(anthropic.BadRequestError, ask_for(target, "overflow"))
    same(kind(error), "invalid_request_error", "the type")


def error_in_mid_stream(target):
    broken_stream(target, "broken")


def stream_cut_short(target):
    broken_stream(target, "cut")


def broken_stream(target, scene):
    text = []

    def read():
        with client.messages.stream(model=target.model, max_tokens=300, messages=said(scene)) as stream:
            text.extend(stream.text_stream)

    error = raises(anthropic.APIError, read)
    same("".join(text), "The tide is", "what was said before")
    assert not isinstance(error, anthropic.APIConnectionError), "the connection broke without a word"


def count_tokens(target):
    try:
        counted = client.messages.count_tokens(model=target.model, messages=said("hello"))
    except anthropic.NotFoundError as error:
        raise Skipped("there is no such route") from error
    assert counted.input_tokens > 0, counted


def bad_client_key():
    bad = anthropic.Anthropic(base_url=URL, api_key=BAD_KEY, max_retries=0)
    ask = bad.messages.create
    error = raises(
        anthropic.AuthenticationError, lambda: ask(model="gpt-4o", max_tokens=9, messages=said("hello"))
    )
    same(kind(error), "authentication_error", "the type")


def unknown_model():
    ask = client.messages.create
    raises(anthropic.NotFoundError, lambda: ask(model="nobody", max_tokens=9, messages=said("hello")))


def bad_request():
    ask = client.messages.create
    request = {"model": "gpt-4o", "max_tokens": 9, "messages": said("hello"), "tools": "all"}
    error = raises(anthropic.BadRequestError, lambda: ask(**request))
    same(kind(error), "invalid_request_error", "the type")
    assert "tools" in str(error), error


def models():
    listed = {model.id for model in client.models.list()}
    assert set(FACTS["models"].values()) <= listed, f"the list is {listed}"
    same(client.models.retrieve("gpt-4o").id, "gpt-4o", "the model")


EACH = [
    chat, chat_streamed, tools, tools_streamed, tools_run_by_the_sdk, reasoning, reasoning_streamed, structured,
    structured_streamed, image, rate_limit, refused_provider_key, overload, context_overflow,
    error_in_mid_stream, stream_cut_short, count_tokens,
]
if __name__ == "__main__":
    run("py anthropic", EACH, [bad_client_key, unknown_model, bad_request, models])
