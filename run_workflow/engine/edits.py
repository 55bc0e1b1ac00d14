"""Edits are checked against the state of the run before they are stored."""

from collections.abc import Mapping
from typing import Any

from run_workflow.engine.entries import EditCheck
from run_workflow.fence import Fence
from run_workflow.postgres.database import Pool
from run_workflow.stores.passages import PostgresPassages
from state.errors import AnswerRefused
from state.runs import ApprovalRecord, Json


async def check_edit(
    check: EditCheck, state: Mapping[str, Any], approval: ApprovalRecord, args: Json, pool: Pool
) -> None:
    """Raises AnswerRefused that names the request and the field, when the edit cannot be used."""
    place = f"run {approval.run_id}, {approval.point} edit"
    try:
        await check(state, approval.request.action.args, args, PostgresPassages(Fence(pool, approval.run_id, -1)))
    except AnswerRefused as error:
        where = f"{place}, {error.place}" if error.place else place
        raise type(error)(error.message, place=where, remedy=error.remedy) from error
