"""The estimate of calls, tokens and money before a run."""

from hypothesis import given
from hypothesis import strategies as st

from graphs.coordination.estimate import Amount, RunEstimate, estimate_run
from state.context import EXTRACTIVE, BranchLimits, GatePolicy, RunContext

PRICES = {"openai/small": (1.0, 4.0), "openai/large": (10.0, 40.0), EXTRACTIVE: (0.0, 0.0)}
PAID = RunContext(default_model="openai/small")


def amounts(estimate: RunEstimate) -> tuple[Amount, Amount, Amount]:
    return estimate.low, estimate.typical, estimate.high


def test_calls_by_the_formula() -> None:
    """Plan, branches, synthesis and review add up; in the high case every branch of every round meets its limit."""
    context = PAID.model_copy(update={"limits": BranchLimits(model_calls=10), "max_branches": 4})
    found = estimate_run(context, True, (1, 3, 4), PRICES.get)
    assert found.low.model_calls == 1 + 2 + 1 + 1
    assert found.typical.model_calls == 1 + (2 * 3 + 5) + 3 + 1
    assert found.high.model_calls == 4 + (4 + 4) * 10 + 2 * (12 + 12 + 4)
    no_tables = estimate_run(context, False, (1, 3, 4), PRICES.get)
    assert no_tables.typical.model_calls == 1 + 3 * 3 + 3 + 1


def test_revisions_multiply() -> None:
    """Each round of sending again may cost as much as the first."""
    once = estimate_run(PAID.model_copy(update={"gate": GatePolicy(max_revisions=0)}), False, (1, 2, 6), PRICES.get)
    twice = estimate_run(PAID, False, (1, 2, 6), PRICES.get)
    assert twice.high.model_calls - once.high.model_calls == 6 * PAID.limits.model_calls


def test_money_by_role() -> None:
    """Each role's tokens cost what its model costs; nothing where all models are free; None where one is unknown."""
    base = estimate_run(PAID, False, (1, 3, 6), PRICES.get)
    dear = estimate_run(PAID.model_copy(update={"models": {"writer": "openai/large"}}), False, (1, 3, 6), PRICES.get)
    assert base.typical.money is not None
    assert dear.typical.money is not None
    assert base.typical.money == round(base.typical.input_tokens * 1e-6 + base.typical.output_tokens * 4e-6, 6)
    writer = 3 * (8_000 * 1e-6 + 1_500 * 4e-6)
    assert round(dear.typical.money - base.typical.money, 6) == round(9 * writer, 6)
    assert [each.money for each in amounts(estimate_run(RunContext(), True, (1, 3, 6), PRICES.get))] == [0, 0, 0]
    unknown = PAID.model_copy(update={"models": {"critic": "openai/secret"}})
    assert [each.money for each in amounts(estimate_run(unknown, True, (1, 3, 6), PRICES.get))] == [None] * 3


def test_money_of_agents_of_the_users_own() -> None:
    """Who may do the work with a dearer model is counted from the typical case on."""
    base = estimate_run(PAID, False, (1, 3, 6), PRICES.get)
    own = PAID.model_copy(update={"agent_models": {"researcher": ("openai/large",)}})
    found = estimate_run(own, False, (1, 3, 6), PRICES.get)
    assert found.low.money == base.low.money
    research = 3 * 3 * (4_000 * 1e-6 + 300 * 4e-6)
    assert round((found.typical.money or 0) - (base.typical.money or 0), 6) == round(9 * research, 6)
    unknown = PAID.model_copy(update={"agent_models": {"writer": ("openai/secret",)}})
    assert estimate_run(unknown, False, (1, 3, 6), PRICES.get).low.money is None


def test_limits_bound_the_high_case() -> None:
    """No branch uses more tokens than its limit, and no run more money than its budget."""
    tight = PAID.model_copy(update={"limits": BranchLimits(tokens=1_000), "gate": GatePolicy(max_revisions=0)})
    alone = estimate_run(tight, False, (1, 1, 1), PRICES.get).high.tokens
    assert estimate_run(tight, False, (1, 1, 3), PRICES.get).high.tokens - alone == 2_000
    bounded = estimate_run(PAID.model_copy(update={"budget": 0.5}), True, (1, 3, 6), PRICES.get)
    assert bounded.high.money == 0.5


@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6)).map(sorted),
    st.booleans(),
    st.integers(1, 40),
    st.integers(1, 400_000),
    st.integers(0, 5),
)
def test_low_typical_high(branches: list[int], tables: bool, calls: int, tokens: int, revisions: int) -> None:
    """Whatever the limits, low is at most typical and typical at most high, in calls, tokens and money."""
    context = PAID.model_copy(
        update={
            "limits": BranchLimits(model_calls=calls, tokens=tokens),
            "gate": GatePolicy(max_revisions=revisions),
        }
    )
    found = amounts(estimate_run(context, tables, (branches[0], branches[1], branches[2]), PRICES.get))
    for name in ("model_calls", "tokens", "money"):
        values = [getattr(each, name) for each in found]
        assert values == sorted(values)
