"""What the rooms import is declared, and what is declared is locked: a fresh environment lacks nothing."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("state", "tools", "chains", "agents", "graphs", "run_workflow")


def normal(name: str) -> str:
    """A distribution's name as the package index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> dict[str, Path]:
    """The top-level packages from elsewhere that the rooms import, each with a file that does."""
    found: dict[str, Path] = {}
    for path in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found |= {name.partition(".")[0]: path for name in names}
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names and name not in ROOMS}


def declared(extra: str | None = None) -> set[str]:
    """The distributions that pyproject.toml asks for at run time, always or with an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {normal(re.split(r"[\[<>=;!~ ]", line)[0]) for line in lines}


@pytest.mark.slow
def test_every_import_of_the_rooms_is_declared() -> None:
    """A package that is only there because another one needs it may be gone tomorrow."""
    owners = importlib.metadata.packages_distributions()
    named = ("embeddings", "studio", "mcp", "duckdb", "web", "parquet")
    extras = {name for extra in named for name in declared(extra)}
    asked = declared() | extras | {"langgraph-sdk"}  # part of langgraph, and imported by the server's side alone
    missing = {
        name: str(path.relative_to(ROOT))
        for name, path in imported().items()
        if not {normal(owner) for owner in owners.get(name, [name])} & asked
    }
    assert not missing, f"add these to the dependencies of pyproject.toml: {missing}"


def test_what_is_declared_is_locked() -> None:
    """Both lock files hold every distribution that is declared, with hashes and without an index's address."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        locked = {normal(line.partition("==")[0]) for line in text.splitlines() if "==" in line}
        assert declared() <= locked, f"{name} lacks {declared() - locked}: run make lock"
        assert "--hash=sha256:" in text
        assert "://" not in text
