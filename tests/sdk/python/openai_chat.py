"""Does the OpenAI SDK's chat client reach every provider?"""

import json

import openai
from pydantic import BaseModel

from harness import BAD_KEY, FACTS, KEY, URL, raises, run, same

client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "How warm is it?",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


class Weather(BaseModel):
    city: str
    degrees: int


def said(scene, text="Go on."):
    return [{"role": "user", "content": f"[[scene {scene}]] {text}"}]


CHAT = [{"role": "system", "content": FACTS["system"]}, *said("chat")]


def chat(target):
    answer = client.chat.completions.create(
        model=target.model, messages=CHAT, temperature=0.5, max_completion_tokens=300
    )
    check_chat(target, answer)


def chat_streamed(target):
    with client.chat.completions.stream(
        model=target.model,
        messages=CHAT,
        temperature=0.5,
        max_completion_tokens=300,
        stream_options={"include_usage": True},
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        answer = stream.get_final_completion()
    same("".join(deltas), FACTS["chat"], "the text in pieces")
    assert len(deltas) > 2, f"{len(deltas)} pieces"
    check_chat(target, answer)


def check_chat(target, answer):
    same(answer.choices[0].message.content, FACTS["chat"], "the text")
    same(answer.choices[0].finish_reason, "stop", "the finish reason")
    same(answer.usage.prompt_tokens, FACTS["prompt"], "the prompt's tokens")
    same(answer.usage.completion_tokens, FACTS["completion"], "the answer's tokens")
    details = answer.usage.prompt_tokens_details
    same(details.cached_tokens if details else 0, target.cached, "the cached tokens")


def usage_only_when_asked(target):
    stream = client.chat.completions.create(model=target.model, messages=said("hello"), stream=True)
    chunks = list(stream)
    same([chunk.usage for chunk in chunks if chunk.usage], [], "the usage")
    same([len(chunk.choices) for chunk in chunks], [1] * len(chunks), "the choices")


def tools(target):
    def ask(messages):
        return client.chat.completions.create(model=target.model, messages=messages, tools=[WEATHER])

    round_trip(ask)


def tools_streamed(target):
    def ask(messages):
        with client.chat.completions.stream(model=target.model, messages=messages, tools=[WEATHER]) as stream:
            return stream.get_final_completion()

    round_trip(ask)


def round_trip(ask):
    messages = said("tools")
    first = ask(messages).choices[0]
    same(first.finish_reason, "tool_calls", "the finish reason")
    same(first.message.content, "I look it up.", "the text")
    calls = first.message.tool_calls
    same([call.function.name for call in calls], ["weather"] * 2, "the tools")
    cities = [json.loads(call.function.arguments) for call in calls]
    same(cities, [{"city": "Oslo"}, {"city": "Rome"}], "the arguments")
    assert len({call.id for call in calls}) == 2, f"the ids are {[call.id for call in calls]}"
    messages.append(first.message)
    # The later call is answered first.
    for call in reversed(calls):
        degrees = FACTS["degrees"][json.loads(call.function.arguments)["city"]]
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"{degrees} degrees"})
    last = ask(messages).choices[0]
    same(last.message.content, "Oslo has 7 degrees, Rome 19.", "the last text")
    same(last.finish_reason, "stop", "the last finish reason")


def reasoning(target):
    def ask(messages):
        return client.chat.completions.create(
            model=target.model, messages=messages, tools=[WEATHER], reasoning_effort="low"
        )

    think(ask, lambda message: message)


def reasoning_streamed(target):
    def ask(messages):
        with client.chat.completions.stream(
            model=target.model, messages=messages, tools=[WEATHER], reasoning_effort="low"
        ) as stream:
            return stream.get_final_completion()

    think(ask, lambda message: message)


def reasoning_by_a_client_that_drops_it(target):
    def ask(messages):
        return client.chat.completions.create(
            model=target.model, messages=messages, tools=[WEATHER], reasoning_effort="low"
        )

    def known(message):
        call = message.tool_calls[0]
        function = {"name": call.function.name, "arguments": call.function.arguments}
        calls = [{"id": call.id, "type": "function", "function": function}]
        return {"role": "assistant", "content": message.content, "tool_calls": calls}

    think(ask, known)


