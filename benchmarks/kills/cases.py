"""Five workflows whose processes are killed: loops, an approval, compensation, a nested workflow, branches."""

from graphs.workflow.pinned import Pinned, pinned

_CALL = "type: action, tool: http, input_mapping: {method: POST, url: '%s', body: %s}"
_INPUTS = "inputs: {type: object, properties: {url: {type: string}, items: {type: array}}}\n"


def _call(path: str, body: str = "{}") -> str:
    return _CALL % (f"${{workflow.url}}/{path}", body)


_TRIES = "retry_policy: {max_attempts: 4, delay: 0.01, jitter: false, backoff: fixed}"
_UNDO = f"rollback_actions: [{{tool: http, input: {{method: DELETE, url: '${{workflow.url}}/%s'}}, {_TRIES}}}]"
LOOPS = f"""
steps:
  - id: each
    type: loop
    for_each: workflow.items
    results: all
    steps: [{{id: send, {_call("each/${item}", "{turn: $index}")}, output_mapping: {{receipt: $output.body.receipt}}}}]
  - id: again
    type: loop
    depends_on: [each]
    until: index >= 3
    steps: [{{id: try, {_call("flaky/again/${index}")}, output_mapping: {{receipt: $output.body.receipt}}}}]
outputs: {{each: $each, last: $again}}
"""
APPROVAL = f"""
steps:
  - {{id: reserve, {_call("reserve")}}}
  - {{id: ask, type: human_approval, depends_on: [reserve], message: Pay?, show: {{amount: 20}}}}
  - id: way
    type: conditional
    depends_on: [ask]
    cases: [{{when: $ask.values.amount > 10, steps: [{{id: pay, {_call("pay", "{amount: $ask.values.amount}")}}}]}}]
  - {{id: nap, type: wait, duration: 0.02, depends_on: [way]}}
  - {{id: tell, {_call("flaky/tell")}, depends_on: [nap]}}
outputs: {{way: $way.route, told: $tell.body.receipt}}
"""
COMPENSATION = f"""
on_failure: rollback
steps:
  - {{id: a, {_call("a")}, {_UNDO % "a"}}}
  - {{id: b, {_call("b")}, depends_on: [a], {_UNDO % "b"}}}
  - id: c
    type: parallel
    depends_on: [b]
    for_each: workflow.items
    steps: [{{id: part, {_call("c/${item}")}, {_UNDO % "flaky/c/${item}"}}}]
  - {{id: no, {_call("refused")}, depends_on: [c]}}
"""
INNER = f"""
steps:
  - {{id: pack, {_call("pack")}}}
  - {{id: sure, type: human_approval, depends_on: [pack], message: Send it?}}
  - {{id: ship, {_call("ship")}, depends_on: [sure]}}
outputs: {{label: $ship.body.receipt}}
"""
NESTED = f"""
steps:
  - {{id: order, {_call("order")}}}
  - {{id: one, type: workflow, workflow: inner, depends_on: [order], input_mapping: {{url: "${{workflow.url}}/one"}}}}
  - {{id: two, type: workflow, workflow: inner, depends_on: [order], input_mapping: {{url: "${{workflow.url}}/two"}}}}
  - {{id: done, {_call("done")}, depends_on: [one, two]}}
outputs: {{one: $one.label, two: $two.label, done: $done.body.receipt}}
"""
BRANCHES = f"""
max_parallel_steps: 3
steps:
  - {{id: begin, {_call("begin")}}}
  - id: wide
    type: parallel
    depends_on: [begin]
    for_each: workflow.items
    steps: [{{id: part, {_call("wide/${item}")}, {_UNDO % "wide/${item}"}}}]
  - {{id: no, {_call("refused")}, depends_on: [wide], error_handlers: [{{step: mend}}]}}
  - {{id: mend, {_call("flaky/mend")}}}
  - {{id: back, type: rollback, to: begin, depends_on: [wide, no]}}
  - {{id: end, {_call("end")}, depends_on: [back]}}
outputs: {{end: $end.body.receipt, mended: $mend.body.receipt}}
"""


def _pinned(name: str, steps: str, **uses: Pinned) -> Pinned:
    return pinned(f"name: {name}\n{_INPUTS}{_TRIES}\n{steps}", f"{name}.yaml", uses)


def cases() -> dict[str, Pinned]:
    """The workflows by name."""
    texts = {"loops": LOOPS, "approval": APPROVAL, "compensation": COMPENSATION, "branches": BRANCHES}
    made = {name: _pinned(name, text) for name, text in texts.items()}
    return {**made, "nested": _pinned("nested", NESTED, inner=_pinned("inner", INNER))}
