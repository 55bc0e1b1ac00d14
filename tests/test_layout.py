"""The house rules, applied to every file, and each rule shown to bite.

A failure names file, line and remedy. The rules themselves stand in tests/layout_rules.py.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.layout_rules import (
    FILE_LINES,
    FUNCTION_LINES,
    ROOMS,
    RULES,
    Fault,
    Rule,
    absolute_imports,
    calls,
    docstrings,
    environment_reads,
    event_loops,
    file_length,
    forbidden_words,
    function_length,
    no_broad_except,
    no_global,
    no_print,
    parameter_count,
    parse,
    room_order,
)

ROOT = Path(__file__).resolve().parent.parent
TEXT = {"", ".py", ".md", ".sql", ".yaml", ".yml", ".toml", ".json", ".lock", ".j2", ".html", ".css", ".js"}
SKIPPED = {"build", "dist", "output", "__pycache__", "sources"}  # generated, or documents that are not ours


def is_ours(folder: str) -> bool:
    """Whether a folder of this name may hold files of the project; tools keep theirs in hidden ones."""
    return folder == ".ci" or not (folder in SKIPPED or folder.startswith(".") or folder.endswith(".egg-info"))


def project_files() -> Iterator[Path]:
    """All text files of the project."""
    for folder, names, files in os.walk(ROOT):
        names[:] = filter(is_ours, names)
        yield from (Path(folder, name) for name in files if Path(name).suffix in TEXT and name not in (".env", ".git"))


FILES = sorted(path.relative_to(ROOT) for path in project_files())
MODULES = [
    path for path in FILES if path.suffix == ".py" and path.parts[0] in (*ROOMS, "tests", "benchmarks", "examples")
]


def text_of(path: Path) -> str:
    """The text of a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


def report(faults: Iterable[tuple[Path, Fault]]) -> list[str]:
    """One line a fault, in the form that editors and terminals open."""
    return [f"{path}:{fault.line}: {fault.text}" for path, fault in faults]


@pytest.mark.parametrize("room", sorted({path.parts[0] for path in MODULES}))
def test_modules_keep_the_house_rules(room: str) -> None:
    """Each module of a room keeps every rule."""
    modules = [(path, parse(path.as_posix(), text_of(path))) for path in MODULES if path.parts[0] == room]
    assert modules
    found = report((path, fault) for path, module in modules for rule in RULES for fault in rule(module))
    assert not found, "\n".join(found)


def test_no_file_has_forbidden_words() -> None:
    """No text file names this machine, a package index or unfinished work."""
    found = report((path, fault) for path in FILES for fault in forbidden_words(text_of(path)))
    assert not found, "\n".join(found)


def test_one_event_loop() -> None:
    """The command line has exactly one asyncio.run."""
    texts = {path: text_of(path) for path in MODULES if path.as_posix().startswith("run_workflow/cli")}
    modules = [parse(path.as_posix(), text) for path, text in texts.items() if "asyncio" in text]
    found = [f"{m.path}:{line}" for m in modules for line, name in calls(m) if name == "asyncio.run"]
    assert len(found) == 1, f"asyncio.run stands at {found or 'no place'}: let all commands go through one function"


def test_folders_of_rooms_are_packages() -> None:
    """A folder of a room with code in it has an __init__.py, or it would not be installed."""
    folders = sorted({path.parent for path in MODULES if path.parts[0] in ROOMS})
    missing = [str(each) for each in folders if not (ROOT / each / "__init__.py").exists()]
    assert not missing, f"add an empty __init__.py to {missing}"


def test_folders_of_tests_are_not_packages() -> None:
    """A folder of tests has no __init__.py, and so the names of test files are unique."""
    tests = [path for path in MODULES if path.parts[0] == "tests"]
    packages = [str(path) for path in tests if path.name == "__init__.py"]
    assert not packages, f"remove {packages}"
    counts = Counter(path.name for path in tests if path.name != "conftest.py")
    twice = [name for name, count in counts.items() if count > 1]
    assert not twice, f"test files of the same name hide each other: rename one of each of {twice}"


def test_there_is_something_to_check() -> None:
    """The files of every room are found, and this one."""
    assert {path.parts[0] for path in MODULES} >= {*ROOMS, "tests"}
    assert Path("tests/test_layout.py") in MODULES
    assert {Path("pyproject.toml"), Path("Makefile"), Path(".ci/run"), Path("requirements.lock")} <= set(FILES)


BODY = "    pass\n"
LONG = "def f():\n" + BODY * FUNCTION_LINES
TRY = "try:\n    f()\nexcept"

