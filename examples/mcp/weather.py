"""A small MCP server, as an example of tools from elsewhere: `python examples/mcp/weather.py` speaks over its standard
streams.
"""

from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations
from pydantic import BaseModel

server = FastMCP("weather", log_level="ERROR")


class Weather(BaseModel):
    """The weather of a city now."""

    temp: float
    """Degrees Celsius."""
    city: str


@server.tool(annotations=ToolAnnotations(readOnlyHint=True))
def now(city: str) -> Weather:
    """The weather of a city now; this example always has the same."""
    return Weather(temp=21.5, city=city)


if __name__ == "__main__":
    server.run()
