"""Real servers asked for their tools, over stdio and HTTP, and the catalogue that keeps what changed."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hive_mind.catalogue import select
from hive_mind.catalogue.clients import Server
from hive_mind.catalogue.connect import Listing, list_tools
from hive_mind.catalogue.file import Change, client_names, read_catalogue, tools_of, update
from hive_mind.catalogue.settings import CatalogueSettings
from hive_mind.catalogue.sync import sync
from hive_mind.cli.main import main
from hive_mind.errors import DataRefused
from tests.raw_rows import SERVERS

SERVER = Path(__file__).parent / "weather_server.py"
FILE = Path("mcp.json")
SECRET = "ghp_" + "9fK" * 12


def entry(**env: str) -> dict[str, Any]:
    return {"command": sys.executable, "args": [str(SERVER)], "env": env}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def configure(home: Path, **servers: Any) -> None:
    (home / ".claude.json").write_text(json.dumps({"mcpServers": servers}))


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server over HTTP on a port that the system chose."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(SERVER), str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait()


def test_servers_are_asked_and_broken_ones_stop_no_other(home: Path, address: str) -> None:
    configure(
        home, good=entry(WEATHER_ALARM=SECRET), web={"type": "http", "url": address, "headers": {"X-Key": SECRET}},
        breaks=entry(WEATHER_BREAKS="yes"), absent={"command": "no-such-program-anywhere"},
        nobody={"url": "http://127.0.0.1:9/mcp"},
    )  # fmt: skip
    settings = CatalogueSettings(file=home / "catalogue.json")
    synced = sync(settings, home=home)
    assert {change.server for change in synced.changes} == {"good", "web"}
    assert synced.failed.keys() == {"breaks", "absent", "nobody"}
    assert synced.failed["breaks"].endswith("its last words: the weather key is missing")
    catalogue = read_catalogue(settings.file)
    good = catalogue["servers"]["good"]
    assert (good["version"], good["transport"], good["clients"]) == ("1.0", "stdio", ["claude-code"])
    declared = good["tools"]["get_weather"]["declaration"]
    assert declared["inputSchema"]["required"] == ["city"] and declared["title"] == "Weather now"
    assert good["tools"]["alarm"]["declaration"]["description"] == "Sound the alarm with <SECRET>"
    written = settings.file.read_bytes()
    assert SECRET.encode() not in written and address.encode() not in written and sys.executable.encode() not in written
    names = [tool.name for tool in tools_of(catalogue)]
    assert names == ["good__get_weather", "alarm", "web__get_weather"]
    assert list(client_names(catalogue)) == ["mcp__good__get_weather", "mcp__good__alarm", "mcp__web__get_weather"]


def test_a_server_that_does_not_answer_is_left_after_the_timeout(home: Path) -> None:
    slow = Server("slow", ("file",), (), "stdio", (sys.executable, str(SERVER)), {"WEATHER_SLEEPS": "yes"})
    begun = time.monotonic()
    (listing,) = list_tools([slow], timeout=2.0, at_once=1)
    assert listing.error.startswith("it did not answer within 2 s") and time.monotonic() - begun < 30


def test_the_commands(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(home, weather=entry())
    file = f"catalogue.file={home / 'c.json'}"
    assert run(["tools", "sync", file, "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["changes"] == [{"server": "weather", "tool": "get_weather", "what": "added"}] and last["tools"] == 1
    assert run(["tools", "list", file]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^get_weather  Tell the weather of a city\.$", out, re.MULTILINE)
    assert re.search(r"^weather +1\.0 +1 .* ok$", out, re.MULTILINE)
    assert run(["tools", "show", "get_weather", file]) == 0
    assert "added in version 1.0" in capsys.readouterr().out
    assert run(["tools", "show", "nothing", file]) == run(["tools", "list", "--server", "nothing", file]) == 2
    configure(home, weather=entry(WEATHER_BREAKS="yes"))
    assert run(["tools", "sync", file]) == 1
    assert "none of 1 servers answered" in capsys.readouterr().err
    (home / ".claude.json").unlink()
    assert run(["tools", "sync", file]) == 2
    captured = capsys.readouterr()
    assert "no client is configured" in captured.err and re.search(
        r"^weather +get_weather +gone$", captured.out, re.MULTILINE
    )


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def listing(name: str, *tools: dict[str, Any], version: str = "1", error: str = "") -> Listing:
    return Listing(Server(name, ("file",), (FILE,), "stdio", ("x",)), version, tools, error)


NOW, LATER = ({"name": name, "inputSchema": {"type": "object"}} for name in ("now", "later"))


def test_what_changed_is_noted_with_time_and_version() -> None:
    catalogue: dict[str, Any] = {"servers": {}}
    assert update(catalogue, [listing("sky", NOW, LATER)], "t1") == [
        Change("sky", "now", "added"), Change("sky", "later", "added"),
    ]  # fmt: skip
    assert update(catalogue, [listing("sky", NOW, LATER)], "t2") == []
    other = {**NOW, "description": "Tell it."}
    assert update(catalogue, [listing("sky", other, version="2")], "t3") == [
        Change("sky", "now", "changed"), Change("sky", "later", "gone"),
    ]  # fmt: skip
    assert [tool.name for tool in tools_of(catalogue)] == ["now"]
    assert update(catalogue, [listing("sky", error="it broke")], "t4") == [], "what did not answer stays as it was"
    assert [tool.name for tool in tools_of(catalogue)] == ["now"]
    assert update(catalogue, [listing("sky", other, LATER, version="2")], "t5") == [Change("sky", "later", "back")]
    assert update(catalogue, [], "t6") == [], "nobody looked into its file"
    assert update(catalogue, [], "t6", [FILE], {"sky": "it is disabled"}) == [], "it is there, and cannot be asked"
    assert update(catalogue, [], "t6", [FILE]) == [Change("sky", "now", "gone"), Change("sky", "later", "gone")]
    assert tools_of(catalogue) == [] and update(catalogue, [], "t7", [FILE]) == []
    now = catalogue["servers"]["sky"]["tools"]["now"]["history"]
    assert [(note["time"], note["what"], note["version"]) for note in now] == [
        ("t1", "added", "1"), ("t3", "changed", "2"), ("t6", "gone", "2"),
    ]  # fmt: skip
    assert now[0]["digest"] != now[1]["digest"] == now[2]["digest"]


def test_the_order_of_keys_is_no_change() -> None:
    catalogue: dict[str, Any] = {"servers": {}}
    update(catalogue, [listing("sky", {"name": "now", "inputSchema": {"type": "object", "title": "x"}})], "t1")
    turned = {"inputSchema": {"title": "x", "type": "object"}, "name": "now"}
    assert update(catalogue, [listing("sky", turned)], "t2") == []


def test_broken_declarations_are_left_out() -> None:
    catalogue: dict[str, Any] = {"servers": {}}
    update(catalogue, [listing("sky", NOW, {"name": "odd", "inputSchema": {"type": "array"}})], "t1")
    assert [tool.name for tool in tools_of(catalogue)] == ["now"]


def test_a_file_that_is_no_catalogue_is_named(tmp_path: Path) -> None:
    assert read_catalogue(tmp_path / "absent.json") == {"servers": {}}
    for text in ("[]", "{", '{"servers": 5}', '{"servers": {"a": {}}}', '{"servers": {"a": 5}}'):
        (tmp_path / "c.json").write_text(text)
        with pytest.raises(DataRefused, match=r"c\.json is (no catalogue|not valid JSON)"):
            read_catalogue(tmp_path / "c.json")


def test_a_request_is_offered_tools_of_the_catalogue() -> None:
    catalogue: dict[str, Any] = {"servers": {}}
    update(catalogue, [listing(server["server_name"], *server["tools"]) for server in SERVERS], "t1")
    tools = tools_of(catalogue)
    assert [tool.name for tool in tools if "search" in tool.name] == ["sky__search", "sea_of_maps__search"]
    assert "rain" in [tool.name for tool in select("Will there be rain?", tools, 2)]