# What breaks each rule, and what comes close to it: rule, path, source, part of the message or "" if allowed.
SOURCES: list[tuple[Rule, str, str, str]] = [
    (room_order, "tools/a.py", "import graphs.research", "tools/ must not import graphs/"),
    (room_order, "state/a.py", "def f():\n    from tools.web import x", "state/ must not import tools/"),
    (room_order, "agents/a.py", "if TYPE_CHECKING:\n    import graphs", "agents/ must not import graphs/"),
    (room_order, "chains/a.py", "importlib.import_module('agents.x')", "chains/ must not import agents/"),
    (room_order, "graphs/a.py", "from tests.helpers import x", "must not import tests/"),
    (room_order, "state/a.py", "import httpx", "holds values only"),
    (room_order, "state/a.py", "from langchain_core.tools import tool", "holds values only"),
    (room_order, "state/a.py", "import re\nfrom langchain_core.messages import AnyMessage", ""),
    (room_order, "state/a.py", "from pydantic import Field\nfrom state.runs import RunStatus", ""),
    (room_order, "state/a.py", "if TYPE_CHECKING:\n    from langchain_core.tools import BaseTool", ""),
    (room_order, "state/a.py", "if TYPE_CHECKING:\n    from tools.web import x", "must not import tools/"),
    (room_order, "graphs/a.py", "import httpx\nfrom state.runs import x\nfrom graphs.b import c", ""),
    (absolute_imports, "tools/a.py", "from . import web", "relative import"),
    (absolute_imports, "tools/a.py", "from .web import fetch", "relative import .web.fetch"),
    (absolute_imports, "tools/a.py", "from tools import web", ""),
    (file_length, "tools/a.py", "x = 1\n" * (FILE_LINES + 1), f"{FILE_LINES + 1} lines"),
    (file_length, "tools/a.py", "x = 1\n" * FILE_LINES, ""),
    (function_length, "tests/test_a.py", LONG, f"f has {FUNCTION_LINES + 1} lines"),
    (function_length, "tools/a.py", f"class A:\n    async {LONG.replace(BODY, '    ' + BODY)}", "f has"),
    (function_length, "tools/a.py", LONG.removesuffix(BODY), ""),
    (parameter_count, "tools/a.py", "def f(a, b, c, *, d, e, g, h): ...", "f takes 7 parameters"),
    (parameter_count, "tools/a.py", "class A:\n    def f(self, a, b, c, *, d, e, g, **k): ...", ""),
    (parameter_count, "tests/test_a.py", "def f(a, b, c, d, e, g, h): ...", ""),
    (no_global, "tools/a.py", "def f():\n    global x\n    x = 1", "global x"),
    (no_broad_except, "tools/a.py", f"{TRY}:\n    pass", "catches everything"),
    (no_broad_except, "tools/a.py", f"{TRY} (OSError, Exception) as e:\n    raise X from e", "catches"),
    (no_broad_except, "tools/a.py", f"{TRY} BaseException:\n    g()\n    raise", ""),
    (no_broad_except, "run_workflow/a.py", "with contextlib.suppress(BaseException): f()", "catches"),
    (no_broad_except, "run_workflow/engine/loop.py", f"{TRY} Exception:\n    g()", ""),
    (no_broad_except, "run_workflow/worker.py", f"{TRY} Exception:\n    g()", ""),
    (no_broad_except, "tools/a.py", f"{TRY} (OSError, ValueError):\n    g()", ""),
    (environment_reads, "run_workflow/engine.py", "import os\nx = os.environ['A']", "reads os.environ"),
    (environment_reads, "tools/a.py", "import os as system\nsystem.getenv('A')", "reads os.getenv"),
    (environment_reads, "tools/a.py", "from os import environ", "imports os.environ"),
    (environment_reads, "run_workflow/settings.py", "import os\nx = os.environ['A']", ""),
    (no_print, "graphs/a.py", "print('x')", "prints"),
    (no_print, "run_workflow/console.py", "print('x')", ""),
    (event_loops, "run_workflow/engine.py", "asyncio.run(f())", "asyncio.run starts"),
    (event_loops, "tools/a.py", "loop.run_until_complete(f())", "loop.run_until_complete starts"),
    (event_loops, "run_workflow/cli.py", "asyncio.run(f())", ""),
    (docstrings, "tools/__init__.py", "from tools.web import fetch", "is not empty"),
    (docstrings, "tools/a.py", "x = 1", "has no docstring"),
    (docstrings, "tests/test_a.py", "'A.'\ndef test_x(): pass", "test_x has no docstring"),
    (docstrings, "tests/test_a.py", "'A.'\nclass TestA:\n    async def test_x(self): pass", "test_x has"),
    (docstrings, "tools/__init__.py", "", ""),
    (docstrings, "tests/test_a.py", "'A.'\ndef helper(): pass\ndef test_x():\n    'It works.'", ""),
]


@pytest.mark.parametrize(("rule", "path", "source", "message"), SOURCES)
def test_rule_bites(rule: Rule, path: str, source: str, message: str) -> None:
    """Each rule finds what breaks it, and nothing in what is allowed."""
    texts = [fault.text for fault in rule(parse(path, source))]
    assert len(texts) == bool(message)
    assert all(message in text for text in texts)


def test_every_rule_is_shown_to_bite() -> None:
    """No rule stands in the list without a source that breaks it."""
    assert set(RULES) == {rule for rule, _, _, message in SOURCES if message}


@pytest.mark.parametrize(
    "parts",
    ["/ro|ot/.cache/x", "see /wo|rk/main", "'/ho|me/x'", "# TO|DO: later", "FIX|ME", "https://py|pi.org"],
)
def test_forbidden_words_are_found(parts: str) -> None:
    """A forbidden word is found on its line; the bar keeps it out of this file."""
    assert [fault.line for fault in forbidden_words(f"first\n{parts.replace('|', '')}\n")] == [2]


@pytest.mark.parametrize("text", ["below /root the server", "https://x.org/work/1", "a/home/b", "mastodon"])
def test_words_like_them_are_allowed(text: str) -> None:
    """Words and addresses that only resemble them pass."""
    assert not list(forbidden_words(text))
