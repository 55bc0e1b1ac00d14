"""Looks at everything a run needs, and says of each thing how it is and what to do about it."""

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from chains.models import ModelDoor
from run_workflow.documents import CheckBody, SettingBody
from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from run_workflow.setting_places import default_file
from run_workflow.settings import ROLES, Settings, setting_rows
from state.context import EXTRACTIVE
from state.errors import DatabaseError, SetupError, ToolFailed

_SCARCE, _TOO_LITTLE = 1_000_000_000, 100_000_000
"""Bytes of free disk below which doctor warns, and below which nothing should be begun."""
_ANSWER_SECONDS = 3.0
_PYTHON = (3, 11)
_SHOWN = 3
"""Runs that are named."""
_UNSENT = """
SELECT run_id, count(*) AS messages, max(error) AS error FROM outbox WHERE sent_at IS NULL
GROUP BY run_id ORDER BY min(made_at)
"""

Opener = Callable[[DatabaseSettings], AbstractAsyncContextManager[Database]]


async def examine(settings: Settings, opener: Opener = open_database) -> tuple[CheckBody, ...]:
    """All checks, in the order in which a newcomer meets them."""
    checks = [_python(), _settings_file(settings), _data_folder(settings.home)]
    checks += await _database(settings, opener)
    checks += await asyncio.to_thread(lambda: list(_models(settings)))
    checks += [await _server(f"server of {name}", url, "/models") for name, url in _addresses(settings)]
    checks.append(await _search(settings))
    checks += await _databases(settings)
    checks += await _mcp(settings)
    return tuple(checks)


def wrong_settings(error: SetupError) -> CheckBody:
    """The one check that is left when the settings cannot be read."""
    return _check("settings", "fault", f"{error.place}: {error.message}", error.remedy or "")


def setting_values(settings: Settings | None) -> tuple[SettingBody, ...]:
    """Every setting with its value now, if they can be read; of secrets only whether they are set."""
    values = _values(settings) if settings else {}
    return tuple(
        SettingBody(
            name=row.name,
            variable=row.variable,
            key=row.key,
            default=row.default,
            description=row.description,
            value=values.get(row.name, ""),
        )
        for row in setting_rows()
    )


def _values(settings: Settings) -> dict[str, str]:
    values = {name: _shown(value) for name, value in settings.model_dump(mode="json").items()}
    values["database_url"] = "set" if settings.database_url else ""
    values["secrets"] = ", ".join(sorted(settings.secrets))
    values["databases"] = ", ".join(sorted(settings.databases))
    values["mcp"] = ", ".join(sorted(settings.mcp))
    values["providers"] = ", ".join(
        f"{name} ({'with' if provider.api_key else 'without'} key)" for name, provider in settings.providers.items()
    )
    return values


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return "" if value is None else str(value)


def _check(name: str, state: str, found: str, remedy: str = "") -> CheckBody:
    return CheckBody.model_validate({"name": name, "state": state, "found": found, "remedy": remedy})


def _python() -> CheckBody:
    found = f"Python {platform.python_version()} at {sys.executable}, {platform.system()} {platform.machine()}"
    if sys.version_info < _PYTHON:
        return _check("Python", "fault", found, "Install Python 3.11 or newer.")
    return _check("Python", "ok", found)


def _settings_file(settings: Settings) -> CheckBody:
    if settings.file is None:
        return _check("settings file", "ok", f"none at {default_file()}; the environment and defaults are used")
    return _check("settings file", "ok", str(settings.file))


def _data_folder(home: Path) -> CheckBody:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    found = f"{home}, {free / 1e9:.1f} GB free"
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return _check("data folder", "fault", f"{home} cannot be written", "Set STRETTO_HOME to a folder of yours.")
    if free < _TOO_LITTLE:
        return _check("data folder", "fault", found, "Free some space, or set STRETTO_HOME to another disk.")
    if free < _SCARCE:
        return _check("data folder", "warning", found, "Space is scarce: reports and logs of runs are kept there.")
    return _check("data folder", "ok", found)


async def _database(settings: Settings, opener: Opener) -> list[CheckBody]:
    given = "the server of DATABASE_URL" if settings.database_url else f"a local server in {settings.home / 'postgres'}"
    try:
        async with opener(settings.database) as database, database.pool.connection() as connection:
            row = await (await connection.execute("SELECT current_setting('server_version') AS version")).fetchone()
            kept = await (await connection.execute(_UNSENT)).fetchall()
    except DatabaseError as error:
        return [_check("PostgreSQL", "fault", error.message, error.remedy or "")]
    return [_check("PostgreSQL", "ok", f"{row['version'] if row else '?'}, {given}"), _messages(kept)]


