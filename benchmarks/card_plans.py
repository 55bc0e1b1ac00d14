"""For each task card the computations that answer it, the figure of theirs that each gold value is, and its trap.

The computations are what a good analyst would ask for: the scripted model asks for them. Which figure a gold value is
serves to check any model's answer.
"""

from typing import Any, NamedTuple


class CardPlan(NamedTuple):
    """How one card is answered."""

    calls: tuple[dict[str, Any], ...]
    """Arguments of run_statistics, but the table."""
    figures: dict[str, str]
    """The name of the figure by the key of the gold value; `n` is the number of values."""
    trap: str = ""
    """Words of the warning that the trap deserves; empty where the right figures are the answer to it."""


def _regression(values: str, x: list[str], **more: Any) -> dict[str, Any]:
    return {"method": "regression", "values": values, "x": x, **more}


_LONGLEY = ["GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR"]
_STACKLOSS = ["AIRFLOW", "WATERTEMP", "ACIDCONC"]
_BILLS = {"values": "bill_length_mm", "x": ["bill_depth_mm"], "groups": "species"}
_ADMITTED = {"values": "Admit", "value": "Admitted", "groups": "Gender", "within": "Dept", "weights": "Freq"}

PLANS: dict[str, CardPlan] = {
    "T02-longley": CardPlan(
        (_regression("TOTEMP", _LONGLEY),),
        {"b0": "intercept", **{f"b_{name}": name for name in _LONGLEY}, "resid_sd": "residual sd", "r2": "r2"},
        "Multicollinearity",
    ),
    "T03-mtcars-lm": CardPlan(
        (_regression("mpg", ["wt"], at={"wt": 3}),),
        {"intercept": "intercept", "slope": "wt", "r2": "r2", "pred_3": "predicted"},
    ),
    "T05-penguins-missing": CardPlan(
        ({"method": "count", "groups": "species"}, {"method": "describe", "values": "body_mass_g"}),
        {
            "adelie": "n of Adelie",
            "gentoo": "n of Gentoo",
            "chinstrap": "n of Chinstrap",
            "mean_body_mass": "mean",
            "rows_with_missing": "rows with a missing value",
        },
        "missing",
    ),
    "T06-penguins-simpson": CardPlan(
        ({"method": "correlation", **_BILLS},),
        {"r_all": "r", "r_adelie": "r of Adelie", "r_chinstrap": "r of Chinstrap", "r_gentoo": "r of Gentoo"},
        "Simpson's paradox",
    ),
    "T09-sleep-paired": CardPlan(
        ({"method": "paired", "values": "extra", "groups": "group", "pairs": "ID"},), {"t": "t", "p": "p"}
    ),
    "T10-ucb-admissions": CardPlan(
        ({"method": "share", **_ADMITTED},),
        {
            "male": "share of Male",
            "female": "share of Female",
            "A_male": "share of Male in A",
            "A_female": "share of Female in A",
            "depts_women_higher": "Dept where Female is highest",
        },
        "Simpson's paradox",
    ),
    "T13-haireye": CardPlan(
        ({"method": "chi_square", "values": "Hair", "groups": "Eye", "weights": "Freq"},),
        {"chi2": "chi2", "df": "df", "n": "n"},
    ),
    "T14-insectsprays": CardPlan(
        ({"method": "anova", "values": "count", "groups": "spray"},),
        {"F": "F", "df1": "df between", "df2": "df within", "lowest": "lowest mean", "highest": "highest mean"},
        "variance grows with the mean",
    ),
    "T18-spector-logit": CardPlan(
        ({"method": "logistic", "values": "GRADE", "x": ["GPA", "TUCE", "PSI"]},),
        {"const": "intercept", "GPA": "GPA", "TUCE": "TUCE", "PSI": "PSI", "llf": "log-likelihood"},
    ),
    "T19-stackloss": CardPlan(
        (_regression("STACKLOSS", _STACKLOSS),),
        {"b0": "intercept", **{f"b{i}": name for i, name in enumerate(_STACKLOSS, start=1)}, "r2": "r2"},
        "Outliers",
    ),
    "T20-sunspots": CardPlan(
        ({"method": "period", "values": "SUNACTIVITY", "x": ["YEAR"]},),
        {"mean": "mean", "peak_year": "highest at", "period": "period"},
    ),
}
"""By the id of the card."""
