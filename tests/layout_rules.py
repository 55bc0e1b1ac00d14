"""The house rules as functions from a parsed file to its faults: what may import what, how long things are.

Nothing is imported from the rooms: the files are parsed with `ast`. A fault names its line and the remedy.
Complexity, style and unused code are ruff's; types are mypy's. tests/test_layout.py applies the rules.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, NamedTuple, TypeVar, cast

ROOMS = ("state", "tools", "chains", "agents", "graphs", "run_workflow")
STATE_MAY_IMPORT = {"pydantic", "pydantic_core", "typing_extensions", "langchain_core.messages"}
FILE_LINES, FUNCTION_LINES, PARAMETERS = 400, 50, 6
_PARTS = "/wo|rk/ /ro|ot/ /ho|me/ TO|DO FIX|ME pypi|. pythonhosted|.".replace("|", "").split()
"""One of these is in every text with a forbidden word: to look for them is a hundred times as fast."""
FORBIDDEN = re.compile(
    r"(?<![\w.:/])/(?:work|root|home)/"  # a path of one machine
    r"|\bTO[D]O\b|\bFIX[M]E\b"
    r"|pypi[.]org|pythonhosted[.]org"
)
_SIGNS = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop)
_UNASKED = {str, bytes, int, float, complex, bool, type(None), type(...), ast.Name, ast.Constant, ast.alias}
_UNASKED.update(kind for sign in _SIGNS for kind in sign.__subclasses__())
"""What no rule asks for by its kind, and what nothing more stands below."""

Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True)
class Module:
    """One parsed file; `path` is relative to the project."""

    path: PurePosixPath
    source: str
    tree: ast.Module
    nodes: Mapping[type[ast.AST], Sequence[ast.AST]]
    """The tree by kind, walked once for the many rules: all but names, constants and signs."""

    def every(self, kind: type[Node]) -> Sequence[Node]:
        """The nodes of one kind, wherever they stand."""
        return cast(Sequence[Node], self.nodes.get(kind, ()))

    @cached_property
    def calls(self) -> Sequence[tuple[ast.Call, str]]:
        """Each call whose name is known, with that name and its dots."""
        named = ((node, dotted(node.func)) for node in self.every(ast.Call))
        return [(node, name) for node, name in named if name]

    @property
    def room(self) -> str:
        """The first folder of the path: a room, `tests`, `benchmarks` or `examples`."""
        return self.path.parts[0]

    def stands_in(self, *patterns: str) -> bool:
        """Whether the file, or a folder it lies in, matches one of the patterns."""
        return any(place.match(pattern) for place in (self.path, *self.path.parents) for pattern in patterns)


class Fault(NamedTuple):
    """What is wrong on which line, and what to do."""

    line: int
    text: str


Rule = Callable[[Module], Iterator[Fault]]


def parse(path: str, source: str) -> Module:
    """Parse a source text as if it stood at `path`."""
    tree = ast.parse(source, filename=path)
    nodes: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
    waiting: list[Any] = [tree]
    for node in waiting:  # which grows on the way: `ast.walk` is slow, and walks to every name and sign as well
        nodes[type(node)].append(node)
        for value in vars(node).values():
            kind = type(value)
            if kind is list:
                waiting += [each for each in value if type(each) not in _UNASKED]
            elif kind not in _UNASKED:
                waiting.append(value)
    return Module(PurePosixPath(path), source, tree, nodes)


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of attributes on a name, else the empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def calls(module: Module) -> Iterator[tuple[int, str]]:
    """The line and dotted name of each call."""
    return ((node.lineno, name) for node, name in module.calls)


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """The line and full name of each import, wherever it stands; relative ones begin with a dot."""
    for plain in module.every(ast.Import):
        yield from ((plain.lineno, alias.name) for alias in plain.names)
    for node in module.every(ast.ImportFrom):
        origin = "." * node.level + (node.module or "")
        yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)
    for call, name in module.calls:
        if call.args and name.endswith(("import_module", "__import__")):
            named = call.args[0]
            if isinstance(named, ast.Constant) and isinstance(named.value, str):
                yield call.lineno, named.value


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods, nested ones too."""
    yield from module.every(ast.FunctionDef)
    yield from module.every(ast.AsyncFunctionDef)


def room_order(module: Module) -> Iterator[Fault]:
    """A room imports only from itself and the rooms before it; the ground imports values only."""
    if module.room not in ROOMS:
        return
    later = ROOMS[ROOMS.index(module.room) + 1 :]
    for line, name in imports(module):
        top = name.partition(".")[0]
        if top in later:
            remedy = "name a Protocol in state/ports.py and be handed the real thing by build(ports)"
            yield Fault(line, f"{module.room}/ must not import {top}/, a later room: {remedy}")
        elif top in ("tests", "benchmarks", "examples"):
            yield Fault(line, f"a room must not import {top}/: move what is needed into a room")
        elif module.room == "state" and not is_ground(name) and line not in typing_only(module):
            yield Fault(line, f"state/ holds values only, but imports {name}: move the code to a later room")


def typing_only(module: Module) -> set[int]:
    """The lines under `if TYPE_CHECKING:`, which cost nothing and bind nothing at run time."""
    guards = (node for node in module.every(ast.If) if dotted(node.test).endswith("TYPE_CHECKING"))
    return {statement.lineno for node in guards for statement in node.body}


