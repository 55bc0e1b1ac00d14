"""A loopback service with side effects, which honours idempotency keys and counts what it did.

Each effect is done before the answer is given, and the answer takes its time: a caller that dies in between never
learns that it was done. A request whose key is known gets the first answer again.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECONDS = 0.015
"""What each answer takes."""
REFUSED = "/refused"
"""Says no."""
FLAKY = "/flaky"
"""Paths below it are unavailable the first time that a key comes."""


@dataclass
class Service:
    """Where it is and what it did."""

    url: str
    effects: Counter[str] = field(default_factory=Counter)
    """By method, path and body: how often it was really done."""
    requests: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    """The effect of each key."""
    warned: set[str] = field(default_factory=set)
    """The keys that were told to come again."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Begins to count anew."""
        with self.lock:
            self.effects, self.requests = Counter(), 0

    def take(self, effect: str, path: str, key: str) -> int:
        """Does the effect unless its key is known; the status of the answer."""
        with self.lock:
            self.requests += 1
            if path == REFUSED:
                return 422
            if path.startswith(FLAKY) and key not in self.warned:
                self.warned.add(key)
                return 503
            if not key or key not in self.keys:
                self.effects[effect] += 1
            return 200 if self.keys.setdefault(key, effect) == effect else 409


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def do_POST(self) -> None:
        """Does what the path says with the body."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the caller was killed while it sent: this is no request
            self.close_connection = True
            return
        effect = f"{self.command} {self.path} {body.decode()}".strip()
        status = self.service.take(effect, self.path, self.headers.get("Idempotency-Key", ""))
        time.sleep(SECONDS)
        data = json.dumps({"receipt": effect}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_DELETE = do_POST  # noqa: N815 - the name that the library looks for

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers are killed here."""


@contextmanager
def service() -> Iterator[Service]:
    """Serves on a free port of this machine."""
    handler = type("Handler", (_Handler,), {})
    with _Quiet(("127.0.0.1", 0), handler) as http:
        made = Service(f"http://127.0.0.1:{http.server_port}")
        handler.service = made  # type: ignore[attr-defined]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield made
        http.shutdown()
        thread.join()
