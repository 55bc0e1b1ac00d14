"""The workflows that come with Stretto, each with its example and with what else it is for. No model has a key."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.services.server import Server, running
from examples.services.shop import Shop, Trouble
from graphs.workflow.outcomes import StepFailed
from tests.graphs.catalogue_runs import CatalogueRun, toolbox
from tools.toolbox import Toolbox


@pytest.fixture(scope="module")
def services() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def shop(services: Server) -> Server:
    """The services, as if they had just been started."""
    services.shop = Shop()
    return services


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Toolbox]:
    async with toolbox(tmp_path) as made:
        yield made


@pytest.mark.slow
async def test_an_order_goes_through(shop: Server, box: Toolbox) -> None:
    """Everything is done once, by courier for a premium customer, and a further attempt does nothing again."""
    run = CatalogueRun("order_processing", shop, box)
    done = await run.go()
    assert done == {
        "payment": "PAY-1",
        "reservation": "RES-1",
        "label": "LAB-1",
        "shipping": "special",
        "picking": "PICK-1",
    }
    assert {name for name, count in run.shop.counts().items() if count["made"] == 1} == {
        "payments",
        "reservations",
        "labels",
        "pickings",
        "notifications",
    }
    (label,), (told,) = run.made("labels"), run.made("notifications")
    assert (label["service"], told["text"]) == ("courier", "Order A-17 leaves today by courier; days it takes: 1.")
    await run.go()
    assert all(count["made"] <= 1 for count in run.shop.counts().values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "service"),
    [
        ({}, "courier"),
        ({"customer": {"email": "x", "tier": "standard"}}, "parcel"),
        ({"customer": {"email": "x"}}, "parcel"),
        ({"customer": {"email": "x"}, "expedited": True}, "courier"),
    ],
)
async def test_who_gets_special_shipping(shop: Server, box: Toolbox, changes: dict[str, Any], service: str) -> None:
    """Premium customers and expedited orders."""
    run = CatalogueRun("order_processing", shop, box, **changes)
    await run.go()
    assert [each["service"] for each in run.made("labels")] == [service]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failing", "undone"),
    [
        ("payments", ["take.inventory"]),
        ("reservations", ["take.payment"]),
        ("labels", ["take.inventory", "take.payment"]),
        ("notifications", ["warehouse", "label", "take.inventory", "take.payment"]),
    ],
)
async def test_an_order_that_fails_is_undone(shop: Server, box: Toolbox, failing: str, undone: list[str]) -> None:
    """Whatever refuses, what was done before is undone: payment and stock were taken side by side, in any order."""
    run = CatalogueRun("order_processing", shop, box)
    run.shop.fail(Trouble(failing, "A-17", status=409))
    with pytest.raises(StepFailed, match="409"):
        await run.go()
    assert sorted((await run.undo()).undone) == sorted(undone)
    assert not any(run.made(name) for name in run.shop.made)


@pytest.mark.slow
async def test_each_run_tells_anew(shop: Server, box: Toolbox) -> None:
    """Keys are those of a run: a second one is told of by itself, and not refused as another text for an old key."""
    runs = [CatalogueRun("financial_transaction", shop, box, amount=10, run_id=each) for each in ("one", "two")]
    assert [(await run.go())["transfer"] for run in runs] == ["TRF-1", "TRF-2"]
    assert len(runs[0].made("notifications")) == len(runs[0].made("entries")) == 2


async def test_what_may_pass_is_tried_again(shop: Server, box: Toolbox) -> None:
    """An answer that was lost is asked for again with the same key: the card is charged once."""
    run = CatalogueRun("order_processing", shop, box)
    run.shop.fail(Trouble("payments", times=1, after=True))
    assert (await run.go())["payment"] == "PAY-1"
    assert run.shop.counts()["payments"] == {"made": 1, "undone": 0, "repeated": 1}


@pytest.mark.slow
async def test_an_order_that_cannot_be_right_is_refused_before_anything_is_done(shop: Server, box: Toolbox) -> None:
    """Nothing was ordered, or it costs nothing."""
    wrong: list[dict[str, Any]] = [{"items": []}, {"total": 0}, {"items": [{"article": "cup", "quantity": 0}]}]
    for changes in wrong:
        run = CatalogueRun("order_processing", shop, box, **changes)
        with pytest.raises(StepFailed, match="validate: Its input is not as it must be"):
            await run.go()
    assert all(count["made"] == 0 for count in shop.shop.counts().values())


async def test_a_risky_transfer_waits_for_compliance(shop: Server, box: Toolbox) -> None:
    """A person sees the risk and its reasons; nothing is paid before the answer."""
    run = CatalogueRun("financial_transaction", shop, box)
    assert await run.go() is None
    (shown,) = await run.waits_for()
    assert (shown["args"]["score"], len(shown["args"]["reasons"])) == (0.95, 3)
    assert not run.made("transfers")
    done = await run.answer("approve")
    assert (done["transfer"], done["entry"], done["reviewed_by"]) == ("TRF-1", "ENT-1", ["ann"])
    assert [each["text"] for each in run.made("notifications")] == [done["receipt"]]


async def test_a_rejected_transfer_is_not_paid(shop: Server, box: Toolbox) -> None:
    """The run fails with who said no and why."""
    run = CatalogueRun("financial_transaction", shop, box)
    await run.go()
    with pytest.raises(StepFailed, match="ann said no: not today"):
        await run.answer("reject", message="not today")
    assert not run.made("transfers")


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "asked"), [({}, False), ({"amount": 60_000}, True), ({"country": "FR"}, False)])
async def test_which_transfers_are_reviewed(shop: Server, box: Toolbox, changes: dict[str, Any], asked: bool) -> None:
    """Those of high risk and very large ones; others are paid at once, and nobody reviewed them."""
    plain = {"amount": 100, "country": "NL", "known_payee": True}
    run = CatalogueRun("financial_transaction", shop, box, **{**plain, **changes})
    done = await run.go()
    assert bool(await run.waits_for()) == asked
    assert (done is None) == asked
    assert asked or done["reviewed_by"] == []


@pytest.mark.slow
@pytest.mark.parametrize(("failing", "entries"), [("entries", []), ("transfers", ["10 to", "Takes back ENT-1"])])
async def test_what_is_not_recorded_is_not_paid(shop: Server, box: Toolbox, failing: str, entries: list[str]) -> None:
    """When the ledger fails the transfer is undone; when the transfer fails a second entry takes back the first."""
    run = CatalogueRun("financial_transaction", shop, box, amount=10)
    run.shop.fail(Trouble(failing, status=409, times=1))
    with pytest.raises(StepFailed, match="409"):
        await run.go()
    assert (await run.undo()).left == ()
    assert not run.made("transfers")
    texts = [each["text"] for each in run.made("entries")]
    assert [text[: len(entry)] for text, entry in zip(texts, entries, strict=True)] == entries


@pytest.mark.slow
async def test_a_sensitive_post_is_decided_by_a_person(shop: Server, box: Toolbox) -> None:
    """The person sees what the screenings say, and changes the decision; it is applied and told."""
    run = CatalogueRun("content_moderation", shop, box)
    await run.go()
    (shown,) = await run.waits_for()
    assert shown["args"]["screenings"]["privacy"]["route"] == "sensitive"
    assert shown["args"]["decision"] == "publish"
    assert (await run.edit(decision="remove"))["decided_by"] == ["ann"]
    assert [each["decision"] for each in run.made("decisions")] == ["remove"]
    assert [each["text"] for each in run.made("notifications")] == ["Decision on your post: remove."]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("Thanks for your advice, that was a great help!", "publish"),
        ("Buy now! Free prizes in the casino, click here.", None),
        ("A bridge.", None),
    ],
)
async def test_only_a_sure_screening_decides_alone(shop: Server, box: Toolbox, text: str, decision: str | None) -> None:
    """Where all three are sure nobody is asked; where one says nothing a person is."""
    run = CatalogueRun("content_moderation", shop, box, text=text)
    done = await run.go()
    assert (done and done["decision"]) == decision
    assert bool(await run.waits_for()) == (decision is None)


@pytest.mark.slow
async def test_a_message_is_answered_by_who_knows(shop: Server, box: Toolbox) -> None:
    """It goes to billing, the drafts say what the handbook says, and what the person edits is sent."""
    run = CatalogueRun("customer_service", shop, box)
    await run.go()
    (shown,) = await run.waits_for()
    assert "(billing)" in shown["description"]
    assert "within five working days" in shown["args"]["reply"]
    assert len(shown["args"]["longer"]) > len(shown["args"]["reply"])
    assert not run.made("notifications")
    done = await run.edit(reply="Within five working days.")
    assert (done["route"], done["reply"]) == ("billing", "Within five working days.")
    assert [each["text"] for each in run.made("notifications")] == ["Within five working days."]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "route"),
    [
        ("The app crashes with an error.", "technical"),
        ("How can I change my password?", "account"),
        ("Good morning!", "else"),
    ],
)
async def test_every_message_goes_somewhere(shop: Server, box: Toolbox, message: str, route: str) -> None:
    """To the specialist, or to whoever knows the whole handbook."""
    run = CatalogueRun("customer_service", shop, box, message=message)
    await run.go()
    (shown,) = await run.waits_for()
    assert f"({route})" in shown["description"]


async def test_maker_and_checker_come_to_agree(shop: Server, box: Toolbox) -> None:
    """The checker objects to the first text, the maker answers the objection, and nobody else is needed."""
    run = CatalogueRun("maker_checker", shop, box)
    done = await run.go()
    assert (done["last_turn"], done["objections"], done["decided_by"]) == (1, [], [])
    assert "ferry" in done["text"]


async def test_a_debate_without_agreement_ends_at_its_bound(shop: Server, box: Toolbox) -> None:
    """What the facts do not say cannot be written: after the rounds a person decides."""
    run = CatalogueRun("maker_checker", shop, box, criteria=["the name of the engineer"], rounds=2)
    await run.go()
    (shown,) = await run.waits_for()
    assert shown["args"]["objections"] == ["It says nothing about this: the name of the engineer"]
    statuses = await run.statuses()
    assert {"debate[1].checker", "debate[2].checker"} & set(statuses) == {"debate[1].checker"}
    assert (await run.edit(text="Mine."))["text"] == "Mine."
