"""The lines with the program that the documents show, and how they are typed."""

import os
import re
import shlex
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from glob import glob
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from run_workflow.cli.door import run
from tests.postgres_fixtures import PROJECT

QUESTION = "How fast has atmospheric CO2 at Mauna Loa risen, and is the rise speeding up?"
PROGRAM = ".venv/bin/python -m run_workflow"

# What stands for something of the reader's own, and what is put in its place before a line is run.
PLACEHOLDERS = {
    PROGRAM: f"{sys.executable} -m run_workflow",
    '"Which isolation levels does PostgreSQL offer?"': f'"{QUESTION}"',
    '"…"': f'"{QUESTION}"',
    "path/to/folder": "examples/co2/sources",
    "examples/co2/sources": str(PROJECT / "examples/co2/sources"),
    "examples/agents": str(PROJECT / "examples/agents"),
}
# Every line with the program that a document shows: part of the line, the exit code, and a word of what it prints.
LINES = {
    "README.md": [
        ("Which isolation levels", 0, "The report is published."),
        # A model needs a key, and there is none here: that the line is understood shows in what is missing.
        ("--model openai/gpt-5 --budget 2", 2, "OPENAI_API_KEY"),
        ("--approve plan,report", 3, "approve"),
        ("show last", 0, "Approval at plan"),
        ("approve last", 3, "reject"),
        ("reject last", 3, "approve"),
        ("resume last", 3, "approve"),
    ],
    "docs/approvals.md": [
        ("--approve plan", 3, "show .* --args"),
        ("show last --args > plan.yaml", 0, ""),
        ("edit last --file plan.yaml", 0, "The report is published."),
    ],
    "docs/agents.md": [("check examples/agents", 0, "5 files: nothing to complain about")],
    "docs/bundles.md": [
        ("run research", 0, "bundle.zip"),
        ("verify output/", 0, "is as it was published"),
    ],
    "docs/workflows.md": [
        ("check refund.yaml", 0, "nothing to complain about"),
        ("run refund.yaml", 3, "May ann have 250 back"),
        ("approve last", 3, "event .* paid"),
        ("event last paid", 0, "receipt: A-17"),
        ("graph --run last", 0, "class .* completed"),
        ("list --workflows", 0, "expense_approval"),
        ("show expense_approval", 0, "Outputs: route, items"),
        ("run expense_approval --input employee=ann", 0, "route: else"),
        ("run expense_approval@1.0.0", 3, "May bob spend 900"),
        ("check refund.yaml --against expense_approval", 0, "breaks callers: It is called 'refund'"),
        ("test refund.yaml", 0, "3 cases, all as they must be"),
        ("test order_processing", 0, "5 cases, all as they must be"),
    ],
    "docs/tools.md": [
        ("tools", 0, "http_get"),
        ("tools http", 0, "json_path"),
        ("check price_check.yaml", 0, "nothing to complain about"),
    ],
    "docs/mcp.md": [
        ("check forecast.yaml", 0, "nothing to complain about|1 warning"),
        ("mcp --show", 0, "run_expense_approval"),
    ],
    "docs/catalogue.md": [
        ("run code_review", 3, "disagree"),
        ("approve last", 0, "consensus: else"),
        ("run content_generation", 0, "check: supported"),
        ("run content_moderation", 3, "Approval at human_review"),
        ("approve last", 0, "decision: publish"),
        ("run customer_service", 3, "Approval at quality"),
        ("approve last", 0, "route: billing"),
        ("run document_processing", 0, "type: invoice"),
        ("run expense_approval", 3, "May bob spend 300"),
        ("approve last", 0, "route: usual"),
        ("run financial_analysis", 0, "risk: medium"),
        ("run financial_transaction", 3, "Risk 0.95"),
        ("approve last", 0, "transfer: TRF-1"),
        ("run maker_checker", 0, "last_turn: 1"),
        ("run multi_domain_support", 3, "bring my dog"),
        ("show last --args > answer.yaml", 0, ""),
        ("edit last --file answer.yaml", 0, "field: billing"),
        ("run order_processing", 0, "payment: PAY-1"),
        ("--input card=declined", 1, "rolled_back|rolled back|undone"),
        ("run research_report", 0, "outcome: published"),
    ],
    "docs/sources.md": [("run research", 0, "The report is published.")],
    "docs/running.md": [
        ("doctor", 0, "All is well."),
        ("graph research --format png --out research.png", 0, "research.png"),
        ("doctor --settings", 0, "STRETTO_HOME"),
    ],
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(document: str) -> str:
    return (PROJECT / document).read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [body for named, body in FENCE.findall(text_of(document)) if named == language]


def shell_lines(document: str) -> list[str]:
    """The lines of all `sh` blocks, without comments."""
    lines = [re.sub(r"\s+#.*", "", line).strip() for body in blocks(document, "sh") for line in body.splitlines()]
    return [line for line in lines if line]


def _meant(argument: str) -> list[str]:
    """What the shell makes of an argument."""
    return (glob(argument) if "*" in argument else []) or [argument]


@dataclass(frozen=True)
class Terminal:
    """Where the lines of a document are typed."""

    folder: Path
    environment: dict[str, str]

    def type(self, line: str) -> tuple[int, str]:
        """The line's exit code, and all it printed. What needs no shell is done in this process: a start is imports."""
        here = line.startswith(PROGRAM)
        for written, meant in PLACEHOLDERS.items():
            line = line.replace(written, meant)
        return self._here(line.removeprefix(PLACEHOLDERS[PROGRAM])) if here else self._shell(line)

    def _here(self, line: str) -> tuple[int, str]:
        command, _, file = line.partition(" > ")
        printed, said = StringIO(), StringIO()
        with (
            chdir(self.folder),
            patch.dict(os.environ, self.environment, clear=True),
            open(os.devnull, encoding="utf-8") as nothing,
            patch.object(sys, "stdin", nothing),
            redirect_stdout(printed if file else said),
            redirect_stderr(said),
        ):
            code = run([path for each in shlex.split(command) for path in _meant(each)])
        if file:
            (self.folder / file).write_text(printed.getvalue(), encoding="utf-8")
        return code, said.getvalue()

    def _shell(self, line: str) -> tuple[int, str]:
        ended = subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout


def follow(document: str, terminal: Terminal) -> None:
    """Types the document's commands one after another, and holds each to its row of LINES."""
    typed = [line for line in shell_lines(document) if line.startswith(PROGRAM)]
    for line, (part, code, word) in zip(typed, LINES[document], strict=True):
        assert part in line
        ended, said = terminal.type(line)
        assert ended == code, f"{line}\n{said}"
        assert re.search(word, said), f"{line}\n{said}"
