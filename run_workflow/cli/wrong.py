"""What typer says of a command line that it does not understand, as an error like all others."""

from collections.abc import Callable, Mapping
from typing import Any

import typer

from run_workflow.cli.session import NAME
from state.errors import WrongUse

_Words = tuple[str, str]
"""What is wrong with the value, and a value that would do (empty: there is none to name)."""

# What pydantic, which reads the values for typer, calls what is wrong with one.
_WORDS: Mapping[str, Callable[[Mapping[str, Any]], _Words]] = {
    "float_parsing": lambda _limits: ("is not a number", "2.5"),
    "int_parsing": lambda _limits: ("is not a whole number", "3"),
    "int_from_float": lambda _limits: ("is not a whole number", "3"),
    "finite_number": lambda _limits: ("is not a finite number", "2.5"),
    "greater_than_equal": lambda limits: (f"is too little: {limits['ge']:g} is the least", f"{limits['ge']:g}"),
    "less_than_equal": lambda limits: (f"is too much: {limits['le']:g} is the most", f"{limits['le']:g}"),
    "value_error": lambda limits: _none_of(str(limits["error"])),
}


def wrong_use(error: typer.TyperException, context: typer.Context | None = None) -> WrongUse:
    """The error; for a value that cannot be read with the option, what stood there, and an example."""
    where = context or getattr(error, "ctx", None)
    command = where.command_path if where else NAME
    listed = f"`{command} --help` lists what can be typed."
    if (told := _value_told(error)) is not None:
        message, example = told
        return WrongUse(message, place=command, remedy=f"For instance: {example}. {listed}")
    return WrongUse(error.format_message(), place=command, remedy=listed)


def _none_of(said: str) -> _Words:
    """Of typer's `'fast' is not one of 'auto', 'parallel'.` what comes after the value, and the first that would do."""
    _, is_not, listed = said.rstrip(".").partition(" is not one of ")
    return (f"is not one of {listed}", listed.split("'")[1]) if is_not else (said, "")


def _value_told(error: typer.TyperException) -> tuple[str, str] | None:
    """What is wrong with a value, and the option with one that would do; None where that is not what is wrong."""
    errors = getattr(error.__cause__, "errors", None)
    option = getattr(error, "param", None)
    if errors is None or option is None:
        return None
    first = errors()[0]
    words = _WORDS.get(first["type"])
    said, example = words(first.get("ctx", {})) if words else ("", "")
    name = option.opts[0]
    return (f"{name}: {first['input']!r} {said}.", f"{name} {example}") if example else None
