"""Does the API do what its description says? Schemathesis asks a running server thousands of things, right and wrong ones,
as everybody who may come along."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, NamedTuple

# What the suites share lies beside them.
sys.path.append(str(Path(__file__).resolve().parents[1]))
from gateway import Gateway

RUNS_MAX = 60
EXAMPLES = 40
TOKEN = "schema-admin-token-0123456789abcdef"
PASSWORD = "a password of the schema suite"
# An address that has tried many passwords may try another one after a minute.
ENTER_SECONDS = 120

# Not among them: `positive_data_acceptance`, for a schema cannot say all that makes sense (a circle of groups, a
# metadata address); `missing_required_header`, for a missing If-Match is 428.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]

# A version that has moved on is told before a body that makes no sense.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "428"]
"""


def admin(_):
    return {"Authorization": f"Bearer {TOKEN}"}


def viewer(gateway):
    link = made(gateway, "/api/users", {"name": "viewer", "role": "viewer"})["link"]
    chosen = {"token": link.partition("#t=")[2], "password": PASSWORD}
    deadline = time.monotonic() + ENTER_SECONDS
    while True:
        status, headers, text = gateway.ask("POST", "/api/setup", {}, chosen)
        if status == 200:
            return {"Cookie": headers["Set-Cookie"].partition(";")[0], "Sec-Fetch-Site": "same-origin"}
        if status != 429 or time.monotonic() > deadline:
            sys.exit(f"the viewer is not let in: {status} {text.decode()}")
        time.sleep(1)


def client(gateway):
    return {"Authorization": f"Bearer {made(gateway, '/api/clients', {'name': 'schema'})['key']}"}


def nobody(_):
    return {}


def made(gateway, path, body):
    status, _, text = gateway.ask("POST", path, admin(gateway), body)
    if status != 201:
        sys.exit(f"{path} makes nothing: {status} {text.decode()}")
    return json.loads(text)


class Role(NamedTuple):
    """Who asks: how they come in, and which part of the cases is theirs."""

    # Returns the headers that show who it is.
    enter: Callable
    share: float
    # What is asked in the end, and what the answer then holds: nothing has shut this role out on the way.
    proof: tuple
    # What the role does not ask, because it would end its own session.
    spared: tuple = ()


# In this order, on one server: a viewer sees what the admin has left behind.
ROLES = {
    "admin": Role(admin, 1, ("/api/session", '"role":"admin"')),
    "viewer": Role(viewer, 1, ("/api/session", '"role":"viewer"'), ("delete_session", "delete_sessions_id")),
    "client": Role(client, 0.1, ("/v1/models", '"data":')),
    "nobody": Role(nobody, 0.1, ("/api/session", '"status":401')),
}


class Tally(NamedTuple):
    """How many cases ended how."""

    passed: int = 0
    failed: int = 0
    # Those, passed or not, that were answered with 2xx.
    granted: int = 0

    def __add__(self, other):
        return Tally(*(mine + its for mine, its in zip(self, other)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True, help="the program tidegate")
    parser.add_argument("--st", type=Path, required=True, help="the program schemathesis")
    parser.add_argument("--cases", type=int, default=1000, help="at least so many as an admin, and as a viewer")
    parser.add_argument("--role", choices=ROLES, action="append", help="only this one")
    line = parser.parse_args()
    variables = {
        "TIDEGATE_ADMIN_TOKEN": TOKEN, "TIDEGATE_DEMO": "true", "TIDEGATE_LOG": "warn",
        # Whether their source answers is not the API's doing.
        "TIDEGATE_CONFIG": "[prices]\nrefresh = false\n",
    }
    total = Tally()
    with tempfile.TemporaryDirectory(prefix="tidegate-schema-") as folder:
        folder = Path(folder)
        (folder / "schemathesis.toml").write_text(SETTINGS)
        with Gateway(line.server, folder, **variables) as gateway:
            _, _, description = gateway.ask("GET", "/api/openapi.json", admin(gateway))
            (folder / "openapi.json").write_bytes(description)
            for name in line.role or ROLES:
                tally = run(line.st, gateway, folder, ROLES[name], int(line.cases * ROLES[name].share))
                word = "FAILED" if tally.failed else "ok"
                print(f"schema {name}: {word}. {tally.passed} passed; {tally.failed} failed; {tally.granted} granted")
                total += tally
    word = "FAILED" if total.failed else "ok"
    print(f"test result: {word}. {total.passed} passed; {total.failed} failed; 0 ignored")
    sys.exit(1 if total.failed or not total.passed else 0)


def run(st, gateway, folder, role, wanted):
    """Asks until there were enough cases, another seed each time, or until something was wrong."""
    headers = role.enter(gateway)
    tally = Tally()
    for seed in range(1, RUNS_MAX + 1):
        if tally.failed or tally.passed >= wanted:
            break
        tally += once(st, gateway, folder, role, headers, seed)
    if tally.passed + tally.failed < wanted and not tally.failed:
        print(f"only {tally.passed} cases in {RUNS_MAX} runs")
        tally += Tally(failed=1)
    path, words = role.proof
    status, _, text = gateway.ask("GET", path, headers)
    if words not in text.decode():
        print(f"in the end {path} says {status} {text.decode()}")
        tally += Tally(failed=1)
    return tally


def once(st, gateway, folder, role, headers, seed):
    report = folder / "report.ndjson"
    asked = subprocess.run(
        [
            st, "run", "openapi.json", "--url", gateway.url, "--phases", "coverage,fuzzing",
            "--checks", ",".join(CHECKS), "--seed", str(seed), "--max-examples", str(int(EXAMPLES * role.share)),
            "--generation-database", "none", "--warnings", "off", "--no-color", "--continue-on-failure",
            "--request-timeout", "30", "--suppress-health-check", "all",
            "--report", "ndjson", "--report-ndjson-path", str(report),
            # A token of its own making beside a session would be believed first. Nobody has none and tries some.
            "--generation-with-security-parameters", "false" if headers else "true",
            *(part for name, value in headers.items() for part in ("--header", f"{name}: {value}")),
            *(part for operation in role.spared for part in ("--exclude-operation-id", operation)),
        ],
        capture_output=True, text=True, cwd=folder,
    )
    tally = count(report)
    if asked.returncode != 0:
        print(asked.stdout[-20_000:], asked.stderr[-2_000:])
        tally += Tally(failed=0 if tally.failed else 1)
    return tally


def count(report):
    """How each request ended that was sent."""
    tally = Tally()
    for line in report.read_text().splitlines():
        scenario = json.loads(line).get("ScenarioFinished")
        if scenario is None:
            continue
        checks, interactions = scenario["recorder"]["checks"], scenario["recorder"]["interactions"]
        for case, interaction in interactions.items():
            wrong = any(check["status"] == "failure" for check in checks.get(case, []))
            response = interaction["response"] or {"status_code": 0}
            tally += Tally(not wrong, wrong, response["status_code"] // 100 == 2)
    return tally


if __name__ == "__main__":
    main()
