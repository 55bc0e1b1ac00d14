"""The control-flow patterns of docs/patterns.md, each run from its file: what works when is what makes the pattern."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.graphs.ticking import Span, Ticking
from tests.postgres_fixtures import PROJECT

FOLDER = PROJECT / "examples" / "patterns"
PAGE = PROJECT / "docs" / "patterns.md"


@dataclass(frozen=True)
class Case:
    """A file by its number, how long steps take, and when each must work: every step that works, and no other."""

    number: int
    spans: dict[str, Span]
    takes: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] | None = None
    events: tuple[tuple[int, str, dict[str, Any]], ...] = ()
    """When which comes, and what it says."""


RACE = {"paris": 4, "london": 1, "rome": 2}
CASES = [
    Case(1, {"pick": (0, 1), "pack": (1, 2)}),
    Case(2, {"order": (0, 1), "invoice": (1, 2), "parcel": (1, 4)}, {"parcel": 3}),
    Case(3, {"invoice": (0, 1), "parcel": (0, 3), "ship": (3, 4)}, {"parcel": 3}),
    Case(4, {"way.inspect": (0, 1)}, inputs={"amount": 5000}, outputs={"route": "large"}),
    Case(4, {"way.accept": (0, 1)}, inputs={"amount": 5}, outputs={"route": "small"}),
    Case(4, {"way.refuse": (0, 1)}, inputs={"amount": 0}, outputs={"route": "else"}),
    Case(5, {"price.discount": (0, 1), "bill": (1, 2)}, inputs={"is_member": True}),
    Case(5, {"price.full_price": (0, 2), "bill": (2, 3)}, {"full_price": 2}, {"is_member": False}),
    Case(6, {}),
    Case(6, {"call": (0, 1)}, inputs={"phone": True}),
    Case(6, {"letter": (0, 1), "call": (0, 1)}, inputs={"phone": True, "mail": True}),
    Case(7, {"call": (0, 1), "close": (1, 2)}, inputs={"phone": True}),
    Case(7, {"letter": (0, 3), "call": (0, 1), "close": (3, 4)}, {"letter": 3}, inputs={"phone": True, "mail": True}),
    Case(
        8,
        {
            "readings[0].read": (0, 5),
            "readings[0].store": (5, 6),
            "readings[1].read": (0, 1),
            "readings[1].store": (1, 2),
        },
        {"readings[0].read": 5},
    ),
    Case(9, {"paris": (0, 4), "london": (0, 1), "rome": (0, 2), "answer": (1, 2)}, RACE),
    Case(11, {"archive": (0, 5), "notify": (0, 1), "thank": (1, 2)}, {"archive": 5}),
    Case(
        12,
        {"write": (0, 1), "mails[0].mail": (1, 5), "mails[1].mail": (1, 5), "publish": (1, 2)},
        {"mail": 4},
    ),
    Case(
        13,
        {"reviews[0].review": (0, 3), "reviews[1].review": (0, 1), "reviews[2].review": (0, 1), "decide": (3, 4)},
        {"reviews[0].review": 3},
        outputs={"reviews": [{"by": "ann"}, {"by": "bob"}, {"by": "cy"}]},
    ),
    Case(
        14,
        {"split": (0, 1), "checks[0].check": (1, 2), "checks[1].check": (1, 4), "bind": (4, 5)},
        {"checks[1].check": 3},
        {"pages": ["i", "ii"]},
        {"checks": [{"page": "i"}, {"page": "ii"}]},
    ),
    Case(
        15,
        {
            "checks[0].check": (0, 9),
            "checks[1].check": (2, 3),
            "checks[2].check": (4, 12),
            "checks[3].check": (10, 11),
            "bind": (12, 13),
        },
        {"checks[0].check": 9, "checks[2].check": 8},
        {"pages": ["i"]},
        {"checks": [{"page": "i"}, *({"page": {"n": n}} for n in (2, 3, 4))]},
        events=tuple((tick, "page", {"n": n}) for n, tick in ((2, 2), (3, 4), (4, 10), (5, 13))),
    ),
    Case(17, {"draw_blood": (0, 2), "x_ray": (2, 3), "test_blood": (3, 4)}, {"draw_blood": 2}),
    Case(18, {"pack": (0, 1), "load": (1, 3), "drive": (3, 4)}, {"load": 2}),
    Case(
        18,
        {
            "pack": (0, 1),
            "load": (1, 5),
            "open[0].change": (2, 3),
            "open[1].change": (4, None),
            "drive": (5, 6),
        },
        {"load": 4, "open[1].change": 9},
        events=((2, "change", {}), (4, "change", {})),
    ),
    Case(19, {"search": (0, None), "close": (2, 3)}, {"search": 9}, events=((2, "withdrawn", {}),)),
    Case(19, {"search": (0, 3), "close": (3, 4)}, {"search": 3}, events=((5, "withdrawn", {}),)),
    Case(
        21,
        {"rounds[0].review": (0, 1), "rounds[1].review": (1, 2), "rounds[2].review": (2, 3), "print": (3, 4)},
        outputs={"last": {"round": 2}},
    ),
    Case(
        22,
        {
            "measure": (0, 1),
            "inner[0].again.measure": (0, 1),
            "inner[0].again.inner[0].again.measure": (0, 1),
            "inner[0].again.inner[0].again.total": (1, 2),
            "inner[0].again.total": (2, 3),
            "total": (3, 4),
        },
        inputs={"folder": {"name": "a", "folders": [{"name": "b", "folders": [{"name": "c", "folders": []}]}]}},
    ),
    Case(
        23,
        {"open": (0, 2), "clean": (0, 9), "serve": (4, 5)},
        {"open": 2, "clean": 9},
        events=((1, "bell", {}), (4, "bell", {})),
    ),
    Case(24, {"pack": (0, 3), "ship": (3, 4), "clean": (0, 5)}, {"pack": 3, "clean": 5}, events=((1, "paid", {}),)),
    Case(24, {"pack": (0, 1), "ship": (2, 3), "clean": (0, 4)}, {"clean": 4}, events=((2, "paid", {}),)),
    Case(
        25,
        {"region.flight": (0, 1), "region.hotel": (0, None), "close": (2, 3)},
        {"hotel": 9},
        events=((2, "revoked", {}),),
    ),
    Case(
        26,
        {
            "tests[0].test": (0, 1),
            "tests[1].test": (0, None),
            "tests[2].test": (1, None),
            "stopped": (0, 3),
            "close": (3, 4),
        },
        {"tests[1].test": 9, "tests[2].test": 9, "stopped": 3},
    ),
    Case(
        27,
        {
            "tests[0].test": (0, 1),
            "tests[1].test": (0, None),
            "tests[2].test": (1, None),
            "stopped": (0, 3),
            "enough": (3, 4),
            "report": (4, 5),
        },
        {"tests[1].test": 9, "tests[2].test": 9, "stopped": 3},
    ),
    Case(
        28,
        {
            "days[0].paris": (0, 4),
            "days[0].london": (0, 1),
            "days[0].answer": (1, 2),
            "days[1].paris": (4, 8),
            "days[1].london": (4, 5),
            "days[1].answer": (5, 6),
        },
        RACE,
    ),
    Case(29, {"paris": (0, None), "london": (0, 1), "rome": (0, None), "answer": (1, 2)}, RACE),
    Case(30, {"paris": (0, 4), "london": (0, 1), "rome": (0, 2), "answer": (2, 3)}, RACE),
    Case(
        31,
        {
            **{f"days[0].{id_}": (0, ticks) for id_, ticks in RACE.items()},
            "days[0].answer": (2, 3),
            **{f"days[1].{id_}": (4, 4 + ticks) for id_, ticks in RACE.items()},
            "days[1].answer": (6, 7),
        },
        RACE,
    ),
    Case(32, {"paris": (0, None), "london": (0, 1), "rome": (0, 2), "answer": (2, 3)}, RACE),
    Case(
        34,
        {"ask[0].answer": (0, 4), "ask[1].answer": (0, 1), "ask[2].answer": (0, 2), "compare": (2, 3)},
        {"ask[0].answer": 4, "ask[2].answer": 2},
        outputs={"compared": [{"city": "london"}, {"city": "rome"}]},
    ),
    Case(
        35,
        {
            "download[0].fetch": (0, None),
            "download[1].fetch": (0, 2),
            "download[2].fetch": (0, None),
            "unpack": (2, 3),
        },
        {"download[0].fetch": 9, "download[1].fetch": 2, "download[2].fetch": 9},
        outputs={"got": {"mirror": "b"}},
    ),
    Case(
        36,
        {"ask[0].answer": (0, None), "ask[1].answer": (1, 2), "ask[2].answer": (3, 5), "decide": (5, 6)},
        {"ask[0].answer": 9, "ask[2].answer": 2},
        {"experts": [{"name": "ann"}]},
        {"decided": [{"by": "bob"}, {"by": "cy"}]},
        ((1, "expert", {"name": "bob"}), (3, "expert", {"name": "cy"})),
    ),
    Case(37, {"close": (0, 1)}),
    Case(37, {"doctor": (0, 1), "expert": (1, 2), "close": (2, 3)}, inputs={"is_hurt": True}),
    Case(
        37,
        {"police": (0, 1), "expert": (1, 2), "lawyer": (1, 4), "close": (4, 5)},
        {"lawyer": 3},
        {"is_stolen": True},
    ),
    Case(
        39,
        {
            "track[0].lock": (0, 2),
            "track[0].free": (2, 3),
            "track[1].lock": (3, 5),
            "track[1].free": (5, 6),
            "announce": (0, 1),
        },
        {"lock": 2},
    ),
    Case(40, {"checks.oil": (0, 2), "checks.tyres": (2, 3), "checks.brakes": (3, 4), "drive": (4, 5)}, {"oil": 2}),
    Case(
        41,
        {"counts[0].count": (0, 1), "counts[1].count": (0, 3), "counts[2].count": (0, 1), "total": (3, 4)},
        {"counts[1].count": 3},
    ),
    Case(
        42,
        {
            "original": (0, 1),
            "copies[0].stamp": (1, 4),
            "copies[0].post": (4, 5),
            "copies[1].stamp": (1, 2),
            "copies[1].post": (2, 3),
        },
        {"copies[0].stamp": 3},
        {"copies": ["a", "b"]},
    ),
    Case(43, {"watch": (0, None), "sell": (0, 2), "the_end": (2, 3)}, {"watch": 99, "sell": 2}),
]


def file_of(number: int) -> Path:
    """The example of a pattern."""
    (found,) = FOLDER.glob(f"{number:02}-*.yaml")
    return found


def statuses_of(spans: dict[str, Span]) -> dict[str, str]:
    """How the ledger must have the steps that worked."""
    return {path: "cancelled" if end is None else "completed" for path, (_, end) in spans.items()}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number}")
async def test_steps_work_when_the_pattern_says(case: Case) -> None:
    """Which steps of the example work, when each starts and ends, and which are cancelled; and the outputs."""
    run = Ticking(file_of(case.number), case.takes, events=case.events)
    outputs = await run.go({"inputs": case.inputs})
    assert run.spans == case.spans
    assert await run.statuses() == {**await run.statuses(), **statuses_of(case.spans)}
    assert run.ticks.now == max((end for _, end in run.spans.values() if end is not None), default=0)
    if case.outputs is not None:
        assert outputs == case.outputs


async def test_a_deferred_choice_is_made_by_what_comes_first() -> None:
    """16: both are offered; the answer, or the time, takes the other away."""
    by_answer = Ticking(file_of(16), {})
    await by_answer.go({"inputs": {}})
    assert len(await by_answer.waits()) == 2
    assert (await by_answer.answer("first.reply", "approve"))["came"]["decision"] == "approve"
    assert (await by_answer.statuses())["first.deadline"] == "cancelled"
    assert by_answer.spans == {"go_on": (0, 1)}
    by_time = Ticking(file_of(16), {})
    await by_time.go({"inputs": {}})
    by_time.clock.set(datetime.now(UTC) + timedelta(hours=2))
    assert "until" in (await by_time.go(None))["came"]
    assert (await by_time.statuses())["first.reply"] == "cancelled"
    assert not await by_time.waits()


async def test_a_case_is_cancelled() -> None:
    """20: what runs is ended, and nothing is started after."""
    run = Ticking(file_of(20), {"claim": 1, "assess": 9})
    await run.go({"inputs": {}}, until=2)
    assert run.spans == {"claim": (0, 1), "assess": (0, None)}
    assert run.ticks.now == 2


def test_the_page_has_every_pattern() -> None:
    """docs/patterns.md has a line for each of the 43, with its example where there is one, and each example is run."""
    lines = re.findall(r"^\| (\d+) \|.*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number in lines] == list(range(1, 44))
    linked = {int(found) for found in re.findall(r"examples/patterns/(\d\d)-[\w-]+\.yaml", PAGE.read_text())}
    assert linked == {case.number for case in CASES} | {16, 20}
    assert {int(file.name[:2]) for file in FOLDER.iterdir()} == linked
    assert len(linked) >= 30
