"""Edits are checked against the state of the run before they are stored."""

from collections.abc import Mapping
from typing import Any

from run_workflow.engine.entries import EditCheck
from state.errors import AnswerRefused
from state.runs import Json


def check_edit(check: EditCheck, state: Mapping[str, Any], args: Json, *, place: str) -> None:
    """Raises AnswerRefused that names `place` and the field, when the edit cannot be used."""
    try:
        check(state, args)
    except AnswerRefused as error:
        where = f"{place}, {error.place}" if error.place else place
        raise AnswerRefused(error.message, place=where, remedy=error.remedy) from error
