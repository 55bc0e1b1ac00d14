"""Chains of tools: a short form of workflow files, and how one is made by a program. Neither runs anything itself.

`chain:` is a list of links, and is put in the place of `steps:` before anything is checked: each link is a step, an
`action` where it does not say otherwise, with `input`, `when` and `after` for `input_mapping`, `condition` and
`depends_on`. A link comes after the one before it, or after those that `after` names, and after all to which it refers.
`{weather[temp]}` stands for `${weather.temp}`, `{city}` for `${workflow.city}`, `{{city}}` for the text `{city}`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from graphs.workflow.problems import Path, Problem, suggestion
from graphs.workflow.references import WORKFLOW
from graphs.workflow.yaml_source import Source
from state.runs import Json

CHAIN = "chain"
LINK_FIELDS = {"input": "input_mapping", "when": "condition", "after": "depends_on"}
"""Fields of a link that have other names in a step."""
_SHORT = {long: short for short, long in LINK_FIELDS.items()}
_STEP_WORDS = re.compile(r"\b(input_mapping|depends_on)\b")
_REFERENCE = re.compile(r"\{\{|\}\}|(?<!\$)\{(?P<root>[A-Za-z_][\w-]*)(?P<path>(?:\[[^\[\]{}]*\])*)\}")
_PART = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True)
class Chain:
    """A chain that a program makes, link by link; its text is that of a workflow file, which the engine runs."""

    name: str
    inputs: Json = field(default_factory=dict)
    """The JSON Schemas of its inputs, by name; all are required that have no default."""
    outputs: Json = field(default_factory=dict)
    links: tuple[Json, ...] = ()

    def then(
        self,
        tool: str,
        input: Json | None = None,
        *,
        id: str | None = None,
        when: str | None = None,
        after: Sequence[str] | None = None,
    ) -> "Chain":
        """The chain with one more link, whose fields are those of the short form."""
        given = {"tool": tool, "id": id, "input": input, "when": when, "after": None if after is None else list(after)}
        return replace(self, links=(*self.links, {name: each for name, each in given.items() if each is not None}))

    @property
    def text(self) -> str:
        """The workflow file."""
        required = [name for name, schema in self.inputs.items() if "default" not in schema]
        inputs = {"type": "object", "properties": self.inputs, "required": required}
        value = {"name": self.name, "inputs": inputs, CHAIN: list(self.links), "outputs": self.outputs}
        return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def unfold(source: Source) -> bool:
    """Puts the steps of a chain in its place, and notes what is wrong. False where nothing can be read as a chain."""
    value = source.value
    if CHAIN not in value:
        return True
    links = value.pop(CHAIN)
    if "steps" in value:
        _problem(source, (CHAIN,), "A workflow has a chain or steps, and not both.", "Put the links among the steps.")
    elif not isinstance(links, list) or not all(isinstance(link, dict) for link in links):
        _problem(source, (CHAIN,), "A chain is a list of links.", "Begin each with `- tool: …`.")
        return False
    else:
        _Unfolding(source, [_id_of(link) for link in links], value).unfold(links)
    return True


def in_its_words(source: Source, problem: Problem) -> Problem:
    """A problem with the names that the fields have in a chain, where the file has one."""
    if (CHAIN,) not in source.places:
        return problem
    words = [_STEP_WORDS.sub(lambda found: _SHORT[found[0]], text) for text in (problem.message, problem.remedy)]
    return replace(problem, message=words[0], remedy=words[1])


@dataclass
class _Unfolding:
    source: Source
    ids: list[str]
    value: dict[str, Any]

    def unfold(self, links: list[dict[str, Any]]) -> None:
        steps = [self._step(number, link) for number, link in enumerate(links)]
        if "outputs" in self.value:
            self.value["outputs"] = self._translated(self.value["outputs"], ("outputs",), set())
        self.value["steps"] = steps
        self.source.places |= {
            _moved(path): place for path, place in self.source.places.items() if path[:1] == (CHAIN,)
        }

    def _step(self, number: int, link: dict[str, Any]) -> dict[str, Any]:
        step: dict[str, Any] = {"type": "action", "id": self.ids[number]}
        named: set[str] = set()
        for name, each in link.items():
            path = (CHAIN, number, name)
            if name in _SHORT:
                _problem(self.source, path, f"A link has no field {name!r}.", f"Write {_SHORT[name]!r}.")
            step[LINK_FIELDS.get(name, name)] = self._translated(each, path, named)
        before = step.get("depends_on", self.ids[max(number - 1, 0) : number])
        if isinstance(before, list):
            step["depends_on"] = [*before, *sorted(named - {*map(str, before), self.ids[number]})]
        return step

    def _translated(self, value: Any, path: Path, named: set[str]) -> Any:
        """The value with the house's references; `named` gets the links to which it refers."""
        if isinstance(value, list):
            return [self._translated(each, (*path, number), named) for number, each in enumerate(value)]
        if isinstance(value, dict):
            if len(value) == 1 and None in value.values() and next(iter(value)) in self._names:
                _problem(self.source, path, "A reference stands in quotes.", f'Write "{{{next(iter(value))}}}".')
            return {name: self._translated(each, (*path, name), named) for name, each in value.items()}
        if not isinstance(value, str):
            return value
        return _REFERENCE.sub(lambda found: self._written(found, path, named), value)

    def _written(self, found: re.Match[str], path: Path, named: set[str]) -> str:
        root, parts = found["root"], _PART.findall(found["path"] or "")
        if root is None:
            return found[0][0]
        if root not in self._names:
            remedy = f"{suggestion(root, self._names)} Write {{{{{root}}}}} for the text itself."
            _problem(self.source, path, f"There is no link and no input {root!r}.", remedy)
            return found[0]
        if not all(re.fullmatch(r"[\w-]+", part) for part in parts):
            _problem(self.source, path, f"{found[0]} is no reference.", "A part is a name or a number: {a[b][0]}.")
            return found[0]
        is_link = root in self.ids
        named |= {root} if is_link else set()
        dotted = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)
        return f"${{{'' if is_link else f'{WORKFLOW}.'}{root}{dotted}}}"

    @property
    def _names(self) -> list[str]:
        inputs, variables = self.value.get("inputs"), self.value.get("variables")
        properties = inputs.get("properties") if isinstance(inputs, Mapping) else None
        return [*self.ids, *(name for held in (properties, variables) if isinstance(held, Mapping) for name in held)]


def _id_of(link: dict[str, Any]) -> str:
    """The id of a link: what it says, or the name of what does the work."""
    name = next((link[key] for key in ("id", "tool", "chain", "agent") if link.get(key)), "")
    return str(name) if "id" in link else re.sub(r"\W+", "_", str(name).partition("@")[0])


def _moved(path: Path) -> Path:
    """The place of a part of a link, as that of the same part of a step."""
    _, *rest = path
    return ("steps", *(LINK_FIELDS.get(str(part), part) if place == 1 else part for place, part in enumerate(rest)))


def _problem(source: Source, path: Path, message: str, remedy: str) -> None:
    source.problems.append(Problem(source.place(path), message, remedy))
