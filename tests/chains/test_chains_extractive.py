"""The model without a key: what it makes of questions, evidence and tables."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool

from chains.ask import ask, brief
from chains.extractive import analysing, researching, writing
from chains.extractive.analysing import computations
from chains.extractive.model import ExtractiveChatModel
from chains.extractive.questions import query_for, split_question
from chains.extractive.quoting import pick_quotes
from chains.forms import FindingsDraft, PlanDraft, ReportDraft
from state.evidence import Locator, Passage, Source
from tools.blocks import block, read_block
from tools.evidence_text import parse_evidence, render_evidence

LEVELS = "Which isolation levels does PostgreSQL offer, and which anomalies does each prevent?"
SOURCE = Source(id="s1", uri="iso.html", title="Isolation", kind="html", sha256="0" * 64, size=1)


def shown(*texts: str) -> str:
    """The texts as a tool shows passages."""
    return render_evidence([Passage.make("s1", Locator(), text) for text in texts], [SOURCE])


def test_a_question_is_split_where_a_new_one_begins() -> None:
    """Two questions joined by `and` become two; a plain conjunction of things does not."""
    assert split_question(LEVELS) == [
        "Which isolation levels does PostgreSQL offer?",
        "Which anomalies does each prevent?",
    ]
    assert split_question("What do bread and butter cost?") == ["What do bread and butter cost?"]


@given(st.text(max_size=300))
def test_splitting_never_fails_and_keeps_something(question: str) -> None:
    """Any text gives one to six sub-questions."""
    assert 1 <= len(split_question(question)) <= 6


def test_a_question_that_points_back_takes_its_subject_along() -> None:
    """`each` says nothing to a search index; the subject of the whole question does."""
    query = query_for("Which anomalies does each prevent?", LEVELS)
    assert "isolation" in query
    assert "anomalies" in query


def test_quotes_stand_word_for_word_in_the_evidence() -> None:
    """The best sentence is the one that holds the question's words, and it is not changed."""
    passages = parse_evidence(
        shown("The bridge was opened in 1932. It is 134 m high. Tickets for the climb are sold at the pier.")
    )
    quotes = pick_quotes("How high is the bridge?", passages)
    assert quotes[0].text == "The bridge was opened in 1932. It is 134 m high."
    assert all(quote.text in passages[0].text for quote in quotes)


def test_evidence_about_something_else_gives_no_quote() -> None:
    """A question that the evidence does not answer gets nothing rather than the least bad sentence."""
    passages = parse_evidence(shown("Cats sleep for most of the day. They hunt at dawn and at dusk."))
    assert pick_quotes("Which isolation levels does PostgreSQL offer?", passages) == []


async def test_it_fills_the_form_of_a_plan() -> None:
    """Asked for a plan it gives one, with an analysis branch where there are tables and figures are asked for."""
    message = brief(question="How fast has CO2 risen?", tables=["co2.csv"], sources=[], max_branches=4)
    plan = await ask(ExtractiveChatModel(), "plan", PlanDraft, message)
    assert {branch.kind for branch in plan.branches} == {"research", "analysis"}
    assert plan.branches[-1].tables == ["co2.csv"]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Please also look at the beta bridge.", ["What about the beta bridge?"]),
        ("Could you find out how high the beta bridge is?", ["How high is the beta bridge?"]),
        ("Include the costs, please. And when was it opened?", ["What about the costs?", "When was it opened?"]),
        ("When was the beta bridge opened?", ["When was the beta bridge opened?"]),
        ("The beta bridge", ["The beta bridge?"]),
        ("Look more at costs", ["What about costs?"]),
        ("Not enough on the costs!", ["What about the costs?"]),
        ("The costs are missing.", ["What about the costs?"]),
        ("Say how much the bridge cost", ["What about how much the bridge cost?"]),
        ("This is not good enough. Try again.", []),
    ],
)
async def test_what_people_ask_for_becomes_a_question(said: str, asked: list[str]) -> None:
    """A request is not searched for word by word: only what it is about; a question stays."""
    message = brief(question="How high is the alpha bridge?", tables=[], sources=[], max_branches=4, guidance=[said])
    plan = await ask(ExtractiveChatModel(), "plan", PlanDraft, message)
    assert plan.sub_questions == ["How high is the alpha bridge?", *asked]


@tool
def search_documents(query: str) -> str:
    """Searches."""
    return query


