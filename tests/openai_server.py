"""A loopback server that speaks the OpenAI protocol by script, and keeps the requests that it got."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One answer of the server."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """How long it takes."""
    cut: bool = False
    """Whether the connection is cut instead."""


def answer(
    content: str | None = None,
    calls: list[tuple[str, str]] | None = None,
    *,
    finish: str | None = None,
    usage: bool = True,
) -> Reply:
    """A chat completion; `calls` are names of tools and their arguments as text."""
    tool_calls = [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(calls or [])
    ]
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if tool_calls:
        message["tool_calls"] = tool_calls
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model",
        "choices": [{"index": 0, "message": message, "finish_reason": finish or ("tool_calls" if calls else "stop")}],
    }
    if usage:
        body["usage"] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return Reply(body=body)


def failure(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    """An error in OpenAI's form."""
    body = {"error": {"message": message, "type": "error", "code": code}}
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class Server:
    """What is to be answered, in order (the last answer stays), and what was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.replies: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.lock = threading.Lock()
        self.asked = threading.Event()

    def take(self, path: str, headers: dict[str, str], request: dict[str, Any]) -> Reply:
        """The answer to one request, which is kept."""
        with self.lock:
            self.paths.append(path)
            self.headers.append(headers)
            self.requests.append(request)
            self.asked.set()
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def forget(self) -> None:
        """Forgets what was said and asked."""
        self.replies, self.requests, self.headers, self.paths = [], [], [], []
        self.asked.clear()

    def say(self, *replies: Reply) -> None:
        """From now on, answer this."""
        self.replies = list(replies)

    @property
    def count(self) -> int:
        """How many requests came."""
        return len(self.requests)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    told: Server

    def do_POST(self) -> None:
        """Answers one request."""
        length = int(self.headers.get("Content-Length", 0))
        reply = self.told.take(self.path, self._named(), json.loads(self.rfile.read(length)))
        if reply.seconds:
            time.sleep(reply.seconds)
        if reply.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        data = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        kind = "text/html" if isinstance(reply.body, str) else "application/json"
        self.send_response(reply.status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _named(self) -> dict[str, str]:
        """The headers, their names in small letters."""
        return {name.lower(): value for name, value in self.headers.items()}

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the tests."""


@contextmanager
def openai_server() -> Iterator[Server]:
    """Serves on a free port of this machine."""
    handler = type("Handler", (_Handler,), {})
    with _Quiet(("127.0.0.1", 0), handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}/v1")
        handler.told = server  # type: ignore[attr-defined]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        http.shutdown()
        thread.join()