def is_ground(name: str) -> bool:
    """Whether state/ may import it: itself, the standard library, pydantic, message types."""
    top = name.partition(".")[0]
    allowed = any(name == each or name.startswith(f"{each}.") for each in STATE_MAY_IMPORT)
    return allowed or top == "state" or top in sys.stdlib_module_names


def absolute_imports(module: Module) -> Iterator[Fault]:
    """Imports are absolute."""
    for line, name in imports(module):
        if name.startswith("."):
            yield Fault(line, f"relative import {name}: write the full name, beginning with the room")


def file_length(module: Module) -> Iterator[Fault]:
    """A file has a bounded number of lines."""
    lines = len(module.source.splitlines())
    if lines > FILE_LINES:
        remedy = "turn it into a folder of the same name"
        yield Fault(FILE_LINES, f"{lines} lines, at most {FILE_LINES}: {remedy}")


def function_length(module: Module) -> Iterator[Fault]:
    """A function has a bounded number of lines, its docstring included."""
    for node in functions(module):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES:
            yield Fault(
                node.lineno,
                f"{node.name} has {lines} lines, at most {FUNCTION_LINES}: split it by what it does",
            )


def parameter_count(module: Module) -> Iterator[Fault]:
    """A function takes a bounded number of parameters; tests may ask for any number of fixtures."""
    if module.room == "tests":
        return
    for node in functions(module):
        named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        count = len([each for each in named if each.arg not in ("self", "cls")])
        if count > PARAMETERS:
            yield Fault(node.lineno, f"{node.name} takes {count} parameters, at most {PARAMETERS}: hand over a record")


def no_global(module: Module) -> Iterator[Fault]:
    """No function writes a module's variables."""
    for node in module.every(ast.Global):
        yield Fault(node.lineno, f"global {', '.join(node.names)}: pass the value, or hold it in an object of the run")


def no_broad_except(module: Module) -> Iterator[Fault]:
    """Only the outermost loops of engine and worker catch everything, unless it is raised again."""
    if module.stands_in("run_workflow/engine*", "run_workflow/worker*"):
        return
    for line, caught in caughts(module):
        if any(each is None or dotted(each) in ("Exception", "BaseException") for each in caught):
            yield Fault(line, "catches everything: name the errors that are expected here")


def caughts(module: Module) -> Iterator[tuple[int, Sequence[ast.expr | None]]]:
    """The line and the errors of each place that catches some and does not raise them again."""
    for node in module.every(ast.ExceptHandler):
        last = node.body[-1]
        if not (isinstance(last, ast.Raise) and last.exc is None):
            yield node.lineno, node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    for call, name in module.calls:
        if name.split(".")[-1] == "suppress":
            yield call.lineno, call.args


def environment_reads(module: Module) -> Iterator[Fault]:
    """The environment is read once, in settings.py; tests may read it to hand it on to a process."""
    if module.room == "tests" or module.stands_in("run_workflow/settings*"):
        return
    remedy = "read it in run_workflow/settings.py and pass the value"
    names = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
    for line, name in imports(module):
        if name in names:
            yield Fault(line, f"imports {name}: {remedy}")
    aliases = {
        alias.asname or alias.name for node in module.every(ast.Import) for alias in node.names if alias.name == "os"
    }
    for node in module.every(ast.Attribute) if aliases else ():
        if f"os.{node.attr}" in names and dotted(node.value) in aliases:
            yield Fault(node.lineno, f"reads os.{node.attr}: {remedy}")


def no_print(module: Module) -> Iterator[Fault]:
    """Only the shell prints."""
    if module.room not in ROOMS or module.room == "run_workflow":
        return
    for line, name in calls(module):
        if name == "print":
            yield Fault(line, "prints: return the value, or log it with structlog")


def event_loops(module: Module) -> Iterator[Fault]:
    """Only the command line starts an event loop; `test_one_event_loop` counts to one."""
    if module.room not in ROOMS or module.stands_in("run_workflow/cli*"):
        return
    for line, name in calls(module):
        if name.endswith(("asyncio.run", "asyncio.Runner", ".run_until_complete")):
            yield Fault(line, f"{name} starts an event loop: make the function async; run_workflow/cli.py runs it")


def docstrings(module: Module) -> Iterator[Fault]:
    """Every module says what it is for, every test what it shows; __init__.py is empty."""
    if module.path.name == "__init__.py":
        if module.source.strip():
            yield Fault(1, "__init__.py is not empty: move the code to a module with a name")
        return
    if not ast.get_docstring(module.tree):
        yield Fault(1, "has no docstring: say in its first line what the file is for")
    if module.room == "tests" and module.path.name.startswith("test_"):
        for node in functions(module):
            if node.name.startswith("test_") and not ast.get_docstring(node):
                yield Fault(node.lineno, f"{node.name} has no docstring: state the behaviour in one line")


RULES: tuple[Rule, ...] = (
    room_order,
    absolute_imports,
    file_length,
    function_length,
    parameter_count,
    no_global,
    no_broad_except,
    environment_reads,
    no_print,
    event_loops,
    docstrings,
)


def forbidden_words(text: str) -> Iterator[Fault]:
    """Paths of one machine, addresses of package indexes, and notes of unfinished work."""
    if not any(part in text for part in _PARTS):
        return
    for found in FORBIDDEN.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Fault(line, f"{found.group()!r} must not stand here: make it relative, or do the work now")
