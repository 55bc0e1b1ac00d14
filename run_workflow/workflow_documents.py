"""The JSON documents of commands about workflows, their test cases and tools."""

from datetime import datetime
from typing import Any, Literal

from run_workflow.documents import Document
from state.runs import Json, RunStatus, StepStatus


class ProblemBody(Document):
    """One thing that is wrong with a workflow file; lines and columns are counted from 1."""

    file: str
    line: int
    column: int
    severity: Literal["error", "warning"]
    message: str
    remedy: str


class ChangeBody(Document):
    """What is different between two versions of a workflow, and whom it breaks."""

    breaks: Literal["callers", "answers", "copies", "nothing"]
    what: str


class CheckDocument(Document):
    """`check`: all problems of the files, those of each in the order of its lines."""

    ok: bool
    """Whether there is no error; warnings do not count."""
    problems: tuple[ProblemBody, ...]
    changes: tuple[ChangeBody, ...]
    """With `--against`: what is different from the older version."""


class CaseBody(Document):
    """A test case of a workflow, and how it ended."""

    name: str
    ok: bool
    """Whether it ended as it must."""
    status: RunStatus
    faults: tuple[str, ...]
    """What is not as it must be."""
    steps: dict[str, StepStatus]
    """How each step ended, by its path."""
    outputs: Json | None
    error: str | None


class TestDocument(Document):
    """`test`: the cases, or what is wrong with their file."""

    __test__ = False
    """pytest does not collect it."""
    ok: bool
    workflow: str
    """`name@version`."""
    problems: tuple[ProblemBody, ...]
    cases: tuple[CaseBody, ...]


class GrammarDocument(Document):
    """`check --schema`."""

    workflow_schema: Json


class ToolBody(Document):
    """A tool that workflows may call."""

    name: str
    version: str
    category: str
    description: str
    side_effects: Literal["none", "read", "write"]
    cost: float
    """US dollars of one call."""
    timeout: float
    """Seconds of one call."""


class ToolsDocument(Document):
    """`tools`: all of them, each version for itself, by name and newest first."""

    tools: tuple[ToolBody, ...]


class ToolDocument(Document):
    """`tools NAME`: one tool, with JSON Schemas of what it takes and gives back."""

    tool: ToolBody
    parameters: Json
    output: Json
    openai: Json
    """The tool as models are told of it, in the form of the OpenAI API."""


class OfferedBody(Document):
    """A tool that MCP clients are offered."""

    name: str
    description: str
    writes: bool
    """Whether it may change something."""
    parameters: Json


class OffersDocument(Document):
    """`mcp --show`."""

    tools: tuple[OfferedBody, ...]
    left_out: tuple[str, ...]
    """Workflows that are not offered, each with the reason."""


class WorkflowLine(Document):
    """A workflow in a list."""

    name: str
    version: str | None
    description: str
    tags: tuple[str, ...]
    file: str
    problem: str
    """Why it cannot be run, if that shows without checking it."""


class WorkflowsDocument(Document):
    """`list --workflows`."""

    workflows: tuple[WorkflowLine, ...]


class InputBody(Document):
    """An input of a workflow."""

    name: str
    type: str
    required: bool
    default: Any
    description: str


class StepBody(Document):
    """A step of a workflow; the path is that of its runs, without turns of loops."""

    path: str
    type: str
    name: str


class VersionBody(Document):
    """A version of a workflow that was run, or that ran as a step."""

    version: str
    hash: str
    runs: int
    stored_at: datetime


class WorkflowDocument(Document):
    """`show NAME`: a workflow."""

    name: str
    version: str
    hash: str
    description: str
    owner: str
    tags: tuple[str, ...]
    inputs: tuple[InputBody, ...]
    steps: tuple[StepBody, ...]
    outputs: tuple[str, ...] | None
    """None where they are not named: what its last steps give back."""
    versions: tuple[VersionBody, ...]
    """Those that were run, newest first."""
