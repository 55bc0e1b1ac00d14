"""The command line as a process of its own: at a terminal, in a pipe, with signals, and when it has a bug."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from run_workflow.documents import RunDocument

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forks")]

PROJECT = Path(__file__).parents[2]
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")
RUN = ["run", "research", "Why?", "--sources", "docs"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with one source."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("It rose.", encoding="utf-8")
    return tmp_path


def command(script: str, folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.run_workflow.cli_double", script, str(folder), *arguments]


def environment(**more: str) -> dict[str, str]:
    """The caller's, without what steers colours, and with the project to import from."""
    kept = {
        key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    }
    return {**kept, "PYTHONPATH": str(PROJECT), "TERM": "xterm-256color", **more}


def piped(script: str, folder: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """A run of the command whose streams are all pipes."""
    return subprocess.run(
        command(script, folder, *arguments),
        cwd=folder,
        env=environment(**environ),
        input=b"",
        capture_output=True,
        check=False,
        timeout=60,
    )


class Terminal:
    """A command at a terminal of its own, and what it has shown there."""

    def __init__(self, script: str, folder: Path, *arguments: str, **environ: str) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            command(script, folder, *arguments),
            cwd=folder,
            env=environment(**environ),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""

    def until(self, text: str | None, seconds: float = 30) -> str:
        """Reads until `text` is shown, or the end."""
        deadline = time.monotonic() + seconds
        while text is None or text not in self.shown:
            ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{text!r} never came; shown: {self.shown}"
            try:
                part = os.read(self._master, 65536)
            except OSError:  # what Linux says when the other end is closed
                part = b""
            if not part:
                assert text is None, f"{text!r} never came; shown: {self.shown}"
                break
            self.shown += part.decode()
        return self.shown

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """The exit code."""
        self.until(None)
        return self._process.wait(timeout=30)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)


def test_a_pipe_gets_plain_text(folder: Path) -> None:
    """Results on standard output, the rest on standard error, and no control character, whatever FORCE_COLOR says."""
    done = piped("publishes", folder, *RUN, FORCE_COLOR="1")
    assert done.returncode == 0
    assert b"The report is published." in done.stdout
    assert b"speed: completed" in done.stderr
    assert b"speed" not in done.stdout.replace(b"model", b"")
    assert not CONTROL.search(done.stdout + done.stderr)


def test_a_stream_without_the_signs_is_no_reason_to_fail(folder: Path) -> None:
    """Where output is ASCII, other signs are replaced."""
    done = piped("publishes", folder, *RUN[:2], "Warum wächst es – und wie?", *RUN[3:], PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert (done.stdout + done.stderr).isascii()


def test_json_is_alone_on_standard_output(folder: Path) -> None:
    """Standard output is exactly one document."""
    done = piped("publishes", folder, *RUN, "--json")
    assert RunDocument.model_validate_json(done.stdout).outcome == "published"
    assert not CONTROL.search(done.stdout)


def test_a_terminal_gets_a_live_tree(folder: Path) -> None:
    """At a terminal the tree is drawn in colour and in place, and the cursor is there again at the end."""
    with closing(Terminal("publishes", folder, *RUN)) as terminal:
        assert terminal.end() == 0
        assert "speed" in terminal.shown
        assert "search_documents" not in terminal.shown.rsplit("speed", 1)[1]
        assert "\x1b[32m" in terminal.shown
        assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")


def test_no_color_is_honoured(folder: Path) -> None:
    """With NO_COLOR there is a live tree without colours."""
    with closing(Terminal("publishes", folder, *RUN, NO_COLOR="1")) as terminal:
        assert terminal.end() == 0
        assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.shown)


def test_a_dumb_terminal_gets_lines(folder: Path) -> None:
    """A terminal that cannot move its cursor gets one line an event."""
    with closing(Terminal("publishes", folder, *RUN, TERM="dumb")) as terminal:
        assert terminal.end() == 0
        assert "speed: completed" in terminal.shown
        assert "\x1b" not in terminal.shown


def test_an_approval_at_a_real_terminal(folder: Path) -> None:
    """The request is shown, a key answers it, and the run goes on to its report."""
    with closing(Terminal("asks", folder, *RUN)) as terminal:
        shown = terminal.until("Your decision")
        assert "[a]pprove" in shown
        terminal.type("a\n")
        assert terminal.end() == 0
        assert "The report is published." in terminal.shown


def test_a_question_ends_when_its_time_is_over(folder: Path) -> None:
    """The question waits until the request does; then the timeout policy answers and the run goes on by itself."""
    with closing(Terminal("expires", folder, *RUN)) as terminal:
        terminal.until("Your decision")
        assert terminal.end() == 0
        assert "Expired: nobody answered in time, so it is approved." in terminal.shown
        assert "The report is published." in terminal.shown


def test_ctrl_c_at_a_question_leaves_the_run_waiting(folder: Path) -> None:
    """One Ctrl-C is enough to leave the question; the run waits, and how to answer is told."""
    with closing(Terminal("asks", folder, *RUN)) as terminal:
        terminal.until("Your decision")
        terminal.send(signal.SIGINT)
        assert terminal.end() == 3
        assert "python -m run_workflow approve r100" in terminal.shown


@pytest.mark.parametrize(("script", "signals"), [("drains", 1), ("hangs", 2), ("computes", 2)])
def test_ctrl_c_while_a_run_goes_on(folder: Path, script: str, signals: int) -> None:
    """The first Ctrl-C finishes the step, the second ends at once, whatever is being computed; both leave a run that
    goes on later.
    """
    with closing(Terminal(script, folder, *RUN)) as terminal:
        terminal.until("speed")
        expected: list[str] = ["again to stop at once", "Stopping at once"]
        for words in expected[:signals]:
            terminal.send(signal.SIGINT)
            terminal.until(words)
        stopped = time.monotonic()
        assert terminal.end() == 130
        assert time.monotonic() - stopped < 20
        assert "python -m run_workflow resume r100" in terminal.shown
        assert "Traceback" not in terminal.shown


def test_a_bug_is_one_line_and_a_file(folder: Path) -> None:
    """What nobody expected is one line; the traceback is in a file that the line names."""
    done = piped("breaks", folder, *RUN, STRETTO_HOME=str(folder / "home"))
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith("Error: this is a fault in Stretto: ZeroDivisionError: a bug. Details: ")
    log = Path(last.rpartition(": ")[2])
    assert log.parent == folder / "home" / "logs"
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert b"Traceback" not in done.stderr


def test_a_bug_where_no_file_can_be_written(folder: Path) -> None:
    """Without a data folder the traceback itself is shown: nothing is lost."""
    (folder / "taken").write_text("", encoding="utf-8")
    done = piped("breaks", folder, *RUN, STRETTO_HOME=str(folder / "taken"))
    assert done.returncode == 1
    assert b"ZeroDivisionError: a bug" in done.stderr
    assert b"Traceback" in done.stderr


def module(*arguments: str) -> Callable[[Path], "subprocess.CompletedProcess[str]"]:
    """`python -m run_workflow` as it is."""

    def run(folder: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "run_workflow", *arguments],
            cwd=folder,
            env=environment(STRETTO_HOME=str(folder)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_the_module_shows_its_name_and_refuses_nonsense(folder: Path) -> None:
    """Usage names the program as it is called; an unknown command is told with code 2."""
    assert "Usage: python -m run_workflow" in module("--help")(folder).stdout
    nonsense = module("shwo")(folder)
    assert nonsense.returncode == 2
    assert "No such command 'shwo'" in nonsense.stderr
    assert "Traceback" not in nonsense.stderr
