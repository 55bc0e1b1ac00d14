"""The parts that settings are made of: a model provider, a price, names that have a form."""

import shlex
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from chains.models import ProviderSettings
from state.context import EXTRACTIVE, MINILM
from state.errors import SetupError
from tools.mcp.server import McpServer

SecretName = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


class From(NamedTuple):
    """Where a setting is looked for: a variable of the environment, a key of the file, or both."""

    env: str | None
    key: str | None


class Part(BaseModel):
    """Frozen, and without fields that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Provider(Part):
    """How one model provider is reached."""

    base_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    api_key_env: str | None = Field(default=None, min_length=1)
    api_key: SecretStr | None = Field(default=None, exclude=True)
    timeout_seconds: float = Field(default=120.0, gt=0)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    concurrent_requests: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, ge=0)
    stream: bool = False

    def for_models(self) -> ProviderSettings:
        """The same in the form that the door to the models takes."""
        key = self.api_key.get_secret_value() if self.api_key else None
        return ProviderSettings(api_key=key, **self.model_dump(exclude={"api_key_env"}))


class DatabaseAddress(Part):
    """A database that tools may use by its name."""

    url: SecretStr
    writable: bool = False
    once: str = Field(default="", pattern=r"^([A-Za-z_]\w*(\.[A-Za-z_]\w*)?)?$")


class McpPart(Part):
    """How one MCP server is reached: by a program that is started, or by an address. A text is either of them."""

    command: tuple[str, ...] | None = Field(default=None, min_length=1)
    url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    env: dict[str, SecretName] = Field(default_factory=dict)
    secret: SecretName | None = None
    trusted: bool = False
    timeout: float = Field(default=60.0, gt=0, le=3600)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"url": value} if "://" in value else {"command": value}
        if isinstance(value, dict) and isinstance(value.get("command"), str):
            value = {**value, "command": shlex.split(value["command"])}
        return value

    @model_validator(mode="after")
    def _one_way(self) -> "McpPart":
        if (self.command is None) == (self.url is None) or (self.url and self.env) or (self.command and self.secret):
            raise ValueError("give command (and env), or url (and secret)")
        return self

    def server(self, name: str, secrets: Mapping[str, str]) -> McpServer:
        """The server, with the values of its secrets. SetupError where there is none of a name."""
        for wanted in (*self.env.values(), *filter(None, [self.secret])):
            if wanted not in secrets:
                remedy = f"Set STRETTO_SECRET_{wanted.upper()}."
                raise SetupError(f"There is no secret {wanted!r}.", place=f"mcp.{name}", remedy=remedy)
        return McpServer(
            name=name,
            command=self.command or (),
            url=self.url or "",
            environment={variable: secrets[wanted] for variable, wanted in self.env.items()},
            token=secrets[self.secret] if self.secret else "",
            trusted=self.trusted,
            timeout=self.timeout,
        )


class Price(Part):
    """What a model costs, in US dollars for a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


ModelName = Annotated[str, Field(pattern=rf"^({EXTRACTIVE}|[a-z0-9][a-z0-9_.-]*/\S+)$")]


EmbeddingModel = Annotated[str, Field(pattern=rf"^({MINILM}|[a-z0-9][a-z0-9_.-]*/\S+)$")]


Host = Annotated[str, Field(pattern=r"^([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d+)?$")]
