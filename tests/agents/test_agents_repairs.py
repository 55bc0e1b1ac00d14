"""What becomes of answers that an agent cannot use: told once, then the end."""

from typing import Any

import pytest

from state.errors import BadOutput
from tests.agents.test_agents_middleware import FOUND, Desk, go, searches
from tests.chains.model_doubles import fake_of, scripted

PROSE: dict[str, Any] = {"reply": "I think it is 5 m high."}
NO_TOOL: dict[str, Any] = {"tool_calls": [{"name": "browse", "args": {}}]}
NO_ARGUMENT: dict[str, Any] = {"tool_calls": [{"name": "search", "args": {"text": "a"}}]}
NO_FORM: dict[str, Any] = {"structured": {"Found": {"words": "it"}}}
FAULTS = {"prose": PROSE, "no tool": NO_TOOL, "no argument": NO_ARGUMENT, "no form": NO_FORM}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_told_once(fault: dict[str, Any]) -> None:
    """After one answer that cannot be used the model is told, and its next one counts."""
    run, desk = scripted(fault, searches("a"), fault, FOUND), Desk()
    assert (await go(run, desk))["structured_response"].text == "it"
    told = fake_of(run).calls[1].messages[-1].text
    assert any(word in told for word in ("plain text", "not a valid tool", "Field required", "fix"))


@pytest.mark.slow
@pytest.mark.parametrize("second", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("first", FAULTS.values(), ids=FAULTS)
async def test_twice_in_a_row_is_the_end(first: dict[str, Any], second: dict[str, Any]) -> None:
    """A second one in a row ends the agent; the reason says what was wrong, and repeats nothing the model said."""
    run, desk = scripted(first, second, FOUND), Desk()
    with pytest.raises(BadOutput, match="twice") as caught:
        await go(run, desk)
    assert len(fake_of(run).calls) == 2
    assert "5 m" not in str(caught.value)


async def test_errors_of_tools_are_no_faults_of_the_answer() -> None:
    """A tool that fails again and again is the tool's fault: the model goes on."""
    fetch = {"tool_calls": [{"name": "fetch", "args": {"url": "x"}}]}
    run, desk = scripted(fetch, fetch, fetch, FOUND), Desk()
    assert (await go(run, desk))["structured_response"].text == "it"


async def test_one_good_call_beside_a_bad_one_is_enough() -> None:
    """An answer of which anything could be used is used."""
    mixed = {"tool_calls": [*NO_TOOL["tool_calls"], *searches("a")["tool_calls"]]}
    run, desk = scripted(mixed, mixed, mixed, FOUND), Desk()
    assert (await go(run, desk))["structured_response"].text == "it"


async def test_a_repeated_run_decides_alike() -> None:
    """An agent that is run again over its journal ends the same way, and asks nothing."""
    run, desk = scripted(PROSE, NO_TOOL), Desk()
    for bench in (run, run.resumed()):
        with pytest.raises(BadOutput, match="twice"):
            await go(bench, desk)
    assert len(fake_of(run).calls) == 2