def _messages(kept: Sequence[Mapping[str, Any]]) -> CheckBody:
    """Those of workflows that nobody has taken yet; `kept` has the runs, those whose messages wait longest first."""
    if not kept:
        return _check("messages", "ok", "all that workflows were to tell others was taken")
    runs = ", ".join(row["run_id"] for row in kept[:_SHOWN]) + (", …" if len(kept) > _SHOWN else "")
    found = f"{sum(row['messages'] for row in kept)} not taken yet, on {runs}: {kept[0]['error'] or 'not tried yet'}"
    remedy = f"They are sent when a run is driven. `resume {kept[0]['run_id']}` tries at once, if that run has ended."
    return _check("messages", "warning", found, remedy)


def _models(settings: Settings) -> Iterator[CheckBody]:
    """The model of each role, opened but not called."""
    door = ModelDoor(settings.model_providers(), settings.price_table())
    used: dict[str, list[str]] = {}
    for role in ROLES:
        used.setdefault(settings.models.get(role, settings.default_model), []).append(role)
    for name in settings.fallback_models:
        used.setdefault(name, []).append("in place of one that fails")
    if settings.cheaper_model:
        used.setdefault(settings.cheaper_model, []).append("all roles at the end of a budget")
    for name, roles in used.items():
        yield _model(door, settings, name, ", ".join(roles))
    yield _embedder(door, settings)


def _model(door: ModelDoor, settings: Settings, name: str, roles: str) -> CheckBody:
    title = f"model {name}"
    try:
        settings.check_key(name)
        door.chat(name)
    except SetupError as error:
        return _check(title, "fault", f"{error.message} It plays {roles}.", error.remedy or "")
    if name == EXTRACTIVE:
        return _check(title, "ok", f"{roles}; needs no key, costs nothing, quotes and computes only")
    if door.price(name) is None:
        remedy = f'Write [prices."{name}"] with input and output into the settings file: budgets need it.'
        return _check(title, "warning", f"{roles}; its price is not known", remedy)
    return _check(title, "ok", roles)


def _embedder(door: ModelDoor, settings: Settings) -> CheckBody:
    name = settings.embeddings
    if name is None:
        return _check("embeddings", "ok", "none; search goes by words, titles and names")
    try:
        settings.check_key(name)
        door.embedder(name)
    except SetupError as error:
        return _check("embeddings", "fault", error.message, error.remedy or "")
    return _check("embeddings", "ok", name)


def _addresses(settings: Settings) -> list[tuple[str, str]]:
    others = [name for name in (settings.cheaper_model, settings.embeddings) if name]
    names = {settings.default_model, *settings.models.values(), *settings.fallback_models, *others}
    used = sorted({name.partition("/")[0] for name in names})
    found = [(name, settings.providers[name].base_url) for name in used if name in settings.providers]
    return [(name, url) for name, url in found if url]


async def _search(settings: Settings) -> CheckBody:
    if settings.web is None:
        return _check("web search", "ok", "none; runs use the sources they are given")
    if settings.web.startswith("http"):
        return await _server("web search", settings.web, "")
    return _check("web search", "ok", settings.web)


async def _databases(settings: Settings) -> list[CheckBody]:
    """Whether each database that tools may use can be read."""
    from tools.database.conversations import Databases
    from tools.database.database_tools import DatabaseTools

    checks = []
    try:
        async with Databases(settings.named_databases()) as databases:
            for name, database in databases.named.items():
                try:
                    await DatabaseTools(databases).query(database=name, sql="SELECT 1", timeout=_ANSWER_SECONDS)
                except ToolFailed as error:
                    checks.append(_check(f"database {name}", "fault", error.message, error.remedy or ""))
                else:
                    checks.append(_check(f"database {name}", "ok", database.title))
    except SetupError as error:
        checks.append(_check("databases", "fault", f"{error.place}: {error.message}", error.remedy or ""))
    return checks


async def _mcp(settings: Settings) -> list[CheckBody]:
    """Whether each MCP server whose tools may be used answers."""
    from run_workflow.services import open_servers

    try:
        async with open_servers(settings) as servers:
            offered, failed = await servers.offers(servers.names)
    except SetupError as error:
        return [_check("MCP servers", "fault", str(error), error.remedy or "")]
    good = [_check(f"MCP server {name}", "ok", f"{len(each.tools)} tools") for name, each in offered.items()]
    bad = [_check(f"MCP server {name}", "fault", each.message, each.remedy or "") for name, each in failed.items()]
    return [*good, *bad]


async def _server(title: str, url: str, path: str) -> CheckBody:
    """Whether a server answers at all; a refusal is an answer."""
    import httpx

    try:
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS) as client:
            answer = await client.get(url.rstrip("/") + path)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        found = f"{url} does not answer: {error or type(error).__name__}"
        return _check(title, "fault", found, "Start that server, or correct its address.")
    return _check(title, "ok", f"{url} answers (status {answer.status_code})")
