"""What a run may use, before it begins: model calls, tokens and money, as a range.

calls = plan + branches · calls of a branch + writings · (synthesis + judging + review), for three cases:
- low: the fewest branches, each one search and one answer; the report is written once;
- typical: 3 calls a research branch and 5 an analysis branch, one analysis branch where there are tables;
- high: what the limits allow: every branch to its limit in every round, each form asked for twice, the report
  written twice, each time with all the calls that the writer may make.

A run that ends without a report may use less, one that a person sends back more. Tokens are calls times the
figures below, which are assumptions: what a prompt of each step holds, at four characters a token, the descriptions of
its tools included. `python -m benchmarks.estimates` runs the graph in twenty shapes beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from state.context import EXTRACTIVE, Role, RunContext
from state.evidence import Record

Price = Callable[[str], tuple[float, float] | None]
"""US dollars for a million input and for a million output tokens of a model; None if not known."""
Case = Literal["low", "typical", "high"]
_CASES: tuple[Case, Case, Case] = ("low", "typical", "high")

USUAL_BRANCHES = 3
"""What a plan usually has, as long as nothing is known of it."""
_MILLION = 1e6
_CALL_TOKENS: dict[Role, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    "planner": ((300, 20), (1_500, 300), (8_000, 2_000)),
    "researcher": ((400, 10), (4_000, 300), (24_000, 4_000)),
    "analyst": ((500, 10), (3_000, 300), (24_000, 4_000)),
    "writer": ((400, 40), (8_000, 1_500), (60_000, 8_000)),
    "critic": ((200, 10), (5_000, 300), (24_000, 2_000)),
}
"""Input and output tokens of one call by role, for the three cases."""
_PLAN, _REVIEW = (1, 1, 4), (1, 1, 4)
"""High: a form is asked for twice, and an answer that cannot be used once more each time."""
_SYNTHESIS = (1, 3, 12)
"""High: the writer's own limit, which a repair counts towards."""
_JUDGING = (0, 0, 12)
"""Only by a language model. High: three batches of sentences, each asked for four times at most."""
_WRITINGS = (1, 1, 2)
_RESEARCH, _ANALYSIS = (2, 3), (2, 5)
"""Low and typical; the high case is the branch's limit."""


class Amount(Record):
    """What a run uses in one case."""

    model_calls: int
    input_tokens: int
    output_tokens: int
    money: float | None
    """US dollars; None where the price of a model is not known."""

    @property
    def tokens(self) -> int:
        """Input and output tokens."""
        return self.input_tokens + self.output_tokens


class RunEstimate(Record):
    """What a run is expected to use."""

    low: Amount
    typical: Amount
    high: Amount


@dataclass(frozen=True)
class _Step:
    """Calls of one role; `most_tokens` is where a limit ends them."""

    role: Role
    calls: int
    most_tokens: int | None = None


def estimate_run(context: RunContext, tables: bool, branches: tuple[int, int, int], price: Price) -> RunEstimate:
    """The estimate for a run with `branches` (fewest, expected, most) and, if `tables`, one that analyses."""
    low, typical, high = (
        _amount(_steps(context, tables, branches[place], case), case, context, price)
        for place, case in enumerate(_CASES)
    )
    return RunEstimate(low=low, typical=typical, high=high)


def _steps(context: RunContext, tables: bool, branches: int, case: Case) -> list[_Step]:
    place = _CASES.index(case)
    limits = context.limits
    if case == "high":
        sent = branches + context.gate.max_revisions * context.max_branches
        kinds: tuple[Role, ...] = ("researcher", "analyst") if tables else ("researcher",)
        dearest = max(kinds, key=lambda role: sum(_CALL_TOKENS[role][place]))
        work = [_Step(dearest, limits.model_calls, limits.tokens)] * sent
    else:
        analyses = int(tables and case == "typical" and branches > 1)
        work = [_Step("researcher", min(_RESEARCH[place], limits.model_calls), limits.tokens)] * (branches - analyses)
        work += [_Step("analyst", min(_ANALYSIS[place], limits.model_calls), limits.tokens)] * analyses
    judging = 0 if context.model_for("critic") == EXTRACTIVE else _JUDGING[place]
    writing = [_Step("writer", _SYNTHESIS[place]), _Step("critic", _REVIEW[place] + judging)]
    return [_Step("planner", _PLAN[place]), *work, *writing * _WRITINGS[place]]


def _amount(steps: list[_Step], case: Case, context: RunContext, price: Price) -> Amount:
    place = _CASES.index(case)
    spent = [(step, *_tokens(step, place)) for step in steps]
    prices = {step.role: _price(step.role, case, context, price) for step in steps}
    return Amount(
        model_calls=sum(step.calls for step in steps),
        input_tokens=sum(given for _, given, _ in spent),
        output_tokens=sum(taken for _, _, taken in spent),
        money=_money([(prices[step.role], given, taken) for step, given, taken in spent], context.budget),
    )


def _price(role: Role, case: Case, context: RunContext, price: Price) -> tuple[float, float] | None:
    """Of the cheapest model that may do the work of a role in the low case, of the dearest in the others."""
    known = [price(name) for name in (context.model_for(role), *context.agent_models.get(role, ()))]
    told = [each for each in known if each is not None]
    if len(told) < len(known):
        return None
    return (min if case == "low" else max)(told, key=sum)


def _tokens(step: _Step, place: int) -> tuple[int, int]:
    """Input and output tokens of a step, in proportion fewer where its limit ends it."""
    given, taken = (step.calls * tokens for tokens in _CALL_TOKENS[step.role][place])
    share = 1.0 if step.most_tokens is None else min(1.0, step.most_tokens / (given + taken))
    return round(given * share), round(taken * share)


def _money(parts: list[tuple[tuple[float, float] | None, int, int]], budget: float | None) -> float | None:
    """US dollars, no more than the budget, which ends the run."""
    total = 0.0
    for known, given, taken in parts:
        if known is None:
            return None
        total += (given * known[0] + taken * known[1]) / _MILLION
    return round(total if budget is None else min(total, budget), 6)
