"""The steps of a workflow as a graph for LangGraph Studio."""

import pytest

from graphs.workflow.outline import END, START, outline_of
from graphs.workflow.pinned import pinned

TEXT = """
name: w
steps:
  - {id: first, type: wait, duration: 0, error_handlers: [{on: [any], step: rescue}]}
  - {id: rescue, type: wait, duration: 0}
  - id: way
    type: conditional
    depends_on: [first]
    cases:
      - {name: big, when: "true", steps: [{id: big, type: wait, duration: 0}]}
      - {name: small, when: "false", steps: [{id: small, type: wait, duration: 0}]}
    else: [{id: other, type: wait, duration: 0}]
  - {id: after, type: wait, duration: 0, depends_on: [way]}
  - id: pages
    type: loop
    for_each: "=[1, 2]"
    depends_on: [after]
    steps: [{id: read, type: wait, duration: 0}, {id: check, type: wait, duration: 0, depends_on: [read]}]
  - id: both
    type: parallel
    depends_on: [pages]
    steps: [{id: a, type: wait, duration: 0}, {id: b, type: wait, duration: 0}]
"""


@pytest.fixture(name="edges")
def _edges() -> dict[tuple[str, str], str]:
    """Each edge of the drawing, with what it says; `-` where it is taken always."""
    drawn = outline_of(pinned(TEXT, "w.yaml", {}).definition)
    return {(each.source, each.target): str(each.data) if each.conditional else "-" for each in drawn.edges}


def test_steps_are_drawn_in_their_order(edges: dict[tuple[str, str], str]) -> None:
    """A step leads to what it holds, the last of that to what follows; ways and errors are told apart."""
    assert edges == {
        (START, "first"): "-",
        ("first", "rescue"): "error",
        ("first", "way"): "-",
        ("way", "way.big"): "big",
        ("way", "way.small"): "small",
        ("way", "way.other"): "else",
        ("way.big", "after"): "-",
        ("way.small", "after"): "-",
        ("way.other", "after"): "-",
        ("after", "pages"): "-",
        ("pages", "pages.read"): "-",
        ("pages.read", "pages.check"): "-",
        ("pages.check", "both"): "-",
        ("both", "both.a"): "-",
        ("both", "both.b"): "-",
        ("both.a", END): "-",
        ("both.b", END): "-",
    }
