"""Each field of workflow files, and the tests that fail when it is ignored.

`python -m tests.workflow_fields` writes the table of docs/workflows.md; a test holds both together, and to the fields
that there are.
"""

import inspect
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from state.runs import Json
from state.workflow import definition, policies, steps
from state.workflow.policies import REFERENCES, Grammar

PAGE = Path(__file__).parents[1] / "docs" / "workflows.md"
_MOST_WAYS = 6
"""A union of more is that of all types of steps."""
BEGIN = "<!-- made by python -m tests.workflow_fields -->\n"

PLACES = {
    "WorkflowDefinition": "the workflow",
    "Step": "every step",
    "ActionStep": "`action`, `sequential`",
    "ParallelStep": "`parallel`",
    "ConditionalStep": "`conditional`, `condition`",
    "Case": "one of `cases`",
    "Classify": "`classify`",
    "LoopStep": "`loop`",
    "ReactStep": "`react`",
    "ReactLimits": "`limits`",
    "HumanApprovalStep": "`human_approval`, `human_task`",
    "Approval": "`approval`, `require_approval`",
    "OrchestratorStep": "`orchestrator`",
    "WorkerStep": "`worker`",
    "WebhookStep": "`webhook`",
    "WaitStep": "`wait`",
    "RollbackStep": "`rollback`",
    "WorkflowStep": "`workflow`",
    "StructuredCondition": "a condition in parts",
    "Join": "`join`",
    "RetryPolicy": "`retry_policy`",
    "Handler": "one of `error_handlers`",
    "Call": "one of `rollback_actions`",
    "Cache": "`cache`",
    "SlaTargets": "`sla_targets`",
    "WebhookEndpoint": "one of `webhook_endpoints`",
    "NotificationChannel": "one of `notification_channels`",
}
"""By class: where its fields stand in a file, in the order of the table."""