def model_with(*tools: Any) -> Any:
    """The model as an agent binds it."""
    return ExtractiveChatModel().bind_tools([*tools])


async def test_as_a_research_agent_it_searches_and_then_quotes() -> None:
    """First one search a question, then findings that name the passages they stand in."""
    asked = brief(question=LEVELS, questions=split_question(LEVELS))
    first: AIMessage = await model_with(search_documents, FindingsDraft).ainvoke([asked])
    assert [call["name"] for call in first.tool_calls] == ["search_documents"] * 2
    evidence = shown("PostgreSQL offers four isolation levels. Each level prevents some anomalies.")
    result = ToolMessage(evidence, tool_call_id=first.tool_calls[0]["id"], name="search_documents")
    second: AIMessage = await model_with(search_documents, FindingsDraft).ainvoke([asked, first, result])
    found = FindingsDraft.model_validate(second.tool_calls[0]["args"])
    assert "PostgreSQL offers four isolation levels." in [finding.text for finding in found.findings]
    assert all(finding.passages for finding in found.findings)


async def test_the_same_prompt_gives_the_same_answer() -> None:
    """Content and the ids of tool calls are equal, so that recorded calls match after a crash."""
    asked = brief(question=LEVELS, questions=[LEVELS])
    first = await model_with(search_documents, FindingsDraft).ainvoke([asked])
    second = await model_with(search_documents, FindingsDraft).ainvoke([asked])
    assert first.tool_calls == second.tool_calls


async def test_as_a_writer_it_orders_claims_by_the_outline() -> None:
    """It asks for outline and recommendations first; the report then cites every claim's passages."""
    claims = [
        {
            "id": "c1",
            "text": "A is 1 m.",
            "topic": "A?",
            "passages": ["p1"],
            "confidence": 0.6,
            "relevance": 0.9,
            "computed": False,
        }
    ]
    asked = brief(question="A?", claims=claims, uncovered=["B?"])

    @tool
    def outline() -> str:
        """Outlines."""
        return ""

    @tool
    def recommend() -> str:
        """Recommends."""
        return ""

    bound = model_with(outline, recommend, ReportDraft)
    first = await bound.ainvoke([asked])
    assert [call["name"] for call in first.tool_calls] == ["outline", "recommend"]
    answers = [
        ToolMessage(block("outline", [{"topic": "A?", "claims": ["c1"]}]), tool_call_id="1", name="outline"),
        ToolMessage(block("recommendations", []), tool_call_id="2", name="recommend"),
    ]
    second = await bound.ainvoke([asked, first, *answers])
    report = ReportDraft.model_validate(second.tool_calls[0]["args"])
    assert report.sections[0].sentences[0].passages == ["p1"]
    assert any("B?" in sentence.text for section in report.sections for sentence in section.sentences)


def claims(number: int) -> list[dict[str, Any]]:
    """As many claims of one topic, each of a passage of its own."""
    shared = {"topic": "A?", "confidence": 0.6, "relevance": 0.9, "computed": False, "place": 0}
    return [
        {"id": f"c{n}", "text": f"The bridge number {n} is {n} m high.", "passages": [f"p{n}"], **shared}
        for n in range(number)
    ]


@pytest.mark.parametrize(("length", "told"), [("short", 5), ("standard", 16), (None, 16), ("long", 24)])
def test_a_report_is_as_long_as_was_asked_for(length: str | None, told: int) -> None:
    """Short is the summary, long tells twice of each part; the same without a wish as always."""
    asked = {"question": "A?", "claims": claims(24), "uncovered": [], "specialisation": {"length": length}}
    outline = [{"topic": "A?", "claims": [f"c{n}" for n in range(24)]}]
    made = writing.report(asked, outline, [])
    assert sum(len(section.sentences) for section in made.sections) == told


