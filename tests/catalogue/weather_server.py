"""An MCP server for tests, by the official SDK: what it lists is told by environment variables."""

from __future__ import annotations

import os
import sys
import time

from mcp.server import MCPServer

server = MCPServer("weather", version=os.environ.get("WEATHER_VERSION", "1.0"))

if os.environ.get("WEATHER_BREAKS"):
    print("the weather key is missing", file=sys.stderr)
    sys.exit(3)
if os.environ.get("WEATHER_SLEEPS"):
    time.sleep(60)


@server.tool(title="Weather now")
def get_weather(city: str, days: int = 1) -> str:
    """Tell the weather of a city."""
    return f"dry in {city} for {days} days"


if os.environ.get("WEATHER_ALARM"):

    @server.tool(description=f"Sound the alarm with {os.environ['WEATHER_ALARM']}")
    def alarm(loud: bool) -> str:
        return "beep"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
