"""Does Google's SDK reach every provider?"""

import base64

from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from harness import BAD_KEY, FACTS, KEY, URL, Skipped, raises, run, same


def connect(key, version="v1beta"):
    once = types.HttpRetryOptions(attempts=1)
    return genai.Client(
        api_key=key,
        http_options=types.HttpOptions(base_url=URL, api_version=version, retry_options=once),
    )


client = connect(KEY)

WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            description="How warm is it?",
            parameters=types.Schema(
                type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]
            ),
        )
    ]
)


class Weather(BaseModel):
    city: str
    degrees: int


def said(scene):
    return f"[[scene {scene}]] Go on."


def ask(target, contents, **config):
    config = types.GenerateContentConfig(**config)
    return client.models.generate_content(model=target.model, contents=contents, config=config)


def stream(target, contents, **config):
    config = types.GenerateContentConfig(**config)
    return list(client.models.generate_content_stream(model=target.model, contents=contents, config=config))


def parts(elements):
    """All parts of a stream. The SDK has nothing that accumulates but its chats."""
    contents = [one.candidates[0].content for one in elements]
    return [part for content in contents if content for part in content.parts or []]


CHAT = {"system_instruction": FACTS["system"], "temperature": 0.5, "max_output_tokens": 300}


def chat(target):
    answer = ask(target, said("chat"), **CHAT)
    same(answer.text, FACTS["chat"], "the text")
    check_end(target, answer)


def chat_streamed(target):
    elements = stream(target, said("chat"), **CHAT)
    same("".join(one.text or "" for one in elements), FACTS["chat"], "the text")
    assert len(elements) > 2, f"{len(elements)} pieces"
    check_end(target, elements[-1])


def check_end(target, answer):
    same(answer.candidates[0].finish_reason, types.FinishReason.STOP, "the finish reason")
    usage = answer.usage_metadata
    same(usage.prompt_token_count, FACTS["prompt"], "the prompt's tokens")
    same(usage.cached_content_token_count or 0, target.cached, "the cached tokens")
    same(usage.candidates_token_count, FACTS["completion"], "the answer's tokens")
    same(usage.total_token_count, FACTS["prompt"] + FACTS["completion"], "the tokens in all")


def chat_at_the_usual_version(target):
    """Without a word, the SDK asks for `v1`."""
    usual = connect(KEY, version=None)
    answer = usual.models.generate_content(model=target.model, contents=said("hello"))
    same(answer.text, "Hello! Nice to meet you.", "the text")
    pieces = usual.models.generate_content_stream(model=target.model, contents=said("hello"))
    same("".join(one.text or "" for one in pieces), "Hello! Nice to meet you.", "the text in pieces")


def chat_kept_by_the_sdk(target):
    """The SDK's chats send back what they accumulated of the streams before."""
    talk = client.chats.create(model=target.model)
    first = "".join(one.text or "" for one in talk.send_message_stream(said("memory")))
    same(first, "I shall remember the lighthouse.", "the first text")
    same(talk.send_message("What was it?").text, "It was the lighthouse.", "the second text")


def tools(target):
    round_trip(lambda contents: ask(target, contents, tools=[WEATHER]).candidates[0].content.parts)


def tools_streamed(target):
    round_trip(lambda contents: parts(stream(target, contents, tools=[WEATHER])))


def round_trip(ask, scene="tools"):
    contents = [types.Content(role="user", parts=[types.Part(text=said(scene))])]
    first = ask(contents)
    same("".join(part.text or "" for part in first), "I look it up.", "the text")
    calls = [part.function_call for part in first if part.function_call]
    same([call.args for call in calls], [{"city": "Oslo"}, {"city": "Rome"}], "the arguments")
    contents.append(types.Content(role="model", parts=first))
    contents.append(types.Content(role="user", parts=[result(call) for call in calls]))
    last = "".join(part.text or "" for part in ask(contents))
    same(last, "Oslo has 7 degrees, Rome 19.", "the last text")


def result(call):
    response = {"result": f"{FACTS['degrees'][call.args['city']]} degrees"}
    answer = types.FunctionResponse(id=call.id, name=call.name, response=response)
    return types.Part(function_response=answer)


def tools_without_ids(target):
    """Older applications send a result with the tool's name alone, in the order of the calls."""

    def forget(part):
        if part.function_call:
            part.function_call.id = None
        if part.function_response:
            part.function_response.id = None

    def ask_forgetting(contents):
        for content in contents:
            for part in content.parts:
                forget(part)
        return ask(target, contents, tools=[WEATHER]).candidates[0].content.parts

    round_trip(ask_forgetting, "tools-without-ids")


