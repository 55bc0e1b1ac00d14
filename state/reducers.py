"""How parallel updates of one key become one value: pure, and the same in any order of arrival."""

from collections.abc import Mapping
from typing import Protocol, TypeVar


class Ranked(Protocol):
    """A result that knows its round, how it ended and what it holds."""

    @property
    def round(self) -> int: ...

    @property
    def status(self) -> str: ...

    def model_dump_json(self) -> str: ...


R = TypeVar("R", bound=Ranked)
F = TypeVar("F")

_ORDER = {"failed": 0, "timed_out": 1, "cut_off": 2, "completed": 3}


def _rank(result: Ranked) -> tuple[int, int, str]:
    return result.round, _ORDER[result.status], result.model_dump_json()


def latest_results(left: Mapping[str, R] | None, right: Mapping[str, R] | None) -> dict[str, R]:
    """The results by key; of two under one key the later round wins, then the better ended.

    Associative, commutative and idempotent, so that a branch that is delivered twice after a crash counts once.
    The keys come out sorted, so that the same results always make the same checkpoint.
    """
    merged = dict(left or {})
    for key, result in (right or {}).items():
        if key not in merged or _rank(result) > _rank(merged[key]):
            merged[key] = result
    return dict(sorted(merged.items()))


def keep_all(left: tuple[F, ...] | None, right: tuple[F, ...] | None) -> tuple[F, ...]:
    """All values in order of arrival, each once: a value that is delivered again after a crash counts once.

    Values are compared, not hashed: a LangGraph server that only shows a state reads records as plain objects.
    """
    kept = list(left or ())
    for value in right or ():
        if value not in kept:
            kept.append(value)
    return tuple(kept)
