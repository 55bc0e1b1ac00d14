"""Conditions and figures in CEL: translated, checked when a file is loaded, computed within bounds.

CEL (Common Expression Language) has no loops, no attributes and no side effects; the engine refuses to compute more
than 10,000 steps of a comprehension. References are written as everywhere in a workflow file; a bare name means a
value around the step (`item`), an input or variable, or a field of the one step that the step depends on.
"""

import datetime
import decimal
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphs.workflow.references import LOCALS, WORKFLOW, Reference, Scope, parse
from state.workflow.policies import Condition, StructuredCondition

MOST_CHARACTERS = 1000
_TOKEN = re.compile(
    r"""(?P<text>r?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))"""
    r"""|(?P<braced>\$\{[^}]*\})"""
    r"""|(?P<dollar>\$[A-Za-z_][\w-]*(?:\.[A-Za-z_0-9][\w-]*|\[\d+\])*)"""
    r"""|(?P<path>(?<![\w.])workflow(?:\.[A-Za-z_]\w*|\[\d+\])+(?!\())"""
    r"""|(?P<name>(?<![\w.])[A-Za-z_]\w*(?!\w*\())"""
)
_WORDS = {"and": "&&", "or": "||", "not": "!"}
_CEL_NAMES = frozenset(
    "true false null in bool bytes double dyn int list map string type uint duration timestamp".split()
)
_MACROS = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")
_HAS = re.compile(r"\bhas\(\s*$")
_RANGE = 2**63
NUMBER, INTEGER, TEXT, TRUTH, ANY = "number", "integer", "string", "boolean", "any"


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
    program: Any
    references: Mapping[str, Reference]
    """By the variable that stands for each."""
    as_floats: bool
    """Whether all numbers are computed with as fractions."""

    def value(self, scope: Scope) -> Any:
        """Its value in a scope. Raises MissingValue, and ExpressionError where it cannot be computed."""
        known = {name: self._plain(scope.resolve(reference)) for name, reference in self.references.items()}
        try:
            result = self.program.eval(data=known)
        except RuntimeError as error:
            raise ExpressionError(f"{self.text!r} cannot be computed: {_first_line(error)}") from error
        if result.type().name() == "*error*" or str(result.type()) == "ERROR":
            raise ExpressionError(f"{self.text!r} cannot be computed: {_first_line(result.value())}")
        return result.plain_value()

    def _plain(self, value: Any) -> Any:
        return _for_cel(value, self.as_floats)


def compile_expression(text: str, names: Names) -> Expression:
    """The expression, checked against what is known of its names. Raises ExpressionError."""
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(f"An expression has at most {MOST_CHARACTERS} characters; this one has {len(text)}.")
    translated, references = _translated(text, names)
    faults = []
    for as_floats in (False, True):
        source = _with_fractions(translated) if as_floats else translated
        declared = {name: _declared(names, each, as_floats) for name, each in references.items()}
        try:
            program = _environment(tuple(sorted(declared.items()))).compile(source)
        except RuntimeError as error:
            faults.append(error)
            continue
        return Expression(text, _kind(program), program, references, as_floats)
    raise _told(text, faults[0], references)


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
            return f"{field} {'!=' if condition.value is False else '=='} null"
        case "contains":
            held = f"dyn({field})"
            return f"(type({held}) == string ? string({held}).contains(string({value})) : {value} in {held})"
        case operator:
            return f"{field} {operator} {value}"


def _translated(text: str, names: Names) -> tuple[str, dict[str, Reference]]:
    """The expression with a variable for each reference, and what the variables stand for."""
    bound = set(_MACROS.findall(text))
    references: dict[str, Reference] = {}
    parts, end = [], 0
    for found in _TOKEN.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        reference = None if found["text"] else _named(found, names, bound)
        if reference is None:
            parts.append(found[0])
            continue
        field = ""
        if _HAS.search(text[: found.start()]) and reference.path:  # `has` asks for a field of what is there
            field, reference = f".{reference.path[-1]}", Reference(reference.root, reference.path[:-1])
        variable = _variable(reference)
        references[variable] = reference
        parts.append(f"{variable}{field}")
    return "".join([*parts, text[end:]]), references


