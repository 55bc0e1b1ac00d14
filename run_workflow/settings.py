"""What the environment and the settings file say, read once and checked: the only place that reads either.

A variable of the environment beats the file. The file is `STRETTO_SETTINGS`, or `settings.toml` in the user's
configuration folder; both may be missing. Keys of providers come from the environment only; no secret stands in a
`repr`.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, SecretStr, ValidationError

from chains.models import INTEGRATIONS, ProviderSettings, key_variable
from run_workflow.postgres.database import DatabaseSettings
from run_workflow.setting_parts import (
    DatabaseAddress,
    EmbeddingModel,
    From,
    Host,
    McpPart,
    ModelName,
    Part,
    Price,
    Provider,
    SecretName,
)
from run_workflow.setting_places import FORM, default_file, default_home, login, read_file
from state.context import EXTRACTIVE, MINILM, Role
from state.errors import SetupError
from tools.database.connections import NamedDatabase
from tools.mcp.server import McpServer

ROLES: tuple[Role, ...] = get_args(Role)
_SECRET = "STRETTO_SECRET_"
_DATABASE = "STRETTO_DATABASE_"
_MCP = "STRETTO_MCP_"
_MODEL = f"Write provider/model, for instance openai/gpt-5-mini, or {EXTRACTIVE}."
_REMEDIES = {
    "prices": 'Write [prices."provider/model"] with input and output in US dollars for a million tokens.',
    "default_model": _MODEL,
    "models": _MODEL,
    "fallback_models": _MODEL,
    "cheaper_model": _MODEL,
    "embeddings": f"Write {MINILM}, or provider/model, for instance openai/text-embedding-3-small.",
    "allowed_hosts": "Write names of hosts, with or without a port: intranet.example, localhost:8080.",
    "databases": "Write url, or set STRETTO_DATABASE_<NAME>; writable = true or false; once = a table for keys.",
    "mcp": "Write command and env, or url and secret; trusted = true believes that a tool of it only reads.",
    "web": "Write the address of a SearXNG server, tavily, or duckduckgo.",
    "secrets": "Names of secrets are small letters, digits and _.",
}


class Settings(Part):
    """Everything the shell is told from outside."""

    home: Annotated[Path, From("STRETTO_HOME", "home")] = Field(
        description="Data folder: the local database, and logs of errors. Default: the user's data folder."
    )
    database_url: Annotated[SecretStr | None, From("DATABASE_URL", "database_url")] = Field(
        default=None, description="A PostgreSQL server to use, as postgresql://user:password@host/database."
    )
    default_model: Annotated[ModelName, From("STRETTO_MODEL", "models.default")] = Field(
        default=EXTRACTIVE, description="Model of every role that has none of its own: provider/model."
    )
    models: Annotated[dict[Role, ModelName], From("STRETTO_MODEL_<ROLE>", "models.<role>")] = Field(
        default_factory=dict, description=f"Model of one role: {', '.join(ROLES)}."
    )
    fallback_models: Annotated[tuple[ModelName, ...], From(None, "models.fallback")] = Field(
        default=(), description="Models that take over, in this order, when one fails: a list of names."
    )
    cheaper_model: Annotated[ModelName | None, From(None, "models.cheaper")] = Field(
        default=None, description="Model of every role once 80 % of a run's budget is spent."
    )
    providers: Annotated[dict[str, Provider], From("<PROVIDER>_API_KEY, OPENAI_BASE_URL", "providers.<name>")] = Field(
        default_factory=dict,
        description="How a provider is reached: base_url of an OpenAI-compatible server, api_key_env "
        "(the variable that holds its key), timeout_seconds, requests_per_minute, tokens_per_minute, "
        "concurrent_requests, max_output_tokens (0 sends none), stream.",
    )
    prices: Annotated[dict[ModelName, Price], From(None, 'prices."<provider>/<model>"')] = Field(
        default_factory=dict, description="US dollars for a million tokens: input, output."
    )
    web: Annotated[str | None, From("STRETTO_WEB", "web")] = Field(
        default=None,
        pattern=r"^(https?://\S+|tavily|duckduckgo)$",
        description="Web search: the address of a SearXNG server, `tavily` (its key is the secret `tavily`), or "
        "`duckduckgo` (extra `web`). Without one there is none.",
    )
    embeddings: Annotated[EmbeddingModel | None, From("STRETTO_EMBEDDINGS", "embeddings")] = Field(
        default=None,
        description=f"Embedding model of search: {MINILM} (extra `embeddings`), or provider/model behind an "
        "OpenAI-compatible server; without one, search goes by words only.",
    )
    allowed_hosts: Annotated[tuple[Host, ...], From("STRETTO_ALLOWED_HOSTS", "allowed_hosts")] = Field(
        default=(),
        description="Hosts on this machine or in a private network that tools, webhooks and agents may ask: "
        "name or name:port; in the variable with commas between.",
    )
    folders: Annotated[tuple[Path, ...], From("STRETTO_FOLDERS", "folders")] = Field(
        default=(),
        description="Folders in which tools of workflows may read; in the variable with commas between. "
        "Default: the folder in which the program is started.",
    )
    agents: Annotated[Path | None, From("STRETTO_AGENTS", "agents")] = Field(
        default=None, description="A YAML file with templates of agents of your own, beside those that come along."
    )
    secrets: Annotated[dict[SecretName, SecretStr], From("STRETTO_SECRET_<NAME>", "secrets.<name>")] = Field(
        default_factory=dict,
        exclude=True,
        description="Secrets that tools and webhooks name; in the file, the name of the variable that holds it.",
    )
    databases: Annotated[dict[SecretName, DatabaseAddress], From("STRETTO_DATABASE_<NAME>", "databases.<name>")] = (
        Field(
            default_factory=dict,
            exclude=True,
            description="Databases that tools use by name: sqlite:////path/to/file, duckdb:////path/to/file or "
            "postgresql://user:password@host/database; in the file url, writable = true "
            "for one that may be changed, and once = the name of a table for keys of calls.",
        )
    )
    mcp: Annotated[dict[SecretName, McpPart], From("STRETTO_MCP_<NAME>", "mcp.<name>")] = Field(
        default_factory=dict,
        description="MCP servers (extra `mcp`), whose tools are called <name>.<tool>: a command line or an address; in "
        "the file also command, env (variables and the secrets that they hold), or url and secret (its token), "
        "timeout in seconds, and trusted = true to believe that its tools change nothing where they say so.",
    )
    workflows: Annotated[Path, From("STRETTO_WORKFLOWS", "workflows")] = Field(
        description="Folder with workflow files of your own, which can be run by name. Default: workflows beside the "
        "settings file."
    )
    actor: Annotated[str, From("STRETTO_USER", "actor")] = Field(
        min_length=1, description="Who answers approvals. Default: the name of the account."
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], From("STRETTO_LOG", "log_level")] = Field(
        default="warning", description="What is logged to standard error: debug, info, warning or error."
    )
    file: Annotated[Path | None, From("STRETTO_SETTINGS", None)] = Field(
        default=None, description="The settings file. Default: settings.toml in the configuration folder."
    )

    @property
    def database(self) -> DatabaseSettings:
        """Which database to open."""
        url = self.database_url.get_secret_value() if self.database_url else None
        return DatabaseSettings(url=url, home=self.home)

    def model_providers(self) -> dict[str, ProviderSettings]:
        """The providers in the form that the door to the models takes."""
        return {name: provider.for_models() for name, provider in self.providers.items()}

    def check_key(self, model: str) -> None:
        """SetupError when the model's provider names a variable for its key, and the variable is not set."""
        name = model.partition("/")[0]
        provider = self.providers.get(name)
        if provider and provider.api_key_env and not provider.api_key:
            raise SetupError(
                f"The model {model} needs the key in {provider.api_key_env}, and that is not set.",
                place=f"{self.file}, providers.{name}.api_key_env",
                remedy=f"Set {provider.api_key_env}, or take the line out if the server needs no key.",
            )

    def secret_values(self) -> dict[str, str]:
        """The secrets of tools and webhooks by name."""
        return {name: secret.get_secret_value() for name, secret in self.secrets.items()}

    def named_databases(self) -> tuple[NamedDatabase, ...]:
        """The databases that tools use. Raises SetupError for an address that is none."""
        named = sorted(self.databases.items())
        return tuple(NamedDatabase(name, each.url.get_secret_value(), each.writable, each.once) for name, each in named)

    def mcp_servers(self) -> tuple[McpServer, ...]:
        """The MCP servers whose tools can be used. Raises SetupError for a secret that there is not."""
        secrets = self.secret_values()
        return tuple(part.server(name, secrets) for name, part in sorted(self.mcp.items()))

    def price_table(self) -> dict[str, tuple[float, float]]:
        """US dollars for a million input and output tokens, by model."""
        return {name: (price.input, price.output) for name, price in self.prices.items()}


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings; SetupError names the variable or the file and key that is wrong, and the remedy."""
    env = {key: text for key, value in (os.environ if environ is None else environ).items() if (text := value.strip())}
    values = _Values(env, *read_file(env))
    try:
        return Settings.model_validate(values.gather())
    except ValidationError as error:
        raise values.explain(error) from None  # its text may quote a secret


@dataclass(frozen=True)
class SettingRow:
    """One setting as the documentation shows it."""

    name: str
    variable: str
    key: str
    default: str
    description: str


def setting_rows() -> list[SettingRow]:
    """All settings, from the fields of Settings."""
    rows = []
    for name, field in Settings.model_fields.items():
        origin = _origin(name)
        plain = isinstance(field.default, str) and not field.is_required()
        default = field.default if plain else ""
        rows.append(SettingRow(name, origin.env or "", origin.key or "", default, field.description or ""))
    return rows


def _origin(name: str) -> From:
    return next(item for item in Settings.model_fields[name].metadata if isinstance(item, From))


class _Values:
    """Gathers the values of all settings, and remembers where each came from."""

    def __init__(self, env: Mapping[str, str], path: Path | None, table: dict[str, Any]) -> None:
        self._env, self._path, self._table = env, path, table
        self._places: dict[tuple[str, ...], str] = {}

    def gather(self) -> dict[str, Any]:
        """By field; what is said nowhere is left out, or has its default."""
        values: dict[str, Any] = {"home": default_home(), "actor": login(), "file": self._path}
        values["workflows"] = (self._path or default_file()).parent / "workflows"
        values |= self._simple()
        values |= self._models()
        values["providers"] = self._providers()
        values["prices"] = self._section("prices")
        values["secrets"] = self._secrets()
        values["databases"] = self._databases()
        values["mcp"] = self._mcp()
        if unknown := sorted(self._table):
            known = sorted(
                {str(_origin(name).key).split(".")[0] for name in Settings.model_fields if _origin(name).key}
            )
            raise self._error(unknown[0], f"There is no such setting. There are {', '.join(known)}.")
        for name in ("home", "workflows"):
            values[name] = Path(values[name]).expanduser().absolute()
        return values

    def explain(self, error: ValidationError) -> SetupError:
        """The first fault as an error for a person, without the value: it may be a secret."""
        first = error.errors(include_input=False)[0]
        location = tuple(str(part) for part in first["loc"] if part != "[key]")
        for length in range(len(location), 0, -1):
            if place := self._places.get(location[:length]):
                break
        else:
            place = self._in_file(".".join(location))
        reason = {
            "extra_forbidden": "There is no such setting.",
            "string_pattern_mismatch": "The value has not the form that is needed.",
        }.get(first["type"], f"{first['msg']}.")
        return SetupError(reason, place=place, remedy=_remedy(location))

    def _simple(self) -> Iterator[tuple[str, Any]]:
        """Settings with one variable and one key of the same kind."""
        for name in _SIMPLE:
            origin = _origin(name)
            written = self._table.pop(str(origin.key), None)
            if origin.env in self._env:
                self._places[(name,)] = str(origin.env)
                yield name, _read(name, self._env[str(origin.env)])
            elif written is not None:
                self._places[(name,)] = self._in_file(str(origin.key))
                yield name, written

    def _models(self) -> Iterator[tuple[str, Any]]:
        table = self._section("models")
        default, fallback = table.pop("default", None), table.pop("fallback", [])
        cheaper = table.pop("cheaper", None)
        if "STRETTO_MODEL" in self._env:
            default = self._env["STRETTO_MODEL"]
            self._places[("default_model",)] = "STRETTO_MODEL"
        for role in ROLES:
            variable = f"STRETTO_MODEL_{role.upper()}"
            if variable in self._env:
                table[role] = self._env[variable]
                self._places[("models", role)] = variable
        self._places.setdefault(("default_model",), self._in_file("models.default"))
        self._places["fallback_models",] = self._in_file("models.fallback")
        self._places["cheaper_model",] = self._in_file("models.cheaper")
        yield "models", table
        yield "fallback_models", fallback
        yield "cheaper_model", cheaper
        if default is not None:
            yield "default_model", default

    def _providers(self) -> dict[str, Any]:
        """The providers of the file, and those whose key or address the environment holds."""
        table = self._section("providers")
        for name in ("openai", *INTEGRATIONS):
            if key_variable(name) in self._env:
                table.setdefault(name, {})
        if "OPENAI_BASE_URL" in self._env:
            table.setdefault("openai", {})
        for name, entry in table.items():
            if not isinstance(entry, dict):
                raise self._error(f"providers.{name}", f"Write a table: [providers.{name}].")
            if "api_key" in entry:
                raise self._error(
                    f"providers.{name}.api_key",
                    "A key does not belong into a file. Write api_key_env, the variable that holds it.",
                )
            if key := self._env.get(str(entry.get("api_key_env") or key_variable(name))):
                entry["api_key"] = key
        if "OPENAI_BASE_URL" in self._env:
            table["openai"]["base_url"] = self._env["OPENAI_BASE_URL"]
            self._places["providers", "openai", "base_url"] = "OPENAI_BASE_URL"
        return table

    def _secrets(self) -> dict[str, Any]:
        """The secrets of the environment, and those of the file by the variables that it names."""
        found = {}
        for name, variable in self._section("secrets").items():
            if not isinstance(variable, str) or variable not in self._env:
                raise self._error(f"secrets.{name}", "Write the name of a variable of the environment, and set it.")
            found[name] = self._env[variable]
        own = {key: value for key, value in self._env.items() if key.startswith(_SECRET)}
        return found | {key.removeprefix(_SECRET).lower(): value for key, value in own.items()}

    def _databases(self) -> dict[str, Any]:
        """The databases of the file, and the addresses that the environment holds."""
        found = {name: each if isinstance(each, dict) else {} for name, each in self._section("databases").items()}
        for key in (key for key in self._env if key.startswith(_DATABASE)):
            name = key.removeprefix(_DATABASE).lower()
            found[name] = {**found.get(name, {}), "url": self._env[key]}
            self._places["databases", name] = key
        return found

    def _mcp(self) -> dict[str, Any]:
        """The MCP servers of the file, and those of the environment, which come before them."""
        found = self._section("mcp")
        for key in (key for key in self._env if key.startswith(_MCP)):
            name = key.removeprefix(_MCP).lower()
            found[name] = self._env[key]
            self._places["mcp", name] = key
        return found

    def _section(self, name: str) -> dict[str, Any]:
        table = self._table.pop(name, {})
        if not isinstance(table, dict):
            raise self._error(name, f"Write a table: [{name}].")
        return dict(table)

    def _in_file(self, key: str) -> str:
        return f"{self._path}, {key}"

    def _error(self, key: str, message: str) -> SetupError:
        return SetupError(message, place=self._in_file(key), remedy=FORM)


_SIMPLE = (
    "home", "database_url", "web", "embeddings", "allowed_hosts", "folders", "workflows", "agents", "actor",
    "log_level",
)  # fmt: skip


def _read(name: str, text: str) -> Any:
    """What a variable says, in the form of the file."""
    if name in ("allowed_hosts", "folders"):
        return [part.strip() for part in text.split(",")]
    return text.lower() if name == "log_level" else text


def _remedy(location: tuple[str, ...]) -> str:
    """What to write there."""
    if location[0] == "models" and location[1:] and location[1] not in ROLES:
        return (
            f"The roles are {', '.join(ROLES)}; `default` is for all others, `fallback` for failures, "
            "`cheaper` for the end of a budget."
        )
    if location[-1].endswith("url") and location[0] not in ("databases", "mcp"):
        return "Write an address that begins with http:// or https://."
    return _REMEDIES.get(location[0], FORM)
