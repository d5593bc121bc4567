"""The MCP server over a service that prints: `python -m tests.serving.mcp.noisy_server FOLDER`."""

import os
import sys
from pathlib import Path

from hive_mind.serving.mcp.backend import Backend
from hive_mind.serving.mcp.server import create_server
from tests.serving.mcp.fakes import FakeRecorder, FakeService


class Noisy(FakeService):
    def submit(self, ask):
        print("printed by Python", flush=True)
        os.write(1, b"written past Python\n")
        os.system("echo printed by a child")
        return super().submit(ask)


here = Backend(Path(sys.argv[1]), Noisy, FakeRecorder(), tuple, dict)
create_server(here).run("stdio")
