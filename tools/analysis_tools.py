"""The tools of an analysis agent: look at tables, compute statistics on them, draw charts.

Each figure becomes a computed passage, stored and shown like a passage that was read, so that a report can
cite it. The arguments of a call say all that it needs: after a crash, calls that finished are given back from
the journal and not made again, so no call may rest on what one before it left in memory.
"""

import html
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import pandas as pd
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel

from state.errors import ToolError
from state.evidence import Chart, Collection, Locator, Passage, Source
from state.ports import Ports
from state.specialisation import AnalysisSpeciality
from tools.blocks import block
from tools.charts.drawing import draw_chart
from tools.charts.figures import plotted
from tools.charts.spec import ChartKind, ChartSpec
from tools.charts.words import alt_text
from tools.computed import column_facts, one_line, overview_passage, statistic_passage
from tools.data import Table, read_table, sheet_names
from tools.documents.isolation import Readers
from tools.effects import effects
from tools.evidence_text import fenced, render_evidence
from tools.numerals import name_and_unit
from tools.report.escaping import cell_text
from tools.screening import screen
from tools.statistics.methods import compute
from tools.statistics.result import at_level, level
from tools.table_statistics import TableName, TableStatistic, given_columns, header_of, near_names
from tools.threads import computed

Answer = tuple[str, dict[str, Any]]
"""What a tool shows to the model, and its artifact: the ids of the passages that it made, and a chart."""


def analysis_tools(
    ports: Ports, collection: Collection, how: AnalysisSpeciality = AnalysisSpeciality(), *, show_orders: bool = False
) -> list[BaseTool]:
    """The tools over the tables of `collection`; each raises ToolError where it cannot do what is asked.

    What would show orders to a model that stand in a table is withheld, unless `show_orders`. `how` says which methods
    there are, at what level intervals are computed, and whether there are charts.
    """
    desk = _Desk(ports, collection, show_orders, how)
    tools: tuple[tuple[Callable[..., Coroutine[Any, Any, Answer]], str], ...] = (
        (desk.list_tables, "List the tables, with the sheets of workbooks and the tables of documents."),
        (
            desk.load_data,
            "Columns, types, ranges and first rows of a table, and what cleaning changed in it.",
        ),
        (desk.run_statistics, "Compute a statistic from columns of a table, with its test, assumptions and warnings."),
        (desk.make_chart, "Draw a chart that goes into the report."),
    )
    forms: dict[str, type[BaseModel]] = {"run_statistics": TableStatistic}
    return [
        StructuredTool.from_function(
            coroutine=tool,
            name=tool.__name__,
            description=said,
            args_schema=forms.get(tool.__name__),
            response_format="content_and_artifact",
            metadata=effects("read"),
        )
        for tool, said in tools
        if how.charts is not False or tool != desk.make_chart
    ]


