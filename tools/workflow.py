"""The tools `workflow` and `workflow_status`: an agent or a step starts a workflow as a run of its own, and watches it.

A call that is repeated, by a retry or after a crash, does not start a second run: it comes with the key of the call.
"""

from typing import Annotated, Any

from langchain_core.tools import BaseTool, InjectedToolArg
from pydantic import BaseModel, ConfigDict, Field

from state.errors import ToolFailed
from state.runs import Json
from state.tools import Workflows
from tools.effects import effects
from tools.making import made

MOST_SECONDS = 600.0
"""How long a call may wait."""
OUTPUT: Json = {
    "type": "object",
    "required": ["workflow_id", "workflow", "status", "steps", "waiting_for", "outputs", "error"],
    "properties": {
        "workflow_id": {"type": "string", "description": "The id of the run, to watch it by."},
        "workflow": {"type": "string"},
        "status": {"type": "string", "description": "completed, running, waiting_approval, failed, …"},
        "steps": {"type": "object", "description": "The status of each step that was begun, by its path."},
        "waiting_for": {"type": "array", "description": "Approvals and events, which only people can give."},
        "outputs": {"description": "What the workflow gave, once it is completed."},
        "error": {"type": ["string", "null"]},
        "step": {"description": "What the step gave that was asked for."},
    },
}

_Step = Annotated[str | None, Field(description="A step, by its path: wait until it has ended, and show its output.")]
_Seconds = Annotated[
    float, Field(ge=0, le=MOST_SECONDS, description="How long to wait for the end, in seconds; 0 only looks.")
]


class WorkflowStart(BaseModel):
    """Which workflow, with which inputs."""

    model_config = ConfigDict(extra="forbid")

    workflow_name: Annotated[str, Field(description="The workflow, as name or name@version.")]
    workflow_data: Annotated[dict[str, Any], Field(description="Its inputs.")] = {}
    step_name: _Step = None
    wait_seconds: _Seconds = 60.0
    idempotency_key: Annotated[str, InjectedToolArg] = ""


class WorkflowLook(BaseModel):
    """Which run."""

    model_config = ConfigDict(extra="forbid")

    workflow_id: Annotated[str, Field(description="The id that the start gave back.")]
    step_name: _Step = None
    wait_seconds: _Seconds = 60.0


class WorkflowTools:
    """Both tools, for one run; without the port they say that nothing can be started here."""

    def __init__(self, workflows: Workflows | None) -> None:
        self._workflows = workflows

    def tools(self) -> tuple[BaseTool, BaseTool]:
        """`workflow` and `workflow_status`."""
        start = made(
            coroutine=self._start,
            name="workflow",
            description="Starts a workflow by its name, as a run of its own, and waits a while for its end.",
            args_schema=WorkflowStart,
            metadata=effects("write", outside=True),
        )
        look = made(
            coroutine=self._look,
            name="workflow_status",
            description="How a workflow stands that was started with the tool workflow; waits a while for its end.",
            args_schema=WorkflowLook,
            metadata=effects("read", outside=True),
        )
        return start, look

    async def _start(self, **given: Any) -> Json:
        asked, port = WorkflowStart(**given), self._port()
        if not asked.idempotency_key:
            raise ToolFailed("The call has no key by which a repetition is told.", "bad_input", place="workflow")
        run_id = await port.start(asked.workflow_name, asked.workflow_data, asked.idempotency_key)
        return await port.look(run_id, asked.wait_seconds, asked.step_name)

    async def _look(self, **given: Any) -> Json:
        asked = WorkflowLook(**given)
        return await self._port().look(asked.workflow_id, asked.wait_seconds, asked.step_name)

    def _port(self) -> Workflows:
        if self._workflows is None:
            raise ToolFailed("No workflow can be started here.", "refused", place="workflow")
        return self._workflows
