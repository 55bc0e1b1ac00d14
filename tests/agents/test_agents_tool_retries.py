"""What becomes of an agent's call of a tool whose service fails for a while."""

from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from langchain_core.tools import InjectedToolArg, StructuredTool

from agents.acting import RegistryTools
from state.errors import ToolFailed
from tests.tools.clocks import MovedClock
from tools.breaker import Breakers
from tools.effects import effects
from tools.registry import Registry, registered


class Service:
    """Fails as it is told, then works; remembers the keys of the calls."""

    def __init__(self, *failures: ToolFailed) -> None:
        self.failures, self.keys, self.clock = list(failures), list[str](), MovedClock()

    async def called(self, kind: Any) -> Any:
        """The message that the agent is given."""

        async def ask(idempotency_key: Annotated[str, InjectedToolArg] = "") -> str:
            self.keys.append(idempotency_key)
            if self.failures:
                raise self.failures.pop(0)
            return "done"

        tool = registered(
            StructuredTool.from_function(coroutine=ask, description="Asks.", metadata=effects(kind)), category="test"
        )
        scope: Any = SimpleNamespace(run_id="r", path="p", clock=self.clock)
        request: Any = SimpleNamespace(tool_call={"name": "ask", "id": "c1", "args": {}}, tool=tool.tool)
        guarded = RegistryTools(scope, Registry([tool], Breakers(self.clock)), [tool])
        return await guarded.awrap_tool_call(request, SimpleNamespace())  # type: ignore[arg-type]


async def test_a_service_that_fails_for_a_while_is_asked_again_with_the_same_key() -> None:
    """After growing pauses, and not before the time that it asks for."""
    service = Service(ToolFailed("a", "timeout"), ToolFailed("b", "unavailable", retry_after=20.0))
    assert "done" in (await service.called("read")).content
    assert service.keys == ["r:p:c1"] * 3
    assert 20.0 < service.clock.passed < 23.0


@pytest.mark.parametrize(
    ("kind", "failure", "calls"),
    [
        ("read", ToolFailed("x", "refused"), 1),
        ("read", ToolFailed("x", "bad_input"), 1),
        ("read", ToolFailed("x", "rate_limited", retry_after=3600.0), 1),
        ("read", ToolFailed("x", "unavailable"), 4),
        ("write", ToolFailed("x", "timeout"), 1),
        ("write", ToolFailed("x", "rate_limited"), 4),
    ],
)
async def test_what_will_not_pass_soon_is_told_to_the_agent(kind: str, failure: ToolFailed, calls: int) -> None:
    """Another try is no help, would be too late, or might do a thing twice; four tries are enough."""
    service = Service(*[failure] * 9)
    with pytest.raises(ToolFailed, match="x"):
        await service.called(kind)
    assert len(service.keys) == calls
