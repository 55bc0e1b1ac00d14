"""Templates of agents that a user adds: the file that the settings name."""

from pathlib import Path

from run_workflow.workflow_files import read_text
from state.agents import AgentTemplate


def templates_in(path: Path | None) -> tuple[AgentTemplate, ...]:
    """The templates of a file; none where no file is named. SetupError where it cannot be read, or is wrong."""
    if path is None:
        return ()
    from agents.templates import read_templates

    return tuple(read_templates(read_text(path), str(path)))
