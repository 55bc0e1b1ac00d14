"""The approval points of a run and their policies, as they are typed: one value for all points, or one a point."""

from typing import Literal, cast, get_args

import typer

from run_workflow.cli import options
from state.context import ApprovalPolicy, Point

POINTS: tuple[Point, ...] = get_args(Point)
Decision = Literal["approve", "reject"]


def policies(wanted: options.Research) -> dict[Point, ApprovalPolicy]:
    """The points that are switched on, each with its policy. typer.BadParameter names the option that is wrong."""
    points = points_of(wanted.approve)
    approvers = _names(wanted.approvers, points)
    seconds = {
        point: seconds_of(text, "--approval-timeout")
        for point, text in _each(wanted.approval_timeout, points, "--approval-timeout").items()
    }
    then = {point: _decision(text) for point, text in _each(wanted.on_timeout, points, "--on-timeout").items()}
    return {
        point: ApprovalPolicy(
            approvers=approvers.get(point, ()),
            timeout_seconds=seconds.get(point),
            on_timeout=then.get(point, "approve"),
        )
        for point in points
    }


def points_of(text: str) -> list[Point]:
    """The points named in `plan,report` or `all`, in the order in which a run comes to them."""
    names = _split(text)
    if names == ["all"]:
        return list(POINTS)
    if unknown := [name for name in names if name not in POINTS]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(POINTS)}, all.", param_hint="--approve")
    return [point for point in POINTS if point in names]


def _each(text: str, points: list[Point], option: str) -> dict[Point, str]:
    """By point what `VALUE` or `POINT=VALUE,POINT=VALUE` says."""
    parts = [part.partition("=") for part in _split(text)]
    if len(parts) == 1 and not parts[0][1]:
        if not points and option != "--on-timeout":
            raise typer.BadParameter("It needs a point: --approve plan, for instance.", param_hint=option)
        return dict.fromkeys(points, parts[0][0])
    for name, _, _ in parts:
        if name.strip() not in points:
            raise typer.BadParameter(f"{name.strip()!r} is no point of --approve.", param_hint=option)
    return {cast(Point, name.strip()): value.strip() for name, _, value in parts}


def _names(text: str, points: list[Point]) -> dict[Point, tuple[str, ...]]:
    """Who may answer, by point: `ann,bob` counts for all, `plan=ann,plan=bob` for the plan alone."""
    if not text:
        return {}
    if "=" not in text:
        _each(_split(text)[0] if _split(text) else "", points, "--approvers")
        return dict.fromkeys(points, tuple(_split(text)))
    named: dict[Point, tuple[str, ...]] = {}
    for part in _split(text):
        for point, name in _each(part, points, "--approvers").items():
            named[point] = (*named.get(point, ()), name)
    return named


def seconds_of(text: str, option: str) -> float:
    """A number of seconds above 0. typer.BadParameter names the option where it is none."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise typer.BadParameter(f"{text!r} is no number of seconds above 0.", param_hint=option)
    return seconds


def _decision(text: str) -> Decision:
    if text not in get_args(Decision):
        raise typer.BadParameter(f"{text!r} is neither approve nor reject.", param_hint="--on-timeout")
    return cast(Decision, text)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
