"""Conditions and figures: the forms that may be written, their types, and what they make of missing values."""

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.workflow.expressions import (
    ExpressionError,
    Names,
    compile_condition,
    compile_expression,
    is_true,
    text_of,
)
from graphs.workflow.references import MissingValue, Scope
from state.workflow.policies import Operator, StructuredCondition
from tools.cel import ANY

TYPES = {
    "workflow.amount": "number",
    "workflow.count": "integer",
    "workflow.name": "string",
    "workflow.type": "string",
    "workflow.vip": "boolean",
    "workflow.tags": "array",
    "workflow.order_total": "number",
    "workflow.customer": "object",
    "workflow.customer.id": "string",
    "workflow.note": ANY,
    "$check": ANY,
    "$check.ok": "boolean",
    "$check-two": ANY,
    "$item": ANY,
}
NAMES = Names(TYPES, "check")
SCOPE = Scope(
    {
        "amount": 12_000,
        "count": 3,
        "name": "ann",
        "type": "new",
        "vip": True,
        "tags": ["a", "b"],
        "order_total": 99.5,
        "customer": {"id": "c1", "first-name": "Ann"},
        "note": None,
    },
    {"check": {"ok": True, "confidence": 0.5, "n": 2, "list": [{"x": 1}]}, "check-two": {"ok": False}},
    {"item": {"count": 2}},
)


def value(text: str) -> Any:
    return compile_expression(text, NAMES).value(SCOPE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("confidence < 0.8", True),  # a field of the one step before
        ("amount > 10000", True),
        ("workflow.order_total > 100", False),
        ("$check.ok && !$check-two.ok", True),
        ("${check.ok} == true", True),
        ("${workflow.customer.id} == 'c1'", True),
        ("customer.id.startsWith('c')", True),
        ("workflow.customer.id.contains('1')", True),
        ("workflow.name.size() == 3", True),
        ("$check.list[0].x == 1", True),
        ("tags.exists(tag, tag == 'b')", True),
        ("'b' in tags", True),
        ("item.count > 1 && $item.count < 3", True),
        ("type == 'new'", True),  # an input may have the name of a type
        ("type(name) == string", True),
        ("count * 1.5 > 4", True),  # whole numbers and fractions go together
        ("confidence * 2 == 1", True),
        ("amount > 5 && size(tags) > 1", True),
        ("tags.size() > 1 && amount > 1.5", True),
        ("workflow.amount / 7.0 > 1714.2", True),
        ("count - 1 == 2 && count-1 == 2 && $check.n-1 == 1", True),
        ("$check.confidence - 0.5 == 0.0", True),
        ("note == null", True),
        ("is_none(note) && is_none(workflow.customer.gone) && !is_none(vip)", True),
        ("has(customer.id) && !has(customer.gone) && !has(workflow.customer.gone.deeper)", True),
        ("has($check.confidence) && !has($check.gone) && has(${check.ok})", True),
        ("'$check and amount' == name", False),  # a text is no reference
        ('name == "it\'s"', False),
        ("amount > 5 && name != 'size(tags) > 5'", True),  # numbers in a text stay
        ("vip ? count > 2 : false", True),
        ("9223372036854775808.0 > 1.0", True),
    ],
)
def test_forms(text: str, expected: bool) -> None:
    """Each form can be written and means what it says."""
    assert is_true(compile_condition(text, NAMES), SCOPE) is expected


@pytest.mark.parametrize(
    ("field", "operator", "given", "expected"),
    [
        ("workflow.amount", ">", 1000, True),
        ("amount", "<=", 1000, False),
        ("check.confidence", "==", 0.5, True),
        ("$check.confidence", "!=", 0.5, False),
        ("workflow.name", "contains", "nn", True),
        ("workflow.tags", "contains", "b", True),
        ("workflow.note", "is_none", None, True),
        ("workflow.amount", "is_none", None, False),
        ("workflow.amount", "is_none", False, True),
        ("workflow.customer.gone", "is_none", True, True),
        ("workflow.name", "==", 'ann "x"', False),
        ("workflow.count", "<", 3.5, True),
        ("workflow.count", ">=", 3, True),
    ],
)
def test_conditions_in_parts(field: str, operator: Operator, given: Any, expected: bool) -> None:
    """Field, operator and value mean what the same expression would."""
    condition = StructuredCondition(field=field, operator=operator, value=given)
    assert is_true(compile_condition(condition, NAMES), SCOPE) is expected
    assert text_of(condition)


