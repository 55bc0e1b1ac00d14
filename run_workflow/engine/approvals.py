"""Approvals: a request waits in a row, and one answer wins, whoever gives it: a person or the timeout policy."""

from collections.abc import Collection, Mapping, Sequence

from psycopg.rows import DictRow
from pydantic import ValidationError

from run_workflow.engine import audit
from run_workflow.engine.rows import Connection, all_approvals
from run_workflow.stores.columns import as_json
from state.errors import AnswerRefused, BuildError
from state.runs import (
    TIMEOUT_ACTOR,
    Answer,
    ApprovalRecord,
    ApprovalRequest,
    Approve,
    Edit,
    Json,
    Reject,
    RunRecord,
)

_OPEN = """
INSERT INTO approvals (run_id, id, point, request, status, created_at, expires_at)
VALUES (%s, %s, %s, %s, 'pending', clock_timestamp(), clock_timestamp() + make_interval(secs => %s))
ON CONFLICT (run_id, id) DO UPDATE SET status = 'pending', request = excluded.request,
    created_at = excluded.created_at, expires_at = excluded.expires_at WHERE approvals.status = 'withdrawn'
RETURNING id
"""
_WITHDRAW = """
UPDATE approvals SET status = 'withdrawn' WHERE run_id = %s AND status = 'pending' AND id <> ALL (%s)
"""
_TAKE_BACK = """
UPDATE approvals SET status = 'withdrawn' WHERE run_id = %s AND status = 'pending' AND id = ANY (%s)
"""
_ANSWERS = """
SELECT id, answer FROM approvals WHERE run_id = %s AND id = ANY (%s) AND answer IS NOT NULL
"""
_STORE = """
UPDATE approvals SET status = 'answered', answer = %s, answered_by = %s, answered_at = clock_timestamp()
WHERE run_id = %s AND id = %s AND status = 'pending'
    AND (expires_at IS NULL OR expires_at > clock_timestamp())
RETURNING id
"""
_OVERDUE = """
SELECT id, request FROM approvals
WHERE run_id = %s AND status = 'pending' AND expires_at <= clock_timestamp() ORDER BY expires_at, id
"""
_EXPIRE = """
UPDATE approvals SET status = 'expired', answer = %s, answered_by = %s, answered_at = clock_timestamp()
WHERE run_id = %s AND id = %s AND status = 'pending' RETURNING id
"""
_LOCK = "SELECT 1 FROM runs WHERE id = %s FOR NO KEY UPDATE"
_ELSEWHERE = "SELECT run_id FROM approvals WHERE id = %s ORDER BY created_at LIMIT 1"


def read_request(value: object) -> ApprovalRequest:
    """The value of an interrupt as a request. Raises BuildError when the graph asked for something else."""
    try:
        return ApprovalRequest.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the value"
        raise BuildError(
            f"The graph stopped for a person, but not with an approval request: {field}: {first['msg']}.",
            place="interrupt",
            remedy="Call interrupt() with an ApprovalRequest (state/runs.py).",
        ) from error


async def open_requests(connection: Connection, run_id: str, requests: Mapping[str, ApprovalRequest]) -> None:
    """Makes the rows of all requests that a run waits for; what it no longer waits for is withdrawn."""
    await add_requests(connection, run_id, requests)
    await withdraw(connection, run_id, keep=requests.keys())


async def add_requests(connection: Connection, run_id: str, requests: Mapping[str, ApprovalRequest]) -> None:
    """Makes the rows of requests that a run waits for from now on."""
    for request_id, request in requests.items():
        point = request.action.name.removeprefix("approve_")
        row = (run_id, request_id, point, as_json(request), request.policy.timeout_seconds)
        if await (await connection.execute(_OPEN, row)).fetchone():
            data: Json = {"request": request_id, "action": request.action.name}
            await audit.append(connection, run_id, "approval.requested", actor="graph", data=data)


async def withdraw(connection: Connection, run_id: str, keep: Collection[str] = ()) -> None:
    """Takes back all pending requests but `keep`."""
    await connection.execute(_WITHDRAW, (run_id, list(keep)))


async def take_back(connection: Connection, run_id: str, ids: Collection[str]) -> None:
    """Takes back those of these requests that are pending."""
    await connection.execute(_TAKE_BACK, (run_id, list(ids)))


async def answers_to(connection: Connection, run_id: str, pending: Collection[str]) -> dict[str, Json]:
    """The answers there are to the requests that the graph waits for, by request id."""
    rows = await (await connection.execute(_ANSWERS, (run_id, list(pending)))).fetchall()
    return {row["id"]: row["answer"] for row in rows}


async def _overdue(connection: Connection, run_id: str) -> Sequence[DictRow]:
    """The pending requests that nobody answered in time."""
    return await (await connection.execute(_OVERDUE, (run_id,))).fetchall()


