"""`run research`: what was typed becomes a run; sources, models and cost are looked at before it starts."""

import asyncio
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, get_args

import typer

from run_workflow.agent_files import specialisation_in, templates_in
from run_workflow.cli import options
from run_workflow.cli.answers import manner_of
from run_workflow.cli.policies import policies, seconds_of
from run_workflow.cli.session import FAILED, Desk
from state.agents import RESEARCH_WORK, AgentTemplate
from state.context import (
    EXTRACTIVE,
    BranchLimits,
    GatePolicy,
    Quorum,
    Role,
    RunContext,
    TimeLimits,
    UntrustedText,
)
from state.errors import SetupError, SourceError

if TYPE_CHECKING:
    from graphs.coordination.estimate import Amount, RunEstimate
    from run_workflow.services import Services
    from run_workflow.settings import Settings

_ROLES: tuple[Role, ...] = get_args(Role)


async def research(desk: Desk, wanted: options.Research) -> int:
    """Starts a research run and goes on with it to its end.

    The run's row is written before anything that is slow to import, so that a run that is killed at once is listed.
    """
    context = context_of(wanted, desk.settings)
    sources = await asyncio.to_thread(look_at_sources, wanted)
    async with desk.services() as services:
        check_models(desk.settings, services, context)
        if not context.is_free and not _agreed(desk, wanted, services, context):
            desk.screen.note("Nothing was started.")
            return FAILED
        run = await services.engine.start(
            "research",
            {"question": wanted.question.strip(), "sources": sources},
            context,
            dedup_key=wanted.dedup_key,
            actor=desk.settings.actor,
        )
        desk.screen.note(f"Run {run.id}.")
        if context.is_free:
            desk.screen.note(_estimate(wanted, services, context)[0])
        from run_workflow.cli.drive import drive

        return await drive(desk, services, run.id, manner_of(wanted))


def check_models(settings: "Settings", services: "Services", context: RunContext) -> None:
    """SetupError for a model that cannot be opened, or whose price a limit on money needs and does not know."""
    money = context.budget if context.budget is not None else context.limits.money
    for name in context.model_names - {EXTRACTIVE}:  # ours can always be opened, and is free
        settings.check_key(name)
        services.models.chat(name)
        if money is not None and services.models.price(name) is None:
            raise SetupError(
                f"The price of {name} is not known, so a limit on money cannot be kept.",
                place="--budget, --branch-money",
                remedy=f'Give it in the settings file, [prices."{name}"] input and output, or leave the limit out.',
            )


def context_of(wanted: options.Research, settings: "Settings") -> RunContext:
    """What the run is told. typer.BadParameter names the option that is wrong."""
    if not wanted.question.strip():
        raise typer.BadParameter("Ask something.", param_hint="QUESTION")
    own = {} if wanted.model else settings.models
    return RunContext(
        models={**own, **_models_by_role(wanted.model_for or [])},
        default_model=wanted.model or settings.default_model,
        fallback_models=settings.fallback_models,
        cheaper_model=settings.cheaper_model,
        limits=BranchLimits(
            seconds=wanted.branch_seconds,
            tokens=wanted.branch_tokens,
            tool_calls=wanted.branch_tool_calls,
            money=wanted.branch_money,
        ),
        budget=wanted.budget,
        max_branches=wanted.max_branches,
        mode=wanted.mode,
        quorum=Quorum(
            grace_seconds=wanted.grace,
            deadline_seconds=max(Quorum().deadline_seconds, wanted.branch_seconds + wanted.grace),
        ),
        gate=GatePolicy(max_revisions=wanted.max_revisions),
        time=_time_limits(wanted.time or []),
        untrusted=UntrustedText(show_orders=wanted.show_orders),
        specialisation=specialisation_in(wanted.specialise),
        agent_models=models_of(templates_in(settings.agents)),
        approvals=policies(wanted),
    )


def models_of(templates: Iterable[AgentTemplate]) -> dict[Role, tuple[str, ...]]:
    """The models of the agents that may have a part in research, by the role whose work they do."""
    named = [(each.capabilities, each.model) for each in templates if each.model is not None]
    found = {role: dict.fromkeys(name for able, name in named if work in able) for work, role in RESEARCH_WORK.items()}
    return {role: tuple(names) for role, names in found.items() if names}