HELD = """
WorkflowDefinition.name test_what_people_read_is_shown
WorkflowDefinition.version test_versions_are_pinned_with_all_that_they_use
WorkflowDefinition.description test_what_people_read_is_shown
WorkflowDefinition.tags test_what_people_read_is_shown
WorkflowDefinition.owner test_what_people_read_is_shown
WorkflowDefinition.inputs test_inputs_are_completed_and_checked
WorkflowDefinition.outputs test_a_workflow_as_a_step
WorkflowDefinition.variables test_variables_are_values_of_the_workflow
WorkflowDefinition.steps test_every_workflow_ends_as_the_rules_say
WorkflowDefinition.timeout test_the_time_that_a_run_may_work
WorkflowDefinition.max_parallel_steps test_branches_at_a_time
WorkflowDefinition.retry_policy test_the_policy_of_the_workflow_is_for_steps_without_one
WorkflowDefinition.sla_targets test_promises_that_are_missed_are_said
WorkflowDefinition.require_approval test_who_may_start_and_who_approves_the_start
WorkflowDefinition.allowed_users test_who_may_start_and_who_approves_the_start
WorkflowDefinition.webhook_endpoints test_programs_are_told_of_the_events_that_they_name
WorkflowDefinition.notification_channels test_people_are_told_when_they_are_needed
WorkflowDefinition.log_level test_the_definition_says_what_is_logged
WorkflowDefinition.metrics test_figures_of_a_run_and_its_steps
WorkflowDefinition.optimization_enabled test_the_longest_way_to_the_end_goes_first
WorkflowDefinition.adaptive_routing test_success_so_far_counts_where_the_workflow_says_so
WorkflowDefinition.on_failure test_a_failed_run_is_undone test_a_failure_stops_what_has_not_started
Step.id test_what_people_read_is_shown
Step.name test_what_people_read_is_shown
Step.depends_on test_every_workflow_ends_as_the_rules_say
Step.condition test_every_workflow_ends_as_the_rules_say
Step.conditions test_all_conditions_must_hold
Step.next_steps test_next_steps_are_dependencies_from_the_other_side
Step.error_handlers test_an_error_handler_takes_over
Step.join test_every_workflow_ends_as_the_rules_say
Step.input_mapping test_variables_are_values_of_the_workflow
Step.output_mapping test_an_output_is_kept_for_other_runs
Step.input_validation test_inputs_and_outputs_are_held_to_their_schema
Step.output_validation test_inputs_and_outputs_are_held_to_their_schema
Step.timeout test_one_try_has_only_its_time
Step.retry_policy test_transient_failures_are_tried_again
Step.rollback_actions test_what_completed_before_a_failure_is_undone
Step.cache test_an_output_is_kept_for_other_runs
Step.idempotency_key test_a_key_of_the_steps_own_is_filled
Step.priority test_the_more_important_step_starts_first
Step.security_level test_confidential_steps_leave_no_trace_in_words
Step.custom_metrics test_figures_of_a_run_and_its_steps
Step.metrics_enabled test_figures_of_a_run_and_its_steps
Step.agent_capability test_an_action_can_be_a_chain_or_an_agent
ActionStep.type test_types_have_their_other_names
ActionStep.tool test_an_action_calls_its_tool_with_what_the_steps_before_gave
ActionStep.chain test_an_action_can_be_a_chain_or_an_agent
ActionStep.agent test_an_action_can_be_a_chain_or_an_agent
ParallelStep.type test_branches_over_a_list
ParallelStep.steps test_the_first_branch_wins
ParallelStep.for_each test_branches_over_a_list
ParallelStep.grows_on test_a_list_that_grows_outlives_the_process
ParallelStep.max_concurrent test_branches_at_a_time
ParallelStep.parallel_failure_threshold test_every_workflow_ends_as_the_rules_say
ParallelStep.first_wins test_the_first_branch_wins
Case.when test_a_conditional_takes_the_first_true_way
Case.steps test_a_conditional_takes_the_first_true_way
Case.name test_a_conditional_takes_the_first_true_way
Classify.input test_without_a_key_words_choose_the_way
Classify.routes test_without_a_key_words_choose_the_way
Classify.model test_a_step_asks_the_model_that_it_names
ConditionalStep.type test_types_have_their_other_names
ConditionalStep.cases test_a_conditional_takes_the_first_true_way
ConditionalStep.classify test_a_model_chooses_the_way
ConditionalStep.routes test_a_model_chooses_the_way
ConditionalStep.else test_a_conditional_takes_the_first_true_way
LoopStep.type test_a_loop_ends_by_its_condition_or_its_bound
LoopStep.while test_a_loop_gives_its_last_result_or_all
LoopStep.until test_a_loop_ends_by_its_condition_or_its_bound
LoopStep.for_each test_an_approval_in_a_loop_is_asked_each_turn
LoopStep.loop_max_iterations test_a_loop_ends_by_its_condition_or_its_bound
LoopStep.steps test_a_loop_gives_its_last_result_or_all
LoopStep.results test_a_loop_gives_its_last_result_or_all
ReactStep.type test_an_agent_acts_and_answers_in_the_form
ReactStep.task test_values_of_a_task_stand_apart_from_it
ReactStep.tools test_an_agent_acts_and_answers_in_the_form
ReactStep.without_approval test_a_policy_can_allow_the_call
ReactStep.limits test_limits_end_the_agent
ReactStep.output_schema test_an_agent_acts_and_answers_in_the_form
ReactStep.model test_a_model_that_is_not_there_is_said
ReactLimits.turns test_limits_end_the_agent
ReactLimits.tokens test_limits_end_the_agent
ReactLimits.money test_limits_end_the_agent
HumanApprovalStep.type test_a_rejection_fails_the_step
HumanApprovalStep.message test_a_step_says_which_decisions_there_are
HumanApprovalStep.show test_a_run_keeps_the_definition_that_it_began_with
HumanApprovalStep.required_for test_not_every_case_needs_a_person
HumanApprovalStep.approval test_a_quorum_needs_different_people
HumanApprovalStep.decisions test_a_step_says_which_decisions_there_are
HumanApprovalStep.edit_fields test_a_run_keeps_the_definition_that_it_began_with
Approval.approvers test_who_may_start_and_who_approves_the_start
Approval.quorum test_a_quorum_needs_different_people
Approval.timeout test_an_unanswered_request_escalates
Approval.on_timeout test_an_unanswered_request_escalates test_the_first_decides
Approval.escalate_to test_an_unanswered_request_escalates
OrchestratorStep.type test_a_goal_is_split_done_and_joined
OrchestratorStep.goal test_a_team_works_without_a_key
OrchestratorStep.workers test_a_goal_is_split_done_and_joined
OrchestratorStep.max_tasks test_rounds_and_tasks_are_bounded
OrchestratorStep.max_rounds test_rounds_and_tasks_are_bounded
OrchestratorStep.max_concurrent test_tasks_at_a_time
OrchestratorStep.model test_a_step_asks_the_model_that_it_names
WorkerStep.type test_a_worker_is_the_specialist_for_its_capability
WorkerStep.capability test_a_worker_is_the_specialist_for_its_capability
WorkerStep.task test_a_worker_works_within_what_its_step_says
WorkerStep.tools test_a_worker_works_within_what_its_step_says
WorkerStep.without_approval test_a_worker_works_within_what_its_step_says
WorkerStep.limits test_a_worker_works_within_what_its_step_says
WorkerStep.output_schema test_a_worker_works_within_what_its_step_says
WorkerStep.model test_a_step_asks_the_model_that_it_names
WebhookStep.type test_a_webhook_is_signed_and_its_receiver_can_check_that
WebhookStep.url test_a_webhook_is_signed_and_its_receiver_can_check_that
WebhookStep.method test_a_secret_that_cannot_sign_is_refused
WebhookStep.headers test_a_webhook_is_signed_and_its_receiver_can_check_that
WebhookStep.secret test_a_webhook_is_signed_and_its_receiver_can_check_that
WebhookStep.wait_for_callback test_a_webhook_waits_for_its_callback
WebhookStep.callback_timeout test_a_webhook_waits_for_its_callback
WaitStep.type test_waiting_for_a_time_outlives_the_process
WaitStep.duration test_waiting_for_a_time_outlives_the_process
WaitStep.until test_waiting_until_a_time_of_day
WaitStep.event test_an_event_that_came_early_is_kept
WaitStep.event_timeout test_an_event_and_its_time_have_one_winner
WaitStep.transient test_a_transient_event_counts_only_while_it_is_waited_for
RollbackStep.type test_a_rollback_step_undoes_what_came_after_a_step
RollbackStep.to test_a_rollback_step_undoes_what_came_after_a_step
WorkflowStep.type test_a_workflow_as_a_step
WorkflowStep.workflow test_a_workflow_as_a_step
StructuredCondition.field test_all_conditions_must_hold
StructuredCondition.operator test_conditions_in_parts
StructuredCondition.value test_all_conditions_must_hold
Join.need test_every_workflow_ends_as_the_rules_say
Join.on_rest test_what_becomes_of_the_rest_of_a_join
Join.of test_enough_branches_are_gone_on_from
RetryPolicy.max_attempts test_pauses_grow_as_the_policy_says
RetryPolicy.backoff test_pauses_grow_as_the_policy_says
RetryPolicy.delay test_pauses_grow_as_the_policy_says
RetryPolicy.multiplier test_pauses_grow_as_the_policy_says
RetryPolicy.max_delay test_pauses_grow_as_the_policy_says
RetryPolicy.jitter test_pauses_grow_as_the_policy_says
RetryPolicy.retry_on test_what_is_given_up_on_is_not_tried_again
RetryPolicy.give_up_on test_what_is_given_up_on_is_not_tried_again
RetryPolicy.continue_on_failure test_every_workflow_ends_as_the_rules_say
Handler.step test_an_error_handler_takes_over
Handler.on test_an_error_handler_takes_over
Call.tool test_an_action_sees_what_its_step_saw
Call.input test_an_action_sees_what_its_step_saw
Call.timeout test_an_action_has_its_own_time
Call.retry_policy test_an_action_is_tried_again_by_its_policy
Call.idempotency_key test_an_action_sees_what_its_step_saw
Cache.key test_a_key_says_what_the_output_follows_from
Cache.ttl test_an_output_is_kept_for_other_runs
SlaTargets.max_execution_time test_promises_that_are_missed_are_said
SlaTargets.min_success_rate test_promises_that_are_missed_are_said
WebhookEndpoint.url test_programs_are_told_of_the_events_that_they_name
WebhookEndpoint.events test_programs_are_told_of_the_events_that_they_name
WebhookEndpoint.secret test_programs_are_told_of_the_events_that_they_name
NotificationChannel.type test_people_are_told_when_they_are_needed
NotificationChannel.target test_people_are_told_when_they_are_needed
NotificationChannel.on test_people_are_told_when_they_are_needed
"""
TESTS = {field: tuple(tests) for field, *tests in (line.split() for line in HELD.split("\n") if line)}
"""By class and name of a field: the tests that fail when it is ignored."""


