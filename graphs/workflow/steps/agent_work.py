"""The work of a model or an agent in a step: where its calls are recorded, whom it asks, what the ledger has of it."""

import json
from asyncio import CancelledError
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from langchain.agents.middleware import ToolCallRequest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage

from agents.acting import AskPerson, Assignment, Decision, act
from agents.factory import Wanted
from agents.shift import Ending, Shift
from agents.staff import Staff
from chains.scope import CallScope
from graphs.workflow.mapping import fill, written
from graphs.workflow.outcomes import Request, Waiting, failure_of
from graphs.workflow.references import Reference, Scope, parse
from graphs.workflow.running import Call
from state.agents import AGENT_SIGN, AgentTemplate
from state.context import BranchLimits, Role
from state.errors import BadOutput, BuildError
from state.runs import ActionRequest, Answer, ApprovalRequest, Json, ReviewConfig
from state.workflow.policies import ReactLimits, Schema
from tools.blocks import read_block
from tools.plain_sight import cautions, in_a_line, orders_in

_AGAIN = "#"
"""In the ledger and in the journal: the step's path, this, and the how many-th try it is that asks anew."""
_TOOL_CALLS_A_TURN = 4
_DECISIONS: tuple[Literal["approve", "edit", "reject", "respond"], ...] = ("approve", "edit", "reject", "respond")


def staff_of(call: Call) -> Staff:
    """What chains and agents of the run work with."""
    if call.run.staff is None:
        raise BuildError("Models and agents are not at hand in this run.", place=call.path)
    return call.run.staff


@asynccontextmanager
async def recorded(call: Call, limits: BranchLimits | None = None, part: str = "") -> AsyncIterator[CallScope]:
    """A scope for the work of a step, or of a `part` of it, whose calls are made once in the life of the run.

    A try that ended because an answer could not be used is not repeated from the journal: the next one asks anew.
    """
    staff, path = staff_of(call), f"{call.path}{part}"
    number = staff.unusable.get(path, 0)
    while f"{path}{_AGAIN}{number + 1}" in call.run.records:
        number += 1
    try:
        yield staff.scope(f"{path}{_AGAIN}{number}" if number else path, limits)
    except BadOutput as error:
        staff.unusable[path] = number + 1
        lost = f"{path}{_AGAIN}{number + 1}"
        await call.run.ledger.end(lost, "failed", error=error.message, result={"class": "bad_output"})
        raise


def told(text: str, scope: Scope) -> tuple[str, Json]:
    """A task as a model is told it, and the values that it names: they come from outside, and stand apart from it.

    `Answer ${workflow.mail}` is told as `Answer {workflow.mail}`. A text that is one reference is the task itself.
    """
    if parse(text) is not None:
        return str(fill(text, scope)), {}
    values: Json = {}

    def write(reference: Reference) -> str:
        name = str(reference).lstrip("$")
        values[name] = scope.resolve(reference)
        return "{" + name + "}"

    return written(text, write), values


def limits_of(limits: ReactLimits, seconds: float) -> BranchLimits:
    """The limits of a step as those of an agent."""
    return BranchLimits(
        seconds=seconds,
        tokens=limits.tokens,
        model_calls=limits.turns,
        tool_calls=limits.turns * _TOOL_CALLS_A_TURN,
        money=limits.money,
    )


@dataclass(frozen=True)
class Job:
    """What an agent is to do in a step."""

    task: str
    material: Json
    limits: BranchLimits
    schema: Schema | None = None
    tools: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    """Tools with side effects that it may call without asking, whatever it has read."""
    is_outside: bool = False
    """Whether the task itself comes from outside: from a value, or from a model."""
    model: str | None = None
    agent: str | None = None
    """The name of the agent who does it."""
    capability: str | None = None
    """What the agent who does it must be able to do; without both it is an agent without a speciality."""


