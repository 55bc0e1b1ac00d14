"""The workflows that can be run by name: those that come with Stretto, those of the user's folder, and old versions."""

import importlib.resources
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from graphs.workflow.checks.definition import check_text
from graphs.workflow.checks.known import Checked, Known, KnownWorkflow
from graphs.workflow.loading import load
from graphs.workflow.pinned import Pinned, pinned, workflows_used
from graphs.workflow.problems import refuse, suggestion
from graphs.workflow.research_form import INPUTS, OUTPUTS, RESEARCH
from run_workflow.agent_files import templates_in
from run_workflow.cli.session import WORKFLOW_SUFFIXES
from run_workflow.workflow_files import Offered, known, read_text
from state.errors import BuildError, SetupError
from state.runs import VERSION_SIGN
from state.workflow.definition import WorkflowDefinition

if TYPE_CHECKING:
    from run_workflow.settings import Settings

TESTS = ".tests"
"""Stands before the suffix of a file of test cases: `order.tests.yaml` is beside `order.yaml`."""
FindStored = Callable[[str, str], Awaitable[Pinned | None]]
"""The definition of a name and a version that was run before, if there is one."""


@dataclass(frozen=True)
class WorkflowFile:
    """A file of the catalogue."""

    label: str
    """What problems are told with: its path, or `graphs/workflows/…` of one that comes with Stretto."""
    text: str
    is_own: bool
    """Whether it stands in the user's folder."""
    definition: WorkflowDefinition | None
    """None where it does not have the form of a workflow."""
    problem: str = ""

    @property
    def name(self) -> str:
        """The workflow's name; that of the file where it cannot be read."""
        return self.definition.name if self.definition else Path(self.label).stem


