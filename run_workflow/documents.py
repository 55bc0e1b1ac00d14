"""The JSON documents that commands print with `--json`; each field is there on every run of the command."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from state.research import Missing
from state.runs import AuditEvent, Json, Standing, StepRecord, Usage


class Document(BaseModel):
    """A document or a part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorBody(Document):
    """An error: what was wrong, where, what to do."""

    type: str
    message: str
    place: str | None
    remedy: str | None
    exit_code: int


class ErrorDocument(Document):
    """Printed by any command that failed."""

    error: ErrorBody


class RequestBody(Document):
    """An approval request that waits for an answer."""

    id: str
    point: str
    question: str
    args: Json
    allowed: tuple[str, ...]
    approvers: tuple[str, ...]
    expires_at: datetime | None
    on_timeout: Literal["approve", "reject"]
    """How it is answered when the time is over and somebody looks at the run or resumes it."""


class FilesBody(Document):
    """Where the files of a report were written."""

    report: str
    page: str
    charts: tuple[str, ...]
    bundle: str
    """The report with all that it rests on, as one archive that `verify` checks."""


class WaitBody(Document):
    """A time or an event that a step waits for."""

    step: str
    event: str | None
    wakes_at: datetime | None


class RunDocument(Document):
    """A run and how far it came: printed by every command that starts, answers, goes on with or ends one."""

    id: str
    graph: str
    status: Standing
    exit_code: int
    question: str | None
    parent: str | None
    outcome: str | None
    error: str | None
    citation_accuracy: float | None
    missing: tuple[Missing, ...]
    defects: tuple[str, ...]
    files: FilesBody | None
    models: tuple[str, ...]
    """The models that the run may ask, by name."""
    usage: Usage
    holder: str | None
    """The process that works on it now."""
    answered: bool
    """Whether it waited for an approval and has an answer: it can go on."""
    waiting: tuple[RequestBody, ...]
    waits: tuple[WaitBody, ...]
    """The times and events that steps of a workflow wait for."""
    wakes_at: datetime | None
    """The next time at which it can go on by itself."""
    outputs: Json | None
    """What a workflow gave back; None before its end, and for research."""
    outputs_file: str | None
    folder: str | None
    """Holds the files that steps of the run wrote; None where there are none."""
    metrics: Json | None
    """The figures of a workflow's run by name; None where it has none."""
    commands: tuple[str, ...]
    """What can be typed next."""


class ShowDocument(Document):
    """`show`: a run with its steps."""

    run: RunDocument
    created_at: datetime
    updated_at: datetime
    steps: tuple[StepRecord, ...]
    children: tuple[str, ...]


class DueDocument(Document):
    """`resume --due`: the runs that were gone on with, oldest first."""

    runs: tuple[RunDocument, ...]


class RunLine(Document):
    """A run in a list."""

    id: str
    graph: str
    status: Standing
    question: str | None
    holder: str | None
    answered: bool
    created_at: datetime
    updated_at: datetime


class ListDocument(Document):
    """`list`: the newest runs first."""

    runs: tuple[RunLine, ...]


class EntryBody(Document):
    """One entry of a timeline: a step at the time of its last start, or an audit event."""

    at: datetime
    step: StepRecord | None
    event: AuditEvent | None


class TimelineDocument(Document):
    """`timeline`: steps and audit events, in the order in which they happened."""

    run: str
    entries: tuple[EntryBody, ...]


class VerifyDocument(Document):
    """`verify`: whether the audit chain is whole."""

    run: str
    whole: bool
    first_bad: int | None
    """Number of the first event that is not as it was written, or is missing."""


class BundleCheckBody(Document):
    """What one check of a bundle found."""

    name: str
    ok: bool
    found: str


class BundleDocument(Document):
    """`verify BUNDLE`: whether a report's archive is as it was published."""

    bundle: str
    sha256: str
    """Of the file: what to compare with the hash that its sender names."""
    run: str | None
    """The run that made it; None where that cannot be read."""
    whole: bool
    checks: tuple[BundleCheckBody, ...]


class GraphDocument(Document):
    """`graph`: a drawing, as text or as a file."""

    graph: str
    format: Literal["mermaid", "png"]
    text: str | None
    file: str | None


class CheckBody(Document):
    """One thing that doctor looked at."""

    name: str
    state: Literal["ok", "warning", "fault"]
    found: str
    remedy: str


class DoctorDocument(Document):
    """`doctor`: all that it looked at."""

    ok: bool
    checks: tuple[CheckBody, ...]


class SettingBody(Document):
    """One setting: where it may stand, and what it is now; secrets are not shown."""

    name: str
    variable: str
    key: str
    default: str
    description: str
    value: str


class SettingsDocument(Document):
    """`doctor --settings`: all settings."""

    settings: tuple[SettingBody, ...]


class StudioDocument(Document):
    """`studio`."""

    config: str
    """The `langgraph.json` that was written."""
    graphs: tuple[str, ...]
    left_out: tuple[str, ...]
    """Files that cannot be served, and why."""


class EventDocument(Document):
    """`event`: what became of an event where nothing went on with it."""

    run: str
    event: str
    answered: bool
    """Whether the run can go on now."""
    status: Standing
