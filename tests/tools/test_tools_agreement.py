"""Quantities in different units: what agrees within the printed digits, and what is never converted."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from state.evidence import Locator, Passage, Quantity
from tools.agreement import agree
from tools.facts import check_statement, find_quantities
from tools.units import conversions, convertible

UNITS = (
    "km m cm mm mi ft yd in km² m² ha acres m³ l ml kg g mg t lb ms s min h days weeks months years °C °F K km/h mph"
    " m/s W kW kWh MWh ppm ppb mg/l g/m³ °C/decade % $ € MB mol/l"
).split()


def quantity(text: str) -> Quantity:
    """The one quantity of a text."""
    (found,) = find_quantities(f"The length is {text}.")
    return found


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("412 m", "0.412 km", True),
        ("412 m", "438 m", False),
        ("412 metres", "1,352 ft", True),
        ("412 metres", "1,380 ft", False),
        ("5 million", "5,000,000", True),
        ("20 °C", "68 °F", True),
        ("2.0 °C", "3.6 °F", True),
        ("20.5 °C", "90.5 °F", False),
        ("5 mg/L", "5 g/m³", True),
        ("5 mg per litre", "9 g/m3", False),
        ("3 %", "3 percent", True),
        ("3 %", "4.5 %", False),
        ("$5", "€5", None),
        ("3 %", "30,000 ppm", None),
        ("1 year", "365 days", None),
        ("5 tons", "5,000 kg", None),
        ("412 m", "412 kg", None),
        ("60 mph", "97 km/h", True),
    ],
)
def test_quantities_agree_as_far_as_they_are_printed(one: str, other: str, expected: bool | None) -> None:
    """Other units of one kind are converted; what has no rate, such as currencies, says nothing."""
    assert agree(quantity(one), quantity(other)) is expected


values = st.floats(-1e6, 1e6).map(lambda value: float(f"{value:.5g}"))


@given(values, st.sampled_from(UNITS), values, st.sampled_from(UNITS), st.booleans())
def test_agreement_does_not_depend_on_the_order(one: float, unit: str, other: float, there: str, about: bool) -> None:
    """It is symmetric, and says nothing exactly where units do not convert."""
    left, right = (Quantity(value=v, unit=u, text=f"{v:g}") for v, u in ((one, unit), (other, there)))
    found = agree(left, right, about=about)
    assert found is agree(right, left, about=about)
    assert (found is None) is not convertible(unit, there)


pairs = st.sampled_from([(unit, other) for unit in UNITS for other in UNITS if convertible(unit, other)])


@given(values, pairs, st.integers(3, 8))
def test_a_value_agrees_with_itself_in_any_unit(value: float, units: tuple[str, str], digits: int) -> None:
    """However many digits are printed after the conversion."""
    unit, other = units
    for conversion in conversions(unit, other):
        there = float(f"{conversion.of(value):.{digits}g}")
        written = f"{abs(there):.12f}".rstrip("0")
        assume(len(written.strip("0.")) == digits)  # the last digit that is printed is one that was kept
        assert agree(
            Quantity(value=value, unit=unit, text=f"{abs(value):f}"), Quantity(value=there, unit=other, text=written)
        )


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("The Alpha Bridge is 0.412 km long.", "supported"),
        ("The Alpha Bridge is 1,352 feet long.", "supported"),
        ("The Alpha Bridge is 1,380 feet long.", "unsupported"),
        ("The Alpha Bridge is 0.0412 km long.", "unsupported"),
        ("In summer the Alpha lake reaches 68 °F.", "supported"),
        ("The Alpha lake holds 5 g/m³ of nitrate.", "supported"),
        ("The Alpha lake holds 5 mg/m³ of nitrate.", "unsupported"),
        ("Alpha has 5 million inhabitants.", "supported"),
        ("The ferry of Alpha goes 2 miles.", "unsupported"),
    ],
)
def test_a_claim_may_be_in_another_unit_than_its_passage(statement: str, verdict: str) -> None:
    """The same quantity is supported, another one is not, and few printed digits excuse no other unit."""
    text = (
        "The Alpha Bridge is 412 metres long. In summer the Alpha lake reaches 20 °C. The Alpha lake holds 5 mg/L of"
        " nitrate. Alpha has 5,000,000 inhabitants. The ferry of Alpha goes 2 km."
    )
    assert check_statement(statement, [Passage.make("s", Locator(), text)]).verdict == verdict