async def done(job: Job, call: Call) -> Any:
    """What the agent gave back: a value that fits the schema, or text. Raises Waiting where a person must be asked."""
    if job.agent is None and job.capability is None:
        async with recorded(call, job.limits) as scope:
            return await _acted(job, call, scope, None)
    able = await _able(job, call)
    factory = await staff_of(call).team.factory()
    async with (
        factory.placed(able) as template,
        recorded(call, job.limits) as scope,
        Shift(call.run.ledger, call.path, scope, _ending) as shift,
    ):
        await shift.begin(template)
        return await _acted(job, call, scope, template)


async def _acted(job: Job, call: Call, scope: CallScope, template: AgentTemplate | None) -> Any:
    staff = staff_of(call)
    role: Role = (template.role if template else None) or "researcher"
    work = Assignment(
        task=job.task,
        material=job.material,
        is_outside=job.is_outside,
        tools=await staff.team.tools((*job.tools, *(template.tools if template else ())), call.path),
        schema=job.schema,
        instructions=template.instructions if template else "",
        limits=job.limits,
        allowed=(*job.allowed, *staff.context.untrusted.tools),
    )
    model = staff.model(scope, role, job.model or (template.model if template else None))
    return await act(model, scope, work, staff.ports.tools, _asker(call, scope))


async def _able(job: Job, call: Call) -> list[AgentTemplate]:
    """Those who may do the job, best first. Who began it goes on with it when the run is resumed."""
    factory = await staff_of(call).team.factory()
    for name, template in factory.templates.items():
        record = call.run.records.get(f"{call.path}{AGENT_SIGN}{name}")
        if record is not None and record.status in ("running", "waiting"):
            return [template]
    if job.agent is not None:
        return [factory.named(job.agent)]
    wanted = Wanted(job.capability or "", job.limits.tokens, job.limits.seconds, call.run.definition.adaptive_routing)
    return [template for _, template in factory.ranked(wanted)]


def _ending(error: BaseException) -> Ending:
    if isinstance(error, Waiting):
        return "waiting", None
    return ("cancelled", None) if isinstance(error, CancelledError) else ("failed", failure_of(error).message)


def _asker(call: Call, scope: CallScope) -> AskPerson:
    """Asks a person about a tool call of the step's agent: the run waits, and shows the call."""

    def ask(request: ToolCallRequest, reason: str) -> Decision:
        wanted = request.tool_call
        id_ = call.request_id(_canonical(scope.path, request))
        answer = call.run.answers.get(id_)
        if answer is not None:
            return Answer.model_validate(answer).decision
        name = f"{call.path}.{wanted['name']}"
        said = f"The agent of {call.path} wants to call the tool {wanted['name']} after it read text from outside: "
        told = " ".join([f"{said}{reason}", *cautions(wanted["args"]), *_orders_read(request)])
        value = ApprovalRequest(
            action_requests=(ActionRequest(name=name, args=wanted["args"], description=told),),
            review_configs=(ReviewConfig(action_name=name, allowed_decisions=_DECISIONS),),
        )
        raise Waiting((Request(id_, call.path, value.model_dump(mode="json")),))

    return ask


def _canonical(path: str, request: ToolCallRequest) -> str:
    """Names the call for ever. A model may give two calls one id: the answer to the first is none to the second."""
    wanted = request.tool_call
    asked = [message for message in request.state["messages"] if isinstance(message, AIMessage)]
    equal = sum(_named(call) == _named(wanted) for message in asked for call in message.tool_calls)
    return json.dumps([path, *_named(wanted), *([equal] if equal > 1 else [])], sort_keys=True)


def _named(call: ToolCall) -> tuple[str | None, str, Json]:
    return call["id"], call["name"], call["args"]


def _orders_read(request: ToolCallRequest) -> list[str]:
    """What a person must know where something that the agent has read gives orders to a model."""
    orders = [order for message in request.state["messages"] for order in orders_in(_read(message))]
    return [f"Beware: what it has read gives orders to a model: “{in_a_line(orders[0])}”."] if orders else []


def _read(message: AnyMessage) -> Any:
    """What a message showed the agent, as values."""
    if isinstance(message, HumanMessage):
        return (read_block(message.text, "brief") or {}).get("material")
    if isinstance(message, ToolMessage):
        return read_block(message.text, "result") or message.text
    return None
