"""What a user says of agents in files: templates, in the file that the settings name, and how a run's are to work."""

from pathlib import Path

from run_workflow.workflow_files import read_text
from state.agents import AgentTemplate
from state.specialisation import Specialisation


def templates_in(path: Path | None) -> tuple[AgentTemplate, ...]:
    """The templates of a file; none where no file is named. SetupError where it cannot be read, or is wrong."""
    if path is None:
        return ()
    from agents.templates import read_templates

    return tuple(read_templates(read_text(path), str(path)))


def specialisation_in(path: Path | None) -> Specialisation:
    """What a file says; nothing where no file is named. SetupError where it cannot be read, or is wrong."""
    if path is None:
        return Specialisation()
    from agents.templates import read_specialisation

    return read_specialisation(read_text(path), str(path))