@cache
def fields() -> tuple[tuple[str, Json], ...]:
    """Every field of the grammar, as files write it, with its JSON Schema, in the order of the table."""
    return tuple(_fields())


def _fields() -> Iterator[tuple[str, Json]]:
    kinds = {
        name: kind
        for module in (definition, steps, policies)
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, Grammar) and kind is not Grammar
    }
    for name in [*PLACES, *sorted(set(kinds) - set(PLACES))]:
        kind = kinds[name]
        whole = kind.model_json_schema()
        schema = whole["$defs"][name] if "$ref" in whole else whole
        shown = (
            schema.get("properties") or schema["anyOf"][1]["properties"]
        )  # a join has short forms beside its long one
        own = (info.alias or field for field, info in kind.model_fields.items() if field in kind.__annotations__)
        needed = schema.get("required", ())
        yield from ((f"{name}.{field}", {**shown[field], "is_needed": field in needed}) for field in own)


def table() -> str:
    """The rows of all fields, with what each takes, what it is by default and what it means."""
    lines = ["| where | field | takes | default | meaning | held by |", "|---|---|---|---|---|---|"]
    for field, schema in fields():
        kind, _, name = field.partition(".")
        meaning = " ".join(schema.get("description", "").partition(REFERENCES)[0].split())
        cells = [
            PLACES[kind],
            f"`{name}`",
            _taken(schema),
            _default(schema),
            meaning,
            ", ".join(f"`{each}`" for each in TESTS[field]),
        ]
        lines.append("| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |")
    return "\n".join(lines) + "\n"


