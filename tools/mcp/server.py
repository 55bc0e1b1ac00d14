"""An MCP server as the settings name it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class McpServer:
    """A program that is started, or an address."""

    name: str
    command: tuple[str, ...] = ()
    """The program and its arguments; empty where there is an address."""
    url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables of the program, beside those that every program needs."""
    token: str = field(default="", repr=False)
    """What is sent as bearer token to the address."""
    trusted: bool = False
    """Whether what it says of its tools is believed: that one only reads."""
    timeout: float = 60.0
    """Seconds of one call."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown."""
        return tuple(filter(None, (*self.environment.values(), self.token)))
