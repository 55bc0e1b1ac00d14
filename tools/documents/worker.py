"""The process that reads documents for another one: requests come in on standard input, outcomes go out.

It ends when its input ends, so that it never outlives who started it by more than the document it is at.
"""

import os
import sys
from typing import BinaryIO

from tools.documents.formats import BY_KIND
from tools.documents.grids import dumped
from tools.documents.isolation import HEAD, OUTCOME, REQUEST, Request, outcome_of, tables_of


def serve(memory: int, seconds: float) -> None:
    """Reads documents until there are no more requests, within these limits on memory (bytes) and time (each)."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    requests = sys.stdin.buffer
    _limit_memory(memory)
    while head := requests.read(HEAD.size):
        _limit_time(seconds)
        length, size = HEAD.unpack(head)
        request = REQUEST.validate_json(requests.read(length))
        _send(answers, _answer(request, requests.read(size)))


def _answer(request: Request, data: bytes) -> bytes:
    if request.want == "document":
        return OUTCOME.dump_json(outcome_of(data, request.uri, BY_KIND[request.kind], request.language))
    return dumped(tables_of(data, request))


def _send(answers: BinaryIO, data: bytes) -> None:
    answers.write(HEAD.pack(len(data), 0))
    answers.write(data)
    answers.flush()


def _limit_memory(size: int) -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    except (ImportError, ValueError, OSError):  # the system has no such limit: the time is limited all the same
        return


def _limit_time(seconds: float) -> None:
    """Has the system end this process if the next document takes too long and nobody is left to see to it."""
    try:
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 10, hard))
    except (ImportError, ValueError, OSError):
        return
