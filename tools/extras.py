"""What to type where a package that only some users need is not installed."""

import shlex
import sys


def install(extra: str) -> str:
    """The remedy: the command for the environment that the program runs in."""
    return f"Type in the project's folder: {shlex.quote(sys.executable)} -m pip install -e '.[{extra}]'"
