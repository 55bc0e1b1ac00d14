"""Small sources, passages, findings and results, made by hand and by hypothesis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from state.evidence import Finding, Locator, Passage, Source, content_id
from state.research import Branch, BranchResult, Plan
from tools.facts import find_quantities

FIRST = "How high was the concentration of CO2 in 2022?"
SECOND = "Which anomalies does each isolation level prevent?"
THIRD = "Who keeps the record of measurements?"
QUESTIONS = (FIRST, SECOND, THIRD)


@dataclass
class Corpus:
    """Sources and passages by id."""

    sources: dict[str, Source] = field(default_factory=dict)
    passages: dict[str, Passage] = field(default_factory=dict)

    def passage(
        self, name: str, text: str, *, date: str | None = None, computed: str | None = None, content: str = ""
    ) -> str:
        """The id of a new passage of the source `name`; sources of the same `content` are copies."""
        digest = content_id("", content or name)
        source = Source(id=content_id("s", name), uri=name, title=name, kind="text", sha256=digest, size=9, date=date)
        passage = Passage.make(source.id, Locator(computed=computed), text)
        self.sources[source.id] = source
        self.passages[passage.id] = passage
        return passage.id


def finding(text: str, *passages: str, topic: str = FIRST, confidence: float = 0.8) -> Finding:
    return Finding(
        text=text,
        passages=passages,
        topic=topic,
        confidence=confidence,
        quantities=tuple(find_quantities(text)),
    )


def branch(name: str, *questions: str, **fields: Any) -> Branch:
    return Branch(id=name, kind=fields.pop("kind", "research"), focus=name, questions=questions, **fields)


def plan(*branches: Branch, questions: Sequence[str] = QUESTIONS, mode: Any = "parallel") -> Plan:
    return Plan(sub_questions=tuple(questions), branches=branches, mode=mode)


def result(name: str, *findings: Finding, **fields: Any) -> BranchResult:
    known: dict[str, Any] = {"kind": "research", "focus": name, "round": 0, "status": "completed", "seconds": 3}
    return BranchResult(**{"branch_id": name, "findings": findings, **known, **fields})


def by_id(*results: BranchResult) -> dict[str, BranchResult]:
    return {each.branch_id: each for each in results}


# --- for hypothesis -------------------------------------------------------------------------------------------

_SENTENCES = (
    "The annual mean concentration of CO2 at Mauna Loa in 2022 was 418.53 ppm.",
    "The annual mean concentration of CO2 at Mauna Loa in 2022 was 417.06 ppm.",
    "The annual mean concentration of CO2 at Mauna Loa in 2021 was 416.41 ppm.",
    "Serializable transactions prevent every anomaly.",
    "Serializable transactions do not prevent every anomaly.",
    "Read committed allows phantom reads.",
    "Read committed allows phantom reads!",
    "The record of measurements is kept by NOAA.",
)
CORPUS = Corpus()
_KEYS = tuple(
    CORPUS.passage(f"source-{place % 4}.txt", f"{sentence} {_SENTENCES[(place + 3) % 8]}", date=date)
    for place, sentence in enumerate(_SENTENCES)
    for date in [("2021", "2023-05", None)[place % 3]]
)
findings = st.builds(
    lambda text, keys, topic, confidence: finding(text, *keys, topic=topic, confidence=confidence),
    st.sampled_from(_SENTENCES),
    st.lists(st.sampled_from([*_KEYS, "punknown"]), max_size=3).map(tuple),
    st.sampled_from([*QUESTIONS, "", "which anomalies does each isolation level prevent", "the weather"]),
    st.floats(0, 1),
)
NAMES = ("a", "b", "b-r2", "c", "d")


def _results(name: str) -> st.SearchStrategy[BranchResult]:
    return st.builds(
        lambda found, status, transient, seconds, number: result(
            name, *found, status=status, transient=transient, seconds=seconds, round=number
        ),
        st.lists(findings, max_size=4),
        st.sampled_from(["completed", "completed", "failed", "timed_out", "cut_off"]),
        st.booleans(),
        st.floats(0, 400),
        st.integers(0, 2),
    )


results = st.lists(st.sampled_from(NAMES), unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: _results(name) for name in names})
)
plans = st.builds(
    lambda chosen, mode: plan(*chosen, mode=mode),
    st.tuples(
        *(
            st.builds(
                lambda asked, priority, required, name=name: branch(name, *asked, priority=priority, required=required),
                st.lists(st.sampled_from(QUESTIONS), min_size=1, unique=True),
                st.integers(1, 5),
                st.booleans(),
            )
            for name in NAMES
        )
    ),
    st.sampled_from(["parallel", "sequential", "adaptive"]),
)


def shuffled(values: Mapping[str, BranchResult], order: Sequence[int]) -> dict[str, BranchResult]:
    """The same results in another order, with the findings of each in another order too."""
    keys = [key for _, key in sorted(zip(order, values, strict=False))]
    return {key: values[key].model_copy(update={"findings": values[key].findings[::-1]}) for key in keys}
