"""Does the OpenAI SDK's Responses client reach every provider?"""

import json

import openai
from pydantic import BaseModel

from harness import BAD_KEY, FACTS, KEY, URL, raises, run, same

client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "How warm is it?",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
CHAT = {"instructions": FACTS["system"], "input": "[[scene chat]]", "temperature": 0.5, "max_output_tokens": 300}


class Weather(BaseModel):
    city: str
    degrees: int


def said(scene):
    return [{"role": "user", "content": f"[[scene {scene}]] Go on."}]


def streamed(**request):
    """The final response, as the SDK accumulates it, after a look at every event."""
    with client.responses.stream(**request) as stream:
        events = list(stream)
        final = stream.get_final_response()
    numbers = [event.sequence_number for event in events]
    same(numbers, list(range(len(numbers))), "the sequence numbers")
    return events, final


def chat(target):
    check_chat(target, client.responses.create(model=target.model, **CHAT))


def chat_streamed(target):
    events, final = streamed(model=target.model, **CHAT)
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    same("".join(deltas), FACTS["chat"], "the text in pieces")
    assert len(deltas) > 2, f"{len(deltas)} pieces"
    check_chat(target, final)


def check_chat(target, answer):
    same(answer.output_text, FACTS["chat"], "the text")
    same(answer.status, "completed", "the status")
    same(answer.usage.input_tokens, FACTS["prompt"], "the prompt's tokens")
    same(answer.usage.input_tokens_details.cached_tokens, target.cached, "the cached tokens")
    same(answer.usage.output_tokens, FACTS["completion"], "the answer's tokens")


def tools(target):
    round_trip(lambda items: client.responses.create(model=target.model, input=items, tools=[WEATHER]))


def tools_streamed(target):
    round_trip(lambda items: streamed(model=target.model, input=items, tools=[WEATHER])[1])


def round_trip(ask):
    items = said("tools")
    first = ask(items)
    same(first.output_text, "I look it up.", "the text")
    calls = [item for item in first.output if item.type == "function_call"]
    cities = [json.loads(call.arguments) for call in calls]
    same(cities, [{"city": "Oslo"}, {"city": "Rome"}], "the arguments")
    items += [item.to_dict() for item in first.output]
    items += results(calls)
    same(ask(items).output_text, "Oslo has 7 degrees, Rome 19.", "the last text")


def results(calls):
    """The later call is answered first."""
    for call in reversed(calls):
        degrees = FACTS["degrees"][json.loads(call.arguments)["city"]]
        yield {"type": "function_call_output", "call_id": call.call_id, "output": f"{degrees} degrees"}


def tools_by_previous_response(target):
    """Only the results are sent: the calls are remembered."""
    first = client.responses.create(model=target.model, input=said("tools"), tools=[WEATHER])
    calls = [item for item in first.output if item.type == "function_call"]
    last = client.responses.create(
        model=target.model, input=list(results(calls)), tools=[WEATHER], previous_response_id=first.id
    )
    same(last.output_text, "Oslo has 7 degrees, Rome 19.", "the last text")
    same(last.previous_response_id, first.id, "the previous response")


def reasoning(target):
    think(lambda items: client.responses.create(**thinking(target, items)))


def reasoning_streamed(target):
    think(lambda items: streamed(**thinking(target, items))[1])


def thinking(target, items):
    return {
        "model": target.model,
        "input": items,
        "tools": [WEATHER],
        "store": False,
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }


def think(ask):
    items = said("signed")
    first = ask(items)
    thought = next(item for item in first.output if item.type == "reasoning")
    shown = [*thought.summary, *(thought.content or [])]
    same("".join(part.text for part in shown), "Oslo lies in the north.", "the thought")
    call = next(item for item in first.output if item.type == "function_call")
    items += [item.to_dict() for item in first.output]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "7 degrees"})
    same(ask(items).output_text, "Oslo has 7 degrees.", "the last text")


def structured(target):
    answer = client.responses.parse(model=target.model, input=said("structured"), text_format=Weather)
    same(answer.output_parsed, Weather(city="Oslo", degrees=7), "what was parsed")


def structured_streamed(target):
    _, answer = streamed(model=target.model, input=said("structured"), text_format=Weather)
    same(answer.output_parsed, Weather(city="Oslo", degrees=7), "what was parsed")


