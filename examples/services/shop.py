"""What the stand-in services know: what was made, which keys were used, which failures they were told to have.

Nothing here is about HTTP, and nothing outlives the process.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

REFERENCE = "reference"
"""The field of everything that is made which says what it is for: an order, a transaction, a post."""
IN_STOCK = 100
"""How many of each article the warehouse has, for each order anew."""
DECLINED = "declined"
"""The card that no payment can be made with."""


@dataclass(frozen=True)
class Answer:
    """What a service says."""

    status: int
    body: Json
    is_repeated: bool = False
    """Whether the work was done before, for a request with the same key."""


class Refused(Exception):
    """A service says no: the status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.answer = Answer(status, {"error": why})


def _payable(given: Json) -> None:
    if given.get("card") == DECLINED:
        raise Refused(HTTPStatus.PAYMENT_REQUIRED, "The card was declined.")


def _in_stock(given: Json) -> None:
    for item in given["items"]:
        if item["quantity"] > IN_STOCK:
            raise Refused(HTTPStatus.CONFLICT, f"There are only {IN_STOCK} of {item['article']}.")


def _anything(_: Json) -> None:
    return None


@dataclass(frozen=True)
class Service:
    """One collection of things that can be made, looked at and undone."""

    prefix: str
    """Begins the ids."""
    needs: tuple[str, ...]
    """Fields beside the reference."""
    check: Callable[[Json], None] = _anything
    """Raises Refused for what the service does not do."""


SERVICES: Mapping[str, Service] = {
    "payments": Service("PAY", ("amount",), _payable),
    "reservations": Service("RES", ("items",), _in_stock),
    "labels": Service("LAB", ("address", "service")),
    "pickings": Service("PICK", ("label",)),
    "notifications": Service("NOTE", ("to", "text")),
    "transfers": Service("TRF", ("amount", "payee")),
    "entries": Service("ENT", ("text",)),
    "decisions": Service("DEC", ("decision",)),
}
"""By the first part of the address."""


@dataclass
class Trouble:
    """A failure that a service was told to have."""

    service: str
    reference: str | None = None
    """For what; None means for everything."""
    method: str = "POST"
    status: int = HTTPStatus.SERVICE_UNAVAILABLE
    times: int | None = None
    """How many more requests fail; None means all."""
    after: bool = False
    """Whether the work is done and only the answer is lost."""

    def is_for(self, service: str, method: str, reference: str) -> bool:
        """Whether a request fails for it."""
        about = (self.service, self.method) == (service, method)
        return about and self.reference in (None, reference) and self.times != 0


@dataclass
class Shop:
    """All services of a process; its methods may be called by any thread."""

    made: dict[str, dict[str, Json]] = field(default_factory=lambda: {name: {} for name in SERVICES})
    """By service and id what was made, in order; `undone` says whether it still counts."""
    troubles: list[Trouble] = field(default_factory=list)
    _repeated: Counter[str] = field(default_factory=Counter)
    _by_key: dict[str, tuple[str, Answer]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, service: str, given: Json, key: str) -> Answer:
        """Makes one thing; with a key that was used before, says again what was said then. Raises Refused."""
        wanted = SERVICES[service]
        missing = [name for name in (REFERENCE, *wanted.needs) if name not in given]
        if missing:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"Missing: {', '.join(missing)}.")

        def work() -> Answer:
            wanted.check(given)
            id_ = f"{wanted.prefix}-{len(self.made[service]) + 1}"
            self.made[service][id_] = {"id": id_, **given, "key": key, "undone": False}
            return Answer(HTTPStatus.CREATED, dict(self.made[service][id_]))

        with self._lock:
            return self._once(service, "POST", given, key, work)

    def undo(self, service: str, id_: str, key: str) -> Answer:
        """Undoes one thing; to undo it again changes nothing. Raises Refused."""
        with self._lock:
            held = self._found(service, id_)

            def work() -> Answer:
                if held["undone"]:
                    self._repeated[service] += 1
                held["undone"] = True
                return Answer(HTTPStatus.OK, dict(held))

            return self._once(service, "DELETE", held, key, work)

    def look(self, service: str, id_: str) -> Answer:
        """One thing. Raises Refused."""
        with self._lock:
            return Answer(HTTPStatus.OK, dict(self._found(service, id_)))

    def all_of(self, service: str, reference: str | None) -> Answer:
        """All things of a service, or those for one reference."""
        with self._lock:
            held = [dict(each) for each in self.made[service].values() if reference in (None, each[REFERENCE])]
        return Answer(HTTPStatus.OK, {service: held})

    def counts(self) -> Json:
        """By service how much was made and undone, and how many requests came again for what had been done."""
        with self._lock:
            return {
                name: {
                    "made": len(held),
                    "undone": sum(each["undone"] for each in held.values()),
                    "repeated": self._repeated[name],
                }
                for name, held in self.made.items()
            }

    def fail(self, trouble: Trouble) -> None:
        """From now on a service fails so."""
        with self._lock:
            self.troubles.append(trouble)

    def _found(self, service: str, id_: str) -> Json:
        if id_ not in self.made[service]:
            raise Refused(HTTPStatus.NOT_FOUND, f"There is no {id_} in {service}.")
        return self.made[service][id_]

    def _once(self, service: str, method: str, given: Json, key: str, work: Callable[[], Answer]) -> Answer:
        """Does the work unless a request with this key did it; a failure before the work leaves the key unused."""
        trouble = next((each for each in self.troubles if each.is_for(service, method, given[REFERENCE])), None)
        if trouble is not None and trouble.times is not None:
            trouble.times -= 1
        if trouble is not None and not trouble.after:
            raise Refused(trouble.status, f"The service {service} was told to fail.")
        said = json.dumps([service, method, given if method == "POST" else given["id"]], sort_keys=True)
        first, answer = self._by_key.get(key, (said, None))
        if first != said:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "The idempotency key was used for something else.")
        if answer is not None:
            self._repeated[service] += 1
            answer = Answer(answer.status, answer.body, is_repeated=True)
        else:
            answer = work()
            if key:
                self._by_key[key] = said, answer
        if trouble is not None:
            raise Refused(trouble.status, f"The service {service} was told to lose this answer.")
        return answer


def fraud_score(amount: float, country: str, home: str, known_payee: bool) -> Json:
    """How much a transfer looks like fraud, from 0 to 1, and why: a rule in place of a trained model."""
    reasons = {
        "a large sum": (amount > 10_000, 0.5),
        "another country": (country != home, 0.25),
        "a new payee": (not known_payee, 0.2),
    }
    found = {reason: weight for reason, (holds, weight) in reasons.items() if holds}
    return {"score": round(sum(found.values()), 2), "reasons": list(found)}
