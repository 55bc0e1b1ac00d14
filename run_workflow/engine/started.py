"""Runs of workflows that a run starts by the tool `workflow`: runs of their own, each started once for each call."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from run_workflow.engine.admission import refuse_other_use
from run_workflow.engine.audit import created_by
from run_workflow.engine.background import Background, has_ended
from run_workflow.engine.rows import find_run, one_run, run_with_key
from state.errors import BuildError, DatabaseError, NotAllowed, RunError, SetupError, StrettoError, ToolFailed
from state.runs import VERSION_SIGN, Json, RunRecord, StepRecord

if TYPE_CHECKING:  # slow to import
    from graphs.workflow.pinned import Pinned
    from run_workflow.engine.engine import Engine
    from run_workflow.postgres.database import Pool
    from run_workflow.services import RunView
    from state.workflow.policies import ErrorClass

FindStored = Callable[[str, str], Awaitable["Pinned | None"]]
Pin = Callable[[str, FindStored], Awaitable["Pinned"]]
"""From a name, or `name@version`, to the workflow as it is now; SetupError and BuildError where there is none."""
MOST_DEPTH = 5
"""Runs that started each other: one whose workflow starts itself must end some time."""
_MARK = re.compile(r"started by (\S+): ")
_NAME = re.compile(r"[A-Za-z_][\w-]*(@[\w.-]+)?")


@dataclass(frozen=True)
class StartedRuns:
    """The `Workflows` port of one run."""

    engine: "Engine"
    pool: "Pool"
    pin: Pin
    background: Background
    parent: str
    """The run that starts them."""

    async def start(self, name: str, inputs: Json, key: str) -> str:
        """The id of the run that was started with this key, now or before. Raises ToolFailed."""
        if not _NAME.fullmatch(name):
            said = f"{name!r} is no name of a workflow, as name or name@version."
            raise ToolFailed(said, "bad_input", place="workflow_name")
        dedup_key = f"started by {self.parent}: {key}"
        async with self.pool.connection() as connection:
            parent, actor = await one_run(connection, self.parent), await created_by(connection, self.parent)
            run = await run_with_key(connection, dedup_key)
        with _told_by_class():
            if run is None:
                await self._refuse_depth(parent)
                wanted = await self.pin(name, self.engine.workflows.find)
                run = await self.engine.workflows.start(
                    wanted, inputs, parent.context, actor=actor, dedup_key=dedup_key
                )
            else:  # whatever became of its file: it is bound to what it began with
                graph = run.graph if name in _names(run) else name
                refuse_other_use(run, graph, {"inputs": inputs}, parent.context)
        await self.background.go_on(run.id, actor)
        return run.id

    async def look(self, run_id: str, seconds: float, step: str | None) -> Json:
        """How a run stands that this one started, after at most so many seconds. Raises ToolFailed.

        Whoever looks goes on with it, where the process that worked on it is gone.
        """
        async with self.pool.connection() as connection:
            run = await find_run(connection, run_id)
            actor = await created_by(connection, self.parent)
        if run is None or _starter(run) != self.parent:
            raise ToolFailed(f"This run has started no run {run_id!r}.", "bad_input", place="workflow_id")
        with _told_by_class():
            view = await self.background.watch(run_id, actor, seconds, step)
        return standing(view, step)

    async def _refuse_depth(self, run: RunRecord) -> None:
        """Raises ToolFailed where too many runs have started each other."""
        above: RunRecord | None = run
        for _ in range(MOST_DEPTH - 1):
            starter = _starter(above) if above else None
            if starter is None:
                return
            async with self.pool.connection() as connection:
                above = await find_run(connection, starter)
        raise ToolFailed(f"{MOST_DEPTH} runs have started each other, and no more may.", "limit", place=run.graph)


@contextmanager
def _told_by_class() -> Iterator[None]:
    """Makes what is wrong with a run a ToolFailed, with the class that retry policies go by."""
    try:
        yield
    except (SetupError, BuildError, RunError) as error:
        raise ToolFailed(error.message, _class_of(error), place=error.place, remedy=error.remedy) from error


def _class_of(error: StrettoError) -> "ErrorClass":
    if isinstance(error, DatabaseError):
        return "unavailable"
    return "refused" if isinstance(error, NotAllowed) else "bad_input"


def _names(run: RunRecord) -> tuple[str, str]:
    """Those by which its workflow can have been asked for."""
    return run.graph, run.graph.partition(VERSION_SIGN)[0]


def _starter(run: RunRecord) -> str | None:
    """The run whose tool started this one."""
    found = _MARK.match(run.dedup_key or "")
    return found[1] if found else None


def standing(view: "RunView", step: str | None = None) -> Json:
    """A run in short: how it stands, its steps, what it waits for, its outputs, and what a step gave."""
    run, output = view.run, view.run.output or {}
    waiting = [
        {"request": each.id, "step": each.point, "question": each.request.action.description}
        for each in view.approvals
        if each.status == "pending"
    ]
    told: Json = {
        "workflow_id": run.id,
        "workflow": run.graph,
        "status": run.standing,
        "steps": {each.path: each.status for each in view.steps},
        "waiting_for": [*waiting, *({"step": wait.path, "event": wait.event} for wait in view.waits)],
        "outputs": output.get("outputs"),
        "error": run.error,
    }
    return {**told, "step": _step(view, step)} if step else told


def _step(view: "RunView", name: str) -> Json:
    """What a step gave. Large outputs, and confidential ones, are told by their hash."""
    found: list[StepRecord] = [each for each in view.steps if each.path == name]
    if not found:
        return {"name": name, "status": "not begun", "output": None, "error": None}
    result: dict[str, Any] = found[-1].result or {}
    output = result.get("output") if has_ended(view, name) else None
    told = {"sha256": result["sha256"]} if "sha256" in result else output
    return {"name": name, "status": found[-1].status, "output": told, "error": found[-1].error}