@dataclass
class _Desk:
    """What the tools of one agent share: the seams, the collection, and the tables that were loaded."""

    ports: Ports
    collection: Collection
    show_orders: bool
    how: AnalysisSpeciality
    loaded: dict[str, tuple[Source, Table]] = field(default_factory=dict)
    named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the tables in a file, by its hash: to find them the whole file is parsed."""

    # --- the tools ------------------------------------------------------------------------------------

    async def list_tables(self) -> Answer:
        async with Readers() as readers:
            lines = [await self._listed(readers, source) for source in await self._sources()]
        if not lines:
            return "There are no tables among the sources.", {"passages": []}
        return fenced("tables", "\n".join(lines)), {"passages": []}

    async def load_data(
        self,
        table: TableName,
        sheet: Annotated[str | None, "A sheet of a workbook, or a table of a document; the first otherwise."] = None,
    ) -> Answer:
        name = f"{table}#{sheet}" if sheet else table
        source, loaded = await self._table(name)
        content, artifact = await self._answer(source, [overview_passage(source, loaded)])
        facts = f"\n{block('table', column_facts(name, loaded))}" if artifact["passages"] else ""
        return content + facts, artifact

    async def run_statistics(self, **given: Any) -> Answer:
        asked = TableStatistic.model_validate(given)
        if self.how.methods is not None and asked.method not in self.how.methods:
            remedy = f"Compute with {', '.join(self.how.methods)}."
            raise ToolError(f"{asked.method} is not among the methods of this analysis.", remedy=remedy)
        source, loaded = await self._table(asked.table)
        columns, used, what = given_columns(asked, loaded)
        with at_level(self.how.confidence_level or level()):
            result = await computed(compute, columns)
        return await self._answer(source, [statistic_passage(source, loaded, what, used, result)])

    async def make_chart(
        self,
        table: TableName,
        kind: ChartKind,
        x: Annotated[str, "The column along the axis; the only one of a histogram."],
        y: Annotated[list[str], "The columns to draw over x; empty for a histogram."],
        title: Annotated[str, "What the chart shows, in a few words."],
        trend: Annotated[
            bool, "Of a line chart: whether to draw the straight line that the method trend fits."
        ] = False,
    ) -> Answer:
        source, loaded = await self._table(table)
        x, *y = (header_of(loaded, name) for name in (x, *y))
        units = {_unit(loaded, name) for name in y}
        spec = ChartSpec(
            kind=kind,
            x=x,
            y=tuple(dict.fromkeys(y)) if kind != "histogram" else (),
            title=" ".join(title.split()),
            x_unit=_unit(loaded, x),
            y_unit=units.pop() if len(units) == 1 else "",
            trend=trend,
        )
        png, csv, alt = await _computed(_drawn, loaded.frame, spec)
        what = f"{kind} chart({', '.join(spec.y) + ' by ' if spec.y else ''}{x})"
        locator = Locator(computed=what, cells=loaded.cells([x, *spec.y]))
        passage = Passage.make(source.id, locator, alt)
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "chart"
        name = f"{name}-{passage.id[-6:]}"  # several charts may have one title
        chart = Chart(
            image=await self.ports.artifacts.put(png, "image/png", f"{name}.png"),
            data=await self.ports.artifacts.put(csv, "text/csv", f"{name}.csv"),
            title=spec.title,
            alt=alt,
            passage_id=passage.id,
        )
        content, artifact = await self._answer(source, [passage])
        return content, artifact | ({"chart": chart.model_dump(mode="json")} if artifact["passages"] else {})

    # --- what they share ------------------------------------------------------------------------------

    async def _answer(self, source: Source, passages: Sequence[Passage]) -> Answer:
        """Store computed passages, and show them as search shows what it finds."""
        await self.ports.passages.add(source, passages)
        screened = screen(passages, {source.id: source}, show_orders=self.show_orders)
        withheld = len(passages) - len(screened.passages)
        told = f"\nWithheld, because they give orders to a model: {withheld}." if withheld else ""
        artifact = {"passages": [passage.id for passage in screened.passages], "notes": screened.notes}
        return render_evidence(screened.passages, [source]) + told, artifact

    async def _sources(self) -> list[Source]:
        """The sources that are tables."""
        sources = await self.ports.passages.sources(self.collection.id)
        return [source for source in sources if source.uri in self.collection.tables]

    async def _listed(self, readers: Readers, source: Source) -> str:
        """A line of the list of tables."""
        try:
            sheets = await self._sheets(readers, source)
        except ToolError as error:
            return f"{one_line(source.uri)}: cannot be read, {one_line(error.message)}"
        named = f", sheets: {', '.join(map(one_line, sheets))}" if sheets else ""
        return f"{one_line(source.uri)} ({source.size} bytes{named})"

    async def _bytes(self, source: Source) -> bytes:
        try:
            return await self.ports.artifacts.get(source.sha256)
        except KeyError as error:
            remedy = "Use another table."
            raise ToolError("The file is not stored.", place=source.uri, remedy=remedy) from error

    async def _sheets(self, readers: Readers, source: Source) -> tuple[str, ...]:
        if source.sha256 not in self.named:
            data = await self._bytes(source)
            self.named[source.sha256] = await sheet_names(readers, data, source.uri, source.kind)
        return self.named[source.sha256]

    async def _table(self, name: str) -> tuple[Source, Table]:
        """The table of a uri, or of `uri#sheet`, loaded once."""
        if name not in self.loaded:
            sources = {source.uri: source for source in await self._sources()}
            name = name if name in sources else html.unescape(name)
            uri, _, sheet = (name, "", "") if name in sources else name.rpartition("#")
            if uri not in sources:
                raise ToolError(f"There is no table “{name}”.", remedy=near_names(name, list(sources), "tables"))
            source = sources[uri]
            data = await self._bytes(source)
            async with Readers() as readers:
                self.loaded[name] = source, await read_table(readers, data, uri, sheet or None, source.kind)
        return self.loaded[name]


async def _computed(compute: Callable[..., Any], *arguments: Any) -> Any:
    """The result of blocking work on columns; ToolError where the columns do not allow it."""
    try:
        return await computed(compute, *arguments)
    except (ValueError, TypeError, ArithmeticError) as error:
        remedy = "Look at the columns with load_data, and choose others."
        raise ToolError(f"This cannot be computed from these columns ({error}).", remedy=remedy) from error


def _drawn(frame: pd.DataFrame, spec: ChartSpec) -> tuple[bytes, bytes, str]:
    """A chart as PNG, its figures as CSV, and what it shows in words."""
    figures = plotted(frame, spec).map(cell_text).rename(columns=cell_text)
    return draw_chart(frame, spec), figures.to_csv(index=False).encode(), alt_text(frame, spec)


def _unit(table: Table, name: str) -> str:
    return name_and_unit(name)[1] or table.units.get(name, "")
