"""Do the real SDKs work through the gateway? This starts a scripted provider and the gateway, and runs every client."""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from provider import parts, scenes, server
from provider.others import PICTURE_URL, VECTOR

# What the suites share lies beside them.
sys.path.append(str(Path(__file__).resolve().parents[1]))
from gateway import Gateway

HERE = Path(__file__).parent
CLIENT_SECONDS = 120

# What the groups that everybody begins with lead to.
TIERS = ["deepseek-v4-flash", "gpt-5.4-mini", "deepseek-v4-pro"]
# Each provider's dialect, its id, where its API begins, and its models; the first one is asked in every case.
PROVIDERS = [
    ("openai_chat", "openai", "/v1", ["gpt-4o", "text-embedding-3-small", "dall-e-3", *TIERS]),
    ("openai_responses", "responses", "/v1", ["gpt-4.1"]),
    ("anthropic", "anthropic", "/v1", ["claude-sonnet-4-6"]),
    ("gemini", "gemini", "/v1beta", ["gemini-2.5-flash", "gemini-embedding-001", "imagen-3.0-generate-001"]),
    ("ollama", "ollama", "", ["llama3.2", "nomic-embed-text"]),
]
EMBEDDERS = {"openai_chat": "text-embedding-3-small", "gemini": "gemini-embedding-001", "ollama": "nomic-embed-text"}
CLIENTS = [
    [sys.executable, "python/openai_chat.py"],
    [sys.executable, "python/openai_embeddings.py"],
    [sys.executable, "python/openai_responses.py"],
    [sys.executable, "python/anthropic_messages.py"],
    [sys.executable, "python/google_genai.py"],
    [sys.executable, "python/examples.py"],
    ["node", "node/openai_chat.mjs"],
    ["node", "node/openai_responses.mjs"],
    ["node", "node/anthropic.mjs"],
    ["node", "node/ai.mjs"],
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True, help="the program tidegate")
    parser.add_argument("--only", default="", help="only cases whose line contains this")
    line = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-sdk-") as folder:
        options, key = furnish(line.server, Path(folder), server.start())
        with Gateway(line.server, Path(folder), *options) as gateway:
            results = run(gateway.url, key, line.only)
    table(results)
    counted = Counter(outcome for _, _, _, outcome in results)
    failed = counted["FAILED"]
    word = "FAILED" if failed else "ok"
    print(f"test result: {word}. {counted['ok']} passed; {failed} failed; {counted['skipped']} ignored")
    sys.exit(1 if failed or not counted["ok"] else 0)


def furnish(program, folder, provider):
    """Declares every provider at the scripted one and makes a client; returns the server's options and the client's key."""
    config = folder / "tidegate.toml"
    config.write_text("".join(declare(provider, *row) for row in PROVIDERS))
    options = ["--config", str(config)]
    made = subprocess.run(
        [program, "key", "create", "--name", "sdk", *options, "--data", str(folder / "data")],
        capture_output=True, text=True, check=True, cwd=folder,
    )
    return options, next(word for word in made.stdout.split() if word.startswith("tg_"))


def declare(provider, dialect, name, start, models):
    return (
        f'[[provider]]\nid = "{name}"\ndialect = "{dialect}"\nbase_url = "{provider}/{dialect}{start}"\n'
        f'keys = {json.dumps(server.KEYS)}\nmodels = {json.dumps(models)}\n\n'
    )


def facts():
    """What provider and clients must agree on."""
    return {
        "models": {dialect: models[0] for dialect, _, _, models in PROVIDERS},
        "embedders": EMBEDDERS,
        "vectors": [[value + at for value in VECTOR] for at in range(2)],
        "chat": scenes.CHAT,
        "system": scenes.SYSTEM,
        "png": base64.b64encode(scenes.PNG).decode(),
        "degrees": scenes.DEGREES,
        "picture_url": PICTURE_URL,
        "prompt": parts.PROMPT,
        "cached": parts.CACHED,
        "completion": parts.COMPLETION,
    }


def run(url, key, only):
    """Runs every client, shows its lines as they come, and returns them."""
    surroundings = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    surroundings |= {
        "TIDEGATE_URL": url, "TIDEGATE_KEY": key,
        "SDK_FACTS": json.dumps(facts()), "SDK_ONLY": only,
    }
    results = []
    for client in CLIENTS:
        process = subprocess.Popen(client, stdout=subprocess.PIPE, text=True, env=surroundings, cwd=HERE)
        for line in process.stdout:
            name, provider, case, outcome, why = line.rstrip("\n").split("\t")
            print(f"{outcome:<7} {name} | {provider} | {case}{': ' + why if why else ''}", flush=True)
            results.append((name, provider, case, outcome))
        if process.wait(CLIENT_SECONDS):
            print(f"FAILED  {client[1]} ended with {process.returncode}")
            results.append((client[1], "-", "runs to its end", "FAILED"))
    return results


def table(results):
    """How many cases of each client passed with each provider."""
    columns = [dialect for dialect, *_ in PROVIDERS] + ["-"]
    clients = list(dict.fromkeys(client for client, *_ in results))
    print(f"\n{'client':<24}" + "".join(f"{column:>18}" for column in columns))
    for client in clients:
        cells = []
        for column in columns:
            found = Counter(o for c, provider, _, o in results if (c, provider) == (client, column))
            ran = found["ok"] + found["FAILED"]
            skipped = f" (+{found['skipped']})" if found["skipped"] else ""
            cells.append(f"{found['ok']}/{ran}{skipped}" if ran or skipped else "")
        print(f"{client:<24}" + "".join(f"{cell:>18}" for cell in cells))
    print()


if __name__ == "__main__":
    main()
