"""The templates of agents, those that come with Stretto and those that a user adds in YAML; and how a user wants agents
to work."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from state.agents import AgentTemplate
from state.errors import SetupError
from state.evidence import Record
from state.specialisation import Specialisation

_MOST_BYTES = 200_000
_FORM = "Write a list under `agents:`, each with name, description and capabilities; docs/agents.md has an example."
_SECTIONS = "Write the sections research, analysis and synthesis; docs/agents.md lists what each may say."
R = TypeVar("R", bound=Record)


@cache
def own_templates() -> Mapping[str, AgentTemplate]:
    """The templates that come with Stretto, by name."""
    text = files("agents").joinpath("templates.yaml").read_text(encoding="utf-8")
    return {template.name: template for template in read_templates(text, "agents/templates.yaml")}


def all_templates(added: Iterable[AgentTemplate]) -> dict[str, AgentTemplate]:
    """The templates by name; one that is added takes the place of one of ours with its name."""
    return {**own_templates(), **{template.name: template for template in added}}


def read_specialisation(text: str, file: str) -> Specialisation:
    """How agents are to work, from a YAML file. Raises SetupError with the place of the first mistake."""
    return _checked(Specialisation, _yaml(text, file, _SECTIONS), file, _SECTIONS)


def _yaml(text: str, file: str, form: str) -> Any:
    if len(text) > _MOST_BYTES:
        raise SetupError(f"The file has more than {_MOST_BYTES:,} characters.", place=file, remedy="Split it.")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise SetupError(f"This is not YAML: {getattr(error, 'problem', error)}.", place=place, remedy=form) from error


def read_templates(text: str, file: str) -> list[AgentTemplate]:
    """The templates of a YAML file. Raises SetupError with the place of the first mistake."""
    value = _yaml(text, file, _FORM)
    listed = value.get("agents") if isinstance(value, dict) and set(value) == {"agents"} else None
    if not isinstance(listed, list):
        raise SetupError("There is no list of agents.", place=file, remedy=_FORM)
    templates = [_checked(AgentTemplate, each, f"{file}, agents[{place}]", _FORM) for place, each in enumerate(listed)]
    names = [template.name for template in templates]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SetupError(f"Two agents are called {twice[0]!r}.", place=file, remedy="Give each a name of its own.")
    return templates


def _checked(form: type[R], value: object, place: str, remedy: str) -> R:
    try:
        return form.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join([place, *map(str, first["loc"])])
        raise SetupError(f"{first['msg']}.", place=at, remedy=remedy) from error
