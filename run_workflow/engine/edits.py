"""Edits are checked against the state of the run before they are stored."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from run_workflow.engine.entries import EditCheck
from state.errors import AnswerRefused, StrettoError
from state.runs import Json

_REMEDY = "Give the args back in the shape in which they were shown."


def check_edit(check: EditCheck, state: Mapping[str, Any], args: Json, *, place: str) -> None:
    """Raises AnswerRefused that names the field, when the edit cannot be used."""
    try:
        check(state, args)
    except AnswerRefused:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "args"
        raise AnswerRefused(f"{first['msg']}.", place=f"{place}, {field}", remedy=_REMEDY) from error
    except KeyError as error:
        raise AnswerRefused("The field is missing.", place=f"{place}, {error.args[0]}", remedy=_REMEDY) from error
    except (ValueError, TypeError, LookupError, AttributeError, StrettoError) as error:
        raise AnswerRefused(f"{error}.", place=place, remedy=_REMEDY) from error