def image(target):
    url = f"data:image/png;base64,{FACTS['png']}"
    parts = [{"type": "input_text", "text": "[[scene image]]"}, {"type": "input_image", "image_url": url}]
    answer = client.responses.create(model=target.model, input=[{"role": "user", "content": parts}])
    same(answer.output_text, "A red dot.", "the text")


def previous_response(target):
    remember(lambda **request: client.responses.create(model=target.model, **request))


def previous_response_streamed(target):
    remember(lambda **request: streamed(model=target.model, **request)[1])


def remember(ask):
    first = ask(input=said("memory"))
    again = client.responses.retrieve(first.id)
    same(again.output_text, first.output_text, "the text when read again")
    kept = list(client.responses.input_items.list(first.id))
    same(kept[0].content[0].text, "[[scene memory]] Go on.", "the input when read again")
    second = ask(input="What was it?", previous_response_id=first.id)
    same(second.output_text, "It was the lighthouse.", "the second text")
    client.responses.delete(first.id)
    raises(openai.NotFoundError, lambda: client.responses.retrieve(first.id))


def ask_for(target, scene, **more):
    return lambda: client.responses.create(model=target.model, input=said(scene), **more)


def rate_limit(target):
    error = raises(openai.RateLimitError, ask_for(target, "limited"))
    same(error.response.headers.get("retry-after"), "7", "retry-after")


def refused_provider_key(target):
    error = raises(openai.InternalServerError, ask_for(target, "locked"))
    assert "sk-scripted" not in str(error), error


def overload(target):
    same(raises(openai.InternalServerError, ask_for(target, "overloaded")).status_code, 503, "the status")


def context_overflow(target):
    error = raises(openai.BadRequestError, ask_for(target, "overflow"))
    same(error.code, "context_length_exceeded", "the code")


def error_in_mid_stream(target):
    broken_stream(target, "broken")


def stream_cut_short(target):
    broken_stream(target, "cut")


def broken_stream(target, scene):
    """The SDK raises for an `error` event and hands `response.failed` on: either tells the application."""
    text, kinds = [], []

    def read():
        for event in ask_for(target, scene, stream=True)():
            kinds.append(event.type)
            if event.type == "response.output_text.delta":
                text.append(event.delta)

    try:
        read()
    except openai.APIConnectionError:
        raise
    except openai.APIError as error:
        kinds.append(f"raised {error.message}")
    same("".join(text), "The tide is", "what was said before")
    told = [kind for kind in kinds if kind in ("error", "response.failed") or kind.startswith("raised")]
    assert told and "response.completed" not in kinds, f"the events are {kinds}"


def bad_client_key():
    bad = openai.OpenAI(base_url=f"{URL}/v1", api_key=BAD_KEY, max_retries=0)
    raises(openai.AuthenticationError, lambda: bad.responses.create(model="gpt-4o", input="Hello"))


def unknown_model():
    raises(openai.NotFoundError, lambda: client.responses.create(model="nobody", input="Hello"))


def unknown_previous_response():
    ask = client.responses.create
    error = raises(
        openai.BadRequestError, lambda: ask(model="gpt-4o", input="Hello", previous_response_id="resp_nobody")
    )
    same(error.code, "previous_response_not_found", "the code")


def what_is_not_stored_is_gone():
    model = FACTS["models"]["anthropic"]
    first = client.responses.create(model=model, input=said("hello"), store=False)
    raises(openai.NotFoundError, lambda: client.responses.retrieve(first.id))


def background_is_refused():
    ask = client.responses.create
    model = FACTS["models"]["anthropic"]
    error = raises(openai.BadRequestError, lambda: ask(model=model, input="Hello", background=True))
    same(error.param, "background", "the field")


EACH = [
    chat, chat_streamed, tools, tools_streamed, tools_by_previous_response, reasoning, reasoning_streamed,
    structured, structured_streamed, image, previous_response, previous_response_streamed, rate_limit,
    refused_provider_key, overload, context_overflow, error_in_mid_stream, stream_cut_short,
]
if __name__ == "__main__":
    once = [
        bad_client_key, unknown_model, unknown_previous_response, what_is_not_stored_is_gone,
        background_is_refused,
    ]
    run("py openai responses", EACH, once)
