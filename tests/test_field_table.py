"""The table of the fields of workflow files: complete, true to the tests, and on its page as it is made."""

import re
from pathlib import Path

from state.workflow.steps import STEP_TYPES
from tests.workflow_fields import BEGIN, PAGE, PLACES, TESTS, fields, page

DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def test_every_field_has_its_test() -> None:
    """Each field of each part of the grammar is named, and nothing else is."""
    assert sorted(name for name, _ in fields()) == sorted(TESTS)


def test_every_type_has_its_rows() -> None:
    """Each name of a type of step stands in the table."""
    assert set(STEP_TYPES) <= set(re.findall(r"`(\w+)`", " ".join(PLACES.values())))


def test_every_named_test_exists() -> None:
    """A test that is renamed is renamed in the table."""
    files = Path(__file__).parent.rglob("test_*.py")
    there = {name for file in files for name in DEFINED.findall(file.read_text(encoding="utf-8"))}
    assert {test for tests in TESTS.values() for test in tests} <= there


def test_the_page_has_the_table() -> None:
    """`python -m tests.workflow_fields` would change nothing."""
    assert BEGIN in PAGE.read_text(encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()
