"""`python -m run_workflow`: the one door. A bug in Stretto is told in one line; its traceback goes to a log file."""

import os
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType

from run_workflow.cli.door import run
from run_workflow.cli.session import Shell
from tools.threads import left_behind


def main(shell: Shell | None = None) -> None:
    """Runs the command that was typed, in the shell of this process or the given one; does not return."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a sign that the terminal lacks must not end the program
    sys.excepthook = report_bug
    code = run(sys.argv[1:], shell)
    if left_behind():  # what is computed for nobody would hold up the interpreter's end, or crash in it
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    sys.exit(code)


def report_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Writes the traceback to a file in the data folder and says where; the interpreter then exits with 1."""
    text = "".join(traceback.format_exception(kind, error, trace))
    summary = " ".join(f"{kind.__name__}: {error}".split())
    try:
        path = _log_file()
        path.write_text(text, encoding="utf-8")
    except OSError:
        sys.stderr.write(text)
        return
    sys.stderr.write(f"Error: this is a fault in Stretto: {summary}. Details: {path}\n")


def _log_file() -> Path:
    """A new file for one traceback."""
    from run_workflow.settings import load_settings
    from state.errors import SetupError

    try:
        home = load_settings().home
    except SetupError:
        from run_workflow.setting_places import default_home

        home = default_home()
    folder = home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"error-{time.strftime('%Y%m%d-%H%M%S')}-{time.monotonic_ns() % 1000:03}.log"


if __name__ == "__main__":
    main()