def functions_called_by_the_sdk(target):
    asked = []

    def weather(city: str) -> str:
        """How warm is it?"""
        asked.append(city)
        return f"{FACTS['degrees'][city]} degrees"

    answer = ask(target, said("tools"), tools=[weather])
    same(asked, ["Oslo", "Rome"], "the calls")
    same(answer.text, "Oslo has 7 degrees, Rome 19.", "the text")


def reasoning(target):
    think(lambda contents, **config: ask(target, contents, **config).candidates[0].content.parts)


def reasoning_streamed(target):
    think(lambda contents, **config: parts(stream(target, contents, **config)))


def think(ask):
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    config = {"tools": [WEATHER], "thinking_config": thinking}
    contents = [types.Content(role="user", parts=[types.Part(text=said("signed"))])]
    first = ask(contents, **config)
    same("".join(part.text or "" for part in first if part.thought), "Oslo lies in the north.", "the thought")
    contents.append(types.Content(role="model", parts=first))
    call = next(part.function_call for part in first if part.function_call)
    contents.append(types.Content(role="user", parts=[result(call)]))
    last = "".join(part.text or "" for part in ask(contents, **config))
    same(last, "Oslo has 7 degrees.", "the last text")


def structured(target):
    answer = ask(target, said("structured"), response_mime_type="application/json", response_schema=Weather)
    same(answer.parsed, Weather(city="Oslo", degrees=7), "what was parsed")


def image(target):
    picture = types.Part.from_bytes(data=base64.b64decode(FACTS["png"]), mime_type="image/png")
    same(ask(target, [picture, "[[scene image]]"]).text, "A red dot.", "the text")


def rate_limit(target):
    error = raises(errors.ClientError, lambda: ask(target, said("limited")))
    same((error.code, error.status), (429, "RESOURCE_EXHAUSTED"), "the error")


def refused_provider_key(target):
    error = raises(errors.ServerError, lambda: ask(target, said("locked")))
    assert "sk-scripted" not in str(error), error


def overload(target):
    error = raises(errors.ServerError, lambda: ask(target, said("overloaded")))
    same((error.code, error.status), (503, "UNAVAILABLE"), "the error")


def context_overflow(target):
    error = raises(errors.ClientError, lambda: ask(target, said("overflow")))
    same((error.code, error.status), (400, "INVALID_ARGUMENT"), "the error")


def error_in_mid_stream(target):
    broken_stream(target, "broken")


def stream_cut_short(target):
    broken_stream(target, "cut")


def broken_stream(target, scene):
    text = []

    def read():
        for one in client.models.generate_content_stream(model=target.model, contents=said(scene)):
            text.append(one.text or "")

    raises(errors.APIError, read)
    same("".join(text), "The tide is", "what was said before")


def count_tokens(target):
    try:
        counted = client.models.count_tokens(model=target.model, contents=said("hello"))
    except errors.ClientError as error:
        if error.code in (404, 405):
            raise Skipped("there is no such route") from error
        raise
    assert counted.total_tokens > 0, counted


def bad_client_key():
    bad = connect(BAD_KEY)
    error = raises(
        errors.ClientError, lambda: bad.models.generate_content(model="gpt-4o", contents=said("hello"))
    )
    assert error.code in (400, 401), error


def unknown_model():
    ask_nobody = client.models.generate_content
    error = raises(errors.ClientError, lambda: ask_nobody(model="nobody", contents=said("hello")))
    same((error.code, error.status), (404, "NOT_FOUND"), "the error")


def models():
    listed = {model.name for model in client.models.list()}
    wanted = {f"models/{name}" for name in FACTS["models"].values()}
    assert wanted <= listed, f"the list is {listed}"
    same(client.models.get(model="gpt-4o").name, "models/gpt-4o", "the model")


def embeddings():
    try:
        answer = client.models.embed_content(model=FACTS["embedders"]["gemini"], contents=["high", "low"])
    except errors.ClientError as error:
        if error.code in (404, 405):
            raise Skipped("there is no such route") from error
        raise
    same([one.values for one in answer.embeddings], FACTS["vectors"], "the vectors")


EACH = [
    chat, chat_streamed, chat_at_the_usual_version, chat_kept_by_the_sdk, tools, tools_streamed, tools_without_ids,
    functions_called_by_the_sdk, reasoning, reasoning_streamed, structured, image, rate_limit,
    refused_provider_key, overload, context_overflow, error_in_mid_stream, stream_cut_short, count_tokens,
]
if __name__ == "__main__":
    run("py google-genai", EACH, [bad_client_key, unknown_model, models, embeddings])