async def expire(connection: Connection, run_id: str) -> None:
    """Answers the overdue requests as their policies say, unless a person was faster."""
    if not await _overdue(connection, run_id):
        return
    await connection.execute(_LOCK, (run_id,))
    for row in await _overdue(connection, run_id):
        answer = policy_answer(ApprovalRequest.model_validate(row["request"]))
        values = (as_json(answer), TIMEOUT_ACTOR, run_id, row["id"])
        if await (await connection.execute(_EXPIRE, values)).fetchone():
            data: Json = {"request": row["id"], "decision": answer.decision.type}
            await audit.append(connection, run_id, "approval.expired", actor=TIMEOUT_ACTOR, data=data)


def policy_answer(request: ApprovalRequest) -> Answer:
    """What is answered to a request with a time limit once that is over."""
    policy = request.policy
    if policy.on_timeout == "approve":
        return Answer(decisions=(Approve(),), by=TIMEOUT_ACTOR)
    said = f"Nobody answered within {policy.timeout_seconds:g} seconds."
    return Answer(decisions=(Reject(message=said),), by=TIMEOUT_ACTOR)


async def find_pending(connection: Connection, run: RunRecord, request_id: str | None) -> ApprovalRecord:
    """The pending request that is meant; None means the only one. Raises AnswerRefused."""
    approvals = await all_approvals(connection, run.id)
    pending = [approval for approval in approvals if approval.status == "pending"]
    if request_id is None:
        if len(pending) == 1:
            return pending[0]
        many = "Several requests are pending." if pending else "No request is pending."
        raise _refused(run, many, pending)
    for approval in approvals:
        if approval.id == request_id:
            if approval.status == "pending":
                return approval
            raise _refused(run, why_not_pending(approval), pending)
    elsewhere = await (await connection.execute(_ELSEWHERE, (request_id,))).fetchone()
    if elsewhere is not None:
        raise _refused(run, f"The request {request_id} belongs to run {elsewhere['run_id']}.", pending)
    raise _refused(run, f"There is no request {request_id!r}.", pending)


def why_not_pending(approval: ApprovalRecord) -> str:
    """How the request was answered, by whom and when; or that nobody needs to any more."""
    request = f"The request {approval.id} ({approval.point})"
    if approval.answer is None:
        return f"{request} was withdrawn: the run no longer waits for it."
    when = f" at {approval.answered_at.astimezone():%Y-%m-%d %H:%M:%S}" if approval.answered_at else ""
    decision = approval.answer.decision.type
    if approval.status == "expired":
        return f"{request} expired: its timeout policy answered it with {decision}{when}."
    return f"{request} was already answered with {decision} by {approval.answered_by}{when}."


def _refused(run: RunRecord, message: str, pending: Sequence[ApprovalRecord]) -> AnswerRefused:
    listed = ", ".join(f"{approval.point} ({approval.id})" for approval in pending)
    remedy = f"Pending: {listed}." if listed else f"Nothing is pending; the run is {run.status}."
    return AnswerRefused(message, place=f"run {run.id}", remedy=remedy)


def check_allowed(approval: ApprovalRecord, answer: Answer, actor: str) -> None:
    """Raises AnswerRefused when the person or the kind of decision is not allowed."""
    place = f"run {approval.run_id}, {approval.point}"
    approvers = approval.request.policy.approvers
    if approvers and actor not in approvers:
        who = ", ".join(approvers)
        raise AnswerRefused(f"The account {actor} may not answer here.", place=place, remedy=f"Ask {who}.")
    decision = answer.decision
    allowed = approval.request.review_configs[0].allowed_decisions
    if decision.type not in allowed:
        raise AnswerRefused(
            f"The decision {decision.type!r} is not allowed here.",
            place=place,
            remedy=f"Allowed: {', '.join(allowed)}.",
        )
    if isinstance(decision, Edit) and decision.edited_action.name != approval.request.action.name:
        raise AnswerRefused(
            f"The edited action is named {decision.edited_action.name!r}.",
            place=f"{place}, edited_action.name",
            remedy=f"Name it {approval.request.action.name!r}, and give its args in the shape that was shown.",
        )


async def store_answer(connection: Connection, approval: ApprovalRecord, answer: Answer, actor: str) -> bool:
    """Stores the answer, if nobody and no policy was faster; whether it was."""
    # Settling the run looks for answers under the same lock, so that none is overlooked.
    await connection.execute(_LOCK, (approval.run_id,))
    values = (as_json(answer), actor, approval.run_id, approval.id)
    if await (await connection.execute(_STORE, values)).fetchone() is None:
        return False
    data: Json = {"request": approval.id, "point": approval.point, "decision": answer.decision.type}
    await audit.append(connection, approval.run_id, "approval.answered", actor=actor, data=data)
    return True
