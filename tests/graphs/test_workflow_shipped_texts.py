"""Workflows that come along and work on texts and data: their examples, and the ways that lead to a person."""

from pathlib import Path

import pytest

from tests.graphs.shipped_runs import ShippedRun, example, shipped

pytestmark = pytest.mark.slow


async def test_a_document_is_read_typed_and_summed_up(tmp_path: Path) -> None:
    """The example is an invoice: its fields, its pages and a summary, without a person."""
    run = ShippedRun(await shipped("document_processing"), tmp_path)
    done = await run.go(example("document_processing"))
    assert (done["type"], done["metadata"]["kind"]) == ("invoice", "html")
    assert done["fields"]["values"] == {"invoice_number": "2025-0417", "total": 935.5, "due_date": "2025-04-30"}
    assert [page["number"] for page in done["pages"]] == [1]
    assert "935.5" in done["summary"]
    assert (await run.statuses())["typed"] == "skipped"


async def test_a_document_that_no_program_reads_goes_to_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an engine for pictures a person types the text, which then takes the way of all documents."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "scan.PNG").write_bytes(b"picture")
    run = ShippedRun(await shipped("document_processing"), tmp_path / "files", tmp_path)
    assert not await run.go({"document": "scan.PNG"})
    assert await run.asked() == {"typed": {"text": ""}}
    done = await run.answer(text="Dear Ms Lind, this letter is a request: please call me. With kind regards, Bo")
    assert (done["type"], done["metadata"]) == ("letter", {"name": "scan.PNG"})
    assert len(done["pages"]) == 1


async def test_a_summary_that_stays_bad_is_written_by_a_person(tmp_path: Path) -> None:
    """It is tried twice, and asked for then; what the person writes is the output."""
    run = ShippedRun(await shipped("document_processing"), tmp_path)
    wanted = {**example("document_processing"), "criteria": ["the captain of the vessel"]}
    assert not await run.go(wanted)
    tries = next(each.attempts for each in await run.ports.ledger.steps() if each.path == "summary")
    assert (tries, list(await run.asked())) == (2, ["written"])
    assert (await run.answer(text="No vessel is named."))["summary"] == "No vessel is named."


async def test_reviewers_who_disagree_leave_it_to_a_person(tmp_path: Path) -> None:
    """Each reviewer has a score by its own criteria; a person decides, and the author is told the defects."""
    run = ShippedRun(await shipped("code_review"), tmp_path)
    assert not await run.go(example("code_review"))
    (shown,) = (await run.asked()).values()
    scores = {each["reviewer"]: each["score"] for each in shown["reviews"]}
    assert scores["correctness"] == 10
    assert scores["tests"] < 7
    done = await run.answer(verdict="rejected")
    assert (done["consensus"], done["decision"]["values"]["verdict"]) == ("else", "rejected")
    assert "test" in done["letter"]


@pytest.mark.parametrize(("criterion", "verdict"), [("mean of values", "approved"), ("quantum chess", "rejected")])
async def test_reviewers_who_agree_decide(tmp_path: Path, criterion: str, verdict: str) -> None:
    """All in favour approve, all against reject; nobody is asked."""
    run = ShippedRun(await shipped("code_review"), tmp_path)
    reviewers = [{"name": name, "criteria": [criterion]} for name in "ab"]
    assert (await run.go({**example("code_review"), "reviewers": reviewers}))["consensus"] == verdict


async def test_an_article_is_made_step_by_step(tmp_path: Path) -> None:
    """Each step has what the steps before made; the teaser is borne out by the facts, so that nobody is asked."""
    run = ShippedRun(await shipped("content_generation"), tmp_path)
    done = await run.go(example("content_generation"))
    assert "112 nests" in done["article"]
    assert done["teaser"].split(". ")[0] in done["article"]
    assert (done["check"], done["score"] >= 7) == ("supported", True)


async def test_an_article_can_be_looked_at_before_it_is_out(tmp_path: Path) -> None:
    """A person sees title, teaser and article, and changes one."""
    run = ShippedRun(await shipped("content_generation"), tmp_path)
    assert not await run.go({**example("content_generation"), "approve": True})
    assert set((await run.asked())["release"]) == {"title", "teaser", "article", "check"}
    assert (await run.answer(title="Swifts"))["title"] == "Swifts"


async def test_questions_go_to_experts_and_the_rest_to_a_person(tmp_path: Path) -> None:
    """Two are answered from the texts of their fields; the third, which no text answers, by a person."""
    run = ShippedRun(await shipped("multi_domain_support"), tmp_path)
    assert not await run.go(example("multi_domain_support"))
    assert list(await run.asked()) == ["each_question[2].answer"]
    done = await run.answer(answer="Yes, dogs are welcome.")
    first, second, third = done["answers"]
    assert (first["field"], second["field"], third["field"]) == ("billing", "technical", "else")
    assert "5 working days" in first["answer"]
    assert "Forgotten password" in second["answer"]
    assert third["by"] == ["ann"]
    assert "dogs are welcome" in done["reply"]


async def test_figures_of_a_company_and_their_risk(tmp_path: Path) -> None:
    """Trends are computed from the files, two workers look at them, and the rules say medium: costs rise faster."""
    run = ShippedRun(await shipped("financial_analysis"), tmp_path)
    done = await run.go(example("financial_analysis"))
    assert done["risk"] == "medium"
    assert (
        done["figures"]["costs"]["slope"] > done["figures"]["revenue"]["slope"] > 0 > done["figures"]["debt"]["slope"]
    )
    assert "revenue" in done["report"]
    statuses = await run.statuses()
    assert statuses["analysis[0].analyst"] == statuses["analysis[1].critic"] == "completed"


async def test_a_high_risk_is_looked_at_by_a_person(tmp_path: Path) -> None:
    """Revenue falls and debt rises; a table without its columns is refused."""
    years = range(2015, 2025)
    wobble = [0.3, -0.2, 0.1, -0.4, 0.2, 0.3, -0.1, -0.3, 0.4, -0.2]
    falls = "".join(f"{year},{90 - 2 * n + wobble[n]},80\n" for n, year in enumerate(years))
    rises = "".join(f"{year},{30 + 3 * n - wobble[n]},9\n" for n, year in enumerate(years))
    (tmp_path / "income.csv").write_text("period,revenue,costs\n" + falls.replace(",80\n", ",80.5\n", 1))
    (tmp_path / "balance.csv").write_text("period,debt,cash\n" + rises)
    run = ShippedRun(await shipped("financial_analysis"), tmp_path / "files", tmp_path)
    assert not await run.go({"income": "income.csv", "balance": "balance.csv"})
    assert list(await run.asked()) == ["risk.looked_at"]
    assert (await run.answer(note="A plan is there."))["risk"] == "high"
