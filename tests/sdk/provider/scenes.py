"""Which scenes are there, what does each demand of the request, and what does it answer?

A prompt names its scene by a tag such as `[[scene tools]]`.
"""

import re

from .parts import Answer, Broken, Call, Fault, Image, Result, Text, Thought, demand, dump

CHAT = "Ebbe und Flut: høy tide 🌊 at noon."
SYSTEM = "Speak of the sea."
TEMPERATURE = 0.5
# The smallest picture there is: one red dot.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)
DEGREES = {"Oslo": "7", "Rome": "19"}


def scene(asked):
    """What is answered to this request."""
    tag = re.search(r"\[\[scene ([a-z-]+)\]\]", asked.text())
    play = SCENES.get(tag[1] if tag else "hello")
    demand(play, f"there is no scene {tag and tag[1]}")
    return play(asked)


def hello(asked):
    demand(asked.turns, "nothing was said")
    return Answer([Text("Hello! Nice to meet you.")])


def chat(asked):
    demand(asked.system == [SYSTEM], f"the instructions are {asked.system}")
    demand(asked.temperature == TEMPERATURE, f"the temperature is {asked.temperature}")
    demand(asked.max_tokens == 300, f"the most tokens are {asked.max_tokens}")
    demand([turn.role for turn in asked.turns] == ["user"], f"the turns are {asked.turns}")
    return Answer([Text(CHAT)])


def tools(asked, ids=True):
    """Two calls at once; the results may come in any order, and must come home to their calls."""
    properties = asked.tools.get("weather", {}).get("properties", {})
    demand("city" in properties, f"the tools are {asked.tools}")
    issued = [call("Oslo", asked), call("Rome", asked)]
    if asked.all(Result):
        check_results(asked, issued, ids)
        return Answer([Text("Oslo has 7 degrees, Rome 19.")])
    return Answer([Text("I look it up."), *issued])


def signed(asked):
    """A thought and one call; its provider wants the state back with the result."""
    if not asked.all(Result):
        first = call("Oslo", asked)
        if asked.dialect == "gemini":
            first.state = STATE
        thought = Thought("Oslo lies in the north.", STATE)
        return Answer([thought, first])
    if asked.dialect == "gemini":
        states = [part.state for part in asked.all(Call)]
    else:
        states = [part.state for part in asked.all(Thought)]
    if asked.dialect in ("anthropic", "openai_responses", "gemini"):
        demand(states == [STATE], f"the state that came back is {states}")
    return Answer([Text("Oslo has 7 degrees.")])


STATE = "c3RhdGUgb2YgbWluZA=="


def structured(asked):
    value = {"city": "Oslo", "degrees": 7}
    # Some clients ask for a tool of this form instead, and call its arguments the answer.
    tool = next(iter(asked.tools), None)
    properties = (asked.schema or asked.tools.get(tool, {})).get("properties", {})
    demand({"city", "degrees"} <= set(properties), f"the schema is {asked.schema}, the tools {asked.tools}")
    if asked.schema:
        return Answer([Text(dump(value))])
    return Answer([Call("call_json", tool, value)])


def image(asked):
    images = asked.all(Image)
    demand(images == [Image("image/png", PNG)], f"the images are {images}")
    return Answer([Text("A red dot.")])


def memory(asked):
    """The second turn must bring the first with it."""
    said = []
    for turn in asked.turns:
        text = "".join(part.text for part in turn.parts if isinstance(part, Text))
        # Some clients send a turn for each piece of a stream.
        if said and said[-1][0] == turn.role:
            text = said.pop()[1] + text
        said.append((turn.role, text))
    if len(said) == 1:
        return Answer([Text("I shall remember the lighthouse.")])
    roles = [role for role, _ in said]
    demand(roles == ["user", "assistant", "user"], f"the turns are {said}")
    demand("lighthouse" in said[1][1], f"the answer came back as {said[1][1]!r}")
    return Answer([Text("It was the lighthouse.")])


def call(city, asked):
    # The versions of Gemini that give calls no ids want results in the calls' order.
    name = None if asked.dialect == "gemini" else f"call_{city.lower()}"
    return Call(name, "weather", {"city": city})


def check_results(asked, issued, ids_matter):
    last = [turn for turn in asked.turns if any(isinstance(part, Call) for part in turn.parts)][-1]
    calls = [part for part in last.parts if isinstance(part, Call)]
    cities = [call.arguments for call in calls]
    demand(cities == [call.arguments for call in issued], f"the calls came back as {calls}")
    if issued[0].id and ids_matter:
        ids = [call.id for call in calls]
        demand(ids == [call.id for call in issued], f"the ids came back as {ids}")
    results = asked.all(Result)
    demand(len(results) == len(calls), f"the results are {results}")
    for at, result in enumerate(results):
        home = [call for call in calls if call.id == result.id] if result.id else [calls[at]]
        demand(len(home) == 1, f"no call has the id of {result}")
        demand(result.name in (None, "weather"), f"the tool of {result}")
        degrees = DEGREES[home[0].arguments["city"]]
        demand(degrees in result.content, f"{home[0]} got {result}")


SCENES = {
    "hello": hello,
    "chat": chat,
    "tools": tools,
    # For clients that keep no ids: whatever ids come back must still agree.
    "tools-without-ids": lambda asked: tools(asked, ids=False),
    "signed": signed,
    "structured": structured,
    "image": image,
    "memory": memory,
    "limited": lambda _: Fault(429, "limited", "Too many requests, slow down."),
    "locked": lambda _: Fault(401, "locked", "The key sk-scripted is not valid."),
    "overloaded": lambda _: Fault(529, "overloaded", "Too much is going on."),
    "overflow": lambda _: Fault(400, "overflow", "prompt is too long: 210000 tokens > 200000 maximum"),
    "broken": lambda _: Broken("The tide is", says_so=True),
    "cut": lambda _: Broken("The tide is", says_so=False),
}
