"""How is a case run, and how is it told? By one line: client, provider, case, outcome and why, with tabs between."""

import json
import os
import re
import traceback
from dataclasses import dataclass

URL = os.environ["TIDEGATE_URL"]
KEY = os.environ["TIDEGATE_KEY"]
# What provider and clients must agree on, and which model each provider has.
FACTS = json.loads(os.environ["SDK_FACTS"])
# A key of the right form that nobody made.
BAD_KEY = re.sub(r".$", lambda last: "b" if last[0] == "a" else "a", KEY)
ONLY = os.environ.get("SDK_ONLY", "")


@dataclass
class Target:
    """One provider behind the gateway."""

    dialect: str
    model: str

    @property
    def cached(self):
        # Ollama does not say what it had in its cache.
        return 0 if self.dialect == "ollama" else FACTS["cached"]


class Skipped(Exception):
    """The case cannot be run, for this reason."""


def same(got, wanted, what="it"):
    assert got == wanted, f"{what} is {got!r}, not {wanted!r}"


def raises(kind, act):
    """What `act` raises must be of this kind; returns it."""
    try:
        got = act()
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"raised {type(error).__name__} ({error}), not {kind.__name__}") from error
    raise AssertionError(f"raised nothing, but gave {got!r:.300}")


def run(client, each, once=()):
    """Runs the cases of a client: some with each provider, some only once."""
    for dialect, model in FACTS["models"].items():
        for case in each:
            tell(client, dialect, case, Target(dialect, model))
    for case in once:
        tell(client, "-", case)


def tell(client, provider, case, *args):
    name = case.__name__.replace("_", " ")
    if ONLY not in f"{client} | {provider} | {name}":
        return
    try:
        case(*args)
        outcome, why = "ok", ""
    except Skipped as reason:
        outcome, why = "skipped", str(reason)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)
        here = [frame for frame in place if os.path.dirname(__file__) in frame.filename][-1]
        why = f"{type(error).__name__} at {os.path.basename(here.filename)}:{here.lineno}: {error}"
        outcome = "FAILED"
    print(client, provider, name, outcome, " ".join(why.split()), sep="\t", flush=True)
