"""A small language for models: `y = b1*(1 - exp(-b2*x))`, read as Python's arithmetic and never executed as Python.

Numbers, names, `+ - * / **`, brackets, `pi`, and the functions of `FUNCTIONS`; nothing else. Names that are columns
stand for them, the others are parameters. All of it works on complex numbers, for derivatives without cancellation.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from state.errors import ToolError

FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "ln": np.log,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arctan": np.arctan,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
}
LONGEST = 1000
"""Characters of a formula."""
_DEEPEST = 60
_OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_REMEDY = f"Write it like y = a * exp(-b * x), with + - * / ** and {', '.join(FUNCTIONS)}."

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Expression:
    """One side of a formula."""

    names: frozenset[str]
    value: Callable[[Values], Any]
    """Its value where the names have these values (arrays or numbers)."""


def parse_formula(text: str) -> tuple[Expression, Expression]:
    """The left and the right side; ToolError where it is no formula."""
    left, equals, right = text.partition("=")
    if not equals or "=" in right:
        raise ToolError(f"“{text[:80]}” is no formula with one equals sign.", remedy=_REMEDY)
    return parse_expression(left), parse_expression(right)


def parse_expression(text: str) -> Expression:
    """An expression; ToolError where it is none."""
    if len(text) > LONGEST:
        raise ToolError(f"The formula has {len(text)} characters.", remedy=f"At most {LONGEST} are read.")
    plain = text.translate(str.maketrans("[]{}×·−", "()()**-")).replace("^", "**")
    try:
        tree = ast.parse(re.sub(r"\s+", " ", plain).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ToolError(f"“{text.strip()[:80]}” cannot be read as a formula.", remedy=_REMEDY) from error
    names: set[str] = set()
    return Expression(value=_compiled(tree, names, 0), names=frozenset(names))


def _compiled(node: ast.AST, names: set[str], depth: int) -> Callable[[Values], Any]:  # noqa: PLR0911 - one for each kind of node
    if depth > _DEEPEST:
        raise ToolError("The formula is nested too deeply.", remedy=_REMEDY)
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            fixed = np.float64(number)  # overflows to infinity, where Python's own would raise
            return lambda values: fixed
        case ast.Name(id="pi"):
            return lambda values: np.pi
        case ast.Name(id=name):
            names.add(name)
            return lambda values: values[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            taken = _compiled(inner, names, depth + 1)
            return lambda values: -taken(values)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _compiled(inner, names, depth + 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            act = _OPERATORS[type(op)]
            one, other = _compiled(left, names, depth + 1), _compiled(right, names, depth + 1)
            return lambda values: act(one(values), other(values))
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in FUNCTIONS:
            function, argument = FUNCTIONS[name], _compiled(inner, names, depth + 1)
            return lambda values: function(argument(values))
    raise ToolError(f"“{ast.unparse(node)[:60]}” is not part of the language of formulas.", remedy=_REMEDY)
