"""Commands on workflows: run one, list those that there are, show one, send an event to a run."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from run_workflow.cli import options
from run_workflow.cli.inputs import file_of, joined_inputs, parsed, read_inputs
from run_workflow.cli.session import DONE, WORKFLOW_SUFFIXES, Desk
from run_workflow.documents import EventDocument
from run_workflow.workflow_documents import (
    InputBody,
    StepBody,
    VersionBody,
    WorkflowDocument,
    WorkflowLine,
    WorkflowsDocument,
)
from state.context import RunContext
from state.errors import WrongUse
from state.runs import VERSION_SIGN, Json, RunRecord

if TYPE_CHECKING:
    from graphs.workflow.pinned import Pinned
    from run_workflow.services import Services
    from run_workflow.settings import Settings
    from run_workflow.workflow_catalog import WorkflowCatalog
    from run_workflow.workflow_files import Offered
    from state.workflow.definition import WorkflowDefinition


async def run(desk: Desk, wanted: options.RunWorkflow) -> int:
    """Starts a run of a workflow and goes on with it to its end."""
    from run_workflow.cli.answers import manner_of

    given = await asyncio.to_thread(read_inputs, wanted.input or [])
    catalog = catalog_of(desk.settings)
    async with desk.services() as services:
        pinned = await _pinned(catalog, services, wanted.name)
        inputs = joined_inputs(pinned.definition, given)
        await _note_other_content(desk, services, pinned)
        run = await services.engine.workflows.start(
            pinned, inputs, context_of(desk.settings), dedup_key=wanted.dedup_key, actor=desk.settings.actor
        )
        desk.screen.note(f"Run {run.id} of {pinned.title}.")
        from run_workflow.cli.drive import drive

        return await drive(desk, services, run.id, manner_of(wanted))


async def list_workflows(desk: Desk) -> int:
    """The workflows that can be run by name."""
    from run_workflow.console.workflow_view import workflow_table

    files = catalog_of(desk.settings).files
    names = [file.name for file in files]
    lines = tuple(
        WorkflowLine(
            name=file.name,
            version=file.definition.version if file.definition else None,
            description=file.definition.description if file.definition else "",
            tags=file.definition.tags if file.definition else (),
            file=file.label,
            problem=file.problem or ("another file has this name" if names.count(file.name) > 1 else ""),
        )
        for file in files
    )
    desk.screen.show(workflow_table(lines))
    desk.screen.say(f"Your own stand in {desk.settings.workflows}.")
    desk.screen.document(WorkflowsDocument(workflows=lines))
    return DONE


async def show_workflow(desk: Desk, services: "Services", name: str) -> int:
    """One workflow: its inputs, steps, outputs, and the versions that can be run.

    One that was run from a file is shown as it was run last.
    """
    from run_workflow.console.workflow_view import workflow_view

    catalog = catalog_of(desk.settings)
    if VERSION_SIGN not in name and not name.endswith(WORKFLOW_SUFFIXES) and not catalog.has(name):
        name = f"{name}{VERSION_SIGN}{(await services.engine.workflows.versions(name))[0].version}"
    pinned = await _pinned(catalog, services, name)
    stored = await services.engine.workflows.versions(pinned.definition.name)
    versions = tuple(
        VersionBody(version=each.version, hash=each.hash, runs=each.runs, stored_at=each.stored_at) for each in stored
    )
    document = _document(pinned.definition, pinned.hash, versions)
    desk.screen.show(workflow_view(document))
    desk.screen.document(document)
    return DONE


async def send_event(desk: Desk, wanted: options.Event) -> int:
    """Sends an event to a run, and goes on with the run where it waited for that."""
    from run_workflow.cli.answers import manner_of
    from run_workflow.cli.drive import drive
    from run_workflow.cli.find import chosen_run

    data = _data(wanted.data)
    async with desk.services() as services:
        run_id = await chosen_run(desk, services.engine, wanted.run)
        run = await services.engine.send_event(run_id, wanted.event, data, actor=desk.settings.actor)
        desk.screen.note(f"Sent: {wanted.event}, by {desk.settings.actor}.")
        if run.is_put_away and run.answered and wanted.resume and not run.served:
            return await drive(desk, services, run_id, manner_of(wanted))
    unknown = "" if run.answered else await _unknown_event(services, run, wanted.event)
    if unknown:
        desk.screen.note(unknown, "yellow")
    taken = "The step that waits has it." if run.answered else "It is kept until a step waits for it."
    desk.screen.say(taken)
    desk.screen.document(EventDocument(run=run_id, event=wanted.event, answered=run.answered, status=run.standing))
    return DONE


async def _unknown_event(services: "Services", run: RunRecord, name: str) -> str:
    """What to say of an event that no step of the run's workflow ever waits for; empty where one may."""
    from graphs.workflow.entry import events_of

    if not run.is_workflow:
        return ""
    names = events_of(await services.engine.workflows.definition_of(run))
    if name in names or any("$" in each for each in names):
        return ""
    known = f"Its steps wait for: {', '.join(sorted(names))}." if names else "Its steps wait for no event."
    return f"No step of {run.graph} waits for the event {name!r}. {known}"


