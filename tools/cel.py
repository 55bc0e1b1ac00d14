"""CEL's engine: types, values, functions beside its own, and its words made plain.

CEL (Common Expression Language, https://cel.dev) has no loops, no attributes and no side effects; the engine refuses to
compute more than 10,000 steps of a comprehension.
"""

import datetime
import decimal
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

NUMBER, INTEGER, TEXT, TRUTH, LIST, OBJECT = "number", "integer", "string", "boolean", "array", "object"
ANY = "any"
"""JSON Schema's names of types, and that of a value whose type is not known."""
_TEXT = re.compile(r"""r?'(?:\\.|[^'\\])*'|r?"(?:\\.|[^"\\])*\"""")
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_INDEX = re.compile(r"\[\d+\]")
_SIZE = re.compile(r"(?<![\w.])size\(")
_SIZE_OF = re.compile(r"\.size\(\)")
_RANGE = 2**63


@lru_cache(maxsize=1000)
def environment(declared: tuple[tuple[str, str], ...]) -> Any:
    """The engine with the variables of an expression, each with its type."""
    from cel_expr_python import cel  # 50 MB that `--help` does not need

    types = {NUMBER: cel.Type.DOUBLE, INTEGER: cel.Type.INT, TEXT: cel.Type.STRING, TRUTH: cel.Type.BOOL}
    types |= {LIST: cel.Type.LIST, OBJECT: cel.Type.MAP}
    variables = {name: types.get(kind, cel.Type.DYN) for name, kind in declared}
    return cel.NewEnv(variables=variables, functions=_functions())


@dataclass(frozen=True)
class Program:
    """An expression as the engine computes it."""

    compiled: Any
    kinds: Mapping[str, str]
    """The types of its variables."""
    as_fractions: bool

    def value(self, known: Mapping[str, Any]) -> Any:
        """Its value. Raises RuntimeError with the engine's words."""
        data = {name: for_cel(value, self.as_fractions or self.kinds[name] == NUMBER) for name, value in known.items()}
        result = self.compiled.eval(data=data)
        if result.type().name() == "*error*" or str(result.type()) == "ERROR":
            raise RuntimeError(str(result.value()))
        return result.plain_value()


def first_value(programs: Sequence[Program], known: Mapping[str, Any]) -> Any:
    """What the first program computes that can; the next is asked where types do not fit each other.

    Raises RuntimeError with the words of the first.
    """
    faults: list[RuntimeError] = []
    for program in programs:
        try:
            return program.value(known)
        except RuntimeError as error:
            faults.append(error)
            if "overload" not in str(error):
                break
    raise faults[0]


@lru_cache(maxsize=1)
def _functions() -> list[Any]:
    """`sum`, `min` and `max` of a list, and `round` to some decimals (half to even, as Python's)."""
    from cel_expr_python import cel

    kinds = cel.Type
    over_lists: dict[str, Callable[[Any], Any]] = {
        "sum": lambda items: sum(list(items)),
        "min": lambda items: min(list(items)),
        "max": lambda items: max(list(items)),
    }
    declared = [
        cel.FunctionDecl(name, [cel.Overload(f"{name}_list", kinds.DYN, [kinds.LIST], impl=function)])
        for name, function in over_lists.items()
    ]
    rounded = [
        cel.Overload(f"round_{number}", kind, [kind, places], impl=lambda value, digits: round(value, int(digits)))
        for number, (kind, places) in enumerate(
            [(kinds.DOUBLE, kinds.INT), (kinds.DOUBLE, kinds.DOUBLE), (kinds.INT, kinds.INT)]
        )
    ]
    return [*declared, cel.FunctionDecl("round", rounded)]


def with_fractions(source: str) -> str:
    """The same with its whole numbers and sizes as fractions, numbers in brackets left alone."""
    plain = without_texts(source)
    numbers = _INDEX.sub(lambda index: "x" * len(index[0]), plain)
    added = [(found.end(), ".0") for found in _NUMBER.finditer(numbers)]
    for found in _SIZE.finditer(plain):
        added += [(found.start(), "double("), (_closing(plain, found.end() - 1) + 1, ")")]
    for found in _SIZE_OF.finditer(plain):
        added += [(_beginning(plain, found.start()), "double("), (found.end(), ")")]
    for place, words in sorted(added, key=lambda each: each[0], reverse=True):
        source = source[:place] + words + source[place:]
    return source


def without_texts(source: str) -> str:
    """The expression with a letter for each sign of a text in quotes: what is left are names, numbers and signs."""
    return _TEXT.sub(lambda text: "x" * len(text[0]), source)


