"""How a statistic is asked for: the names of the methods, what each needs, and its options.

Light to import, for schemas and help. A tool over columns given by value and a tool over columns of a table both ask
in these words; `methods.py` computes.
"""

from typing import Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

MethodName = Literal[
    "describe",
    "count",
    "share",
    "groups",
    "paired",
    "anova",
    "chi_square",
    "correlation",
    "correlations",
    "trend",
    "robust_trend",
    "regression",
    "logistic",
    "nonlinear",
    "autocorrelation",
    "period",
    "season",
    "change_points",
    "outliers",
    "bootstrap",
]
Role = Literal["values", "x", "groups", "within", "weights", "pairs"]
ROLES: tuple[Role, ...] = get_args(Role)


class Ask(NamedTuple):
    """What a method tells, the columns that it needs, and those that it minds besides."""

    says: str
    needs: tuple[Role, ...]
    takes: tuple[Role, ...] = ()


ASKS: dict[MethodName, Ask] = {
    "describe": Ask(
        "mean, spread, median, quartiles, extremes; of each group if groups is given", ("values",), ("groups",)
    ),
    "count": Ask("how many rows, with missing values, and of each group", (), ("values", "groups", "weights")),
    "share": Ask(
        "how often values is `value`: of all, in each group, and inside another column (within)",
        ("values",),
        ("groups", "within", "weights"),
    ),
    "groups": Ask(
        "whether means differ between groups: Welch, ANOVA or ranks, whichever is safe", ("values", "groups")
    ),
    "paired": Ask("whether the same cases (pairs) differ between two groups", ("values", "groups", "pairs")),
    "anova": Ask("analysis of variance by groups; two-way with within", ("values", "groups"), ("within",)),
    "chi_square": Ask("whether two columns of names go together", ("values", "groups"), ("weights",)),
    "correlation": Ask("of values and x; inside each group too if groups is given", ("values", "x"), ("groups",)),
    "correlations": Ask("of all columns of x with each other, corrected for their number", ("x",)),
    "trend": Ask("the straight line of values over x, with its doubts", ("values", "x")),
    "robust_trend": Ask("the trend of values over x by ranks", ("values", "x")),
    "regression": Ask("least squares of values on the columns of x; with degree, on powers of one", ("values", "x")),
    "logistic": Ask("the chance that values is 1 (or `value`) by the columns of x", ("values", "x")),
    "nonlinear": Ask("least squares of a formula over y (values) and x, with start", ("values", "x")),
    "autocorrelation": Ask("how much values is like itself `lag` rows earlier", ("values",)),
    "period": Ask("the strongest period of values in time (x), by the periodogram", ("values",), ("x",)),
    "season": Ask("the season of `period` rows in values", ("values",), ("x",)),
    "change_points": Ask("where the level of values changes in time (x)", ("values",), ("x",)),
    "outliers": Ask("values far from the others", ("values",)),
    "bootstrap": Ask("an interval of a statistic without a distribution", ("values",), ("x", "groups")),
}


def _methods() -> str:
    """The methods as a description of their argument."""
    return "; ".join(f"{name} ({', '.join(ask.needs) or 'no column'}): {ask.says}" for name, ask in ASKS.items())


class Options(BaseModel):
    """What a method takes besides columns; each description names the methods that mind it."""

    model_config = ConfigDict(extra="forbid")

    method: MethodName = Field(description=f"What to compute, with the columns that it needs. {_methods()}.")
    value: str | None = Field(default=None, description="share, logistic: the value that counts, as the column has it.")
    at: dict[str, float] | None = Field(default=None, description="regression: a number for each x, to predict at.")
    degree: int = Field(default=1, ge=1, le=12, description="regression: highest power of a single x.")
    intercept: bool = Field(default=True, description="regression: false for a line through zero.")
    formula: str | None = Field(default=None, description="nonlinear: y = a * exp(-b * x); other names are parameters.")
    start: dict[str, float] | None = Field(default=None, description="nonlinear: a first guess of each parameter.")
    period: int | None = Field(default=None, ge=2, description="season: rows in a season, 12 for months.")
    lag: int = Field(default=1, ge=1, description="autocorrelation: how many rows earlier.")
    statistic: str = Field(default="mean", description="bootstrap: mean, median, sd, correlation, difference of means.")
