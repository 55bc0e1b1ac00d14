"""How a run stands, as one document: for `--json`, and for the summary that a person reads."""

from pathlib import Path
from typing import Any

from run_workflow.cli.session import PROGRAM
from run_workflow.documents import FilesBody, RequestBody, RunDocument, WaitBody
from run_workflow.services import RunView
from state.research import Missing
from state.runs import ENDED, ApprovalRecord, RunRecord


def run_document(
    view: RunView,
    files: FilesBody | None,
    exit_code: int,
    outputs_file: str | None = None,
    folders: Path | None = None,
) -> RunDocument:
    """The document of a run; `folders` holds the folders of all runs."""
    run, output = view.run, view.run.output or {}
    waiting = tuple(_request(record) for record in view.approvals if record.status == "pending")
    waits = tuple(WaitBody(step=wait.path, event=wait.event, wakes_at=wait.wakes_at) for wait in view.waits)
    return RunDocument(
        id=run.id,
        graph=run.graph,
        status=run.standing,
        exit_code=exit_code,
        question=question_of(run),
        parent=run.parent,
        outcome=output.get("outcome"),
        error=run.error,
        citation_accuracy=output.get("citation_accuracy"),
        missing=tuple(Missing.model_validate(item) for item in output.get("missing", ())),
        defects=tuple(output.get("defects", ())),
        files=files,
        models=tuple(sorted(run.context.model_names)),
        usage=view.usage,
        holder=run.holder,
        answered=run.answered,
        waiting=waiting,
        waits=waits,
        wakes_at=run.wakes_at,
        outputs=output.get("outputs") if run.is_workflow else None,
        outputs_file=outputs_file,
        folder=_folder(folders, run.id),
        metrics=output.get("metrics") if run.is_workflow else None,
        commands=commands_for(run, waiting, waits),
    )


def _folder(folders: Path | None, run_id: str) -> str | None:
    own = folders / run_id if folders else None
    return str(own) if own and own.is_dir() and any(own.iterdir()) else None


def question_of(run: RunRecord) -> str | None:
    """What a research run is asked; other graphs have no question."""
    question: Any = run.input.get("question")
    return question if isinstance(question, str) else None


def commands_for(run: RunRecord, waiting: tuple[RequestBody, ...], waits: tuple[WaitBody, ...] = ()) -> tuple[str, ...]:
    """What can be typed to go on with the run; where a LangGraph server does that, to end it."""
    if run.served:
        return () if run.status in ENDED else (f"{PROGRAM} cancel {run.id}",)
    events = [f"{PROGRAM} event {run.id} {wait.event}" for wait in waits if wait.event]
    if waiting or (events and not run.answered):
        answers = [line for request in waiting for line in _answers(run.id, request, len(waiting) > 1)]
        return (*answers, *events)
    if run.fork_at is not None:
        return (f"{PROGRAM} fork {run.id} --at {run.fork_at}",)
    return () if run.status in ENDED else (f"{PROGRAM} resume {run.id}",)


def _answers(run_id: str, request: RequestBody, several: bool) -> list[str]:
    which = f"{run_id} {request.id}" if several else run_id
    lines = {
        "approve": f"{PROGRAM} approve {which}",
        "edit": f"{PROGRAM} show {run_id} --args > edit.yaml; {PROGRAM} edit {which} --file edit.yaml",
        "reject": f'{PROGRAM} reject {which} --message "what must change"',
        "respond": f'{PROGRAM} respond {which} --message "what to mind"',
    }
    return [line for decision, line in lines.items() if decision in request.allowed]


def _request(record: ApprovalRecord) -> RequestBody:
    action = record.request.action
    return RequestBody(
        id=record.id,
        point=record.point,
        question=action.description,
        args=action.args,
        allowed=record.request.review_configs[0].allowed_decisions,
        approvers=record.request.policy.approvers,
        expires_at=record.expires_at,
        on_timeout=record.request.policy.on_timeout,
    )
