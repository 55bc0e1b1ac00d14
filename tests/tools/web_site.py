"""A web site on loopback, for the tests of what fetches pages."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, dict[str, str], bytes]


class Site:
    """A server whose answers a test sets by path; it remembers the queries."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[], Answer]] = {}
        self.queries: list[dict[str, list[str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                site.queries.append(parse_qs(parts.query))
                status, headers, body = site.answers.get(parts.path, lambda: (404, {}, b""))()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError):
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    def answer(
        self, path: str, body: bytes | str, media_type: str = "text/html", status: int = 200, **headers: str
    ) -> str:
        """Sets the answer to a path; gives its address."""
        data = body.encode() if isinstance(body, str) else body
        self.answers[path] = lambda: (status, {"Content-Type": media_type, **headers}, data)
        return self.base + path


@contextmanager
def serving() -> Iterator[Site]:
    """A site for as long as the block runs."""
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()
