"""Databases by name: what the settings say of one, and nothing that opens it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from state.errors import SetupError

Kind = Literal["sqlite", "postgresql", "duckdb"]
KINDS: dict[str, Kind] = {
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "postgresql": "postgresql",
    "postgres": "postgresql",
}
"""By the scheme of the address."""
TITLES: dict[Kind, str] = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "duckdb": "DuckDB"}
FORM = "Write sqlite:////path/to/file, duckdb:////path/to/file or postgresql://user:password@host/database."


@dataclass(frozen=True)
class NamedDatabase:
    """One database that steps and agents may name."""

    name: str
    url: str = field(repr=False)
    """Goes to the driver and nowhere else: it may hold a password."""
    writable: bool = False
    once: str = ""
    """Its table for the keys of calls (`once.py`); empty where there is none."""

    def __post_init__(self) -> None:
        if self.scheme not in KINDS or (self.kind != "postgresql" and not self.path.name):
            raise SetupError("This is no address of a database.", place=f"databases.{self.name}.url", remedy=FORM)

    @property
    def scheme(self) -> str:
        """Of the address, without the name of a driver."""
        return self.url.partition(":")[0].partition("+")[0].lower()

    @property
    def kind(self) -> Kind:
        """Which dialect of SQL it speaks."""
        return KINDS[self.scheme]

    @property
    def path(self) -> Path:
        """The file of a database that is one: three slashes begin a relative path, four a whole one."""
        path = unquote(self.url.partition("://")[2].partition("?")[0]).removeprefix("/")
        return Path("" if path == ":memory:" else path).expanduser()

    @property
    def title(self) -> str:
        """For people and models: name, kind, and whether it may be changed."""
        return f"{self.name} ({TITLES[self.kind]}, {'may be changed' if self.writable else 'read only'})"

    def secrets(self) -> list[str]:
        """What no error may repeat."""
        try:
            password = urlsplit(self.url).password
        except ValueError:
            return [self.url]
        return [each for each in (password, unquote(password)) if each] if password else []
