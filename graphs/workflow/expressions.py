"""Conditions and figures in CEL: translated, checked when a file is loaded, computed within bounds.

References are written as everywhere in a workflow file; a bare name means a value around the step (`item`), an input or
variable, or a field of the one step that the step depends on. `has(NAME)` is true where a value is there, and
`is_none(NAME)` where it is not there or is null.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphs.workflow.references import LOCALS, WORKFLOW, MissingValue, Reference, Scope, parse, path_of
from state.workflow.policies import Condition, StructuredCondition
from tools.cel import (
    ANY,
    INTEGER,
    NUMBER,
    TRUTH,
    Program,
    environment,
    first_value,
    kind_of,
    plainly,
    told,
    with_fractions,
)

MOST_CHARACTERS = 1000
_FIELD = r"(?:\.[A-Za-z_0-9]\w*(?:-[A-Za-z_]\w*)*(?![\w-]*\s*\()|\[\d+\])"
"""A part of a path; a name before a bracket is a function, and a hyphen before a digit is a minus."""
_DOLLAR = rf"\$[A-Za-z_]\w*(?:-[A-Za-z_]\w*)*{_FIELD}*"
_PATH = rf"(?<![\w.])workflow{_FIELD}+"
_NAME = r"(?<![\w.$])[A-Za-z_]\w*(?!\w*\s*\()"
_TOKEN = re.compile(
    r"""(?P<text>r?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))"""
    rf"""|\b(?P<asks>has|is_none)\(\s*(?P<asked>\$\{{[^}}]*\}}|{_DOLLAR}|{_PATH}|{_NAME}{_FIELD}*)\s*\)"""
    rf"""|(?P<braced>\$\{{[^}}]*\}})|(?P<dollar>{_DOLLAR})|(?P<path>{_PATH})|(?P<name>{_NAME}{_FIELD}*)"""
)
_WORDS = {"and": "&&", "or": "||", "not": "!"}
_CEL_NAMES = frozenset(
    "true false null in bool bytes double dyn int list map string type uint duration timestamp".split()
)
_MACROS = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")


class ExpressionError(ValueError):
    """An expression cannot be used, or cannot be computed; `remedy` says what to write instead."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True)
class Names:
    """What is known, when a file is loaded, of what an expression can name."""

    types: Mapping[str, str]
    """JSON Schema types of references as they are written (`workflow.amount`, `$check.ok`); ANY where not known.
    Each input, variable, step and value around that can be named has an entry of its own.
    """
    fields_of: str | None = None
    """The step whose output's fields can be named without the step."""


@dataclass(frozen=True)
class Expression:
    """An expression that was checked and can be computed."""

    text: str
    kind: str
    """The type of its value: one of the JSON Schema types, or ANY."""
    programs: tuple[Program, ...]
    """As it is written, and with all numbers as fractions: the first that can compute it does."""
    references: Mapping[str, Reference]
    """By the variable that stands for each."""
    asked: Mapping[str, tuple[str, Reference]]
    """By variable: `has` or `is_none`, and what it is asked of."""

    def value(self, scope: Scope) -> Any:
        """Its value in a scope. Raises MissingValue, and ExpressionError where it cannot be computed.

        A value that is missing matters only where the result depends on it.
        """
        known: dict[str, Any] = {
            name: _answer(asks, reference, scope) for name, (asks, reference) in self.asked.items()
        }
        missing = None
        for name, reference in self.references.items():
            try:
                known[name] = scope.resolve(reference)
            except MissingValue as error:
                missing = missing or error
        try:
            return first_value(self.programs, known)
        except RuntimeError as error:
            if missing is not None:
                raise missing from None
            raise ExpressionError(f"{self.text!r} cannot be computed: {plainly(error, self.references)}") from None


def compile_expression(text: str, names: Names) -> Expression:
    """The expression, checked against what is known of its names. Raises ExpressionError."""
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(f"An expression has at most {MOST_CHARACTERS} characters; this one has {len(text)}.")
    translated, references, asked = _translated(text, names)
    faults: list[RuntimeError] = []
    programs = []
    for as_fractions in (False, True):
        kinds = {name: _declared(names, each, as_fractions) for name, each in references.items()}
        kinds |= dict.fromkeys(asked, TRUTH)
        source = with_fractions(translated) if as_fractions else translated
        try:
            compiled = environment(tuple(sorted(kinds.items()))).compile(source)
        except RuntimeError as error:
            faults.append(error)
        else:
            programs.append(Program(compiled, kinds, as_fractions))
    if not programs:
        raise ExpressionError(*told(text, plainly(faults[-1], references)))  # in fractions all numbers fit each other
    return Expression(text, kind_of(programs[0].compiled), tuple(programs), references, asked)


def compile_condition(condition: Condition, names: Names) -> Expression:
    """As `compile_expression`, and the value must be true or false."""
    text = text_of(condition)
    made = compile_expression(text, names)
    if made.kind not in (TRUTH, ANY):
        raise ExpressionError(f"{text!r} is a {made.kind}, and a condition is true or false.", "Compare it.")
    return made


