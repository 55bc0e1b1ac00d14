"""The door to a PostgreSQL server: reading its URL, and saying in words why it does not let us in.

No message shows the password, nor a part of one that a badly written URL would put in another place.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from state.errors import DatabaseError

OLDEST_SERVER = 140000  # the oldest release that is maintained: 14

_PLACE = "DATABASE_URL"
_FORM = "Write it as postgresql://user:password@host:5432/database, with @ : / # ? % in the password as %40 %3A …"
_DEFAULTS = {"connect_timeout": "10", "application_name": "stretto"}


@dataclass(frozen=True)
class _Refusal:
    """A pattern of libpq's or the server's message, and what it means. {} names stand for the DSN's parts."""

    pattern: str
    message: str
    remedy: str


_REFUSALS = (
    _Refusal(
        r"failed to resolve|could not translate host name",
        "The host {host} is not known.",
        "Check the host in DATABASE_URL.",
    ),
    _Refusal(
        r"password authentication failed",
        "The server refused the password of user {user}.",
        "Correct the user and password in DATABASE_URL.",
    ),
    _Refusal(
        r"no password supplied",
        "The server wants a password for user {user}, and none is given.",
        "Put it into DATABASE_URL, after the user: postgresql://user:password@host/database.",
    ),
    _Refusal(
        r"database \".*\" does not exist",
        "The server has no database {dbname}.",
        "Make it (CREATE DATABASE …), or correct the name in DATABASE_URL.",
    ),
    _Refusal(
        r"role \".*\" does not exist",
        "The server has no user {user}.",
        "Make it (CREATE ROLE …), or correct the user in DATABASE_URL.",
    ),
    _Refusal(
        r"no pg_hba.conf entry.*no encryption",
        "The server does not admit user {user} from this machine without TLS.",
        "Add ?sslmode=require to DATABASE_URL, or a line to the server's pg_hba.conf.",
    ),
    _Refusal(
        r"no pg_hba.conf entry",
        "The server does not admit user {user} from this machine.",
        "Add a line to the server's pg_hba.conf.",
    ),
    _Refusal(
        r"SSL|TLS|certificate",
        "No TLS connection could be made: {detail}.",
        "Correct sslmode and sslrootcert in DATABASE_URL.",
    ),
    _Refusal(
        r"too many clients|connection slots|too many connections",
        "The server has no connection left.",
        "End other programs that use it, or raise its max_connections.",
    ),
    _Refusal(
        r"starting up|shutting down|not yet accepting|recovery mode",
        "The server is starting or stopping.",
        "Try again in a moment.",
    ),
    _Refusal(
        r"refused|unreachable|No route|timeout|timed out|unexpectedly|No such file",
        "No PostgreSQL server can be reached there: {detail}.",
        "See that it runs and listens, and that host and port in DATABASE_URL are right.",
    ),
)


def read_url(url: str) -> str:
    """Return the libpq DSN for a DATABASE_URL. `DatabaseError` when it is not one of a PostgreSQL server."""
    if re.match(r"[a-z0-9+]+://", url) and not re.match(r"postgres(ql)?://", url):
        scheme = url.split("://", 1)[0]
        raise DatabaseError(f"It begins with {scheme}://, not with postgresql://.", place=_PLACE, remedy=_FORM)
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # Neither the message nor the cause may be shown: they quote the URL.
        raise DatabaseError("It cannot be read as a PostgreSQL URL.", place=_PLACE, remedy=_FORM) from None
    host, port, name = (str(parts.get(part) or "") for part in ("host", "port", "dbname"))
    if "@" in host + name or not re.fullmatch(r"[\d,]*", port):
        raise DatabaseError("Its host, port and database cannot be told from its password.", place=_PLACE, remedy=_FORM)
    return make_conninfo("", **{**_DEFAULTS, **parts})


def describe(dsn: str) -> str:
    """Name the server, user and database of a DSN, without the password."""
    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    user = quote(parts.get("user", ""))
    host = parts.get("host") or parts.get("hostaddr") or "local"
    port = f":{parts['port']}" if "port" in parts else ""
    return f"postgresql://{user}{'@' if user else ''}{host}{port}/{quote(parts.get('dbname', ''))}"


def explain(error: psycopg.Error, dsn: str) -> DatabaseError:
    """Turn the error of an attempt to connect into one for a person."""
    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    detail = " ".join(str(error).split())
    if password := parts.get("password"):
        detail = detail.replace(password, "***")
    names = {"host": "(none)", "user": "(the system's)", "dbname": parts.get("user", ""), **parts}
    for refusal in _REFUSALS:
        if re.search(refusal.pattern, detail):
            reason = re.sub(r"^connection [a-z ]+: ", "", detail).rstrip(".?")
            message = refusal.message.format_map({**names, "detail": reason})
            return DatabaseError(message, place=describe(dsn), remedy=refusal.remedy)
    return DatabaseError(
        f"The database cannot be opened: {detail}.",
        place=describe(dsn),
        remedy="Check DATABASE_URL and the server.",
    )


def check_server(info: psycopg.ConnectionInfo, dsn: str) -> None:
    """Refuse a server that is too old, or that takes no writes."""
    if info.server_version < OLDEST_SERVER:
        raise DatabaseError(
            f"The server is PostgreSQL {info.server_version // 10000}, older than {OLDEST_SERVER // 10000}.",
            place=describe(dsn),
            remedy="Upgrade the server, or point DATABASE_URL to another one.",
        )
    if "on" in (
        info.parameter_status("in_hot_standby"),
        info.parameter_status("default_transaction_read_only"),
    ):
        raise DatabaseError(
            "The server takes no writes: it is a standby, or set to read-only.",
            place=describe(dsn),
            remedy="Point DATABASE_URL to the primary server.",
        )
