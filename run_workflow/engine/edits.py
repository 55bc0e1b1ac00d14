"""Edits are checked against the state of the run before they are stored."""

from collections.abc import Mapping
from typing import Any

from run_workflow.engine.entries import EditCheck
from state.errors import AnswerRefused
from state.runs import ApprovalRecord, Json


def check_edit(check: EditCheck, state: Mapping[str, Any], approval: ApprovalRecord, args: Json) -> None:
    """Raises AnswerRefused that names the request and the field, when the edit cannot be used."""
    place = f"run {approval.run_id}, {approval.point} edit"
    try:
        check(state, approval.request.action.args, args)
    except AnswerRefused as error:
        where = f"{place}, {error.place}" if error.place else place
        raise AnswerRefused(error.message, place=where, remedy=error.remedy) from error
