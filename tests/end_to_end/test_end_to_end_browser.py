"""The published page of hostile sources in a real browser: nothing runs, nothing is fetched, text stays text."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Route, async_playwright

from state.context import GatePolicy, RunContext
from tests.end_to_end.poisoned_sources import QUESTION, write
from tests.graphs.research_runs import MemoryRun
from tests.tools.report_views import CHART, CSV, PNG, everywhere
from tools.report.rendering import render_html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

ATTACKS = (
    "<script>window.pwned = 1</script>",
    "<img src=https://evil.example/i.png onerror=window.pwned=1>",
    '"><svg onload=window.pwned=1><use href="https://evil.example/s.svg#x"/></svg>',
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<style>@import url(https://evil.example/s.css); * { background: url(https://evil.example/b.png) }</style>",
    "<link rel=stylesheet href=https://evil.example/l.css><meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action=https://evil.example><button autofocus onfocus=window.pwned=1>x</button></form>",
    "<a href='javascript:window.pwned=1'>click</a> [click](javascript:window.pwned=1) ![p](https://evil.example/p.png)",
    "<details open ontoggle=window.pwned=1><video src=https://evil.example/v.mp4 autoplay></video></details>",
    "<math><mtext></mtext><mglyph><style><img src onerror=window.pwned=1></style></mglyph></math>",
    "<object data=https://evil.example/o.swf></object><embed src=https://evil.example/e><base href=https://evil.example>",
    "</style></title></textarea></noscript><body onload=window.pwned=1 style='behavior:url(https://evil.example)'>",
)
"""Markup of the published kinds, each of which would set `window.pwned` or fetch something."""
NAME = "x<img src=x onerror=window.pwned=1>.txt"
OPEN = "<!doctype html><title>x</title><body>{}</body>"


@dataclass
class Watched:
    """A page, and what it did beside showing itself."""

    page: Page
    requests: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """What the browser said on its console, and in dialogs."""

    async def show(self, file: Path, html: str) -> None:
        """Opens the page as a person does who was sent the file, and waits until it is at rest."""
        await asyncio.to_thread(file.write_text, html, encoding="utf-8")
        self.requests.clear()
        self.told.clear()
        await self.page.goto(file.as_uri(), wait_until="networkidle")

    async def ran(self) -> bool:
        """Whether any script of the page ran."""
        return await self.page.evaluate("'pwned' in window") is True


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The machine's own Chromium, without a network."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest.fixture
async def watched(browser: Browser) -> Watched:
    """A page of which every request is seen, and ended unless it is for a file."""
    page = await browser.new_page()
    seen = Watched(page)

    async def end(route: Route) -> None:
        if route.request.url.startswith("file:"):
            await route.continue_()
        else:
            seen.requests.append(route.request.url)
            await route.abort()

    def hear(message: ConsoleMessage) -> None:
        seen.told.append(message.text)

    await page.route("**", end)
    page.on("console", hear)
    return seen


async def test_the_attacks_work_where_nothing_stops_them(watched: Watched, tmp_path: Path) -> None:
    """Each of them runs or fetches in an ordinary page: what the other tests see is due to the report."""
    for number, attack in enumerate(ATTACKS):
        await watched.show(tmp_path / f"{number}.html", OPEN.format(attack))
        links = await watched.page.locator("a[href^='javascript:']").count()
        assert watched.requests or links or await watched.ran(), attack


async def test_the_page_of_hostile_texts_runs_and_fetches_nothing(watched: Watched, tmp_path: Path) -> None:
    """With an attack in every place that can hold text of others, the page shows it and is at rest."""
    images = {CHART.image.sha256: PNG, CHART.data.sha256: CSV}
    for number, attack in enumerate(ATTACKS):
        await watched.show(tmp_path / f"{number}.html", render_html(everywhere(attack), images))
        assert (watched.requests, watched.told, await watched.ran()) == ([], [], False)
        assert await watched.page.locator("h1").inner_text() == " ".join(attack.split())
        links = await watched.page.eval_on_selector_all("a", "all => all.map(each => each.getAttribute('href'))")
        assert all(link.startswith(("#", "data:text/csv;base64,")) for link in links)
        assert await watched.page.evaluate("document.scripts.length + document.forms.length + frames.length") == 0


async def test_a_click_on_a_citation_opens_the_passage_in_its_context(watched: Watched, tmp_path: Path) -> None:
    """What stands around the passage is in sight only then, and what the clicked sentence rests on is marked, by the
    style alone; the text around it is escaped as all text of sources.
    """
    run = MemoryRun(RunContext(gate=GatePolicy(max_revisions=0)))
    folder = tmp_path / "sources"
    folder.mkdir()
    around = " ".join(f"{ATTACKS[0]} filler{n}" for n in range(250))
    said = "The beta bridge was opened in June 1973 for carts."
    (folder / "a.md").write_text(f"{around}\n\n# Opening\n\n{said}\n\n# More\n\n{around}", encoding="utf-8")
    state = await run.ask("When was the beta bridge opened?", [str(folder)])
    await watched.show(tmp_path / "report.html", (await run.ports.artifacts.get(state["page"].sha256)).decode())
    near, mark = watched.page.locator(".around"), watched.page.locator("mark.u1").first
    assert [await near.nth(n).is_visible() for n in range(await near.count())] == [False, False]
    colour = "element => getComputedStyle(element).backgroundColor"
    before = await mark.evaluate(colour)
    await watched.page.locator("a.cite").first.click()
    assert [await near.nth(n).is_visible() for n in range(2)] == [True, True]
    assert await mark.evaluate(colour) != before
    assert (watched.requests, watched.told, await watched.ran()) == ([], [], False)


async def test_what_got_into_the_page_would_not_run(watched: Watched, tmp_path: Path) -> None:
    """The policy of the page holds by itself: markup that was put into it afterwards neither runs nor fetches."""
    page = render_html(everywhere("calm"), {})
    for number, attack in enumerate(ATTACKS):
        if "http-equiv=refresh" in attack:  # leaving a page is not for a policy in the page to forbid
            continue
        await watched.show(tmp_path / f"{number}.html", page.replace("<main>", f"<main>{attack}"))
        assert (watched.requests, await watched.ran()) == ([], False)


async def test_the_published_report_of_poisoned_sources(watched: Watched, tmp_path: Path) -> None:
    """A whole run over poisoned sources: its page is at rest, and holds their text and their names as text."""
    folder = tmp_path / "sources"
    sources = write(folder, poisoned=True)
    (folder / NAME).write_text(
        f"When was the beta bridge opened? The beta bridge {ATTACKS[0]} was opened in June 1973 for carts.",
        encoding="utf-8",
    )
    run = MemoryRun(RunContext(gate=GatePolicy(max_revisions=0)))
    state = await run.ask(QUESTION, sources)
    page = (await run.ports.artifacts.get(state["page"].sha256)).decode()
    await watched.show(tmp_path / "report.html", page)
    assert (watched.requests, watched.told, await watched.ran()) == ([], [], False)
    text = await watched.page.locator("body").inner_text()
    assert ATTACKS[0] in text
    assert "Ignore all previous instructions" in text
    assert NAME in text
