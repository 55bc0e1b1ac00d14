"""The in-memory twins: what is not shared with the Postgres stores; and what a value must be to be stored."""

import json
import math
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.evidence import Locator, Source
from state.ports import Artifacts, CallJournal, Clock, Ledger, Passages
from tools.memory import RecentArtifacts, SystemClock, collection_of, memory_ports
from tools.storable import json_text, storable


class NoModels:
    """Ports without models."""

    def chat(self, name: str) -> None:
        raise AssertionError(name)

    def price(self, name: str) -> None:
        return None


def test_all_ports_are_there() -> None:
    """The twins keep the Protocols of the ports (checked by mypy) and are bound to one run."""
    ports = memory_ports(NoModels(), run_id="r1")  # type: ignore[arg-type]
    kept: tuple[Ledger, CallJournal, Passages, Artifacts, Clock] = (
        ports.ledger,
        ports.journal,
        ports.passages,
        ports.artifacts,
        ports.clock,
    )
    assert all(kept)
    assert (ports.run_id, ports.web) == ("r1", None)


async def test_runs_in_memory_do_not_share_anything() -> None:
    """Two sets of ports are two runs."""
    one, two = (memory_ports(NoModels()) for _ in range(2))  # type: ignore[arg-type]
    await one.ledger.begin("plan")
    assert list(await two.ledger.steps()) == []


async def test_artifacts_within_a_bound_are_those_used_last() -> None:
    """Reading and storing again count as use; nothing counts twice, and what was dropped can be stored again."""
    kept: Artifacts = RecentArtifacts(10)
    a, b, c = [(await kept.put(data, "text/plain", "x")).sha256 for data in (b"aaaa", b"bbb", b"ccc")]
    assert await kept.get(a) == b"aaaa"
    await kept.put(b"bbb", "text/plain", "x")
    await kept.put(b"d", "text/plain", "x")
    assert [await kept.get(each) for each in (a, b)] == [b"aaaa", b"bbb"]
    with pytest.raises(KeyError):
        await kept.get(c)
    await kept.put(b"ccc", "text/plain", "x")
    assert [await kept.get(each) for each in (c, b, a)] == [b"ccc", b"bbb", b"aaaa"]
    await kept.put(b"more than ten", "text/plain", "x")
    for each in (a, b, c):
        with pytest.raises(KeyError):
            await kept.get(each)


async def test_system_clock_goes_on() -> None:
    """The time of day is in UTC, and the elapsed time never goes back."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    before = clock.elapsed()
    await clock.sleep(0.002)
    assert clock.elapsed() - before >= 0.002


@pytest.mark.slow
@given(st.permutations(range(5)))
def test_collection_does_not_depend_on_the_order(order: list[int]) -> None:
    """The same sources make the same collection, in whatever order they were found."""
    sources = [
        Source(id=f"s{n}", uri=f"{n}.csv", title="t", kind="csv", sha256=str(n), size=1, tables=1)
        for n in [*order, order[0]]
    ]
    found = collection_of(sources, [], 7)
    assert found == collection_of(sorted(sources, key=lambda source: source.id), [], 7)
    assert (found.sources, found.tables) == (5, tuple(f"{n}.csv" for n in range(5)))


@given(st.text(st.characters()))
def test_storable_text_can_be_encoded_and_stays(text: str) -> None:
    """What cannot be stored is replaced one for one; everything else stays as it is."""
    kept = storable(text)
    assert "\x00" not in kept.encode().decode()
    assert [new for old, new in zip(text, kept, strict=True) if new != old] == ["\ufffd"] * sum(
        old == "\x00" or "\ud800" <= old <= "\udfff" for old in text
    )
    assert storable(kept) == kept


_SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_VALUES = st.recursive(
    _SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)


@pytest.mark.slow
@given(_VALUES)
def test_json_comes_back_as_it_was(value: object) -> None:
    """JSON values come back as they were."""
    assert json.loads(json_text(value)) == value


def test_json_of_records_and_of_what_json_has_not() -> None:
    """Records become objects, tuples arrays, NaN and infinities null."""
    given_value = {"at": Locator(lines=(1, 2)), "odd": [math.nan, -math.inf]}
    back = json.loads(json_text(given_value))
    assert (back["at"]["lines"], back["odd"]) == ([1, 2], [None, None])
