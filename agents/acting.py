"""An agent that does one task of a workflow with the tools it is given: every call recorded, every limit kept.

A tool with side effects that it asks for after it has read text from outside needs a policy or a person's yes.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ToolCallRequest
from langchain.agents.structured_output import ToolStrategy
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command

from agents.middleware import GuardedTools, agent_middleware, run_agent
from chains.answer_form import AnswerForm, form_of
from chains.ask import brief, system_prompt
from chains.retrying import retrying_tool
from chains.scope import CallScope
from state.context import BranchLimits, UntrustedText
from state.errors import BadOutput
from state.runs import Approve, Edit, Json, Reject, Respond
from state.tools import RegisteredTool, ToolRegistry
from tools.blocks import block
from tools.effects import is_foreign
from tools.evidence_text import fenced

ANSWER = "Answer"
"""The name of the form in which an agent answers, where its answer has one."""
_LONGEST_RESULT = 40_000
"""Characters of a tool's result that the model is shown."""

Decision = Approve | Edit | Reject | Respond
AskPerson = Callable[[ToolCallRequest, str], Decision]
"""What a person said of a call, given why somebody must be asked; raises what stops the step while nobody has."""
Handler = Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]


@dataclass(frozen=True)
class Assignment:
    """What an agent is to do, and with what."""

    task: str
    """In the words of the workflow's author; values stand in `material`."""
    material: Json
    is_outside: bool = False
    """Whether the task's words are somebody else's."""
    tools: tuple[RegisteredTool, ...] = ()
    schema: Json | None = None
    """The form of its answer; None for text."""
    instructions: str = ""
    limits: BranchLimits = field(default_factory=BranchLimits)
    allowed: tuple[str, ...] = ()
    """Tools with side effects that it may call although it has read text from outside."""


async def act(
    model: BaseChatModel, scope: CallScope, work: Assignment, registry: ToolRegistry | None, ask: AskPerson
) -> Any:
    """The agent's answer: a value that fits the schema, or text.

    Raises LimitReached, BadOutput, ModelError, and what `ask` raises.
    """
    form = form_of(ANSWER, work.schema) if work.schema is not None else None
    was_fed = bool(work.material) or work.is_outside or any(is_foreign(each.tool) for each in work.tools)
    allowed = tuple(tool.tool.name for tool in work.tools if tool.name in work.allowed)
    guard = AskedTools(scope, UntrustedText(tools=allowed), was_fed, ask)
    stack = agent_middleware(scope, work.limits, ends_in_text=form is None, guard=guard)
    if registry is not None:
        stack.append(RegistryTools(scope, registry, work.tools))
    agent: Any = create_agent(
        model,
        [registered.tool for registered in work.tools],
        system_prompt=system_prompt("act", work.instructions),
        middleware=stack,
        response_format=ToolStrategy(form) if form else None,
        checkpointer=False,
        name="workflow_agent",
    )
    state = await run_agent(agent, [brief(task=work.task, material=work.material or None)], scope)
    return _answer_of(state, scope) if form else _text_of(state, scope)


def _answer_of(state: dict[str, Any], scope: CallScope) -> Any:
    answer = state.get("structured_response")
    if not isinstance(answer, AnswerForm):
        raise BadOutput("the agent ended without an answer in the form that was asked for", place=scope.path)
    return answer.value


def _text_of(state: dict[str, Any], scope: CallScope) -> str:
    text = str(state["messages"][-1].text).strip()
    if not text:
        raise BadOutput("the agent ended without an answer", place=scope.path)
    return text


class AskedTools(GuardedTools):
    """Has a person decide on what text from outside could misuse, where no policy allows it."""

    def __init__(self, scope: CallScope, untrusted: UntrustedText, was_fed: bool, ask: AskPerson) -> None:
        super().__init__(scope, untrusted, was_fed)
        self._ask = ask

    async def awrap_tool_call(self, request: ToolCallRequest, handler: Handler) -> ToolMessage | Command[Any]:
        """Gives back the tool's message, or what the person said instead."""
        reason = self._refusal(request)
        if not reason:
            return await handler(request)
        if _is_twice(request):
            told = fenced("refused", f"Two calls have the id {request.tool_call['id']}: nobody can be asked about one.")
            return ToolMessage(
                told, tool_call_id=request.tool_call["id"], name=request.tool_call["name"], status="error"
            )
        decision, call = self._ask(request, reason), request.tool_call
        if isinstance(decision, Edit):
            call = {**call, "args": decision.edited_action.args}
            return await handler(request.override(tool_call=call))
        if isinstance(decision, Reject):
            told = fenced("refused", f"A person refused this call: {decision.message}")
            return ToolMessage(told, tool_call_id=call["id"], name=call["name"], status="error")
        if isinstance(decision, Respond):
            return ToolMessage(fenced("answer", decision.message), tool_call_id=call["id"], name=call["name"])
        return await handler(request)


def _is_twice(request: ToolCallRequest) -> bool:
    """Whether the model gave the id of the call to another one of the same message, too."""
    last = next((each for each in reversed(request.state["messages"]) if isinstance(each, AIMessage)), None)
    return last is not None and sum(call["id"] == request.tool_call["id"] for call in last.tool_calls) > 1


class RegistryTools(AgentMiddleware[Any, Any, Any]):
    """Calls tools by the registry: schemas, time limits and breakers hold, and each call has a key of its own, the same
    at each try.

    What a tool gives back is data: it is shown as a block that it cannot close.
    """

    def __init__(self, scope: CallScope, registry: ToolRegistry, tools: Sequence[RegisteredTool]) -> None:
        super().__init__()
        self._scope, self._registry = scope, registry
        self._tools = {tool.tool.name: tool for tool in tools}

    async def awrap_tool_call(self, request: ToolCallRequest, handler: Handler) -> ToolMessage | Command[Any]:
        """Gives back the tool's message. Raises ToolFailed."""
        call = request.tool_call
        tool = self._tools.get(call["name"])
        if tool is None:
            return await handler(request)
        key = f"{self._scope.run_id}:{self._scope.path}:{call['id']}"
        given = None
        async for attempt in retrying_tool(self._scope.clock, tool.side_effects):
            with attempt:
                given = await self._registry.call(f"{tool.name}@{tool.version}", call["args"], idempotency_key=key)
        text = block("result", given)
        if len(text) > _LONGEST_RESULT:
            text = block("result", {"beginning": json.dumps(given, ensure_ascii=False)[:_LONGEST_RESULT], "cut": True})
        return ToolMessage(text, tool_call_id=call["id"], name=call["name"])
