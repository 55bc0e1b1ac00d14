"""Workflow files for the tests of the checks: good ones, and what exists around them."""

import re

from graphs.workflow.checks.definition import check_text
from graphs.workflow.checks.known import Checked, Known, KnownChain, KnownTool, KnownWorkflow
from graphs.workflow.problems import Severity
from tools.database.database_tools import ExecuteInput, QueryInput

KNOWN = Known(
    tools={
        "fetch": KnownTool(
            parameters={
                "type": "object",
                "properties": {"url": {"type": "string"}, "tries": {"type": "integer", "default": 1}},
                "required": ["url"],
            },
            output={"type": "object", "properties": {"status": {"type": "integer"}, "text": {"type": "string"}}},
        ),
        "compute": KnownTool(parameters={"type": "object", "properties": {}, "additionalProperties": True}),
        "ask": KnownTool(parameters={**QueryInput.model_json_schema(), "required": []}),
        "do": KnownTool(parameters={**ExecuteInput.model_json_schema(), "required": []}),
        "pay": KnownTool(
            parameters={"type": "object", "properties": {"amount": {"type": "number"}}}, side_effects="write"
        ),
    },
    chains={
        "answer": KnownChain(
            input={"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]},
            output={"type": "object", "properties": {"answer": {"type": "string"}}, "additionalProperties": False},
        )
    },
    agents={"ann": ("law",), "bob": ("numbers", "tables")},
    workflows={
        "shipping": KnownWorkflow(
            inputs={"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
            outputs=("label",),
            versions=("1.0.0", "2.0.0"),
        )
    },
)

ORDERS = """\
name: orders
version: 1.2.0
description: Takes an order from its check to its receipt.
inputs:
  type: object
  properties:
    order_total: {type: number}
    country: {type: string, default: NL}
    customer:
      type: object
      properties: {id: {type: string}, tier: {type: string}}
      additionalProperties: false
    items:
      type: array
      items: {type: object, properties: {sku: {type: string}, count: {type: integer}}}
  required: [order_total, items]
variables:
  limit: 1000
steps:
  - id: validate
    type: action
    tool: fetch
    input_mapping: {url: "https://shop.example/${workflow.customer.id}", tries: 2}
    output_mapping: {confidence: $output.status, ok: true}
    retry_policy: {max_attempts: 2, delay: 0.5}
    error_handlers:
      - {step: apologize, on: [timeout, unavailable]}
  - id: stock
    type: parallel
    depends_on: [validate]
    for_each: workflow.items
    max_concurrent: 4
    steps:
      - id: reserve
        type: action
        tool: compute
        input_mapping: {sku: $item.sku, place: $index}
        condition: item.count > 0
  - id: clear
    type: human_approval
    depends_on: [stock]
    message: "May order ${workflow.customer.id} over ${workflow.order_total} go on?"
    show: {total: workflow.order_total}
    edit_fields: [total]
    required_for: workflow.order_total > limit && customer.tier != "gold"
    approval: {approvers: [ann, bob], quorum: 2, timeout: 3600, on_timeout: escalate, escalate_to: [cy, dan]}
  - id: pay
    type: action
    tool: pay
    depends_on: [clear]
    input_mapping: {amount: $clear.values.total}
    idempotency_key: "pay-${workflow.customer.id}"
    rollback_actions:
      - {tool: pay, input: {amount: $output.amount}}
  - id: way
    type: conditional
    depends_on: [pay]
    cases:
      - name: abroad
        when: {field: workflow.country, operator: "!=", value: NL}
        steps:
          - {id: ship, type: workflow, workflow: shipping@1.0.0, input_mapping: {order: workflow.customer.id}}
      - when: workflow.order_total > 100
        steps:
          - {id: courier, type: react, task: "Find a courier for ${workflow.country}.", tools: [fetch]}
    else:
      - {id: post, type: wait, duration: 3600}
  - id: apologize
    type: action
    chain: answer
    input_mapping: {question: $error.message}
outputs:
  route: $way.route
  paid: $pay
metrics:
  has_route: output.route != ""
"""
REVIEW = """\
name: review
inputs: {type: object, properties: {text: {type: string}, rounds: {type: integer, default: 3}}}
steps:
  - id: rounds
    type: loop
    until: $last.confidence >= 0.8 || index >= workflow.rounds
    loop_max_iterations: 10
    steps:
      - {id: write, type: react, task: "Better than ${last}: ${workflow.text}", output_schema: {type: object}}
      - id: judge
        type: worker
        capability: law
        depends_on: [write]
        task: Judge ${write}.
        output_schema: {type: object, properties: {confidence: {type: number}}}
  - id: tell
    type: webhook
    depends_on: [rounds]
    url: https://review.example/done
    headers: {X-Round: "${rounds.confidence}"}
    condition: confidence < 0.9
  - {id: pause, type: wait, until: "2026-01-31T12:00:00Z", depends_on: [rounds]}
  - id: team
    type: orchestrator
    goal: Check ${rounds}.
    depends_on: [tell, pause]
    join: any
    workers:
      - {id: lawyer, type: worker, capability: law}
  - {id: undo, type: rollback, to: rounds, depends_on: [team], condition: 'has(team.bad)'}
  - id: done
    type: action
    tool: compute
    depends_on: [undo]
    next_steps: [last_one]
    custom_metrics: {size: size(output)}
  - {id: last_one, type: action, agent: ann, input_mapping: {a: [$done, {b: "$$5 for ${done}"}]}}
"""
GOOD = {"orders": ORDERS, "review": REVIEW}

_MARK = re.compile("[«»]")


def look(text: str, known: Known = KNOWN) -> Checked:
    """What the checks find."""
    return check_text(text, "w.yaml", known)


def marked(text: str) -> tuple[str, set[tuple[int, int, Severity]]]:
    """The text without its marks, and the places that they mark: « an error, » a warning."""
    places: set[tuple[int, int, Severity]] = set()
    for number, line in enumerate(text.splitlines(), 1):
        for count, found in enumerate(_MARK.finditer(line)):
            places.add((number, found.start() - count + 1, "error" if found[0] == "«" else "warning"))
    return _MARK.sub("", text), places
