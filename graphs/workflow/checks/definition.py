"""All checks of a workflow, at once, when it is loaded."""

from graphs.workflow.chain_form import in_its_words
from graphs.workflow.checks.conditions import compile_all
from graphs.workflow.checks.doers import check_doers
from graphs.workflow.checks.known import Checked, Known
from graphs.workflow.checks.limits import check_limits
from graphs.workflow.checks.links import check_links
from graphs.workflow.checks.notes import Notes, WholeStepsNotes
from graphs.workflow.checks.outputs import fill_shapes
from graphs.workflow.checks.reach import check_reach
from graphs.workflow.checks.schemas import check_schemas
from graphs.workflow.checks.templates import check_templates
from graphs.workflow.checks.tree import all_placed, tree_of
from graphs.workflow.checks.views import shapes_of_inputs
from graphs.workflow.loading import load
from graphs.workflow.problems import Problem
from graphs.workflow.run import Conditions
from graphs.workflow.salvage import salvaged
from graphs.workflow.yaml_source import Source
from state.workflow.definition import WorkflowDefinition


def check_text(text: str, file: str, known: Known) -> Checked:
    """Reads and checks the text of a workflow file; `file` is the name that problems are told with."""
    definition, source = load(text, file)
    if definition is None:
        found = dict.fromkeys([*source.problems, *_problems_of_the_rest(source, known)])
        return Checked(None, tuple(sorted(found)), Conditions({}))
    return check(definition, source, known)


def _problems_of_the_rest(source: Source, known: Known) -> list[Problem]:
    """What else is wrong with a workflow that breaks the grammar somewhere: with all links, and with whole steps.

    What can never run is looked for only when the grammar is right: it hangs on all links.
    """
    found = salvaged(source)
    if found is None:
        return []
    rest = found.definition
    top = tree_of(rest.steps, found.broken)
    links, notes = Notes(source), WholeStepsNotes(source)
    notes.whole = {each.path: each.is_whole for each in all_placed(top)}
    shapes = shapes_of_inputs(rest, top)
    shapes.is_whole, shapes.lost = found.is_whole, found.lost
    fill_shapes(top, shapes, rest, known)
    check_links(top, shapes, links)
    check_schemas(rest, top, notes)
    check_templates(rest, top, shapes, known, notes)
    made = compile_all(rest, top, shapes, known, notes)
    check_doers(rest, top, shapes, known, notes)
    if found.is_whole:
        check_limits(rest, top, made, notes)
    return [in_its_words(source, each) for each in found.hidden + links.problems + notes.problems]


def check(definition: WorkflowDefinition, source: Source, known: Known) -> Checked:
    """Everything that is wrong with a definition, and its conditions, compiled for the runs.

    `source` knows where its parts stand; with `Source(name)` all problems have the place `name`.
    """
    notes = Notes(source)
    top = tree_of(definition.steps)
    shapes = shapes_of_inputs(definition, top)
    fill_shapes(top, shapes, definition, known)
    check_links(top, shapes, notes)
    check_schemas(definition, top, notes)
    check_templates(definition, top, shapes, known, notes)
    made = compile_all(definition, top, shapes, known, notes)
    check_reach(definition, top, made, known, notes)
    check_doers(definition, top, shapes, known, notes)
    check_limits(definition, top, made, notes)
    problems = dict.fromkeys([*source.problems, *(in_its_words(source, each) for each in notes.problems)])
    return Checked(definition, tuple(sorted(problems)), made.usable())
