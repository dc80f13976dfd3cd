"""Do embeddings come as the OpenAI SDK takes them, whatever the provider has?"""

import openai

from harness import FACTS, KEY, URL, Skipped, run, same

client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
DIALECTS = ("openai_chat", "gemini", "ollama")


def ask(target, **more):
    if target.dialect not in DIALECTS:
        raise Skipped("its providers have no embeddings")
    model = FACTS["embedders"][target.dialect]
    try:
        return client.embeddings.create(model=model, **more)
    except openai.NotFoundError as error:
        if target.dialect == "openai_chat":
            raise
        raise Skipped("the gateway has no embeddings with these providers") from error


def check(answer):
    same([one.embedding for one in answer.data], FACTS["vectors"], "the vectors")
    same([one.index for one in answer.data], [0, 1], "the places")


def embeddings(target):
    """The SDK asks for base64 by itself."""
    check(ask(target, input=["high", "low"]))


def embeddings_from_a_provider_of_floats(target):
    check(ask(target, input=["[[floats]] high", "low"]))


def embeddings_as_floats(target):
    check(ask(target, input=["high", "low"], encoding_format="float"))


if __name__ == "__main__":
    run("py openai chat", [embeddings, embeddings_from_a_provider_of_floats, embeddings_as_floats])
