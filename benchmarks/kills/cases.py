"""Five of the workflows that come with Stretto, as they are killed: between them loops, approvals, events, parallel
parts, compensation, a nested workflow, and research as a step.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from examples.services.shop import Trouble
from graphs.workflow.pinned import Pinned
from run_workflow.workflow_catalog import WorkflowCatalog
from state.runs import Json
from tests.postgres_fixtures import PROJECT


@dataclass(frozen=True)
class Case:
    """A workflow, and what its run is given."""

    shows: str
    """What it has that can be cut in two."""
    changes: Json = field(default_factory=dict)
    """To its example input."""
    troubles: tuple[Trouble, ...] = ()
    """What the services fail in."""


_BOUGHT = [("train", 300), ("laptop", 2400), ("screen", 1200), ("books", 90), ("chair", 1010)]
CASES: Mapping[str, Case] = {
    "order_processing": Case("parallel parts, compensation", troubles=(Trouble("notifications", status=422),)),
    "financial_transaction": Case("an approval, parallel parts"),
    "expense_approval": Case(
        "a loop with approvals, a quorum, an event",
        {
            "total": 6000,
            "receipts_attached": False,
            "items": [{"name": name, "amount": amount} for name, amount in _BOUGHT],
        },
    ),
    "content_moderation": Case("models in parallel parts, an approval"),
    "research_report": Case("a nested workflow: research; an approval", {"least_accuracy": 1.1}),
}
"""By the names of the workflows. The report of the last is never good enough to go out without a person."""


def inputs_of(name: str, services: str) -> Json:
    """The example input of a workflow with the changes of its case, at these services."""
    file = PROJECT / "examples" / "workflows" / f"{name}.json"
    given: Json = {**json.loads(file.read_text(encoding="utf-8")), **CASES[name].changes}
    if "sources" in given:
        given["sources"] = [str(PROJECT / each) for each in given["sources"]]
        return given
    return {**given, "services": services} if name != "expense_approval" else given


async def workflow(name: str) -> Pinned:
    """The workflow as it comes."""

    async def nothing(_: str, __: str) -> None:
        return None

    return await WorkflowCatalog(None).pin(name, nothing)
