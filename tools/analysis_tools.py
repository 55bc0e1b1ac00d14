"""The tools of an analysis agent: look at tables, make others of them, compute statistics on them, draw charts.

Each figure becomes a computed passage, stored and shown like a passage that was read, so that a report can
cite it. The arguments of a call say all that it needs: after a crash, calls that finished are given back from
the journal and not made again, so no call may rest on what one before it left in memory.
"""

import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel

from state.errors import ToolError
from state.evidence import Chart, Collection, Passage, Source
from state.ports import Ports
from state.specialisation import AnalysisSpeciality
from tools.analysis_tables import AnalysisTables
from tools.blocks import block
from tools.charts.made import make
from tools.charts.spec import ChartForm
from tools.computed import column_facts, computed_passage, one_line, overview_passage, statistic_passage
from tools.data import Table
from tools.documents.isolation import Readers
from tools.effects import effects
from tools.evidence_text import fenced, render_evidence
from tools.making import made
from tools.numerals import name_and_unit
from tools.screening import screen
from tools.statistics.methods import compute
from tools.statistics.result import at_level, level
from tools.table_statistics import TableName, TableStatistic, given_columns, header_of
from tools.tables.operations import OPERATIONS, Operation
from tools.tables.table_forms import operation_form
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
    listed = "List the tables, with the sheets of workbooks and the tables of documents."
    loaded = "Columns, types, ranges and first rows of a table, and what cleaning changed in it."
    drawn = "Draw a chart that goes into the report."
    counted = "Compute a statistic from columns of a table, with its test, assumptions and warnings."
    return [
        _tool(desk.list_tables, "list_tables", listed),
        _tool(desk.load_data, "load_data", loaded),
        *(
            _tool(desk.operating(each), f"{each.name}_table", each.description, _form(each))
            for each in OPERATIONS.values()
        ),
        _tool(desk.run_statistics, "run_statistics", counted, TableStatistic),
        *([] if how.charts is False else [_tool(desk.make_chart, "make_chart", drawn, TableChart)]),
    ]


class TableChart(ChartForm):
    """What to draw of a table."""

    table: TableName


@cache
def _form(operation: Operation) -> type[BaseModel]:
    """What an operation takes, over the tables of an agent; made once, as that takes a while."""
    return operation_form(operation, TableName)


def _tool(
    work: Callable[..., Coroutine[Any, Any, Answer]], name: str, said: str, form: type[BaseModel] | None = None
) -> BaseTool:
    return made(
        coroutine=work,
        name=name,
        description=said,
        args_schema=form,
        response_format="content_and_artifact",
        metadata=effects("read"),
    )


@dataclass
class _Desk:
    """What the tools of one agent share: the seams, the collection, and the tables that were loaded."""

    ports: Ports
    collection: Collection
    show_orders: bool
    how: AnalysisSpeciality

    def __post_init__(self) -> None:
        self.tables = AnalysisTables(self.ports, self.collection)

    # --- the tools ------------------------------------------------------------------------------------

    async def list_tables(self) -> Answer:
        async with Readers() as readers:
            lines = [await self._listed(readers, source) for source in await self.tables.sources()]
        if not lines:
            return "There are no tables among the sources.", {"passages": []}
        return fenced("tables", "\n".join(lines)), {"passages": []}

    async def load_data(
        self,
        table: TableName,
        sheet: Annotated[str | None, "A sheet of a workbook, or a table of a document; the first otherwise."] = None,
    ) -> Answer:
        name = f"{table}#{sheet}" if sheet else table
        source, loaded = await self.tables.table(name)
        content, artifact = await self._answer(source, [overview_passage(source, loaded)])
        facts = f"\n{block('table', column_facts(name, loaded))}" if artifact["passages"] else ""
        return content + facts, artifact

    def operating(self, operation: Operation) -> Callable[..., Coroutine[Any, Any, Answer]]:
        """The tool of an operation: a table made from others, as `load_data` shows one; the id of its passage is its
        name.
        """

        async def operate(**given: Any) -> Answer:
            names = [given.pop(name) for name in ("table", "other") if name in given]
            source, made = await self.tables.perform(operation, names, operation.form.model_validate(given))
            passage = overview_passage(source, made)
            self.tables.keep(passage.id, source, made)
            content, artifact = await self._answer(source, [passage])
            facts = f"\n{block('table', column_facts(passage.id, made))}" if artifact["passages"] else ""
            return content + facts, artifact

        return operate

    async def run_statistics(self, **given: Any) -> Answer:
        asked = TableStatistic.model_validate(given)
        if self.how.methods is not None and asked.method not in self.how.methods:
            remedy = f"Compute with {', '.join(self.how.methods)}."
            raise ToolError(f"{asked.method} is not among the methods of this analysis.", remedy=remedy)
        source, loaded = await self.tables.table(asked.table)
        columns, used, what = given_columns(asked, loaded)
        with at_level(self.how.confidence_level or level()):
            result = await computed(compute, columns)
        return await self._answer(source, [statistic_passage(source, loaded, what, used, result)])

    async def make_chart(self, **given: Any) -> Answer:
        asked = TableChart.model_validate(given)
        source, loaded = await self.tables.table(asked.table)
        spec = asked.spec(lambda name: header_of(loaded, name), lambda name: _unit(loaded, name))
        made = await computed(make, loaded.frame, spec)
        what = f"{spec.kind} chart({', '.join(spec.y) + ' by ' if spec.y else ''}{spec.x})"
        used = [name for name in (spec.x, *spec.y, spec.panels) if name]
        passage = computed_passage(source, loaded, what, used, [made.alt])
        name = re.sub(r"[^a-z0-9]+", "-", spec.title.lower()).strip("-")[:60] or "chart"
        name = f"{name}-{passage.id[-6:]}"  # several charts may have one title
        chart = Chart(
            image=await self.ports.artifacts.put(made.picture, "image/png", f"{name}.png"),
            data=await self.ports.artifacts.put(made.csv, "text/csv", f"{name}.csv"),
            title=spec.title,
            alt=made.alt,
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

    async def _listed(self, readers: Readers, source: Source) -> str:
        """A line of the list of tables."""
        try:
            sheets = await self.tables.sheets(readers, source)
        except ToolError as error:
            return f"{one_line(source.uri)}: cannot be read, {one_line(error.message)}"
        named = f", sheets: {', '.join(map(one_line, sheets))}" if sheets else ""
        return f"{one_line(source.uri)} ({source.size} bytes{named})"


def _unit(table: Table, name: str) -> str:
    return name_and_unit(name)[1] or table.units.get(name, "")
