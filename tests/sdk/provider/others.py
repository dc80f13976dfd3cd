"""What does a provider answer where nobody chats: vectors, counts, pictures?"""

import base64
import struct

from .parts import CREATED, PROMPT, demand

VECTOR = [0.25, -0.5, 1.0]
PICTURE_URL = "https://images.example/gopher.png"
PICTURE = base64.b64encode(b"a picture").decode()


def other(path, body):
    """The answer, or nothing when this is no such path."""
    for end, answer in ANSWERS.items():
        if path.endswith(end):
            return answer(body)
    return None


def embeddings(body):
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    packed = body.get("encoding_format") == "base64" and "[[floats]]" not in texts[0]
    vectors = [[value + at for value in VECTOR] for at in range(len(texts))]
    data = [
        {"object": "embedding", "index": at, "embedding": pack(vector) if packed else vector}
        for at, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": PROMPT, "total_tokens": PROMPT}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def pack(vector):
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def batch(body):
    return {"embeddings": [{"values": [value + at for value in VECTOR]} for at, _ in enumerate(body["requests"])]}


def embed(body):
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    vectors = [[value + at for value in VECTOR] for at in range(len(texts))]
    return {"model": body["model"], "embeddings": vectors, "prompt_eval_count": PROMPT}


def images(body):
    demand(body["prompt"], "no prompt")
    return {"created": CREATED, "data": [{"url": PICTURE_URL}]}


def predict(body):
    demand(body["instances"][0]["prompt"], "no prompt")
    return {"predictions": [{"bytesBase64Encoded": PICTURE, "mimeType": "image/png"}]}


ANSWERS = {
    "/embeddings": embeddings,
    ":embedContent": lambda _: {"embedding": {"values": VECTOR}},
    ":batchEmbedContents": batch,
    "/api/embed": embed,
    "/messages/count_tokens": lambda _: {"input_tokens": PROMPT},
    ":countTokens": lambda _: {"totalTokens": PROMPT},
    "/images/generations": images,
    ":predict": predict,
}
