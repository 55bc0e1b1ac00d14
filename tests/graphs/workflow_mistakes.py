"""Workflow files that are wrong in one way each: « marks the place of an error, » that of a warning."""

HEAD = """name: w
inputs:
  type: object
  properties:
    amount: {type: number}
    count: {type: integer}
    name: {type: string}
    customer: {type: object, properties: {id: {type: string}}, additionalProperties: false}
    loose: {type: object, properties: {id: {type: string}}}
    items: {type: array, items: {type: object, properties: {sku: {type: string}}, additionalProperties: false}}
variables: {limit: 3}
steps:
"""
STEPS: dict[str, tuple[str, str]] = {
    # ids and links
    "an id twice": ("- {id: a, type: wait, duration: 1}\n- {id: «a, type: wait, duration: 1}", "given twice.*line 13"),
    "an id with a meaning": ("- {id: «item, type: wait, duration: 1}", "meaning of its own"),
    "an id that hides": (
        "- {id: a, type: loop, for_each: workflow.items, steps: [{id: «a, type: wait, duration: 1}]}",
        "hides that of the step around it",
    ),
    "no such step before": (
        "- {id: check, type: wait, duration: 1}\n- {id: b, type: wait, duration: 1, depends_on: [«chek]}",
        "Did you mean 'check'",
    ),
    "no such next step": ("- {id: a, type: wait, duration: 1, next_steps: [«b]}", "no step 'b'"),
    "no such handler": ("- {id: a, type: wait, duration: 1, error_handlers: [{step: «b}]}", "no step 'b'"),
    "no such point": ("- {id: a, type: rollback, to: «b}", "no step 'b'"),
    "a point that comes later": (
        "- {id: a, type: rollback, to: «b}\n- {id: b, type: wait, duration: 1}",
        "does not come before",
    ),
    "a link between branches": (
        "- id: p\n  type: parallel\n  steps:\n  - {id: a, type: wait, duration: 1}\n"
        "  - {id: b, type: wait, duration: 1, depends_on: [«a]}",
        "branches of a parallel step",
    ),
    "a link into a step": (
        "- {id: l, type: loop, for_each: workflow.items, steps: [{id: a, type: wait, duration: 1}]}\n"
        "- {id: b, type: wait, duration: 1, depends_on: [«a]}",
        "does not stand beside",
    ),
    "a cycle": (
        "- {id: a, type: wait, duration: 1, depends_on: «[c]}\n- {id: b, type: wait, duration: 1, depends_on: [a]}\n"
        "- {id: c, type: wait, duration: 1, depends_on: [b]}",
        "a -> b -> c -> a|a -> c -> b -> a",
    ),
    "a step after itself": ("- {id: a, type: wait, duration: 1, depends_on: «[a]}", "a -> a"),
    # who does it
    "no such tool": ("- {id: a, type: action, tool: «fetsh}", "no tool 'fetsh'.*Did you mean 'fetch'"),
    "no such tool of an agent": (
        "- {id: a, type: react, task: x, tools: [fetch, «x]}",
        "There are: ask, compute, do, fetch, pay",
    ),
    "no such tool to undo": (
        "- {id: a, type: wait, duration: 1, rollback_actions: [{tool: «x}]}",
        "no tool 'x'",
    ),
    "no such version": (
        "- {id: a, type: workflow, workflow: «shipping@3.0.0, input_mapping: {order: x}}",
        "no version",
    ),
    "no such chain": ("- {id: a, type: action, chain: «x}", "no chain 'x'"),
    "no such agent": ("- {id: a, type: action, agent: «x}", "no agent 'x'"),
    "nobody is able": ("- {id: a, type: action, agent_capability: «laws}", "Did you mean 'law'"),
    "a chain's input that is unknown": (
        "- {id: a, type: action, chain: answer, input_mapping: {question: x, «questions: 1}}",
        "does not know 'questions'",
    ),
    "a chain's output that is unknown": (
        "- {id: a, type: action, chain: answer, input_mapping: {question: x}}\n"
        "- {id: b, type: react, task: «$a.answers, depends_on: [a]}",
        "Did you mean 'answer'",
    ),
    "nobody is able to be the worker": ("- {id: a, type: worker, capability: «laws, task: x}", "Did you mean 'law'"),
    "a worker without a task": ("- «{id: a, type: worker, capability: law}", "has no task"),
    "a tool to allow that is not the step's": (
        "- {id: a, type: react, task: x, tools: [fetch], without_approval: [«pay]}",
        "no tool of this step 'pay'",
    ),
    "a part of a text": (
        "- {id: a, type: react, task: x}\n- {id: b, type: react, task: «$a.answer, depends_on: [a]}",
        "no parts by name",
    ),
    "no such workflow": ("- {id: a, type: workflow, workflow: «x}", "no workflow 'x'"),
    "a workflow in itself": ("- {id: a, type: workflow, workflow: «w}", "starts itself"),
    "a parameter that is missing": ("- {id: a, type: action, tool: fetch, «input_mapping: {tries: 1}}", "needs 'url'"),
    "a parameter that is unknown": (
        "- {id: a, type: action, tool: fetch, input_mapping: {url: x, «urls: 1}}",
        "does not know 'urls'",
    ),
    "a parameter of another type": (
        "- {id: a, type: action, tool: fetch, input_mapping: {url: «1}}",
        'not of type "string"',
    ),
    "a reference of another type": (
        "- {id: a, type: action, tool: fetch, input_mapping: {url: «workflow.amount}}",
        "must be of the type string",
    ),
    "SQL with a value": ('- {id: a, type: action, tool: ask, input_mapping: {sql: «"X ${workflow.name}"}}', "constant"),
    "SQL from a value": ("- {id: a, type: action, tool: ask, input_mapping: {sql: «workflow.name}}", "constant"),
    "SQL in a list": ("- {id: a, type: action, tool: do, input_mapping: {statements: [{sql: «$item}]}}", "constant"),
    "an input of a workflow": ("- {id: a, type: workflow, workflow: shipping, «input_mapping: {}}", "needs 'order'"),
    "a side effect": ("- {id: a, type: action, tool: »pay}", "idempotency_key"),
    # references
    "no such input": (
        "- {id: a, type: react, task: 'x ${workflow.amuont}'}".replace("task: ", "task: «"),
        "Did you mean 'amount'",
    ),
    "no such part of an input": ("- {id: a, type: react, task: «$workflow.customer.idd}", "Did you mean 'id'"),
    "a part that is not declared": ("- {id: a, type: react, task: »$workflow.loose.idd}", "Did you mean 'id'"),
    "a part of a number": ("- {id: a, type: react, task: «$workflow.amount.x}", "no parts by name"),
    "a step in a reference": ("- {id: a, type: react, task: «$b}", "no step 'b'"),
    "an output too early": (
        "- {id: a, type: react, task: «$b}\n- {id: b, type: wait, duration: 1}",
        "Add 'b' to its depends_on",
    ),
    "an output of another branch": (
        "- id: p\n  type: parallel\n  steps:\n  - {id: a, type: wait, duration: 1}\n"
        "  - {id: b, type: react, task: «$a}",
        "Branches run side by side",
    ),
    "its own output": ("- {id: a, type: react, task: «$a}", "its own output"),
    "an output from within": (
        "- {id: l, type: loop, for_each: workflow.items, steps: [{id: a, type: wait, duration: 1}]}\n"
        "- {id: b, type: react, task: «$a, depends_on: [l]}",
        "stands within another step",
    ),
    "an unknown output": (
        "- {id: a, type: wait, duration: 1, output_mapping: {x: 1}}\n"
        "- {id: b, type: react, task: «$a.y, depends_on: [a]}",
        r"\$a has no 'y'",
    ),
    "a validated output": (
        "- {id: a, type: action, tool: compute, output_validation: {type: object, properties: {ok: {}}}}\n"
        "- {id: b, type: react, task: »$a.okay, depends_on: [a]}",
        "Did you mean 'ok'",
    ),
    "an item out of a loop": ("- {id: a, type: react, task: «$item}", "for_each"),
    "a part of an item": (
        "- {id: l, type: loop, for_each: workflow.items, steps: [{id: a, type: react, task: «$item.skuu}]}",
        "Did you mean 'sku'",
    ),
    "a last turn out of a loop": ("- {id: a, type: react, task: «$last}", "within a loop"),
    "an output out of place": (
        "- {id: a, type: action, tool: compute, input_mapping: {x: [{y: «$output}]}}",
        "output_mapping",
    ),
    "an error out of place": ("- {id: a, type: react, task: «$error.message}", "error_handlers"),
    "the failed step itself": (
        "- {id: a, type: wait, duration: 1, error_handlers: [{step: b}]}\n- {id: b, type: react, task: «$a.until}",
        "has failed when",
    ),
    "a broken reference": ("- {id: a, type: react, task: «'x ${a b} y'}", "names nothing"),
    "a reference without braces": (
        "- {id: a, type: react, task: »'x $b'}\n- {id: b, type: wait, duration: 1, next_steps: [a]}",
        r"Write \$\{b\}",
    ),
    "an address": ("- {id: a, type: webhook, url: «'${workflow.x}'}", "no input or variable 'x'"),
    "a key": ("- {id: a, type: wait, duration: 1, cache: {key: «$x}}", "no step 'x'"),
    "a list that is none": (
        "- {id: a, type: loop, for_each: «workflow.name, steps: [{id: b, type: wait, duration: 1}]}",
        "not a list",
    ),
    "a list without a name": (
        "- {id: a, type: loop, for_each: «'[1]', steps: [{id: b, type: wait, duration: 1}]}",
        "no reference",
    ),
    # conditions and figures
    "a condition on nothing": (
        "- {id: a, type: wait, duration: 1, condition: «amuont > 3}",
        "Did you mean workflow.amount",
    ),
    "a condition of another type": ("- {id: a, type: wait, duration: 1, condition: «name > 3}", "a text in quotes"),
    "a nested property": (
        "- {id: a, type: wait, duration: 1, conditions: ['true', «customer.id > 3]}",
        "cannot be used on",
    ),
    "a nested property that is none": (
        "- {id: a, type: wait, duration: 1, condition: «customer.idd == 'x'}",
        "Did you mean 'id'",
    ),
    "a condition that is a number": ("- {id: a, type: wait, duration: 1, condition: «amount + 1}", "true or false"),
    "a condition in words": ("- {id: a, type: wait, duration: 1, condition: «amount > 1 and count > 2}", "Write &&"),
    "a condition that cannot be computed": (
        "- {id: a, type: wait, duration: 1, condition: «1/0 == 1}",
        "divide by zero",
    ),
    "a condition in parts": (
        "- {id: a, type: wait, duration: 1, condition: «{field: workflow.amuont, operator: '>', value: 1}}",
        "amuont",
    ),
    "a condition on an output too early": (
        "- {id: a, type: wait, duration: 1, condition: «$b.until != ''}\n- {id: b, type: wait, duration: 1}",
        "does not come before",
    ),
    "a known output in a condition": (
        "- {id: a, type: wait, duration: 1, output_mapping: {n: 3}}\n"
        "- {id: b, type: wait, duration: 1, depends_on: [a], condition: «$a.n == 'x'}",
        "cannot be used on",
    ),
    "a figure": ("- {id: a, type: wait, duration: 1, custom_metrics: {n: «output.until}}", "a figure is a number"),
    "a figure of nothing": (
        "- {id: a, type: wait, duration: 1, custom_metrics: {n: «size(output.untill)}}",
        "Did you mean 'until'",
    ),
    "one text with two meanings": (
        "- {id: x, type: wait, duration: 1}\n- {id: y, type: wait, duration: 1}\n"
        "- {id: p, type: loop, for_each: workflow.items, steps: [{id: z, type: action, tool: compute}, {id: a, "
        "type: wait, duration: 1, depends_on: [z], condition: ok == 1}]}\n"
        "- {id: q, type: loop, for_each: workflow.items, steps: [{id: v, type: action, tool: compute}, {id: a, "
        "type: wait, duration: 1, depends_on: [v], condition: «ok == 1}]}",
        "means something else",
    ),
    # what can never run
    "a false condition": ("- {id: a, type: wait, duration: 1, condition: »'false'}", "never runs"),
    "a join of too many": (
        "- {id: a, type: wait, duration: 1}\n- {id: b, type: wait, duration: 1, depends_on: [a], join: «{count: 2}}",
        "needs 2",
    ),
    "branches of none": ("- {id: a, type: wait, duration: 1, join: {count: 2, of: «branches}}", "counts branches, and"),
    "a join of the impossible": (
        "- {id: a, type: wait, duration: 1, condition: »'1 > 2'}\n"
        "- {id: b, type: wait, duration: 1, depends_on: [a], join: «any}",
        "'b' never runs",
    ),
    "a way after a true one": (
        "- id: a\n  type: conditional\n  cases:\n  - {when: 'true'}\n  - {when: »amount > 1}\n"
        "  else: »[{id: b, type: wait, duration: 1}]",
        "never taken",
    ),
    "a handler after any": (
        "- {id: a, type: wait, duration: 1, error_handlers: [{step: b}, «{step: c, on: [timeout]}]}\n"
        "- {id: b, type: wait, duration: 1}\n- {id: c, type: wait, duration: 1}",
        "takes all its errors",
    ),
    "a handler of nothing": (
        "- {id: a, type: wait, duration: 1, error_handlers: [{step: b, on: «[]}]}\n- {id: b, type: wait, duration: 1}",
        "for no error",
    ),
    "a handler of what goes on": (
        "- {id: a, type: wait, duration: 1, retry_policy: {continue_on_failure: true}, «error_handlers: [{step: b}]}\n"
        "- {id: b, type: wait, duration: 1}",
        "continue_on_failure",
    ),
    "a copy that would be undone": (
        "- {id: a, type: wait, duration: 1, «cache: {ttl: 5}, rollback_actions: [{tool: pay}]}",
        "made by another run",
    ),
    "a handler that waits": (
        "- {id: a, type: wait, duration: 1, error_handlers: [{step: b}]}\n- {id: c, type: wait, duration: 1}\n"
        "- {id: b, type: wait, duration: 1, depends_on: «[c]}",
        "does not wait for other steps",
    ),
    "a handler that is also a next step": (
        "- {id: a, type: wait, duration: 1, error_handlers: [{step: b}]}\n"
        "- {id: c, type: wait, duration: 1, next_steps: [«b]}\n- {id: b, type: wait, duration: 1}",
        "does not wait for other steps",
    ),
    "a loop without an end": (
        "- {id: a, type: loop, while: »'true', loop_max_iterations: 100000, steps: [{id: b, type: wait, duration: 1}]}",
        "after 100,000 turns",
    ),
    "a loop that cannot end": (
        "- {id: a, type: loop, until: »'false', steps: [{id: b, type: wait, duration: 1}]}",
        "Nothing ends this loop",
    ),
    "a loop that never runs": (
        "- {id: a, type: loop, while: »'false', steps: [{id: b, type: wait, duration: 1}]}",
        "never runs",
    ),
    # bounds
    "too few people": (
        "- {id: a, type: human_approval, message: x, approval: {quorum: 2, approvers: «[ann, ann]}}",
        "answer once",
    ),
    "too few people above": (
        "- {id: a, type: human_approval, message: x, approval: {quorum: 2, "
        "on_timeout: escalate, timeout: 1, escalate_to: «[ann]}}",
        "escalate_to names 1",
    ),
    "nobody's name": ("- {id: a, type: human_approval, message: x, approval: {approvers: [«'', ann]}}", "empty name"),
    "no way to say yes": ("- {id: a, type: human_approval, message: x, decisions: «[reject]}", "say yes"),
    "nothing to edit": ("- {id: a, type: human_approval, message: x, decisions: «[edit, reject]}", "say yes"),
    "a field that is not shown": (
        "- {id: a, type: human_approval, message: x, show: {total: 1}, edit_fields: [«totl]}",
        "Did you mean 'total'",
    ),
    "fields that nobody may edit": (
        "- {id: a, type: human_approval, message: x, show: {t: 1}, decisions: [approve], edit_fields: »[t]}",
        "does nothing",
    ),
    "a time out that never comes": (
        "- {id: a, type: human_approval, message: x, approval: {on_timeout: »approve}}",
        "waits for ever",
    ),
    "nobody is asked": ("- {id: a, type: human_approval, message: x, required_for: »'false'}", "Nobody is ever asked"),
    "a time of no kind": ("- {id: a, type: wait, until: «tomorrow}", "is no time"),
    "a time without a zone": ("- {id: a, type: wait, until: «'2026-01-31T12:00:00'}", "no time zone"),
    "seconds of no kind": ("- {id: a, type: wait, duration: «soon}", "number of seconds"),
    "an address of no kind": ("- {id: a, type: webhook, url: «shop.example}", "is no address"),
    "pauses that are too long": (
        "- {id: a, type: wait, duration: 1, retry_policy: »{max_attempts: 100}}",
        "pauses between 100 tries",
    ),
    "a step longer than the whole": ("- {id: a, type: react, task: x, timeout: »4000}", "only 3600 s"),
    # schemas
    "a schema that is none": (
        "- {id: a, type: wait, duration: 1, input_validation: {type: «strin}}",
        "no type 'strin'",
    ),
    "a schema from elsewhere": (
        "- {id: a, type: wait, duration: 1, output_validation: {properties: {x: {$ref: «'https://x.example/y'}}}}",
        "none is fetched",
    ),
    "the form of an answer": (
        "- {id: a, type: react, task: x, output_schema: «{required: 3}}".replace("«{required: ", "{required: «"),
        "not a JSON Schema",
    ),
}
FILES: dict[str, tuple[str, str]] = {
    "a default that does not fit": (
        "name: w\ninputs: {type: object, properties: {n: {type: integer, default: «x}}}\n"
        "steps: [{id: a, type: wait, duration: 1}]",
        "default of 'n'",
    ),
    "a variable that hides": (
        "name: w\ninputs: {type: object, properties: {n: {}}}\nvariables: {«n: 1}\n"
        "steps: [{id: a, type: wait, duration: 1}]",
        "hides the input",
    ),
    "inputs that are a list": (
        "name: w\ninputs: {type: «array}\nsteps: [{id: a, type: wait, duration: 1}]",
        "a name and a value",
    ),
    "inputs without properties": (
        "name: w\ninputs: »{n: {type: integer}}\nsteps: [{id: a, type: wait, duration: 1}]",
        "under `properties`",
    ),
    "outputs of nothing": ("name: w\noutputs: {x: {y: «$b}}\nsteps: [{id: a, type: wait, duration: 1}]", "no step 'b'"),
    "a figure of the run": (
        "name: w\nmetrics: {x: «output.b}\noutputs: {a: 1}\nsteps: [{id: a, type: wait, duration: 1}]",
        "has no 'b'",
    ),
    "a branch that nobody waits for": (
        "name: w\noutputs: {x: $b}\nsteps:\n- {id: a, type: wait, duration: 1}\n"
        "- {id: b, type: wait, duration: 1, depends_on: [a]}\n"
        "- »{id: c, type: action, tool: compute, depends_on: [a]}",
        "a branch after 'a' that nobody waits for",
    ),
    "who must approve the start": (
        "name: w\nrequire_approval: {quorum: 2, approvers: «[a, a]}\nsteps: [{id: a, type: wait, duration: 1}]",
        "answer once",
    ),
    "a channel without an address": (
        "name: w\nnotification_channels: [{type: «webhook}]\nsteps: [{id: a, type: wait, duration: 1}]",
        "needs the address",
    ),
    "an unknown field": ("name: w\nsteps:\n- {id: a, type: wait, duration: 1, «timeuot: 3}", "Did you mean 'timeout'"),
    "an unknown field in an action": (
        "name: w\nsteps:\n- {id: a, type: wait, duration: 1, rollback_actions: [{tool: x, «inputs: {}}]}",
        "Did you mean 'input'",
    ),
    "an unknown field in an approval": (
        "name: w\nsteps:\n- {id: a, type: human_approval, message: x, approval: {«quorom: 2}}",
        "Did you mean 'quorum'",
    ),
    "an unknown type": ("name: w\nsteps:\n- «{id: a, type: lop}", "Did you mean 'loop'"),
    "no type": ("name: w\nsteps:\n- «{id: a}", "has no type"),
    "a short form that is none": (
        "name: w\nsteps:\n- {id: a, type: wait, duration: 1, join: «most}",
        r"'most' cannot stand here. Write all, any, or {count: 2}",
    ),
    "a short form of no number": (
        "name: w\nsteps:\n- {id: a, type: wait, duration: 1, join: {count: «0}}",
        "greater than or equal to 1",
    ),
    "a short form of another type": ("name: w\nsteps:\n- {id: a, type: wait, duration: 1, join: «7}", "all, any"),
    "a truth value": (
        "name: w\nsteps:\n- {id: a, type: action, tool: x, metrics_enabled: [«1]}".replace("[«1]", "«[1]"),
        "true or false",
    ),
    "a number": ("name: w\nsteps:\n- {id: a, type: wait, duration: 1, timeout: «-1}", "greater than 0"),
    "a condition that is a list": ("name: w\nsteps:\n- {id: a, type: wait, duration: 1, condition: «[x]}", "condition"),
    "an operator": (
        "name: w\nsteps:\n- {id: a, type: wait, duration: 1, condition: {field: x, operator: «is}}",
        r"operator: 'is' cannot stand here. Write one of: !=, <, <=, ==, >, >=, contains, is_none",
    ),
    "a key twice": ("name: w\n«name: v\nsteps:\n- {id: a, type: wait, duration: 1}", "given twice"),
    "an octal": ("name: w\nsteps:\n- {id: a, type: wait, duration: «010}", "8-based"),
    "a truth value of old": ("name: w\ndescription: »on\nsteps:\n- {id: a, type: wait, duration: 1}", "read as text"),
    "a time of old": ("name: w\nsteps:\n- {id: a, type: wait, duration: 1, name: »12:30:00}", "read as text"),
    "no steps": ("name: w\nsteps: «[]", "steps"),
    "a list": ("«[1]", "list of fields"),
    "nothing": ("«", "empty"),
    "no YAML": ("name: w\nsteps: [a, b\n«", "not YAML"),
}
CASES = {name: (HEAD + steps, words) for name, (steps, words) in STEPS.items()} | FILES
