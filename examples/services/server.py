"""The stand-in services over HTTP.

| request | what it does |
|---|---|
| `POST /payments` (and each other service) | makes one; the body is JSON with `reference`; heeds `Idempotency-Key` |
| `GET /payments`, `GET /payments/PAY-1` | all of them (`?reference=`), or one |
| `DELETE /payments/PAY-1` | undoes one |
| `GET /fraud_score?amount=&country=&home=&known_payee=` | how much a transfer looks like fraud |
| `GET /counts` | what was made, undone and asked for again, by service |
| `POST /troubles` | has a service fail: `service`, `reference`, `method`, `status`, `times`, `after` |
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from examples.services.shop import SERVICES, Answer, Json, Refused, Shop, Trouble, fraud_score

HOST = "127.0.0.1"


class _Handler(BaseHTTPRequestHandler):
    """One request; a connection carries no second."""

    server: "Server"
    wbufsize = -1  # head and body in one packet: in two, the second waits for the first to be confirmed

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def _answer(self, work: Any) -> None:
        try:
            answer: Answer = work()
        except Refused as error:
            answer = error.answer
        except (ValueError, TypeError, KeyError) as error:
            answer = Answer(HTTPStatus.BAD_REQUEST, {"error": f"This is not as it should be: {error}"})
        time.sleep(self.server.seconds)
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if answer.is_repeated:
            self.send_header("Idempotent-Replayed", "true")
        self.end_headers()
        self.wfile.write(body)

    def _get(self) -> Answer:
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        match address.path.strip("/").split("/"):
            case ["counts"]:
                return Answer(HTTPStatus.OK, self.server.shop.counts())
            case ["fraud_score"]:
                known = query.get("known_payee", "").lower() == "true"
                score = fraud_score(float(query["amount"]), query["country"], query["home"], known)
                return Answer(HTTPStatus.OK, score)
            case [service] if service in SERVICES:
                return self.server.shop.all_of(service, query.get("reference"))
            case [service, id_] if service in SERVICES:
                return self.server.shop.look(service, id_)
        raise self._unknown()

    def _post(self) -> Answer:
        given: Json = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        name = urlsplit(self.path).path.strip("/")
        if name == "troubles":
            trouble = Trouble(**given)
            self.server.shop.fail(trouble)
            return Answer(HTTPStatus.CREATED, asdict(trouble))
        if name in SERVICES:
            return self.server.shop.make(name, given, self.headers.get("Idempotency-Key", ""))
        raise self._unknown()

    def _delete(self) -> Answer:
        match urlsplit(self.path).path.strip("/").split("/"):
            case [service, id_] if service in SERVICES:
                return self.server.shop.undo(service, id_, self.headers.get("Idempotency-Key", ""))
        raise self._unknown()

    def _unknown(self) -> Refused:
        return Refused(HTTPStatus.NOT_FOUND, f"There is no {self.command} {self.path} here: {', '.join(SERVICES)}.")


class Server(ThreadingHTTPServer):
    """All services at one address of this machine."""

    def __init__(self, port: int = 0, seconds: float = 0.0) -> None:
        super().__init__((HOST, port), _Handler)
        self.shop = Shop()
        self.seconds = seconds
        """From the work to its answer: who asks can be gone meanwhile."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: those who ask may be killed meanwhile."""

    @property
    def address(self) -> str:
        """Where it is asked."""
        return f"http://{HOST}:{self.server_port}"


@contextmanager
def running(port: int = 0, seconds: float = 0.0) -> Iterator[Server]:
    """The services, in a thread, for as long as the block lasts; port 0 takes a free one. They answer so late."""
    with Server(port, seconds) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
