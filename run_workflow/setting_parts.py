"""The parts that settings are made of: a model provider, a price, names that have a form."""

from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from chains.models import ProviderSettings
from state.context import EXTRACTIVE, MINILM


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


class Price(Part):
    """What a model costs, in US dollars for a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


ModelName = Annotated[str, Field(pattern=rf"^({EXTRACTIVE}|[a-z0-9][a-z0-9_.-]*/\S+)$")]


EmbeddingModel = Annotated[str, Field(pattern=rf"^({MINILM}|[a-z0-9][a-z0-9_.-]*/\S+)$")]


Host = Annotated[str, Field(pattern=r"^([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d+)?$")]
SecretName = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
