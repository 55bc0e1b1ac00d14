"""What the workflow engine costs: real task graphs, wide joins, and many steps, in memory and on PostgreSQL.

    python -m benchmarks.workflows [--data FOLDER] [--graphs NAME ...] [--seconds S] [--shortest S] [--rounds N]
    python -m benchmarks.workflows --growth

The first runs recorded task graphs (workflows/wfinstances), their times scaled to a bound of S seconds, and no task
under `--shortest`. The bound is the larger of critical path and work / cap, which no run can be under; the list
schedule is what a run without any cost of its own takes. Beside the engine, over ports in memory and on PostgreSQL,
stands the same graph in asyncio alone: what the machine needs at that time. Figures are medians of the rounds. Order
is checked: no task starts before those it waits for have ended. A run is measured from the moment its definition has
been read to its end, with all that the engine does for it.

`--growth` prints seconds and bytes by the number of steps, beside a StateGraph with a node for each step on
LangGraph's own AsyncPostgresSaver.

PostgreSQL is a local server of Stretto's own in a temporary folder, with its disk synced as usual.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import datasets
from benchmarks.workflow_graphs import TaskGraph, chain, read
from benchmarks.workflow_growth import GRAPHS, Cost, as_nodes, stored_bytes
from chains.models import ModelDoor
from graphs.workflow.compiler import build
from graphs.workflow.run import Conditions
from graphs.workflow.running import Call
from run_workflow.engine.engine import Engine
from run_workflow.engine.entries import EditCheck, Remark
from run_workflow.logs import configure_logs
from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from state.context import RunContext
from state.ports import Ports
from state.runs import Json
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import ActionStep
from tools.memory import SystemClock, memory_ports

MODELS = ModelDoor({}, {})
Way = Callable[["Tasks"], Awaitable[float]]
"""Runs a task graph and says how many seconds it took."""


@dataclass
class Tasks:
    """A task graph as the engine takes a graph; it notes when each task worked."""

    graph: TaskGraph
    cap: int
    name: str = "tasks"
    definition: str = "tasks"
    validators: dict[str, EditCheck] = field(default_factory=dict)
    remarks: dict[str, Remark] = field(default_factory=dict)
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workflow = WorkflowDefinition.model_validate(self.graph.definition(self.cap))

    def check_input(self, given: Json) -> None:
        """Any input will do."""

    def build(self, ports: Ports) -> Any:
        """The graph of one run."""
        return build(ports, self.workflow, {ActionStep: self._task}, Conditions({}))

    async def _task(self, step: ActionStep, call: Call) -> dict[str, int]:
        begun = time.perf_counter()
        await asyncio.sleep(self.graph.seconds[step.id])
        self.spans[step.id] = (begun, time.perf_counter())
        return {"place": len(self.spans)}

    def check_order(self) -> None:
        """Raises AssertionError unless every task ran once, after those it waits for."""
        assert self.spans.keys() == self.graph.needs.keys()
        for id_, before in self.graph.needs.items():
            assert all(self.spans[each][1] <= self.spans[id_][0] for each in before), id_


@asynccontextmanager
async def local_database() -> AsyncIterator[Database]:
    """A local server of its own, and its database."""
    with tempfile.TemporaryDirectory(prefix="stretto-bench-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o711)  # the server may run as another user
        async with open_database(DatabaseSettings(None, Path(folder))) as database:
            yield database


async def in_memory(tasks: Tasks) -> float:
    """Seconds of a run over the ports in memory, with nothing kept of the graph's own state."""
    app = tasks.build(memory_ports(MODELS)).compile()
    begun = time.perf_counter()
    await app.ainvoke({"inputs": {}})
    return time.perf_counter() - begun


async def on_postgres(tasks: Tasks, database: Database) -> float:
    """Seconds of a run by the engine, from its start to its end."""
    engine = Engine(database.pool, MODELS, SystemClock(), {tasks.name: tasks})
    run = await engine.start(tasks.name, {"inputs": {}}, RunContext(), actor="benchmark")
    begun = time.perf_counter()
    ended = await engine.advance(run.id)
    assert ended.status == "completed", ended.error
    return time.perf_counter() - begun


