"""SQL before it is sent: one statement of the right sort, and its named parameters in the form of the driver.

This is for clear messages. What keeps a database from being changed is the database (`sqlite.py`, `postgres.py`,
`duckdb.py`), and what sqlglot does not understand it alone judges.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from state.errors import ToolFailed
from tools.database.connections import Kind

if TYPE_CHECKING:  # slow to import
    from sqlglot.tokenizer_core import Token

Purpose = Literal["read", "write"]
Parameters: TypeAlias = Mapping[str, Any]

_DIALECTS: dict[Kind, str] = {"sqlite": "sqlite", "postgresql": "postgres", "duckdb": "duckdb"}
QUERIES = ("SELECT", "WITH", "VALUES", "TABLE", "FROM", "(")
"""What a statement that gives rows begins with."""
_TOLD = ("EXPLAIN", "SHOW", "DESCRIBE")
_CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "WITH")
_NAME = re.compile(r"[A-Za-z_]\w*")
_ENDS_A_VALUE = re.compile(r"[\w\])'\"]")
_FORMS: dict[Kind, str] = {"sqlite": ":{}", "postgresql": "%({})s", "duckdb": "${}"}


def check(sql: str, kind: Kind, purpose: Purpose) -> None:
    """Raises ToolFailed (`refused`) for what is not one statement that reads, or that changes rows."""
    tokens = _tokens(sql, kind)
    if not tokens:
        raise ToolFailed("There is no statement.", "bad_input", place="sql")
    _refuse_several(tokens)
    first = tokens[0].text.upper()
    if purpose == "read" and first not in (*QUERIES, *_TOLD):
        allowed = "SELECT, WITH, VALUES, EXPLAIN or SHOW"
        remedy = f"Write {allowed}; database_execute changes rows, where the settings say that it may."
        raise ToolFailed(f"{first} is not for reading.", "refused", place="sql", remedy=remedy)
    if purpose == "write" and first not in _CHANGES:
        remedy = "Write INSERT, UPDATE, DELETE or MERGE; database_query reads."
        raise ToolFailed(f"{first} does not change rows.", "refused", place="sql", remedy=remedy)
    if first in QUERIES:
        _check_within(sql, kind, purpose)


def prepared(sql: str, parameters: Parameters, kind: Kind) -> str:
    """The statement with `:name` as the driver writes it, without the semicolon at its end.

    Raises ToolFailed for names without value, and for values without name.
    """
    tokens = _tokens(sql, kind)
    if tokens and tokens[-1].token_type.name == "SEMICOLON":
        sql, tokens = sql[: tokens[-1].start], tokens[:-1]
    found = list(_places(sql, tokens))
    names = {sql[at + 1 : end] for at, end in found}
    if missing := sorted(names - set(parameters)):
        raise ToolFailed(f"No value is given for :{', :'.join(missing)}.", "bad_input", place="parameters")
    if unused := sorted(set(parameters) - names):
        remedy = "Write it as :name in the statement, outside of quotes."
        raise ToolFailed(f"The statement has no :{', :'.join(unused)}.", "bad_input", place="parameters", remedy=remedy)
    parts, done = [], 0
    for at, end in found:
        parts += [_plain(sql[done:at], kind), _FORMS[kind].format(sql[at + 1 : end])]
        done = end
    return "".join([*parts, _plain(sql[done:], kind)])


def gives_rows(sql: str) -> bool:
    """Whether a statement can stand in brackets as a table: all that reads except EXPLAIN, SHOW and DESCRIBE."""
    first = re.match(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(\w+|\()", sql, re.DOTALL)
    return first is not None and first[1].upper() in QUERIES


def _plain(text: str, kind: Kind) -> str:
    """Text between parameters: psycopg looks for its own in it."""
    return text.replace("%", "%%") if kind == "postgresql" else text


def _tokens(sql: str, kind: Kind) -> "Sequence[Token]":
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError

    try:
        return Dialect.get_or_raise(_DIALECTS[kind]).tokenize(sql)
    except SqlglotError as error:
        raise ToolFailed(f"This is no SQL: {_short(error)}", "bad_input", place="sql") from error


def _refuse_several(tokens: "Sequence[Token]") -> None:
    ends = [number for number, token in enumerate(tokens) if token.token_type.name == "SEMICOLON"]
    if ends and ends[0] != len(tokens) - 1:
        remedy = "Send one statement a call."
        raise ToolFailed("There are several statements.", "refused", place="sql", remedy=remedy)


def _check_within(sql: str, kind: Kind, purpose: Purpose) -> None:
    """Looks for what hides in a query: WITH may hold a DELETE, and SELECT … INTO makes a table."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    try:
        tree = parse_one(sql, dialect=_DIALECTS[kind])
    except SqlglotError:
        return  # the database says what is wrong with it
    changes: tuple[type[exp.Expr], ...] = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
    if purpose == "write" and not any(tree.find_all(*changes)):
        remedy = "database_query reads."
        raise ToolFailed("The statement changes nothing.", "refused", place="sql", remedy=remedy)
    hidden = next(tree.find_all(*changes, exp.Into), None)
    if purpose == "read" and hidden is not None:
        said = f"The statement holds {hidden.key.upper()}, which is not for reading."
        raise ToolFailed(said, "refused", place="sql", remedy="database_execute changes rows.")


def _places(sql: str, tokens: "Sequence[Token]") -> Iterable[tuple[int, int]]:
    """Where parameters stand: from the colon to behind the name. No colon in quotes, of a cast or of a slice is one."""
    for colon in tokens:
        at = colon.start
        if colon.token_type.name != "COLON" or sql[at] != ":":
            continue
        name = _NAME.match(sql, at + 1)
        if name and not (at and _ENDS_A_VALUE.match(sql[at - 1])):
            yield at, name.end()


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