def _closing(plain: str, opening: int) -> int:
    """Where the bracket is closed that is opened there; the last sign where it is not."""
    depth = 0
    for place in range(opening, len(plain)):
        depth += (plain[place] in "([{") - (plain[place] in ")]}")
        if depth == 0:
            return place
    return len(plain) - 1


def _beginning(plain: str, end: int) -> int:
    """Where that begins of which something is asked: names, dots and whole brackets before it."""
    place, depth = end, 0
    while place and (depth or plain[place - 1] in ".)]" or plain[place - 1].isalnum() or plain[place - 1] == "_"):
        place -= 1
        depth += (plain[place] in ")]}") - (plain[place] in "([{")
    return place


def kind_of(program: Any) -> str:
    """The type of what a compiled expression gives back; ANY where it is not known."""
    kinds = {"BOOL": TRUTH, "INT": INTEGER, "UINT": INTEGER, "DOUBLE": NUMBER, "STRING": TEXT}
    kinds |= {"LIST": LIST, "MAP": OBJECT, "NULL": "null", "NULL_TYPE": "null"}
    return kinds.get(str(program.return_type()).partition("<")[0].upper(), ANY)


def for_cel(value: Any, as_fractions: bool) -> Any:
    """The value in types that CEL has: dates as text, exact numbers as fractions, tuples as lists."""
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return float(value) if as_fractions or not -_RANGE <= value < _RANGE else value
    if isinstance(value, Mapping):
        return {str(key): for_cel(each, as_fractions) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [for_cel(each, as_fractions) for each in value]
    return float(value) if isinstance(value, decimal.Decimal) else _as_text(value)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


def told(text: str, said: str) -> tuple[str, str]:
    """Why an expression is refused, and what to do."""
    if not text.strip():
        return "The expression is empty.", "Write what is compared: `workflow.amount > 1000`."
    return f"{text!r} is not a valid expression: {said}.", _hint(text, said)


_PLAINLY = (
    (r"^Syntax error: (?:mismatched|extraneous) input '<EOF>' .*", "it ends too early"),
    (r"^Syntax error: mismatched input ('.*?') expecting .*", r"\1 is not expected there"),
    (r"^Syntax error: extraneous input ('.*?') expecting .*", r"\1 is not expected there"),
    (r"^Syntax error: no viable alternative at input ('.*')", r"\1 cannot be read"),
    (r"^Syntax error: token recognition error at: '(.*?)\s*'", r"the sign \1 is not known"),
    (r"undeclared reference to '([^']*)' \(in container ''\)", r"there is no function \1"),
    (r"found no matching overload for '_?(.*?)_?' applied to '\((.*)\)'", r"\1 cannot be used on (\2)"),
    (r"(?i)no matching overloads? found ?: (?:_?(\W+?)_)?(.*)", r"\1 \2 does not fit these types"),
    (r"expression of type '([^']*)' cannot be.*", r"a \1 cannot stand there"),
    (r"\s*\[[A-Z_]+\]$", ""),
)
"""What the engine says, and what is told."""


def plainly(error: RuntimeError, references: Mapping[str, object]) -> str:
    """An error of the engine in the words of the file; `references` by the variables that stand for them."""
    said = _first_line(error)
    for pattern, words in _PLAINLY:
        said = re.sub(pattern, words, said)
    said = re.sub(r"(?<= on )\(.*\)$", lambda types: _types_in_words(types[0]), said)
    for variable, reference in sorted(references.items(), key=lambda item: -len(item[0])):
        said = said.replace(variable, str(reference))
    return said.strip()


def _types_in_words(types: str) -> str:
    for engine, words in (("list(dyn)", LIST), ("map(dyn, dyn)", OBJECT), ("double", NUMBER), ("null_type", "null")):
        types = types.replace(engine, words)
    return types


def _hint(text: str, said: str) -> str:
    if " null" in said or "(null" in said:
        return "This value is never null; is_none(NAME) asks whether a value is there."
    if "cannot be used on" in said:
        return "Compare a number with a number, and a text with a text in quotes."
    if re.search(r"[^=!<>]=[^=]", text):
        return "Write == to compare."
    return "An expression compares values with ==, !=, <, <=, >, >= or in, and joins with && and ||."


def _first_line(error: object) -> str:
    line = (str(error).strip().splitlines() or [""])[0]
    return re.sub(r"^(?:[A-Z_]+: )?(?:ERROR: <input>:\d+:\d+: )?", "", line).strip()