def _default(schema: Json) -> str:
    """What counts where the field is not there. That of an object stands with its own fields."""
    if schema["is_needed"]:
        return "needed"
    default = schema.get("default")
    is_told = "$ref" not in schema and (default or isinstance(default, bool | int | float))
    return f"`{json.dumps(default)}`" if is_told else ""


def _taken(schema: Json) -> str:
    """What a field may hold, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {"StructuredCondition": "a condition in parts"}.get(name, "object, below")
    ways = schema.get("anyOf") or schema.get("oneOf")
    if ways and len(ways) > _MOST_WAYS:
        return "step"
    if ways:
        return " or ".join(dict.fromkeys(_taken(each) for each in ways if each.get("type") != "null"))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))
    return _plainly(schema)


def _plainly(schema: Json) -> str:
    match schema.get("type"):
        case "array":
            return f"list: {_taken(schema['items'])}"
        case "object":
            values = schema.get("additionalProperties")
            return f"object: {_taken(values)}" if isinstance(values, dict) and values else "object"
        case "string":
            return "text"
        case "integer" | "number" as kind:
            low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
            over = "over " if "exclusiveMinimum" in schema else "from "
            return f"{kind}{f', {over}{low}' if low is not None else ''}{f' to {high}' if high is not None else ''}"
        case kind:
            return str(kind or "anything")


def page() -> str:
    """docs/workflows.md with the table as it must be."""
    before, mark, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return before + mark + table()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
