"""Does the API do what its description says? Schemathesis asks a running server thousands of things, right and wrong ones."""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

START_SECONDS = 30
RUNS_MAX = 60
TOKEN = "schema-admin-token-0123456789abcdef"

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

# What each role shows.
ROLES = {"admin": [f"Authorization: Bearer {TOKEN}"], "nobody": []}


def main():
    line = argparse.ArgumentParser(description=__doc__)
    line.add_argument("--server", type=Path, required=True, help="the program tidegate")
    line.add_argument("--st", type=Path, required=True, help="the program schemathesis")
    line.add_argument("--cases", type=int, default=1000, help="at least so many for each role")
    line.add_argument("--role", choices=ROLES, action="append", help="only this one")
    options = line.parse_args()
    failed = False
    for role in options.role or ROLES:
        with tempfile.TemporaryDirectory(prefix="tidegate-schema-") as folder:
            gateway = Gateway(options.server, Path(folder))
            try:
                cases, good = run(options.st, gateway, Path(folder), ROLES[role], options.cases)
            finally:
                gateway.stop()
        print(f"schema {role}: {cases} cases, {'passed' if good else 'FAILED'}", flush=True)
        failed = failed or not good
    sys.exit(1 if failed else 0)


class Gateway:
    """A running server with nothing in it."""

    def __init__(self, program, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            listen = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{listen}"
        self.log = folder / "log"
        surroundings = os.environ | {"TIDEGATE_ADMIN_TOKEN": TOKEN, "TIDEGATE_DEMO": "true", "TIDEGATE_LOG": "warn"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [program, "serve", "--listen", listen, "--data", str(folder / "data")],
                stdout=log, stderr=log, cwd=folder, env=surroundings,
            )
        self.await_ready()

    def await_ready(self):
        for _ in range(START_SECONDS * 20):
            try:
                urllib.request.urlopen(f"{self.url}/ready", timeout=1)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        self.stop()
        sys.exit(f"the server does not start:\n{self.log.read_text()}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def run(st, gateway, folder, headers, wanted):
    """Asks until there were enough cases, another seed each time; returns how many, and whether all was right."""
    description = folder / "openapi.json"
    ask = urllib.request.Request(f"{gateway.url}/api/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})
    description.write_bytes(urllib.request.urlopen(ask, timeout=10).read())
    (folder / "schemathesis.toml").write_text(SETTINGS)
    cases = 0
    for seed in range(1, RUNS_MAX + 1):
        report = folder / f"{seed}.ndjson"
        asked = subprocess.run(
            [
                st, "run", str(description), "--url", gateway.url, "--phases", "coverage,fuzzing",
                "--checks", ",".join(CHECKS), "--seed", str(seed), "--max-examples", "40",
                "--generation-database", "none", "--warnings", "off", "--no-color", "--continue-on-failure",
                "--request-timeout", "30", "--suppress-health-check", "all",
                "--report", "ndjson", "--report-ndjson-path", str(report),
                *(part for header in headers for part in ("--header", header)),
            ],
            capture_output=True, text=True, cwd=folder,
        )
        cases += count(report)
        if asked.returncode != 0:
            print(asked.stdout[-20_000:], asked.stderr[-2_000:])
            return cases, False
        if cases >= wanted:
            break
    return cases, cases >= wanted


def count(report):
    """How many requests were sent."""
    sent = 0
    for text in report.read_text().splitlines():
        sent += interactions(json.loads(text))
    return sent


def interactions(value):
    if isinstance(value, dict):
        found = value.get("interactions")
        own = len(found) if isinstance(found, (dict, list)) else 0
        return own + sum(interactions(inner) for name, inner in value.items() if name != "interactions")
    if isinstance(value, list):
        return sum(interactions(inner) for inner in value)
    return 0


if __name__ == "__main__":
    main()