def look_at_sources(wanted: options.Research) -> list[str]:
    """The sources, paths as absolute ones. SourceError names what is not there."""
    from tools.addresses import refuse_logins
    from tools.documents.files import find_files, is_address

    named = _named(wanted)
    refuse_logins(named)
    local = [name for name in named if not is_address(name)]
    for name in local:
        if "://" in name:
            raise SourceError(
                "A source is a file, a folder or a page.", place=name, remedy="Name pages by http:// or https://."
            )
    files, _ = find_files(local)
    if not files and len(local) == len(named):
        raise SourceError(
            "There is no file in it.",
            place=", ".join(named),
            remedy="Name a folder with documents: text, Markdown, HTML, PDF, Word, Excel, CSV and others.",
        )
    return [name if is_address(name) else str(Path(name).expanduser().absolute()) for name in named]


def _named(wanted: options.Research) -> list[str]:
    return [*wanted.sources, *(wanted.more or ())]


def _has_tables(wanted: options.Research) -> bool:
    from tools.documents.files import find_files, is_address
    from tools.documents.formats import FORMATS

    named = _named(wanted)
    files, _ = find_files([name for name in named if not is_address(name)])
    found = [FORMATS.get(PurePosixPath(uri).suffix.lower()) for uri in [*(file.uri for file in files), *named]]
    return any(form is not None and form.is_table for form in found)


def estimate_line(estimate: "RunEstimate", free: bool) -> str:
    """The estimate in one line: calls, tokens and money, each as a range; of a `free` run, that it costs nothing."""
    from run_workflow.console.words import count, dollars

    if free:
        return "Estimate: no cost. No language model is asked: the report quotes the sources and computes from tables."
    low, usual, high = estimate.low, estimate.typical, estimate.high
    calls = f"{low.model_calls} to {high.model_calls} model calls (typically {usual.model_calls})"
    tokens = f"{count(low.tokens)} to {count(high.tokens)} tokens (typically {count(usual.tokens)})"
    if low.money is None or usual.money is None or high.money is None:
        return f"Estimate: {calls}, {tokens}, cost not known: a price is missing in the settings."
    money = f"{dollars(low.money)} to {dollars(high.money)} (typically {dollars(usual.money)})"
    return f"Estimate: {calls}, {tokens}, {money}."


def _agreed(desk: Desk, wanted: options.Research, services: "Services", context: RunContext) -> bool:
    """Shows the estimate; where somebody is there to ask and it costs something, asks."""
    line, most = _estimate(wanted, services, context)
    desk.screen.note(line)
    if wanted.yes or not desk.screen.interactive or not _costs(most):
        return True
    return typer.confirm("Go on?", default=True, err=True)


def _estimate(wanted: options.Research, services: "Services", context: RunContext) -> tuple[str, "Amount"]:
    """The estimate in words, and the most that the run may use."""
    from graphs.coordination.estimate import USUAL_BRANCHES, estimate_run

    sizes = (1, min(USUAL_BRANCHES, context.max_branches), context.max_branches)
    estimate = estimate_run(context, _has_tables(wanted), sizes, services.models.price)
    return estimate_line(estimate, context.is_free), estimate.high


def _costs(amount: "Amount") -> bool:
    return amount.money is None or amount.money > 0


def _time_limits(pairs: list[str]) -> TimeLimits:
    known = TimeLimits.model_fields
    limits: dict[str, float] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name.strip() not in known:
            raise typer.BadParameter(
                f"{pair!r} is not work=seconds; the kinds of work are {', '.join(known)}.", param_hint="--time"
            )
        limits[name.strip()] = seconds_of(text, "--time")
    return TimeLimits(**limits)


def _models_by_role(pairs: list[str]) -> dict[Role, str]:
    models: dict[Role, str] = {}
    for pair in pairs:
        name, _, model = pair.partition("=")
        role = next((role for role in _ROLES if role == name.strip()), None)
        if role is None or not model.strip():
            raise typer.BadParameter(
                f"{pair!r} is not role=provider/model; the roles are {', '.join(_ROLES)}.", param_hint="--model-for"
            )
        models[role] = model.strip()
    return models
