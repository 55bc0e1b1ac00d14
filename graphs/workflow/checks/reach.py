"""What can never run: steps, ways, error handlers; and work that nobody waits for."""

from graphs.workflow.checks.conditions import Compiled, own_places
from graphs.workflow.checks.known import Known
from graphs.workflow.checks.notes import Notes
from graphs.workflow.checks.tree import Level, Placed, all_levels, all_placed
from graphs.workflow.expressions import names_in
from graphs.workflow.mapping import references_in
from graphs.workflow.references import Reference
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import RetryPolicy
from state.workflow.steps import ActionStep, ConditionalStep, LoopStep, ReactStep, WorkerStep


def check_reach(definition: WorkflowDefinition, top: Level, made: Compiled, known: Known, notes: Notes) -> None:
    """Looks for what cannot be reached in any run."""
    for level in all_levels(top):
        _steps(level, made, notes)
        for placed in level.steps:
            _ways(placed, made, notes)
            _handlers(placed, definition.retry_policy, notes)
    _ends(definition, top, made, known, notes)


def _steps(level: Level, made: Compiled, notes: Notes) -> None:
    """Steps that never run, by their condition or by the joins before them."""
    never: set[str] = set()
    for id_ in level.order:
        placed = level.by_id[id_]
        false = [path for path, _ in own_places(placed.step) if made.constants.get(placed.at(*path)) is False]
        if false:
            notes.warning(placed.at(*false[0]), f"{id_!r} never runs: its condition is always false.", "Take it out.")
            never.add(id_)
        elif id_ in level.flow.handles:
            _waiting_handler(placed, notes)
        elif _is_out_of_reach(placed, never, notes):
            never.add(id_)


def _waiting_handler(placed: Placed, notes: Notes) -> None:
    """A handler runs when an error comes; it sees the outputs of all steps before the one that failed."""
    step, level = placed.step, placed.level
    before = level.by_id[level.flow.needs[step.id][0]] if level.flow.needs[step.id] else None
    if before is None:
        return
    said = f"{step.id!r} handles errors: it runs when they come, and does not wait for other steps."
    if step.depends_on:
        notes.error(placed.at("depends_on"), said, "Take depends_on out.")
    else:
        path = before.at("next_steps", before.step.next_steps.index(step.id))
        notes.error(path, said, "Take it out of next_steps.")


def _is_out_of_reach(placed: Placed, never: set[str], notes: Notes) -> bool:
    """Whether a join can never have enough; a skipped step counts for `all`, not for `any` or a number."""
    step, needs = placed.step, placed.level.flow.needs[placed.step.id]
    if step.join.need == "all":
        return False
    wanted = 1 if step.join.need == "any" else step.join.need
    if step.join.of == "branches":
        if not placed.level.flow.counted & {*needs}:
            said = f"{step.id!r} counts branches, and depends on no `parallel` step."
            notes.error(placed.at("join", "of"), said, "Take `of` out, or depend on a `parallel` step.")
        return False
    possible = [id_ for id_ in needs if id_ not in never]
    if wanted > max(len(needs), 1) or (needs and len(possible) < wanted):
        some = f"{len(possible)} of them can" if len(possible) < len(needs) else f"it depends on {len(needs)}"
        said = f"{step.id!r} never runs: it needs {wanted} steps that end well, and {some}."
        notes.error(placed.at("join"), said, "Lower the number, or depend on other steps.")
        return True
    return False


def _ways(placed: Placed, made: Compiled, notes: Notes) -> None:
    """Ways of a conditional step after one that is always taken, bodies of loops that never run or never end."""
    step = placed.step
    if isinstance(step, ConditionalStep):
        taken = False
        for number in range(len(step.cases)):
            path = placed.at("cases", number, "when")
            if taken or made.constants.get(path) is False:
                why = "one before it is always true" if taken else "its condition is always false"
                notes.warning(path, f"This way is never taken: {why}.", "Take it out, or change the conditions.")
            taken = taken or made.constants.get(path) is True
        if taken and step.otherwise:
            notes.warning(placed.at("else"), "This way is never taken: one before it is always true.", "Take it out.")
    elif isinstance(step, LoopStep):
        if made.constants.get(placed.at("while")) is False:
            notes.warning(placed.at("while"), "The loop never runs: its condition is always false.", "Take it out.")
        for name, endless in (("while", True), ("until", False)):
            if made.constants.get(placed.at(name)) is endless:
                said = f"Nothing ends this loop: after {step.loop_max_iterations:,} turns it fails."
                notes.warning(placed.at(name), said, "Name a condition that changes, or use for_each.")


def _handlers(placed: Placed, policy: RetryPolicy, notes: Notes) -> None:
    """Error handlers for which no error is left."""
    step, earlier = placed.step, set[str]()
    if step.error_handlers and (step.retry_policy or policy).continue_on_failure:
        said = "These handlers never run: continue_on_failure lets the workflow go on without them."
        notes.error(placed.at("error_handlers"), said, "Take out one of the two.", key=True)
        return
    for number, handler in enumerate(step.error_handlers):
        path = placed.at("error_handlers", number)
        if not handler.on:
            notes.error(
                (*path, "on"), "This handler never runs: it is for no error.", "Name errors, or leave `on` out."
            )
        elif "any" in earlier or set(handler.on) <= earlier:
            remedy = "Put it before the other, or take it out."
            notes.error(path, "This handler never runs: one before it takes all its errors.", remedy)
        earlier |= set(handler.on)


def _ends(definition: WorkflowDefinition, top: Level, made: Compiled, known: Known, notes: Notes) -> None:
    """Branches of a fan-out that only compute something, and whose result nobody takes."""
    if not definition.outputs or top.cycle:
        return
    used = {each.root for each in references_in(definition.outputs) if isinstance(each, Reference)}
    used |= {each.root for (step, _), figure in made.figures.items() if not step for each in names_in(figure)}
    forks = {id_: after for id_ in top.flow.steps if len(after := top.flow.followers[id_]) > 1}
    for id_ in top.flow.sinks:
        fork = next((start for start in forks if top.comes_before(start, id_)), None)
        if fork is not None and id_ not in used and not _may_have_effects(top.by_id[id_], known):
            said = f"{id_!r} is a branch after {fork!r} that nobody waits for, and whose output nobody uses."
            notes.warning(top.by_id[id_].path, said, "Let a later step depend on it, or name it in outputs.")


def _may_have_effects(placed: Placed, known: Known) -> bool:
    """Whether a step, or one within it, may do more than compute its output."""
    return any(
        _has_effects(each, known) for each in (placed, *(one for level in placed.inner for one in all_placed(level)))
    )


def _has_effects(placed: Placed, known: Known) -> bool:
    step = placed.step
    if isinstance(step, ActionStep):
        tool = known.tool(step.tool or "")
        return not step.chain and (tool is None or tool.side_effects == "write")
    if isinstance(step, ReactStep | WorkerStep):
        tools = [known.tool(name) for name in step.tools]
        return any(tool is None or tool.side_effects == "write" for tool in tools)
    return not placed.inner