def think(ask, kept):
    messages = said("signed")
    message = ask(messages).choices[0].message
    same(getattr(message, "reasoning_content", None), "Oslo lies in the north.", "the thought")
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "7 degrees"}
    last = ask([*messages, kept(message), result]).choices[0]
    same(last.message.content, "Oslo has 7 degrees.", "the last text")


def structured(target):
    answer = client.chat.completions.parse(
        model=target.model, messages=said("structured"), response_format=Weather
    )
    same(answer.choices[0].message.parsed, Weather(city="Oslo", degrees=7), "what was parsed")
    same(answer.choices[0].finish_reason, "stop", "the finish reason")


def structured_streamed(target):
    with client.chat.completions.stream(
        model=target.model, messages=said("structured"), response_format=Weather
    ) as stream:
        answer = stream.get_final_completion()
    same(answer.choices[0].message.parsed, Weather(city="Oslo", degrees=7), "what was parsed")


def image(target):
    url = f"data:image/png;base64,{FACTS['png']}"
    parts = [{"type": "text", "text": "[[scene image]]"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = client.chat.completions.create(
        model=target.model, messages=[{"role": "user", "content": parts}]
    )
    same(answer.choices[0].message.content, "A red dot.", "the text")


def ask_for(target, scene, **more):
    return lambda: client.chat.completions.create(model=target.model, messages=said(scene), **more)


def rate_limit(target):
    error = raises(openai.RateLimitError, ask_for(target, "limited"))
    same(error.response.headers.get("retry-after"), "7", "retry-after")
    assert "slow down" in error.message, error.message
    raises(openai.RateLimitError, ask_for(target, "limited", stream=True))


def refused_provider_key(target):
    error = raises(openai.InternalServerError, ask_for(target, "locked"))
    assert "sk-scripted" not in str(error), error
    same(error.status_code, 502, "the status")


def overload(target):
    error = raises(openai.InternalServerError, ask_for(target, "overloaded"))
    same(error.status_code, 503, "the status")


def context_overflow(target):
    error = raises(openai.BadRequestError, ask_for(target, "overflow"))
    same(error.code, "context_length_exceeded", "the code")
    same(error.type, "invalid_request_error", "the type")


def error_in_mid_stream(target):
    broken_stream(target, "broken")


def stream_cut_short(target):
    broken_stream(target, "cut")


def broken_stream(target, scene):
    said_before = []

    def read():
        for chunk in ask_for(target, scene, stream=True)():
            said_before.append(chunk.choices[0].delta.content or "")

    error = raises(openai.APIError, read)
    same("".join(said_before), "The tide is", "what was said before")
    assert not isinstance(error, openai.APIConnectionError), "the connection broke without a word"


def bad_client_key():
    bad = openai.OpenAI(base_url=f"{URL}/v1", api_key=BAD_KEY, max_retries=0)
    ask = bad.chat.completions.create
    error = raises(openai.AuthenticationError, lambda: ask(model="gpt-4o", messages=said("hello")))
    same(error.code, "invalid_api_key", "the code")


def unknown_model():
    ask = client.chat.completions.create
    error = raises(openai.NotFoundError, lambda: ask(model="nobody", messages=said("hello")))
    same(error.code, "model_not_found", "the code")


def bad_request():
    ask = client.chat.completions.create
    model = FACTS["models"]["anthropic"]
    error = raises(
        openai.BadRequestError, lambda: ask(model=model, messages=said("hello"), temperature="hot")
    )
    same(error.param, "temperature", "the field")


def models():
    listed = {model.id for model in client.models.list()}
    assert set(FACTS["models"].values()) <= listed, f"the list is {listed}"
    same(client.models.retrieve("gpt-4o").id, "gpt-4o", "the model")


EACH = [
    chat, chat_streamed, usage_only_when_asked, tools, tools_streamed, reasoning, reasoning_streamed,
    reasoning_by_a_client_that_drops_it, structured, structured_streamed, image, rate_limit,
    refused_provider_key, overload, context_overflow, error_in_mid_stream, stream_cut_short,
]
if __name__ == "__main__":
    run("py openai chat", EACH, [bad_client_key, unknown_model, bad_request, models])
