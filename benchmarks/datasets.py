"""Where the data sets of the benchmarks lie, and how they are read. They are not part of this project."""

import argparse
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"
"""A folder beside the project's."""


def parser(description: str | None) -> argparse.ArgumentParser:
    """The command line that all benchmarks share: `--data FOLDER`."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=folder, default=DEFAULT, help="folder of the data sets (default: %(default)s)")
    return made


def folder(text: str) -> Path:
    """An existing folder; ArgumentTypeError if there is none."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file with one JSON object a line; SystemExit with a plain line if it is not there."""
    if not path.is_file():
        raise SystemExit(f"{path} is not there: name the folder of the data sets with --data.")
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def script(data: Path, name: str) -> ModuleType:
    """The scorer `scripts/NAME.py` that comes with the data sets, as a module."""
    path = data / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"{path} is not there: name the folder of the data sets with --data.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
