"""How do requests reach the scenes, and how do answers leave?"""

import json
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from . import anthropic, gemini, ollama, openai_chat, openai_responses
from .others import other
from .parts import Answer, Broken, Fault, Wrong, dump
from .scenes import scene

# One that fails rests, so there are more than all failures of a run use up.
KEYS = [f"sk-scripted-{number}" for number in range(400)]
# The first segment of a path chooses the dialect.
DIALECTS = {d.NAME: d for d in (openai_chat, openai_responses, anthropic, gemini, ollama)}


def start():
    """Serves on a free loopback port until this process ends; returns the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Conversation)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


class Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        name, _, path = self.path.lstrip("/").partition("/")
        path = "/" + path.partition("?")[0]
        dialect = DIALECTS[name]
        try:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.check_key()
            answer = other(path, body)
            if answer is not None:
                return self.whole(200, answer)
            self.play(dialect, dialect.read(path, body))
        except BrokenPipeError:
            self.close_connection = True
        except Exception as error:
            # A request that cannot be read is the caller's fault, and what it was is worth reading.
            if not isinstance(error, Wrong):
                traceback.print_exc(file=sys.stderr)
            message = f"refused by the scripted provider: {type(error).__name__}: {error}"
            self.whole(*dialect.refusal(Fault(400, "wrong", message)))

    def play(self, dialect, asked):
        match scene(asked):
            case Fault() as fault:
                self.whole(*dialect.refusal(fault))
            case Broken() as broken if asked.stream:
                self.streamed(dialect, dialect.broken(asked, broken))
            case Answer() as answer if asked.stream:
                self.streamed(dialect, dialect.stream(asked, answer))
            case Answer() as answer:
                self.whole(200, dialect.whole(asked, answer))
            case _:
                raise Wrong("this scene is for streams")

    def check_key(self):
        shown = [self.headers.get(name, "") for name in ("authorization", "x-api-key", "x-goog-api-key")]
        if not any(value.removeprefix("Bearer ") in KEYS for value in shown):
            raise Wrong("the provider's key did not come")
        if any("tg_" in value for value in self.headers.values()) or "key=tg_" in self.path:
            raise Wrong("the client's key came through")

    def whole(self, status, body):
        data = dump(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if status == 429:
            self.send_header("retry-after", "7")
        self.end_headers()
        self.wfile.write(data)

    def streamed(self, dialect, events):
        self.send_response(200)
        kind = "application/x-ndjson" if dialect is ollama else "text/event-stream; charset=utf-8"
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass
