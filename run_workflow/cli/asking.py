"""An approval asked for at the terminal: shown, and answered with one key, a message, or an edit in an editor."""

import contextlib
import json
from collections.abc import Mapping

import click
import typer
import yaml

from run_workflow.cli.signals import plain_interrupt, until
from run_workflow.console.requests import decisions_of, is_of_research, request_view, to_yaml
from run_workflow.console.screen import Screen
from run_workflow.services import Services
from state.errors import AnswerRefused, NotBorneOut
from state.research import OWN_WORDS
from state.runs import (
    Answer,
    ApprovalRecord,
    Approve,
    Edit,
    EditedAction,
    Json,
    Reject,
    Respond,
)

_KEYS: Mapping[str, str] = {"a": "approve", "e": "edit", "r": "reject", "p": "respond", "w": "wait"}
_LABELS: Mapping[str, str] = {
    "approve": "[a]pprove",
    "edit": "[e]dit",
    "reject": "[r]eject",
    "respond": "res[p]ond",
    "wait": "[w]ait",
}
_HEAD = (
    "# Change what you want, save, and leave the editor. An empty file changes nothing.\n"
    "# Lines that begin with # are not read.\n"
)
_SHAPE = "Begin with what `show RUN --args` prints, and change only what is to change."


def ask(screen: Screen, record: ApprovalRecord, actor: str) -> Answer | None:
    """What the person decides; None to let the request wait.

    Raises typer.Abort on Ctrl-C or at the end of the input, and TimeIsUp when the request waits no longer.
    """
    meanings = {**decisions_of(record), "wait": "decide later"}
    screen.aside(request_view(record))
    for name, meaning in meanings.items():
        screen.note(f"  {_LABELS[name]:<10} {meaning}")
    while True:
        typed = _prompt("Your decision", record).lower()
        decision = _KEYS.get(typed, typed)
        if decision == "wait":
            return None
        if decision not in meanings:
            screen.note(f"Type one of {', '.join(_LABELS[name] for name in meanings)}.")
        elif answer := _answer(screen, record, decision, actor):
            return answer


def may_answer(record: ApprovalRecord, actor: str) -> bool:
    """Whether the policy of the request lets `actor` answer it."""
    approvers = record.request.policy.approvers
    return not approvers or actor in approvers


def edit(screen: Screen, record: ApprovalRecord, draft: str, actor: str) -> Answer | None:
    """An edit made in the editor, beginning with `draft`; None when it is given up."""
    first = draft_of(record)
    while True:
        try:
            written = click.edit(draft, extension=".yaml")
        except click.ClickException as error:
            screen.note(f"{error.format_message()} Set EDITOR to an editor that is installed.")
            return None
        if written is None or not written.strip() or written == first:
            screen.note("Nothing was changed.")
            return None
        draft = written
        try:
            return edited(record, read_args(written), actor)
        except AnswerRefused as error:
            screen.error(error)
            if not typer.confirm("Edit it again?", default=True, err=True):
                return None


def draft_of(record: ApprovalRecord) -> str:
    """What an edit begins with: the args as YAML, with a word on how it goes."""
    return _HEAD + to_yaml(record.request.action.args)


def edited(record: ApprovalRecord, args: Json, actor: str) -> Answer:
    """The answer that an edit is; AnswerRefused when it leaves out what was shown."""
    action = record.request.action
    if missing := sorted(set(action.args) - set(args)):
        raise AnswerRefused(f"It must not leave out {', '.join(missing)}.", remedy=_SHAPE)
    return Answer(decisions=(Edit(edited_action=EditedAction(name=action.name, args=args)),), by=actor)


def as_own_words(record: ApprovalRecord, answer: Answer) -> Answer:
    """The edit of a report again, with what no passage bears out as the person's own words.

    Raises AnswerRefused where that is not a report.
    """
    decision = answer.decision
    if not isinstance(decision, Edit) or OWN_WORDS not in record.request.action.args:
        raise AnswerRefused(
            f"Only sentences of a report can be your own words, and this is the {record.point}.",
            place=f"run {record.run_id}, --as-own-words",
            remedy="Leave the option out.",
        )
    action = decision.edited_action
    confirmed = EditedAction(name=action.name, args={**action.args, OWN_WORDS: True})
    return answer.model_copy(update={"decisions": (Edit(edited_action=confirmed),)})


async def give_answer(screen: Screen, services: Services, record: ApprovalRecord, answer: Answer) -> None:
    """Gives the engine the answer, and says what will not be done of it; at a terminal it asks whether what is not
    borne out shall go out as own words.

    Raises what `Engine.answer` does.
    """
    try:
        await services.engine.answer(record.run_id, record.id, answer, answer.by)
    except NotBorneOut as error:
        if not screen.interactive:
            raise
        screen.note(error.message)
        if not _confirmed("Publish this as your own words, marked so and without a citation?"):
            raise AnswerRefused("Nothing was answered.", place=error.place, remedy=error.remedy) from error
        await services.engine.answer(record.run_id, record.id, as_own_words(record, answer), answer.by)
    if said := await services.engine.remark(record, answer):
        screen.note(said, "yellow")


def read_args(text: str) -> Json:
    """The args in a text of YAML or JSON; AnswerRefused names line and column of what cannot be read."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        spot = getattr(error, "problem_mark", None)
        where = f"line {spot.line + 1}, column {spot.column + 1}" if spot else None
        reason = getattr(error, "problem", None) or "it has characters that must not stand in YAML"
        raise AnswerRefused(f"This is neither YAML nor JSON: {reason}.", place=where, remedy=_SHAPE) from None
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise AnswerRefused("An edit is a mapping with the keys that the request shows.", remedy=_SHAPE)
    try:
        plain: Json = json.loads(json.dumps(value, default=str, allow_nan=False))  # YAML reads dates as objects
    except ValueError as error:
        raise AnswerRefused(f"{error}.", remedy=_SHAPE) from None
    return plain


def _confirmed(question: str) -> bool:
    with plain_interrupt(), contextlib.suppress(typer.Abort, KeyboardInterrupt):
        return typer.confirm(question, err=True)
    return False


def _prompt(words: str, record: ApprovalRecord) -> str:
    with until(record.expires_at):
        return str(typer.prompt(words, err=True)).strip()


def _answer(screen: Screen, record: ApprovalRecord, decision: str, actor: str) -> Answer | None:
    if decision == "approve":
        return Answer(decisions=(Approve(),), by=actor)
    if decision == "edit":
        return edit(screen, record, draft_of(record), actor)
    why = "What must change" if is_of_research(record) else "Why"
    message = _prompt(why if decision == "reject" else "What to mind", record)
    if not message:
        screen.note("A message is needed.")
        return None
    said = Reject(message=message) if decision == "reject" else Respond(message=message)
    return Answer(decisions=(said,), by=actor)
