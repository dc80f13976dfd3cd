"""How does a suite start the server, wait until it is ready, ask it something, and end it?"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

START_SECONDS = 30
STOP_SECONDS = 10
ANSWER_SECONDS = 10


class Gateway:
    """A running server with a folder of its own, for as long as a `with` block lasts."""

    def __init__(self, program, folder, *options, **variables):
        listen = free_address()
        self.url = f"http://{listen}"
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [program, "serve", "--listen", listen, "--data", str(folder / "data"), *options],
                stdout=log, stderr=log, cwd=folder, env=os.environ | variables,
            )
        self.await_ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def await_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/ready", timeout=1)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        self.stop()
        sys.exit(f"the server does not start:\n{self.log.read_text()}")

    def ask(self, method, path, headers, body=None):
        """Status, headers and bytes of an answer, whatever it is. A body is sent as JSON."""
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data, kind | headers, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=ANSWER_SECONDS)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            return answer.status, answer.headers, answer.read()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"
