"""The stand-in services: what they count, which requests they know again, how they are told to fail."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from examples.services.server import running
from tests.postgres_fixtures import PROJECT

ORDER = {"reference": "A-1", "amount": 5}


@pytest.fixture
def shop() -> Iterator[httpx.Client]:
    with running() as server, httpx.Client(base_url=server.address, trust_env=False) as client:
        yield client


def counts(shop: httpx.Client, service: str) -> tuple[int, int, int]:
    held: dict[str, Any] = shop.get("/counts").json()[service]
    return held["made"], held["undone"], held["repeated"]


def test_a_key_does_the_work_once(shop: httpx.Client) -> None:
    """The same request with its key is answered as before, another one with it is refused; without a key all count."""
    key = {"Idempotency-Key": "k"}
    first, again = (shop.post("/payments", json=ORDER, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert counts(shop, "payments") == (1, 0, 1)
    assert shop.post("/payments", json={**ORDER, "amount": 6}, headers=key).status_code == 422
    shop.post("/payments", json=ORDER)
    assert counts(shop, "payments") == (2, 0, 1)
    assert len(shop.get("/payments", params={"reference": "A-1"}).json()["payments"]) == 2
    assert shop.get("/payments", params={"reference": "A-2"}).json() == {"payments": []}


def test_what_is_undone_twice_is_undone_once(shop: httpx.Client) -> None:
    """The thing stays, and says that it no longer counts."""
    id_ = shop.post("/payments", json=ORDER).json()["id"]
    for _ in range(2):
        assert shop.delete(f"/payments/{id_}").json()["undone"] is True
    assert shop.get(f"/payments/{id_}").json()["undone"] is True
    assert counts(shop, "payments") == (1, 1, 1)
    assert shop.delete("/payments/PAY-9").status_code == 404


def test_services_fail_as_they_are_told(shop: httpx.Client) -> None:
    """For one order, so often, before the work or after it; the next try does the work or finds it done."""
    key = {"Idempotency-Key": "k"}
    for after in (False, True):
        shop.post("/troubles", json={"service": "payments", "reference": "A-1", "times": 1, "after": after})
    assert shop.post("/payments", json={**ORDER, "reference": "A-2"}).status_code == 201
    answers = [shop.post("/payments", json=ORDER, headers=key).status_code for _ in range(3)]
    assert answers == [503, 503, 201]
    assert counts(shop, "payments") == (2, 0, 1)


def test_requests_that_are_wrong_say_why(shop: httpx.Client) -> None:
    """What is missing, what is not there, what the services do not do."""
    assert shop.post("/payments", json={"amount": 5}).json() == {"error": "Missing: reference."}
    assert shop.post("/payments", content=b"{").status_code == 400
    assert shop.post("/payments", json={**ORDER, "card": "declined"}).status_code == 402
    items = [{"article": "cup", "quantity": 101}]
    assert shop.post("/reservations", json={"reference": "A-1", "items": items}).status_code == 409
    assert shop.get("/nothing").status_code == 404
    asked = {"amount": "20000", "country": "FR", "home": "NL", "known_payee": "true"}
    assert shop.get("/fraud_score", params=asked).json()["score"] == 0.75


@pytest.mark.slow
def test_they_are_started_by_a_command() -> None:
    """The command says where they are, and has one fail."""
    command = [sys.executable, "-m", "examples.services", "--port", "0", "--fail", "payments:A-1:402"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[2].rstrip(":")
        assert httpx.post(f"{address}/payments", json=ORDER, trust_env=False).status_code == 402
        process.terminate()
