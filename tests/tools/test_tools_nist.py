"""Statistics against the certified values of NIST's Statistical Reference Datasets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import nist
from tests.tools.data_files import load_table
from tools.statistics.groups import compare_groups
from tools.statistics.trend import linear_trend

NIST = Path(__file__).parents[3] / "shared" / "data" / "nist"
CERTIFIED: dict[str, Any] = (
    json.loads((NIST / "certified.json").read_text()) if (NIST / "certified.json").exists() else {}
)
pytestmark = pytest.mark.skipif(not CERTIFIED, reason="NIST's reference data are not on this machine")


def sets(category: str) -> list[str]:
    return [name for name, entry in CERTIFIED.items() if entry["category"] == category]


def columns(name: str) -> dict[str, Any]:
    """The columns as an analysis loads them."""
    entry = CERTIFIED[name]
    frame = load_table((NIST / entry["csv"]).read_bytes(), entry["csv"]).frame
    return {str(key): column for key, column in frame.items()}


@pytest.mark.parametrize("name", sets("univariate"))
def test_certified_univariate(name: str) -> None:
    """Mean, standard deviation and autocorrelation have 14 digits, also where the values are large."""
    assert nist.worst(nist.univariate(columns(name)), list(CERTIFIED[name]["certified"].values())) >= 14


@pytest.mark.slow
@pytest.mark.parametrize("name", sets("anova"))
def test_certified_anova(name: str) -> None:
    """F (for two groups of equal size: Welch's t squared) has 13 digits."""
    table = columns(name)
    found = compare_groups(table["y"], table["group"]).values
    f = float(found["F"]) if "F" in found else float(found["t"]) ** 2
    assert nist.digits(f, CERTIFIED[name]["certified"]["F"]) >= 13


def test_certified_line() -> None:
    """Coefficients, standard errors, r² and residual spread of Norris have 13 digits as a trend."""
    table = columns("Norris")
    found = linear_trend(table["x"], table["y"]).values
    names = ("intercept", "slope", "intercept se", "slope se", "r2", "residual sd")
    assert nist.worst([float(found[name]) for name in names], nist.certified_linear(CERTIFIED["Norris"])) >= 13


@pytest.mark.slow
@pytest.mark.parametrize("name", sets("linear"))
def test_certified_regression(name: str) -> None:
    """Coefficients, standard errors, r² and residual spread have 13 digits, also of a polynomial of degree 10."""
    found, figures = nist.linear(CERTIFIED[name], columns(name))
    assert nist.worst(figures, nist.certified_linear(CERTIFIED[name])) >= 13
    assert any("Ill-conditioned" in warning for warning in found.warnings) == (name == "Filip")


@pytest.mark.slow
@pytest.mark.parametrize("name", sets("nonlinear"))
def test_certified_nonlinear(name: str) -> None:
    """Parameters and their standard errors have 8 digits from the second start."""
    entry = CERTIFIED[name]
    found = nist.nonlinear(entry, nist.read(NIST / entry["csv"]), "start2").values
    for suffix, known in (("", entry["certified"]["params"]), (" se", entry["certified"]["se"])):
        assert nist.worst([float(found[f"{each}{suffix}"]) for each in known], list(known.values())) >= 8