def catalog_of(settings: "Settings", offered: "Offered | None" = None) -> "WorkflowCatalog":
    """The workflows that can be run by name here; tools of MCP servers are checked as far as they are `offered`."""
    from run_workflow.workflow_catalog import WorkflowCatalog

    return WorkflowCatalog.of(settings, offered)


def is_workflow(settings: "Settings", name: str) -> bool:
    """Whether there is a workflow of this name."""
    return catalog_of(settings).has(name)


def context_of(settings: "Settings") -> RunContext:
    """What a run of a workflow is told: the models of the settings."""
    return RunContext(
        models=settings.models,
        default_model=settings.default_model,
        fallback_models=settings.fallback_models,
        cheaper_model=settings.cheaper_model,
    )


async def _pinned(catalog: "WorkflowCatalog", services: "Services", name: str) -> "Pinned":
    return await catalog.pin(name, services.engine.workflows.find)


async def _note_other_content(desk: Desk, services: "Services", pinned: "Pinned") -> None:
    """Says so where the version was run before with other content: only the newer one can be named from now on."""
    wanted = pinned.definition
    stored = await services.engine.workflows.versions(wanted.name)
    if any(each.version == wanted.version and each.hash != pinned.hash and each.runs for each in stored):
        desk.screen.note(
            f"{pinned.title} was run with other content before. Those runs keep it; raise `version:` so that both "
            "can be run by name."
        )


def _data(typed: str | None) -> Json:
    if typed is None:
        return {}
    value = parsed(typed)
    if isinstance(value, dict):
        return value
    if Path(typed).is_file() or typed == "-":
        return file_of(typed)
    raise WrongUse("The data of an event are a JSON object.", place="--data", remedy="""--data '{"paid": 20}'""")


def _document(definition: "WorkflowDefinition", hash_: str, versions: tuple[VersionBody, ...]) -> WorkflowDocument:
    properties = definition.inputs.get("properties", {})
    required = definition.inputs.get("required", ())
    return WorkflowDocument(
        name=definition.name,
        version=definition.version,
        hash=hash_,
        description=definition.description,
        owner=definition.owner,
        tags=definition.tags,
        inputs=tuple(_input(name, schema, name in required) for name, schema in properties.items()),
        steps=tuple(StepBody(path=path, type=kind, name=name) for path, kind, name in _steps(definition)),
        outputs=tuple(definition.outputs) or None,
        versions=versions,
    )


def _input(name: str, schema: object, is_required: bool) -> InputBody:
    told = schema if isinstance(schema, dict) else {}
    kind = told.get("type", "any")
    return InputBody(
        name=name,
        type=" or ".join(kind) if isinstance(kind, list) else str(kind),
        required=is_required and "default" not in told,
        default=told.get("default"),
        description=str(told.get("description", "")),
    )


def _steps(definition: "WorkflowDefinition") -> list[tuple[str, str, str]]:
    """Path, type and name of each step, in the order of the file."""
    from graphs.workflow.checks.tree import all_placed, path_of, tree_of

    placed = all_placed(tree_of(definition.steps))
    return [(path_of(each), getattr(each.step, "type", ""), each.step.name) for each in placed]