class WorkflowCatalog:
    """All files, read when they are first needed."""

    def __init__(self, own: Path | None, agents: Path | None = None, offered: Offered = Offered()) -> None:
        """`own` is the user's folder, which need not be there; `agents` the file with the user's own agents."""
        self._own = own
        self._agents = agents
        self._offered = offered

    @classmethod
    def of(cls, settings: "Settings", offered: Offered | None = None) -> "WorkflowCatalog":
        """As the settings say; tools of MCP servers are checked as far as they are `offered`."""
        return cls(settings.workflows, settings.agents, offered or Offered(unknown=dict.fromkeys(settings.mcp, "")))

    @cached_property
    def files(self) -> tuple[WorkflowFile, ...]:
        """By name, those of the user after those that come with Stretto. SetupError where one cannot be read."""
        found = [_read(path, f"graphs/workflows/{path.name}", is_own=False) for path in _yaml_in(_shipped())]
        if self._own is not None and self._own.is_dir():
            found += [_read(path, str(self._own / path.name), is_own=True) for path in _yaml_in(self._own)]
        return tuple(sorted(found, key=lambda file: (file.name, file.is_own, file.label)))

    def has(self, name: str) -> bool:
        """Whether there is a workflow of this name, or name and version."""
        plain, sign, version = name.partition(VERSION_SIGN)
        return any(_is(file, plain, version if sign else None) for file in self.files)

    def find(self, name: str) -> WorkflowFile:
        """The workflow of a name. SetupError where there is none, or more than one."""
        found = [file for file in self.files if file.name == name]
        if not found:
            names = ["research", *(file.name for file in self.files)]
            raise SetupError(f"There is no workflow {name!r}.", remedy=suggestion(name, names))
        if len(found) > 1:
            places = " and ".join(file.label for file in found)
            raise SetupError(f"Two workflows are called {name!r}.", place=places, remedy="Give one another name.")
        return found[0]

    def known(self) -> Known:
        """What workflows can name here. Older versions of workflows are known to the database alone."""
        return replace(
            known(templates_in(self._agents), self._offered),
            workflows={
                RESEARCH: KnownWorkflow(inputs=INPUTS, outputs=OUTPUTS),
            }
            | {
                file.name: KnownWorkflow(
                    inputs=file.definition.inputs,
                    outputs=tuple(file.definition.outputs),
                    versions=(file.definition.version,),
                )
                for file in self.files
                if file.definition
            },
            has_older_versions=True,
        )

    def checked(self, text: str, file: str) -> Checked:
        """A workflow with all its problems."""
        return check_text(text, file, self.known())

    def definition_in(self, text: str, file: str) -> WorkflowDefinition:
        """The workflow of a text. DefinitionError where it has an error; its warnings are left to `check`."""
        found = self.checked(text, file)
        refuse(found.problems)
        assert found.definition is not None  # a file without one has an error
        return found.definition

    def definition(self, name: str) -> WorkflowDefinition:
        """The workflow of a file, or of a name of the catalogue, as it is now. SetupError, DefinitionError."""
        if is_file(name):
            return self.definition_in(read_text(Path(name)), name)
        file = self.find(name)
        return self.definition_in(file.text, file.label)

    def tests(self, name: str) -> tuple[str, str]:
        """The text of the test cases that stand beside the file of a workflow, and the name of their file.

        SetupError where there are none.
        """
        label: str = name
        folder: Traversable = Path(name).parent
        if not is_file(name):
            file = self.find(name.partition(VERSION_SIGN)[0])
            label = file.label
            folder = Path(label).parent if file.is_own else _shipped()
        place = Path(label).with_suffix(f"{TESTS}{Path(label).suffix}")
        path = folder / place.name
        if not path.is_file():
            remedy = "Write some there; docs/workflows.md, Test cases, says how."
            raise SetupError("There are no test cases of it.", place=str(place), remedy=remedy)
        return read_text(path), str(place)

    async def pin(self, name: str, find_stored: FindStored) -> Pinned:
        """The workflow of a file, a name or `name@version` as it is now, with all that its steps run.

        An older version is taken from what was run before. SetupError where there is none, DefinitionError where one
        has an error.
        """
        if is_file(name):
            return await self._pin_text(read_text(Path(name)), name, find_stored, ())
        return await self._pin(name, find_stored, ())

    async def _pin(self, name: str, find_stored: FindStored, above: tuple[str, ...]) -> Pinned:
        plain, sign, version = name.partition(VERSION_SIGN)
        if not sign or self.has(name):
            file = self.find(plain)
            return await self._pin_text(file.text, file.label, find_stored, above)
        stored = await find_stored(plain, version)
        if stored is None:
            raise SetupError(
                f"There is no version {version!r} of the workflow {plain!r}.",
                remedy=f"`show {plain}` lists those that can be run.",
            )
        return stored

    async def _pin_text(self, text: str, label: str, find_stored: FindStored, above: tuple[str, ...]) -> Pinned:
        definition = self.definition_in(text, label)
        if definition.name in above:
            circle = " → ".join([*above[above.index(definition.name) :], definition.name])
            raise BuildError(
                f"Workflows start each other without end: {circle}.", place=label, remedy="Cut the circle."
            )
        inner: dict[str, Pinned] = {}
        for used in workflows_used(definition):
            inner[used] = await self._pin(used, find_stored, (*above, definition.name))
        return pinned(text, label, inner)


def is_file(name: str) -> bool:
    """Whether a name means a workflow file and not a workflow of the catalogue."""
    return name.endswith(WORKFLOW_SUFFIXES)


def _shipped() -> Traversable:
    """The folder of the workflows that come with Stretto."""
    return importlib.resources.files("graphs") / "workflows"


def _holds_tests(name: str) -> bool:
    """Whether a file of this name holds test cases, and no workflow."""
    return name.endswith(tuple(f"{TESTS}{suffix}" for suffix in WORKFLOW_SUFFIXES))


def _yaml_in(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.name.endswith(WORKFLOW_SUFFIXES))
    return sorted((path for path in found if not _holds_tests(path.name)), key=lambda path: path.name)


def _read(path: Traversable, label: str, *, is_own: bool) -> WorkflowFile:
    return _loaded(read_text(path), label, is_own)


@lru_cache(maxsize=1000)
def _loaded(text: str, label: str, is_own: bool) -> WorkflowFile:
    """A process that starts many runs looks names up for each, and each time in all files."""
    definition, source = load(text, label)
    problem = "" if definition else str(min(source.problems))
    return WorkflowFile(label, text, is_own, definition, problem)


def _is(file: WorkflowFile, name: str, version: str | None) -> bool:
    return file.name == name and (
        version is None or (file.definition is not None and file.definition.version == version)
    )
