"""What stands around every agent: limits, context editing, the recording of its tool calls, and what it may no longer
do once it has read text of unknown origin.

Everything that would hide a failure is off: an agent ends with an answer or with an error, never with an
answer that is an error in disguise.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from langchain.agents.middleware import (
    AgentMiddleware,
    ClearToolUsesEdit,
    ContextEditingMiddleware,
    ModelCallLimitMiddleware,
    ToolCallLimitMiddleware,
    ToolCallRequest,
)
from langchain.agents.middleware.model_call_limit import ModelCallLimitExceededError
from langchain.agents.structured_output import StructuredOutputError
from langchain_core.messages import AnyMessage, ToolMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.types import Command

from agents.addresses import was_opened, was_shown
from agents.repairs import MISFIT, RepairedOnce
from chains.scope import CallScope, Made
from state.context import BranchLimits, UntrustedText
from state.errors import BadOutput, LimitReached, ToolError
from state.runs import Json, Progress, Usage
from tools.effects import address_of, carried_by, effects_of
from tools.evidence_text import fenced

_KEEP_RESULTS = 8
_CONTEXT_TOKENS = 128_000
_LONGEST_ERROR = 1000
"""Characters of an error that a model is told."""
_NO_CHECKPOINTS: RunnableConfig = {"configurable": {"__pregel_durability": "async"}}
"""A run that waits for each checkpoint (`durability="sync"`) hands that down to its agents. They have none, and
LangGraph 1.2 then fails with an AttributeError; its argument of that name would only warn that it has no effect."""
_CLEARED = "[cleared to save room; call the tool again if you need this result]"


def agent_middleware(
    scope: CallScope,
    limits: BranchLimits,
    untrusted: UntrustedText = UntrustedText(),
    *,
    was_fed: bool = False,
    ends_in_text: bool = False,
    guard: "GuardedTools | None" = None,
) -> list[AgentMiddleware[Any, Any, Any]]:
    """The standard stack of an agent that works in `scope`; `was_fed` says that its task holds text of sources,
    `ends_in_text` that its answer is plain text. A `guard` of its own stands where calls are recorded, so that what it
    decides of a call is decided once.

    Calls that the scope has used already count. Past the limit on tool calls the model is told so and can
    still answer; past the limit on model calls the agent ends with LimitReached. Old tool results are cleared
    from the prompt once it fills half of a usual context, or a quarter of the branch's tokens.
    """
    edit = ClearToolUsesEdit(
        trigger=min(_CONTEXT_TOKENS // 2, limits.tokens // 4), keep=_KEEP_RESULTS, placeholder=_CLEARED
    )
    guarded = GuardedTools(scope, untrusted, was_fed)
    return [
        ModelCallLimitMiddleware(run_limit=max(0, limits.model_calls - scope.used.model_calls), exit_behavior="error"),
        ToolCallLimitMiddleware(run_limit=max(0, limits.tool_calls - scope.used.tool_calls), exit_behavior="continue"),
        ContextEditingMiddleware(edits=[edit]),
        RepairedOnce(scope, ends_in_text=ends_in_text),
        *([RecordedTools(scope), guard] if guard else [guarded, RecordedTools(scope)]),
    ]


async def run_agent(agent: Runnable[Any, Any], messages: Sequence[AnyMessage], scope: CallScope) -> dict[str, Any]:
    """Runs an agent of `create_agent` to its final state.

    Raises LimitReached, BadOutput, or whatever a call raised. Give the agent `checkpointer=False`: the
    journal brings it back to where it was, and cheaper.
    """
    try:
        state: dict[str, Any] = await agent.ainvoke({"messages": list(messages)}, _NO_CHECKPOINTS)
    except ModelCallLimitExceededError as error:
        raise LimitReached(
            f"the agent's limit of {error.run_limit} model calls is reached",
            limit="model_calls",
            place=scope.path,
            remedy="Raise limits.model_calls, or ask for less.",
        ) from error
    except StructuredOutputError as error:
        raise BadOutput(
            f"the agent's answer does not have the form that was asked for: {error}",
            place=scope.path,
            remedy="Use a model that is better at calling tools.",
        ) from error
    return state


class GuardedTools(AgentMiddleware[Any, Any, Any]):
    """Refuses what text of unknown origin could misuse, from the first such text on that the agent has read.

    - A tool with side effects, unless the run names it (`UntrustedText.tools`).
    - An address that the agent was not shown before it wrote it itself: it could carry away what the agent has read.
    - What goes to an address with the request, unless the run names the tool: parameters, headers, secrets by name.
    The messages before a call decide, so a run that goes on after a crash decides the same.
    """

    def __init__(self, scope: CallScope, untrusted: UntrustedText, was_fed: bool) -> None:
        super().__init__()
        self._scope, self._untrusted, self._was_fed = scope, untrusted, was_fed

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Gives back the tool's message, or a refusal that the model is told and the report notes."""
        refusal = self._refusal(request)
        if not refusal:
            return await handler(request)
        call = request.tool_call
        told = f"A call of the tool {call['name']} was refused, because text of unknown origin had been read: {refusal}"
        self._scope.note({"notes": [told]})
        return ToolMessage(fenced("refused", told), tool_call_id=call["id"], name=call["name"], status="error")

    def _refusal(self, request: ToolCallRequest) -> str:
        """Why the call may not be made; empty if it may."""
        messages: Sequence[AnyMessage] = request.state["messages"]
        read = [message for message in messages if isinstance(message, ToolMessage)]
        if request.tool is None or not (read or self._was_fed):
            return ""
        is_named = request.tool.name in self._untrusted.tools
        if effects_of(request.tool) == "write" and not is_named:
            return "it has side effects, and the run does not allow it then."
        sent = [name for name in carried_by(request.tool) if request.tool_call["args"].get(name)]
        if sent and not is_named:
            return f"beside the address it sends {' and '.join(sent)}, which can carry away what was read."
        argument = address_of(request.tool)
        address = str(request.tool_call["args"].get(argument, ""))
        known = was_shown(messages, address) or was_opened(messages, request.tool.name, argument, address)
        if address and not known:
            return "the address that it names was not shown as it stands, neither by the task nor by a tool."
        return ""