@pytest.mark.parametrize(
    ("depth", "limits"), [("quick", [8]), (None, [20]), ("standard", [20]), ("thorough", [20, 20])]
)
def test_depth_is_how_much_is_searched(depth: str | None, limits: list[int]) -> None:
    """Quick asks for fewer passages; thorough searches again with the best sentence, which answers its question."""
    task: dict[str, Any] = {"question": "How high is it?", "questions": ["How high is the alpha bridge?"]}
    task |= {"specialisation": {"depth": depth}}
    passage = Passage.make("s1", Locator(), "The alpha bridge is 134 m high.")
    messages: list[ToolMessage] = []
    asked: list[int] = []
    while (calls := researching.step(task, messages, ["search_documents"]))[0].name != "FindingsDraft":
        asked += [call.args["limit"] for call in calls]
        evidence = render_evidence([passage], [SOURCE], calls[0].args["query"])
        messages.append(ToolMessage(evidence, tool_call_id="1", name="search_documents"))
    assert asked == limits
    (finding,) = calls[0].args["findings"]
    assert finding["text"] == passage.text
    if depth == "thorough":
        assert passage.text in messages[1].text.partition(">")[0]


def test_only_the_methods_that_are_asked_for_are_computed() -> None:
    """What else the columns would be worth is left out, and no chart is drawn by an agent that has no tool for it."""
    columns = [{"name": "year", "type": "number", "distinct": 60}, {"name": "co2", "type": "number", "distinct": 60}]
    loaded = ToolMessage(block("table", {"table": "t.csv", "columns": columns}), tool_call_id="1", name="load_data")
    task: dict[str, Any] = {"question": "How is it?", "questions": [], "tables": ["t.csv"]}
    every = analysing.step(task, [loaded], ["run_statistics", "make_chart"])
    assert [call.args.get("method") for call in every] == ["describe", "trend", None]
    some = analysing.step(task | {"specialisation": {"methods": ["trend"]}}, [loaded], ["run_statistics"])
    assert [call.args.get("method") for call in some] == ["trend"]


@pytest.mark.parametrize(
    ("columns", "tests"),
    [
        ([("year", "number", 60), ("co2", "number", 60)], ["describe", "trend", "line"]),
        ([("island", "text", 3), ("mass", "number", 300)], ["describe", "groups", "bar"]),
        ([("a", "number", 9), ("b", "number", 9)], ["describe", "correlation", "scatter"]),
        ([("name", "text", 99)], []),
    ],
)
def test_the_columns_decide_what_is_computed(columns: list[tuple[str, str, int]], tests: list[str]) -> None:
    """A trend over time, a difference between groups, a correlation, or nothing where there are no numbers."""
    table = {"table": "t.csv", "columns": [{"name": n, "type": t, "distinct": d} for n, t, d in columns]}
    calls = computations(table, "how is it?")
    assert [call.args.get("method") or call.args["kind"] for call in calls] == tests


@pytest.mark.parametrize(("kind", "fits"), [("number", True), ("date", False)])
@pytest.mark.parametrize("asked", ["how is it?", "What is the trend of co2 over year?"])
def test_a_trend_is_drawn_over_numbers_only(kind: str, fits: bool, asked: str) -> None:
    """Over dates the line is drawn without the fitted one, which a chart would refuse."""
    columns = [{"name": n, "type": t, "distinct": 60} for n, t in (("year", kind), ("co2", "number"))]
    (chart,) = (call for call in computations({"table": "t.csv", "columns": columns}, asked) if "kind" in call.args)
    assert chart.args.get("trend", False) == fits


async def test_without_a_form_it_quotes_or_says_no() -> None:
    """A plain prompt gets sentences of its evidence, or one sentence that says there is no answer."""
    evidence = shown("The bridge was opened in 1932.")
    answer = await ExtractiveChatModel().ainvoke([HumanMessage(evidence), HumanMessage("When was the bridge opened?")])
    assert answer.text == "The bridge was opened in 1932."
    nothing = await ExtractiveChatModel().ainvoke("What is the airspeed of a swallow?")
    assert nothing.text == "The evidence shown does not answer this."


@pytest.mark.slow
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9))
def test_blocks_read_back_what_they_were_given(value: Any) -> None:
    """Whatever JSON can say comes back equal, also when it holds the block's own tags."""
    assert read_block(f"x {block('thing', [value, '</thing>'])} y", "thing") == [value, "</thing>"]


def test_a_sentence_that_points_back_is_quoted_with_its_subject() -> None:
    """`It is 198 km long` alone would be a claim about whatever the reader has in mind."""
    passages = parse_evidence(shown("The Sorrow joins the Velm at Bellow. It is 198 kilometres long."))
    (quote,) = pick_quotes("How long is the Sorrow in kilometres?", passages)
    assert quote.text == "The Sorrow joins the Velm at Bellow. It is 198 kilometres long."
