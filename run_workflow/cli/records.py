"""Commands that take one record: the fields of a dataclass become the arguments and options of a typer command."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar, get_args, get_type_hints

import typer
from typer.models import ArgumentInfo

R = TypeVar("R")


def takes(record: type[R]) -> Callable[[Callable[[typer.Context, R], None]], Callable[..., None]]:
    """Lets typer see the fields of the dataclass `record` as the parameters of the command."""

    def wrap(command: Callable[[typer.Context, R], None]) -> Callable[..., None]:
        def run(context: typer.Context, **values: Any) -> None:
            command(context, record(**values))

        context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        parameters = [context, *_parameters(record)]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by inspect
        run.__annotations__ = {item.name: item.annotation for item in parameters}
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return wrap


def _parameters(record: type[object]) -> list[inspect.Parameter]:
    """Arguments as they are defined, inherited ones first; then options, those of the class itself first."""
    hints = get_type_hints(record, include_extras=True)
    depths = {name: depth for depth, base in enumerate(record.__mro__) for name in inspect.get_annotations(base)}

    def place(item: "Field[Any]") -> tuple[bool, int]:
        is_argument = any(isinstance(part, ArgumentInfo) for part in get_args(hints[item.name]))
        return (False, -depths[item.name]) if is_argument else (True, depths[item.name])

    ordered = sorted(fields(record), key=place)  # type: ignore[arg-type] # `type` does not say that it is a dataclass
    return [
        inspect.Parameter(
            item.name, inspect.Parameter.KEYWORD_ONLY, default=_default(item), annotation=hints[item.name]
        )
        for item in ordered
    ]


def _default(item: "Field[Any]") -> Any:
    return inspect.Parameter.empty if item.default is MISSING else item.default