class RecordedTools(AgentMiddleware[Any, Any, Any]):
    """Makes each tool call once in the life of a run, and keeps in the scope what tools showed.

    A ToolError becomes an error message for the model, delimited, as it may repeat words of a source; arguments that do
    not fit are told to it by LangChain. Every other error rises.
    """

    def __init__(self, scope: CallScope) -> None:
        super().__init__()
        self._scope = scope

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Gives back the tool's message: from the journal, or by calling the tool."""
        call = request.tool_call

        async def make() -> Made:
            try:
                message = await handler(request)
                misfit = _misfit(request, message)
            except ToolError as error:
                told = fenced("tool_error", " ".join(str(error).split())[:_LONGEST_ERROR])
                message = ToolMessage(told, tool_call_id=call["id"], name=call["name"], status="error")
                misfit = ""
            return Made(_stored(call["name"], message, misfit), Usage(tool_calls=1))

        self._scope.emit(Progress(path=self._scope.path, tool=call["name"]))
        try:
            response = await self._scope.recorded("tool", call["name"], {"args": call["args"]}, make)
        finally:
            self._scope.emit(Progress(path=self._scope.path, tool=""))
        if isinstance(response["artifact"], dict):
            self._scope.note(response["artifact"])
        return ToolMessage(**response, tool_call_id=call["id"], name=call["name"])


def _misfit(request: ToolCallRequest, message: ToolMessage | Command[Any]) -> str:
    """Why the tool could not be called; empty text where it was: its own errors are no messages yet."""
    if request.tool is None:
        return "there is no such tool"
    return "its arguments do not fit" if isinstance(message, ToolMessage) and message.status == "error" else ""


def _stored(name: str, message: ToolMessage | Command[Any], misfit: str) -> Json:
    """A tool's message as it is recorded."""
    if not isinstance(message, ToolMessage):
        raise TypeError(f"the tool {name} gives back a {type(message).__name__}, which cannot be recorded")
    form = {"content": message.content, "artifact": message.artifact, "status": message.status}
    return {**form, "additional_kwargs": {MISFIT: misfit}}
