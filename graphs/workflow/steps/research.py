"""Research as a step: `workflow: research` runs the research graph within the run of the workflow.

It has checkpoints of its own, beside those of the run, under the step's path: a run that is resumed goes on at the node
where its research stood. Its steps stand in the ledger below the step's path, its calls in the journal likewise. It
asks nobody: a person looks at its plan or report by an approval of the workflow.
"""

import asyncio
from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from agents.kit import Emit
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.research_form import INPUTS, RESEARCH
from graphs.workflow.running import Body, Call
from state.ports import CallJournal, Ledger, Ports
from state.research import SUMMARY
from state.runs import CallKey, CallRecord, Json, Progress, StepRecord, StepStatus, Usage
from state.workflow.steps import WorkflowStep
from tools.addresses import refuse_logins
from tools.documents.files import is_address
from tools.schemas import faults

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

_STEPS = 1000


def with_research(ports: Ports, other: Body) -> Body:
    """The body of `workflow` steps: research by its name, any other workflow by `other`."""

    async def body(step: WorkflowStep, call: Call) -> Any:
        return await (_research(ports, call) if step.workflow == RESEARCH else other(step, call))

    return body


async def _research(ports: Ports, call: Call) -> Json:
    """What came of it, by the names of `research_form.OUTPUTS`. Raises StepFailed."""
    wrong = faults(INPUTS, call.input)
    if wrong:
        raise StepFailed(f"The input is not as research needs it: {'; '.join(wrong)}.", "bad_input")
    sources = [await _readable(ports, each) for each in call.input["sources"]]
    app = _compiled(ports, call)
    around = copy_context()

    def emit(progress: Progress) -> None:
        below = progress.model_copy(update={"path": f"{call.path}.{progress.path}"})
        around.run(call.run.emit, below)

    # A context of its own: within that of the run LangGraph would take it for a part of the run's own graph.
    work = asyncio.get_running_loop().create_task(_to_its_end(app, call, sources, emit), context=Context())
    try:
        done = await work
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait([work])
    return await _written(ports, call, done)


async def _readable(ports: Ports, source: str) -> str:
    """An address as it is; a path as the tools find it, who read in the user's folders only. Raises ToolFailed."""
    assert ports.tools is not None  # where workflows run there are tools
    if is_address(source):
        refuse_logins([source])
        return source
    return str((await ports.tools.call("file_find", {"path": source}))["path"])


def _compiled(ports: Ports, call: Call) -> "CompiledStateGraph[Any, Any, Any, Any]":
    from graphs.research import build

    inner = replace(
        ports,
        ledger=_LedgerBelow(ports.ledger, f"{call.path}."),
        journal=_JournalBelow(ports.journal, f"{call.path}."),
    )
    return build(inner).compile(checkpointer=call.run.saver)


async def _to_its_end(
    app: "CompiledStateGraph[Any, Any, Any, Any]", call: Call, sources: list[str], emit: Emit
) -> Json:
    """The values of its state. It begins where it stood, if it had begun."""
    config: Any = {"configurable": {"thread_id": f"{call.run.id}:{call.path}"}, "recursion_limit": _STEPS}
    begun = await app.aget_state(config) if app.checkpointer else None
    if begun is not None and begun.created_at is not None and not begun.next:
        return dict(begun.values)
    has_begun = begun is not None and begun.created_at is not None
    given: Json | None = None if has_begun else {"question": call.input["question"], "sources": sources}
    assert call.run.staff is not None  # whoever builds a run of a workflow gives it one
    context = call.run.staff.context.model_copy(update={"approvals": {}})
    values: Json = {}
    stream: Any = app.astream(
        given, config, context=context, stream_mode=["custom", "values"], durability="sync", subgraphs=False
    )
    async for mode, part in stream:
        if mode == "values":
            values = dict(part)
        else:
            emit(Progress.model_validate(part))
    return values


async def _written(ports: Ports, call: Call, done: Json) -> Json:
    """The outputs, with the report in files of the run."""
    assert ports.tools is not None  # where workflows run there are tools
    text = (await ports.artifacts.get(done["report"].sha256)).decode()
    page = (await ports.artifacts.get(done["page"].sha256)).decode()
    paths = {}
    for name, content in (("report", text), ("page", page)):
        path = str(PurePosixPath("research", call.path, done[name].name))
        written = await ports.tools.call("file_write", {"path": path, "content": content})
        paths[name] = written["path"]
    sections = done["draft"].sections
    return {
        "outcome": done["outcome"],
        **paths,
        "summary": " ".join(part.text for each in sections if each.heading == SUMMARY for part in each.sentences),
        "text": text,
        "citation_accuracy": done["citation_accuracy"],
        "missing": [each.model_dump(mode="json") for each in done.get("missing", ())],
        "defects": list(done.get("defects", ())),
    }


class _LedgerBelow:
    """The run's ledger, for steps below a path."""

    def __init__(self, ledger: Ledger, prefix: str) -> None:
        self._ledger, self._prefix = ledger, prefix

    async def begin(self, path: str, iteration: int = 0, *, result: Json | None = None) -> None:
        await self._ledger.begin(f"{self._prefix}{path}", iteration, result=result)

    async def end(
        self,
        path: str,
        status: StepStatus,
        *,
        iteration: int = 0,
        error: str | None = None,
        result: Json | None = None,
    ) -> None:
        await self._ledger.end(f"{self._prefix}{path}", status, iteration=iteration, error=error, result=result)

    async def steps(self, prefix: str = "") -> Sequence[StepRecord]:
        found = await self._ledger.steps(f"{self._prefix}{prefix}")
        return [each.model_copy(update={"path": each.path.removeprefix(self._prefix)}) for each in found]


class _JournalBelow:
    """The run's journal of calls, for agents below a path; what is spent is that of the whole run."""

    def __init__(self, journal: CallJournal, prefix: str) -> None:
        self._journal, self._prefix = journal, prefix

    async def find(self, key: CallKey) -> CallRecord | None:
        return await self._journal.find(self._below(key))

    async def record(self, key: CallKey, call: CallRecord) -> None:
        await self._journal.record(self._below(key), call)

    async def usage(self, prefix: str = "") -> Usage:
        return await self._journal.usage(f"{self._prefix}{prefix}" if prefix else "")

    async def models(self) -> Sequence[str]:
        return await self._journal.models()

    def _below(self, key: CallKey) -> CallKey:
        return key.model_copy(update={"path": f"{self._prefix}{key.path}"})