def is_true(condition: Expression, scope: Scope) -> bool:
    """Whether a condition holds. Raises ExpressionError, also where its value is neither true nor false."""
    value = condition.value(scope)
    if not isinstance(value, bool):
        raise ExpressionError(f"{condition.text!r} is neither true nor false, but {value!r}.", "Compare it.")
    return value


def text_of(condition: Condition) -> str:
    """A condition as an expression, also one in parts."""
    return condition if isinstance(condition, str) else _written(condition)


def _written(condition: StructuredCondition) -> str:
    field, value = condition.field, _literal(condition.value)
    field = field if parse(field) is None and "." not in field else f"${{{field.removeprefix('$')}}}"
    match condition.operator:
        case "is_none":
            return f"{'!' if condition.value is False else ''}is_none({field})"
        case "contains":
            held = f"dyn({field})"
            return f"(type({held}) == type('') ? string({held}).contains(string({value})) : {value} in {held})"
        case operator:
            return f"{field} {operator} {value}"


def _translated(text: str, names: Names) -> tuple[str, dict[str, Reference], dict[str, tuple[str, Reference]]]:
    """The expression with a variable for each reference, what the variables stand for, and what is asked of which."""
    bound = set(_MACROS.findall(text))
    references: dict[str, Reference] = {}
    asked: dict[str, tuple[str, Reference]] = {}
    parts, end = [], 0
    for found in _TOKEN.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        reference = None if found["text"] else _named(found["asked"] or found[0], names, bound)
        if reference is None:
            parts.append(found[0])
        elif found["asks"]:
            parts.append(f"{found['asks']}_{_variable(reference)}")
            asked[parts[-1]] = found["asks"], reference
        else:
            parts.append(_variable(reference))
            references[parts[-1]] = reference
    return "".join([*parts, text[end:]]), references, asked


def _named(token: str, names: Names, bound: set[str]) -> Reference | None:
    """The reference that a token is; None if it is a word of CEL."""
    if token[0] != "$" and not token.startswith(f"{WORKFLOW}."):
        if token in _WORDS:
            raise ExpressionError(f"{token!r} is not a word of CEL.", f"Write {_WORDS[token]} instead.")
        first, rest = re.match(r"(\w+)(.*)", token).groups()  # type: ignore[union-attr] # a name begins with a word
        if first in bound or (first in _CEL_NAMES and f"{WORKFLOW}.{first}" not in names.types):
            return None
        root = _bare(first, names)
        return Reference(root.root, (*root.path, *path_of(rest)))
    reference = parse(token)
    if reference is None:
        raise ExpressionError(f"{token!r} names nothing.", "Write ${step.field} or ${workflow.input}.")
    start = f"{WORKFLOW}.{reference.path[0]}" if reference.root == WORKFLOW else f"${reference.root}"
    if start not in names.types:
        remedy = LOCALS.get(reference.root) or _close(start, names)
        raise ExpressionError(f"{token!r} names nothing: there is no {start} here.", remedy)
    return reference


def _bare(name: str, names: Names) -> Reference:
    """What a name without a `$` means."""
    if name in LOCALS and f"${name}" in names.types:
        return Reference(name)
    if f"{WORKFLOW}.{name}" in names.types:
        return Reference(WORKFLOW, (name,))
    if names.fields_of is not None and name != WORKFLOW:
        return Reference(names.fields_of, (name,))
    raise ExpressionError(f"There is no input or variable {name!r}.", _close(f"{WORKFLOW}.{name}", names))


def _close(name: str, names: Names) -> str:
    """What may have been meant."""
    start = f"{WORKFLOW}." if name.startswith(f"{WORKFLOW}.") else "$"
    known = [
        each.removeprefix(start)
        for each in names.types
        if each.startswith(start) and each.count(".") == name.count(".")
    ]
    close = difflib.get_close_matches(name.removeprefix(start), known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {start}{close[0]}?"
    return f"Known are: {', '.join(start + each for each in sorted(known)) or 'none'}."


def _variable(reference: Reference) -> str:
    """A name that CEL takes, one for each reference."""
    parts = (reference.root, *map(str, reference.path))
    return "v_" + "__".join(re.sub(r"\W", lambda odd: f"_{ord(odd[0]):x}_", part) for part in parts)


def _answer(asks: str, reference: Reference, scope: Scope) -> bool:
    """Whether a value is there, or whether it is none."""
    try:
        value = scope.resolve(reference)
    except MissingValue:
        return asks == "is_none"
    return value is None if asks == "is_none" else True


def _declared(names: Names, reference: Reference, as_fractions: bool) -> str:
    kind = names.types.get(str(reference), ANY)
    return NUMBER if as_fractions and kind == INTEGER else kind


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def names_in(expression: Expression) -> Iterator[Reference]:
    """The references of an expression whose values it needs."""
    yield from expression.references.values()
