"""What a run stores by the number of its steps, here and as a StateGraph of a node for each step on the stock saver."""

import operator
import time
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from psycopg.sql import SQL, Identifier

from benchmarks.workflow_graphs import TaskGraph, chain, fan
from run_workflow.postgres.database import Database

GRAPHS = (*(chain(count, 0) for count in (100, 200, 400)), *(fan(count, 0) for count in (250, 500, 1000, 5000)))
MOST_NODES = 1002
"""Of a StateGraph: 5,000 nodes take minutes to compile and to run."""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"

_OF_TABLE = SQL("(SELECT coalesce(sum(pg_column_size(t.*)), 0) FROM {} t)")


class State(TypedDict):
    """One value for each step, as the engine keeps one."""

    places: Annotated[list[int], operator.add]


@dataclass(frozen=True)
class Cost:
    """Of one run."""

    seconds: float
    stored: int
    """Bytes of rows."""

    def shown(self, steps: int) -> str:
        """Seconds, kilobytes, bytes for each step."""
        return f"{self.seconds:9.2f}{self.stored / 1000:11,.0f}{self.stored / steps:9,.0f}"


async def stored_bytes(database: Database) -> int:
    """Bytes of all rows of all tables."""
    async with database.pool.connection() as connection:
        names = [row["tablename"] for row in await (await connection.execute(_TABLES)).fetchall()]
        sums = SQL(" + ").join(_OF_TABLE.format(Identifier(name)) for name in names)
        row = await (await connection.execute(SQL("SELECT ({})::bigint AS stored").format(sums))).fetchone()
    assert row is not None
    return int(row["stored"])


async def as_nodes(graph: TaskGraph, database: Database) -> Cost | str:
    """The cost of a run as a node for each step; why it cannot run, if it cannot."""
    if len(graph.needs) > MOST_NODES:
        return "not tried"

    async def step(_: State) -> dict[str, Any]:
        return {"places": [1]}

    built: Any = StateGraph(State)
    for id_, before in graph.needs.items():
        built.add_node(id_, step)
        built.add_edge(list(before) if len(before) > 1 else before[0] if before else START, id_)
    needed = {each for before in graph.needs.values() for each in before}
    for id_ in graph.needs.keys() - needed:
        built.add_edge(id_, END)
    before_it = await stored_bytes(database)
    app = built.compile(checkpointer=AsyncPostgresSaver(database.pool))
    config = {"configurable": {"thread_id": graph.name}, "recursion_limit": len(graph.needs) + 2}
    begun = time.perf_counter()
    try:
        await app.ainvoke({"places": []}, config, durability="sync")
    except psycopg.errors.ProgramLimitExceeded as error:
        return f"fails: {str(error).splitlines()[0]}"
    return Cost(time.perf_counter() - begun, await stored_bytes(database) - before_it)
