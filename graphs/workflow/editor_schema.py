"""The grammar of workflow files as a JSON Schema, with which editors complete and check them."""

from functools import cache
from typing import Any

from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import STEP_TYPES


@cache
def grammar_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a workflow file: what the loader takes, short forms included. Not to be changed."""
    made = WorkflowDefinition.model_json_schema(by_alias=True)
    for kind in {kind.__name__ for kind in STEP_TYPES.values()}:
        step = made["$defs"][kind]  # a default names the type in the program; a file must say it
        step["required"] = sorted({*step.get("required", ()), "type"})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "Stretto workflow"}
