"""The rows of the ledger from which the history of agents is counted."""

from asyncio import CancelledError

import pytest

from agents.shift import Shift
from chains.models import ModelDoor
from state.agents import AgentTargets, AgentTemplate
from state.errors import LeaseLost, LimitReached
from state.runs import Usage
from tests.chains.model_doubles import Bench
from tools.memory import MemoryLedger, SystemClock

BENCH = Bench(ModelDoor({}, {}))
SCOPE = BENCH.scope()
SCOUT = AgentTemplate(name="scout", description="", capabilities=("research",))


@pytest.fixture
def ledger() -> MemoryLedger:
    """An empty one."""
    return MemoryLedger("r", SystemClock())


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (LimitReached("The tokens are used up.", limit="tokens"), "failed", "The tokens are used up."),
        (ZeroDivisionError("a bug"), "failed", "ZeroDivisionError: a bug"),
        (CancelledError(), "cancelled", None),
        (LeaseLost("It is another's."), "running", None),
    ],
)
async def test_work_that_fails_is_recorded_as_it_ended(
    ledger: MemoryLedger, error: BaseException, status: str, told: str | None
) -> None:
    """A run that another process holds is not written to; what was cancelled counts for nobody."""

    async def work() -> None:
        async with Shift(ledger, "branches/a", SCOPE) as shift:
            await shift.begin(SCOUT, 1)
            raise error

    with pytest.raises(type(error)):
        await work()
    (row,) = list(await ledger.steps())
    assert (row.path, row.iteration, row.status, row.error) == ("branches/a@scout", 1, status, told)


async def test_work_that_nobody_began_leaves_no_row(ledger: MemoryLedger) -> None:
    """A task that found no place is nobody's; one that ended says what it took, and as what it is to count."""
    async with Shift(ledger, "a", SCOPE):
        pass
    assert list(await ledger.steps()) == []
    async with Shift(ledger, "a", SCOPE) as shift:
        await shift.begin(SCOUT)
        shift.ending = ("failed", "It was late.")
    (row,) = list(await ledger.steps())
    assert (row.status, row.error, row.result) == ("failed", "It was late.", {"tokens": 0})


@pytest.mark.parametrize(
    ("targets", "over"),
    [
        (AgentTargets(), None),
        (AgentTargets(tokens=120, seconds=7), None),
        (AgentTargets(tokens=100, seconds=5), "100 tokens, 120 taken; 5 s, 7.0 taken"),
        (AgentTargets(seconds=5), "5 s, 7.0 taken"),
    ],
)
async def test_work_over_its_targets_says_so(ledger: MemoryLedger, targets: AgentTargets, over: str | None) -> None:
    """Tokens and seconds are held against what the template aims at; the work has ended well all the same."""
    scope = BENCH.scope()
    async with Shift(ledger, "a", scope) as shift:
        await shift.begin(SCOUT.model_copy(update={"targets": targets}))
        await BENCH.clock.sleep(7)
        scope.used += Usage(input_tokens=100, output_tokens=20)
    (row,) = await ledger.steps()
    assert (row.status, (row.result or {}).get("over_target")) == ("completed", over)
