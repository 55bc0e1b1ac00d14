"""Workflows as tools of our MCP server: `run_NAME` starts a durable run, `workflow_status` watches one.

What waits for a person is answered by a person, by the command that stands in the answer: not over MCP.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from run_workflow.cli.ending import run_document
from run_workflow.cli.session import DONE
from run_workflow.cli.workflows import catalog_of, context_of
from run_workflow.engine.started import standing
from run_workflow.services import RunEngine, RunView
from run_workflow.settings import Settings
from state.errors import RunError, StrettoError, ToolFailed
from state.runs import Json
from tools.workflow import OUTPUT, WorkflowLook

if TYPE_CHECKING:  # slow to import
    from mcp.types import Tool

    from run_workflow.workflow_catalog import WorkflowFile

STATUS = "workflow_status"
PREFIX = "run_"
_MARK = "mcp: "
"""What the keys of runs begin with that were started over MCP."""
_ANSWER: Json = {
    **OUTPUT,
    "required": [*OUTPUT["required"], "commands"],
    "properties": {
        **OUTPUT["properties"],
        "commands": {"type": "array", "description": "What a person can type to answer, or to go on with the run."},
    },
}


@dataclass(frozen=True)
class WorkflowOffer:
    """The workflows that can be run by name, as their files are now."""

    settings: Settings
    engine: RunEngine
    seconds: float
    """How long a call waits for the end of the run that it started."""

    async def tools(self) -> "Sequence[Tool]":
        """One for each workflow, and the one that watches."""
        return (await listed(self.settings, self.seconds))[0]

    async def call(self, name: str, given: Json) -> Json | None:
        """Starts or watches a run. Raises StrettoError."""
        if name == STATUS:
            return await self._look(given)
        files, _ = await asyncio.to_thread(_files, self.settings)
        file = next((file for file in files if f"{PREFIX}{file.name}" == name), None)
        return None if file is None else await self._start(file.name, given)

    async def _start(self, name: str, inputs: Json) -> Json:
        actor, engine = self.settings.actor, self.engine
        wanted = await catalog_of(self.settings).pin(name, engine.workflows.find)
        key = f"{_MARK}{uuid4().hex}"
        run = await engine.workflows.start(wanted, inputs, context_of(self.settings), actor=actor, dedup_key=key)
        return _standing(await self._watched(run.id, self.seconds))

    async def _look(self, given: Json) -> Json:
        asked = _asked(given)
        run = (await self.engine.show(asked.workflow_id)).run
        if not (run.dedup_key or "").startswith(_MARK):
            raise RunError("The run was not started over MCP.", place=run.id, remedy="`show` tells of it.")
        return _standing(await self._watched(run.id, asked.wait_seconds, asked.step_name), asked.step_name)

    async def _watched(self, run_id: str, seconds: float, step: str | None = None) -> RunView:
        """How it stands. Raises RunError where it cannot be gone on with: with its id, by which it is watched later."""
        try:
            return await self.engine.background.watch(run_id, self.settings.actor, seconds, step)
        except StrettoError as error:
            said = f"It does not go on. {error}"
            raise RunError(said, place=f"run {run_id}", remedy=f"{STATUS} tries again.") from error


async def listed(settings: Settings, seconds: float) -> "tuple[list[Tool], list[str]]":
    """The tools of all workflows, and those that are left out, each with the reason."""
    from mcp.types import Tool, ToolAnnotations

    files, left_out = await asyncio.to_thread(_files, settings)
    watch = Tool(
        name=STATUS,
        description="How a run of a workflow stands that was started here; goes on with one that was interrupted.",
        inputSchema=WorkflowLook.model_json_schema(),
        outputSchema=_ANSWER,
        # It works on a run that was interrupted, whose steps may change something.
        annotations=ToolAnnotations(readOnlyHint=False, idempotentHint=True, openWorldHint=True),
    )
    return [*(_told(file, seconds) for file in files), watch], left_out


def _files(settings: Settings) -> "tuple[list[WorkflowFile], list[str]]":
    """Those that can be run, and what is wrong with the others."""
    files = catalog_of(settings).files
    names = [file.name for file in files]
    good = [file for file in files if file.definition and names.count(file.name) == 1]
    other = "another file has this name"
    return good, [f"{file.label}: {file.problem or other}" for file in files if file not in good]


def _told(file: "WorkflowFile", seconds: float) -> "Tool":
    from mcp.types import Tool, ToolAnnotations

    assert file.definition is not None  # others are left out
    about = f"{file.definition.description} Starts a run, and waits up to {seconds:g} s for its end.".strip()
    return Tool(
        name=f"{PREFIX}{file.name}",
        description=f"{about} {STATUS} watches one that takes longer, or waits for a person.",
        inputSchema={"type": "object", **file.definition.inputs},
        outputSchema=_ANSWER,
        annotations=ToolAnnotations(readOnlyHint=False, openWorldHint=True),
    )


def _asked(given: Json) -> WorkflowLook:
    """What is to be looked at. Raises ToolFailed."""
    from pydantic import ValidationError

    try:
        return WorkflowLook(**given)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ToolFailed(f"Its input is not as it must be: {said}.", "bad_input", place=STATUS) from error


def _standing(view: RunView, step: str | None = None) -> Json:
    told: dict[str, Any] = standing(view, step)
    return {**told, "commands": list(run_document(view, None, DONE).commands)}
