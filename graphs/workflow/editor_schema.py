"""The grammar of workflow files as a JSON Schema, with which editors complete and check them."""

from functools import cache
from typing import Any

from graphs.workflow.chain_form import CHAIN, LINK_FIELDS
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import STEP_TYPES


@cache
def grammar_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a workflow file: what the loader takes, short forms included. Not to be changed."""
    made = WorkflowDefinition.model_json_schema(by_alias=True)
    for kind in {kind.__name__ for kind in STEP_TYPES.values()}:
        step = made["$defs"][kind]  # a default names the type in the program; a file must say it
        step["required"] = sorted({*step.get("required", ()), "type"})
    action = made["$defs"]["ActionStep"]["properties"]
    link = {short: action[long] for short, long in LINK_FIELDS.items()}
    link |= {name: schema for name, schema in action.items() if name not in ("type", *LINK_FIELDS.values())}
    said = (
        "In place of steps: steps one after another, each with tool and input, and when and after where it needs them."
    )
    made["properties"][CHAIN] = {
        "description": said,
        "type": "array",
        "minItems": 1,
        "items": {"type": "object", "properties": link},
    }
    made["required"] = [name for name in made["required"] if name != "steps"]
    made["oneOf"] = [{"required": ["steps"]}, {"required": [CHAIN]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "Stretto workflow"}