async def plain(tasks: Tasks) -> float:
    """Seconds of the same in asyncio alone, with nothing stored: what the machine needs for it now."""
    graph, slots, ended = tasks.graph, asyncio.Semaphore(tasks.cap), {id_: asyncio.Event() for id_ in tasks.graph.needs}

    async def one(id_: str) -> None:
        for each in graph.needs[id_]:
            await ended[each].wait()
        async with slots:
            begun = time.perf_counter()
            await asyncio.sleep(graph.seconds[id_])
            tasks.spans[id_] = (begun, time.perf_counter())
        ended[id_].set()

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for id_ in graph.needs:
            group.create_task(one(id_))
    return time.perf_counter() - begun


async def compare(graphs: Sequence[TaskGraph], cap: int, rounds: int) -> None:
    """Prints a line for each graph."""
    print(f"cap {cap}; seconds, and how many times those of the list schedule")
    print(f"{'graph':44}{'tasks':>6}{'bound':>8}{'list':>8}{'asyncio':>9}{'memory':>8}{'postgres':>10}")
    async with local_database() as database:
        ways: dict[str, Way] = {
            "asyncio": plain,
            "memory": in_memory,
            "postgres": partial(on_postgres, database=database),
        }
        await on_postgres(Tasks(graphs[0], cap), database)
        for graph in graphs:
            walls: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(rounds):
                for name, way in ways.items():
                    tasks = Tasks(graph, cap)
                    walls[name].append(await way(tasks))
                    tasks.check_order()
            listed = graph.listed(cap)
            shown = "".join(f"{median(each) / listed:9.3f}" for each in walls.values())
            print(f"{graph.name:44}{len(graph.needs):6}{graph.bound(cap):8.2f}{listed:8.2f}{shown}", flush=True)


async def grow() -> None:
    """Prints a line for each size."""
    print(f"{'':14}{'engine':>18}{'':11}{'a node for each step'}\n{'graph':14}{('      sec.         KB   B/step') * 2}")
    async with local_database() as database:
        for graph in (chain(2, 0), *GRAPHS):
            before = await stored_bytes(database)
            seconds = await on_postgres(Tasks(graph, 50), database)
            here = Cost(seconds, await stored_bytes(database) - before)
            if graph in GRAPHS:
                nodes, steps = await as_nodes(graph, database), len(graph.needs)
                told = nodes if isinstance(nodes, str) else nodes.shown(steps)
                print(f"{graph.name:14}{here.shown(steps)}  {told}", flush=True)


def main() -> None:
    """The command line."""
    parser = datasets.parser(__doc__)
    parser.add_argument("--graphs", nargs="*", default=[], help="parts of the names of graphs; all if none")
    parser.add_argument("--seconds", type=float, default=5.0, help="bound of each graph (default: %(default)s)")
    parser.add_argument("--shortest", type=float, default=0.02, help="no task is shorter (default: %(default)s)")
    parser.add_argument("--cap", type=int, default=10, help="max_parallel_steps (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each (default: %(default)s)")
    parser.add_argument("--growth", action="store_true", help="seconds and bytes by the number of steps")
    given = parser.parse_args()
    configure_logs("warning", steps=False)  # as a command does
    if given.growth:
        asyncio.run(grow())
    else:
        asyncio.run(compare(_recorded(given), given.cap, given.rounds))


def _recorded(given: argparse.Namespace) -> list[TaskGraph]:
    files = sorted((given.data / "workflows" / "wfinstances").glob("*.json"))
    wanted = [file for file in files if not given.graphs or any(part in file.stem for part in given.graphs)]
    if not wanted:
        raise SystemExit("There are no such graphs: name the folder of the data sets with --data.")
    graphs = [read(file).timed(given.seconds, given.cap, given.shortest) for file in wanted]
    return sorted(graphs, key=lambda graph: len(graph.needs))


if __name__ == "__main__":
    main()