def _named(found: re.Match[str], names: Names, bound: set[str]) -> Reference | None:
    """The reference that a token is; None if it is a word of CEL."""
    token = found[0]
    if found["name"]:
        if token in _WORDS:
            raise ExpressionError(f"{token!r} is not a word of CEL.", f"Write {_WORDS[token]} instead.")
        if token in bound or token in _CEL_NAMES:
            return None
        return _bare(token, names)
    reference = parse(token)
    if reference is None:
        raise ExpressionError(f"{token!r} names nothing.", "Write ${step.field} or ${workflow.input}.")
    root = f"{WORKFLOW}.{reference.path[0]}" if reference.root == WORKFLOW else f"${reference.root}"
    if root not in names.types:
        raise ExpressionError(f"{token!r} names nothing: there is no {root}.", _close(root, names))
    return reference


def _bare(name: str, names: Names) -> Reference:
    """What a name without a `$` means."""
    if name in LOCALS and f"${name}" in names.types:
        return Reference(name)
    if f"{WORKFLOW}.{name}" in names.types:
        return Reference(WORKFLOW, (name,))
    if names.fields_of is not None:
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


def _declared(names: Names, reference: Reference, as_floats: bool) -> str:
    kind = names.types.get(str(reference), ANY)
    return NUMBER if as_floats and kind == INTEGER else kind


@cache
def _environment(declared: tuple[tuple[str, str], ...]) -> Any:
    from cel_expr_python import cel  # 50 MB that `--help` does not need

    types = {NUMBER: cel.Type.DOUBLE, INTEGER: cel.Type.INT, TEXT: cel.Type.STRING, TRUTH: cel.Type.BOOL}
    return cel.NewEnv(variables={name: types.get(kind, cel.Type.DYN) for name, kind in declared})


def _with_fractions(source: str) -> str:
    """The same with its whole numbers written as fractions, those in brackets left alone."""
    parts = re.split(r"""(r?'(?:\\.|[^'\\])*'|r?"(?:\\.|[^"\\])*"|\[\d+\])""", source)
    number = re.compile(r"(?<![\w.])(\d+)(?![\w.])")
    return "".join(part if place % 2 else number.sub(r"\1.0", part) for place, part in enumerate(parts))


def _kind(program: Any) -> str:
    kinds = {"BOOL": TRUTH, "INT": INTEGER, "UINT": INTEGER, "DOUBLE": NUMBER, "STRING": TEXT}
    return kinds.get(str(program.return_type()), ANY)


def _for_cel(value: Any, as_floats: bool) -> Any:
    """The value in types that CEL has: dates as text, exact numbers as fractions, tuples as lists."""
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return float(value) if as_floats or not -_RANGE <= value < _RANGE else value
    if isinstance(value, Mapping):
        return {str(key): _for_cel(each, as_floats) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_for_cel(each, as_floats) for each in value]
    return float(value) if isinstance(value, decimal.Decimal) else _as_text(value)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _told(text: str, error: RuntimeError, references: Mapping[str, Reference]) -> ExpressionError:
    """The engine's error in the words of the file."""
    said = _first_line(error)
    for variable, reference in sorted(references.items(), key=lambda item: -len(item[0])):
        said = said.replace(variable, str(reference))
    return ExpressionError(f"{text!r} is not a valid expression: {said}", _hint(said))


def _hint(said: str) -> str:
    if "no matching overload" in said:
        return "The two sides have different types: compare a number with a number, a text with a text in quotes."
    return "See docs/workflows.md for what may stand in an expression."


def _first_line(error: object) -> str:
    line = str(error).strip().splitlines()[0]
    return re.sub(r"^(?:[A-Z_]+: )?(?:ERROR: <input>:\d+:\d+: )?", "", line).strip()


def names_in(expression: Expression) -> Iterator[Reference]:
    """The references of an expression."""
    yield from expression.references.values()
