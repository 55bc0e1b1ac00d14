"""A loopback server that speaks the OpenAI protocol by script, whole or streamed, and keeps what it was asked."""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PIECE = 12
"""Characters of text or arguments in one part of a stream."""


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
    cut_in_body: bool = False
    """Whether the connection is cut in the middle of the body."""
    ends_early: bool = False
    """Whether a stream ends in good order, but before the answer does."""


def answer(
    content: str | None = None,
    calls: list[tuple[str, str]] | None = None,
    *,
    finish: str | None = None,
    usage: tuple[int, int] | None = (100, 20),
) -> Reply:
    """A chat completion; `calls` are names of tools and their arguments as text, `usage` tokens in and out."""
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
        given, taken = usage
        body["usage"] = {"prompt_tokens": given, "completion_tokens": taken, "total_tokens": given + taken}
    return Reply(body=body)


def failure(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    """An error in OpenAI's form."""
    body = {"error": {"message": message, "type": "error", "code": code}}
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Limit:
    """So many requests in any minute of a clock; more are refused."""

    requests: int
    elapsed: Callable[[], float]
    tells: bool = False
    """Whether each answer says what the limit is."""
    taken: deque[float] = field(default_factory=deque)
    refused: int = 0

    def refusal(self) -> Reply | None:
        """The 429, if the request is one too many."""
        now = self.elapsed()
        while self.taken and self.taken[0] <= now - 60:
            self.taken.popleft()
        if len(self.taken) < self.requests:
            self.taken.append(now)
            return None
        self.refused += 1
        return failure(429, "Rate limit reached: requests per min.", Retry_After=f"{self.taken[0] + 60 - now:.3f}")

    @property
    def headers(self) -> dict[str, str]:
        """What an answer says of the limit."""
        return {"x-ratelimit-limit-requests": str(self.requests)} if self.tells else {}


class Server:
    """What is to be answered, in order (the last answer stays) or by a function, and what was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.replies: list[Reply] = []
        self.decide: Callable[[dict[str, Any]], Reply] | None = None
        self.limit: Limit | None = None
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.lock = threading.Lock()
        self.asked = threading.Event()
        self.under_way = 0
        """Requests that came, and are not answered yet."""

    def take(self, path: str, headers: dict[str, str], request: dict[str, Any]) -> Reply:
        """The answer to one request, which is kept."""
        with self.lock:
            self.paths.append(path)
            self.headers.append(headers)
            self.requests.append(request)
            self.asked.set()
            if self.limit is not None and (refusal := self.limit.refusal()):
                return refusal
            if self.decide is not None:
                return self.decide(request)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def forget(self) -> None:
        """Forgets what was said and asked."""
        self.replies, self.requests, self.headers, self.paths = [], [], [], []
        self.decide = self.limit = None
        self.asked.clear()

    def say(self, *replies: Reply) -> None:
        """From now on, answer this."""
        self.replies = list(replies)

    @property
    def count(self) -> int:
        """How many requests came."""
        return len(self.requests)


def events(body: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """A completion as the parts of a stream."""
    choice = body["choices"][0]
    message = choice["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in _pieces(message.get("content") or "")]
    for place, call in enumerate(message.get("tool_calls", [])):
        function = call["function"]
        head = {"index": place, "id": call["id"], "type": "function"}
        deltas.append({"tool_calls": [{**head, "function": {"name": function["name"], "arguments": ""}}]})
        deltas += [
            {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}
            for piece in _pieces(function["arguments"])
        ]
    shared = {name: body[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    parts = [{**shared, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    parts.append({**shared, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    if "usage" in body and (wanted.get("stream_options") or {}).get("include_usage"):
        parts.append({**shared, "choices": [], "usage": body["usage"]})
    return [*(f"data: {json.dumps(part)}\n\n" for part in parts), "data: [DONE]\n\n"]


def _pieces(text: str) -> list[str]:
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    told: Server

    def do_POST(self) -> None:
        """Answers one request."""
        length = int(self.headers.get("Content-Length", 0))
        request = json.loads(self.rfile.read(length))
        self.told.under_way += 1
        try:
            self._answer(self.told.take(self.path, self._named(), request), request)
        finally:
            self.told.under_way -= 1

    def _answer(self, reply: Reply, request: dict[str, Any]) -> None:
        if reply.seconds:
            time.sleep(reply.seconds)
        if reply.cut:
            self._cut()
        elif request.get("stream") and reply.status == 200 and isinstance(reply.body, dict):
            self._stream(reply, request)
        else:
            self._whole(reply)

    def _whole(self, reply: Reply) -> None:
        data = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        kind = "text/html" if isinstance(reply.body, str) else "application/json"
        self._head(reply, {"Content-Type": kind, "Content-Length": str(len(data))})
        if reply.cut_in_body:
            self.wfile.write(data[: len(data) // 2])
            self._cut()
        else:
            self.wfile.write(data)

    def _stream(self, reply: Reply, request: dict[str, Any]) -> None:
        parts = events(reply.body, request)
        self._head(reply, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        if reply.cut_in_body or reply.ends_early:
            parts = parts[: len(parts) // 2]
        for part in parts:
            self.wfile.write(f"{len(part.encode()):x}\r\n{part}\r\n".encode())
        if reply.cut_in_body:
            self._cut()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _head(self, reply: Reply, headers: dict[str, str]) -> None:
        limit = self.told.limit
        self.send_response(reply.status)
        for name, value in {**headers, **(limit.headers if limit else {}), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _cut(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _named(self) -> dict[str, str]:
        """The headers, their names in small letters."""
        return {name.lower(): value for name, value in self.headers.items()}

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

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