@pytest.mark.parametrize(
    ("text", "words", "remedy"),
    [
        ("workflow.amuont > 3", "no workflow.amuont", "workflow.amount"),
        ("$chekc.ok", r"no \$chekc", r"\$check"),
        ("$index > 3", r"no \$index", "within a loop"),
        ("name > 3", r"cannot be used on \(string", "a text in quotes"),
        ("tags > 3", r"\(array, ", "a text in quotes"),
        ("amount > 1 && customer.id == 3", r"== cannot be used on \(string, number\)", "a text in quotes"),
        ("amount == null", "null", "is_none"),
        ("a and b", "'and' is not a word", "Write && instead"),
        ("amount = 3", "the sign =", "Write =="),
        ("amount >", "ends too early", "compares values"),
        ("", "is empty", "workflow.amount > 1000"),
        ("foo(amount)", "no function foo", "compares values"),
        ("amount + 1", "is a number", "Compare it"),
        ("workflow > 1", "no input or variable 'workflow'", "Known are"),
        ("${a b} > 1", "names nothing", r"\$\{step.field\}"),
        ("x" * 1001, "at most 1000 characters", ""),
        ("amount " + ")" * 3, "not expected|cannot be read", ""),
    ],
)
def test_what_is_refused(text: str, words: str, remedy: str) -> None:
    """An expression that cannot be used is refused in words of the file, with what to write instead."""
    with pytest.raises(ExpressionError, match=words) as refused:
        compile_condition(text, NAMES)
    assert re.search(remedy, refused.value.remedy)
    assert "v_" not in str(refused.value)
    assert "overload" not in str(refused.value)


@pytest.mark.parametrize("text", ["customer.gone > 1", "$check.gone == 1", "customer.gone.deeper == 1 && vip"])
def test_a_missing_value_is_told(text: str) -> None:
    """A value that is not there ends the step with the path, where the result depends on it."""
    with pytest.raises(MissingValue, match="gone"):
        value(text)


@pytest.mark.parametrize("text", ["has(customer.gone) && customer.gone > 1", "vip || $check.gone > 1"])
def test_a_missing_value_may_not_matter(text: str) -> None:
    """Where the result is the same whatever the value, a value that is not there is no error."""
    assert value(text) in (True, False)


def test_errors_while_computing_are_errors() -> None:
    """A division by zero or a text for a number ends the step; it never counts as true."""
    for text in ("1 / (count - 3) == 1", "int(name) > 3", "$check.list > 3"):
        with pytest.raises(ExpressionError, match="cannot be computed"):
            value(text)
    with pytest.raises(ExpressionError, match="neither true nor false"):
        is_true(compile_condition("$check.n", NAMES), SCOPE)


def test_work_is_bounded() -> None:
    """A comprehension within a comprehension ends with an error instead of running on."""
    scope = Scope({"tags": list(range(1000))}, {})
    nested = compile_expression(
        "tags.all(a, tags.all(b, tags.all(c, a + b + c >= 0)))", Names({"workflow.tags": "array"})
    )
    with pytest.raises(ExpressionError, match="cannot be computed"):
        nested.value(scope)


@pytest.mark.slow
@given(st.integers(-(2**70), 2**70) | st.floats(allow_nan=False), st.integers(-100, 100))
def test_numbers_compare_as_numbers(left: float, right: int) -> None:
    """Whatever kind of number a value is, it compares as in arithmetic."""
    compiled = compile_condition("workflow.x > workflow.y", Names({"workflow.x": ANY, "workflow.y": "integer"}))
    assert is_true(compiled, Scope({"x": left, "y": right}, {})) is (left > right)


@pytest.mark.slow
@given(st.text(max_size=60))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    """No text ends in anything but an expression or an error with words."""
    with suppress(ExpressionError):
        compile_expression(text, NAMES)
