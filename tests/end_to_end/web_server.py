"""A loopback web for research runs: a search like SearXNG's and one page, with every request counted."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = """<!doctype html><html lang="en"><head><title>The observatory</title></head><body>
<h1>The observatory</h1>
<p>The Mauna Loa observatory was closed by a lava flow on 27 November 2022, and its instruments were moved to
Maunakea, 21 miles away, until March 2023.</p></body></html>"""


@dataclass
class WebServer:
    """Where it is, and what it was asked."""

    url: str
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by the text searched for, and by the path of the page read."""

    @property
    def page(self) -> str:
        """Address of the page."""
        return f"{self.url}/observatory"


class _Handler(BaseHTTPRequestHandler):
    server_of: WebServer

    def do_GET(self) -> None:
        """Answers a search or gives the page."""
        parts = urlsplit(self.path)
        if parts.path == "/search":
            query = parse_qs(parts.query)["q"][0]
            self.server_of.asked[query] += 1
            hit = {"url": self.server_of.page, "title": "The observatory", "content": query}
            self._give("application/json", json.dumps({"results": [hit]}))
        else:
            self.server_of.asked[parts.path] += 1
            self._give("text/html; charset=utf-8", PAGE)

    def _give(self, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is part of the tests."""


@contextmanager
def web_server() -> Iterator[WebServer]:
    """Serves on a free port of this machine."""
    handler = type("Handler", (_Handler,), {})
    with _Quiet(("127.0.0.1", 0), handler) as http:
        server = WebServer(f"http://127.0.0.1:{http.server_port}")
        handler.server_of = server  # type: ignore[attr-defined]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        http.shutdown()
        thread.join()
