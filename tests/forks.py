"""Python programs in processes of their own, without their imports: forks of a process that has them.

`python -m tests.forks` is that process. It imports once what the program imports when it needs it, and then forks for
each command that `Forked`, a Popen, sends it. What is seen of a program from outside is the same: arguments, folder,
environment, streams, signals, exit code. How the program starts by itself, the README's commands show.
"""

import atexit
import ctypes
import gc
import importlib
import io
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

IMPORTED = (
    "graphs.research",
    "graphs.workflow.bodies",
    "graphs.workflow.compiler",
    "graphs.workflow.steps.doers",
    "run_workflow.cli.app",
    "run_workflow.engine.engine",
    "run_workflow.services",
    "tools.analysis_tools",
    "tools.search.index",
    "tools.toolbox",
)
_MOST_BYTES = 1_000_000
_CHILD_SUBREAPER = 36  # of <linux/prctl.h>


class Forked(subprocess.Popen[Any]):
    """`python -m MODULE …` as a fork; any other command as it is."""

    forker: ClassVar[socket.socket]

    def _execute_child(self, args: Any, *rest: Any) -> None:
        """In place of fork and exec: the arguments that Popen has always given, by their position."""
        if list(args[:2]) != [sys.executable, "-m"] or sys.platform != "linux":
            super()._execute_child(args, *rest)  # type: ignore[misc]
            return
        folder, env, new_session, pipes = rest[4], rest[5], rest[20], rest[9:15]
        streams = [mine if fd == -1 else fd for mine, fd in zip((0, 1, 2), (pipes[0], pipes[3], pipes[5]), strict=True)]
        told = {
            "arguments": [str(each) for each in args[2:]],
            "folder": str(folder or Path.cwd()),
            "env": dict(os.environ if env is None else env),
            "new_session": bool(new_session),
        }
        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)  # the fork becomes a child of this process
        socket.send_fds(self.forker, [json.dumps(told).encode()], streams)
        self.pid = int(self.forker.recv(100))
        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 0, 0, 0, 0)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


@contextmanager
def forking() -> Iterator[type[Forked]]:
    """The process that forks, for the time of the block."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.forks", str(there.fileno())]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # threads do not come along into a fork
    with here, subprocess.Popen(command, pass_fds=[there.fileno()], env=env, cwd=Path(__file__).parents[1]):
        there.close()
        Forked.forker = here
        yield Forked
        here.close()  # it ends by that


def serve(commands: socket.socket) -> None:
    """Forks for each command; returns where nobody can send more."""
    while True:
        data, streams, _, _ = socket.recv_fds(commands, _MOST_BYTES, 3)
        if not data:
            return
        ours, its = os.pipe()
        between = os.fork()
        if between == 0:
            child = os.fork()
            if child == 0:
                for other in (commands.detach(), ours, its):
                    os.close(other)
                become(json.loads(data), streams)
            os.write(its, str(child).encode())
            os._exit(0)
        os.waitpid(between, 0)  # only when it is gone is the fork a child of the process that asked
        commands.send(os.read(ours, 100))
        os.close(ours)
        os.close(its)
        for stream in streams:
            os.close(stream)


def become(told: dict[str, Any], streams: list[int]) -> None:
    """Does what `python -m` does, in the fork, to its end."""
    if told["new_session"]:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["env"])
    encoding = told["env"].get("PYTHONIOENCODING", "utf-8")
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)), encoding)
    out, err = (io.BufferedWriter(io.FileIO(number, "w", closefd=False)) for number in (1, 2))
    sys.stdout = io.TextIOWrapper(out, encoding, line_buffering=os.isatty(1))
    sys.stderr = io.TextIOWrapper(err, encoding, "backslashreplace", line_buffering=True)
    module, *arguments = told["arguments"]
    sys.argv = [module, *arguments]
    sys.orig_argv = [sys.executable, "-m", module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        leave(end.code if isinstance(end.code, int) else end.code is not None)
    leave(0)


def leave(code: int) -> None:
    """Ends the fork as the interpreter ends, without taking all modules apart."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for written in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            written.flush()
    os._exit(code)


if __name__ == "__main__":
    for each in IMPORTED:
        importlib.import_module(each)
    gc.collect()
    gc.freeze()  # forks share it as long as nobody looks through it
    serve(socket.socket(fileno=int(sys.argv[1])))
