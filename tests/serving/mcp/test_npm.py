"""The protocol's own inspector, conformance suite and servers, against the server and before the proxy.

`make test-mcp` runs these: they install Node 22 and the packages from npm first, and take about a minute.
"""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.serving.mcp.npm_tools import environment, install
from tests.serving.mcp.test_proxy import CLIENT, HIVE_MIND, plain, proxy_command, recorded

pytestmark = pytest.mark.npm
SCENARIOS = [
    "server-initialize", "server-session-lifecycle", "ping", "tools-list", "tools-call-error", "resources-list",
    "prompts-list", "dns-rebinding-protection", "caching", "http-header-validation", "sep-2164-resource-not-found",
    "server-sse-multiple-streams", "input-required-result-unsupported-methods",
]  # fmt: skip
"""Of the conformance suite those that need no tools of its own; the others ask for tools by fixed names."""
ADDED_SECONDS = 0.005
PYTHON_PATH = os.pathsep.join(path for path in sys.path if path)


@pytest.fixture(scope="module")
def commands():
    return install()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def inspect(commands, home):
    """Run the inspector on `hive-mind mcp`; returns its exit code and what it printed. It passes few variables on."""

    def run(*options, server=(*HIVE_MIND, "mcp", "--folder")):
        told = ["env", f"PYTHONPATH={PYTHON_PATH}", "OMP_NUM_THREADS=1", *server, str(home)]
        command = [str(commands / "mcp-inspector"), "--cli", *told, *options]
        done = subprocess.run(
            command, env=environment(commands), capture_output=True, text=True, check=False, timeout=120
        )
        return done.returncode, json.loads(done.stdout)

    return run


def test_the_inspector_finds_the_tools_portable(inspect):
    code, listed = inspect("--method", "tools/list", "--strict")
    assert code == 0 and len(listed["tools"]) == 12
    assert all(tool["title"] and tool["annotations"] and tool["outputSchema"] for tool in listed["tools"])


def test_the_inspector_calls_tools_and_reads_resources(inspect):
    call = ("--method", "tools/call", "--tool-name")
    code, status = inspect(*call, "model_status")
    assert code == 0 and status["structuredContent"]["running"] is False
    code, said = inspect(
        *call, "generate", "--tool-arg", "prompt=Hello", "--tool-arg", "model=base", "--tool-arg", "max_tokens=4"
    )
    assert code == 0 and said["structuredContent"]["version"] == "base"
    code, refused = inspect(*call, "promote_model", "--tool-arg", "version=nothing")
    assert code == 5 and "list_models names them" in refused["content"][0]["text"]
    code, read = inspect("--method", "resources/read", "--uri", "hive-mind://models")
    assert code == 0 and json.loads(read["contents"][0]["text"]) == {"latest": None, "versions": []}


@contextmanager
def listening(*arguments):
    """Start `hive-mind mcp ... --http` on a free port; yields its address."""
    command = [*HIVE_MIND, "mcp", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield re.search(r"http://\S+/mcp", process.stderr.readline())[0]
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.stderr.close()


@pytest.fixture(scope="module")
def url(home):
    with listening("--folder", str(home), "--http", "--port", "0") as address:
        yield address


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_conformance_suite_passes(commands, url, scenario):
    command = [str(commands / "conformance"), "server", "--url", url, "--scenario", scenario]
    done = subprocess.run(command, env=environment(commands), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert re.search(r"Passed: (\d+)/\1, 0 failed", done.stdout), done.stdout[-2000:]


def parameters(commands, command):
    return StdioServerParameters(command=command[0], args=command[1:], env=environment(commands))


async def look(client):
    """All lists of a server."""
    seen = [client.server_info, client.instructions, await client.list_tools()]
    if client.server_capabilities.resources:
        seen += [await client.list_resources(), await client.list_resource_templates()]
    if client.server_capabilities.prompts:
        seen.append(await client.list_prompts())
    return [plain(part) if part is not None else None for part in seen]


def side_by_side(commands, folder, server, work):
    """Do the same before the server and before the proxy; returns both."""

    async def run():
        made = []
        for command in (server, proxy_command(folder, *server)):
            async with Client(parameters(commands, command), client_info=CLIENT) as client:
                made.append([await look(client), await work(client)])
        return made

    return anyio.run(run)


EVERYTHING = [
    ("echo", {"message": "Grüße"}), ("get-sum", {"a": 2, "b": 3.5}), ("get-tiny-image", {}),
    ("get-structured-content", {"location": "Chicago"}),
    ("get-annotated-message", {"messageType": "error", "includeImage": True}),
    ("get-resource-links", {"count": 2}), ("echo", {}), ("no-such-tool", {}),
    ("trigger-long-running-operation", {"duration": 0.5, "steps": 3}),
]  # fmt: skip


def test_the_everything_server_is_the_same_behind_the_proxy(commands, tmp_path):
    async def work(client):
        told = []

        async def note(progress, total, message):
            told.append((progress, total, message))

        results = []
        for name, arguments in EVERYTHING:
            try:
                results.append(plain(await client.call_tool(name, arguments, progress_callback=note)))
            except Exception as error:
                results.append(str(error))
        return results, told

    direct, proxied = side_by_side(commands, tmp_path, [str(commands / "mcp-server-everything")], work)
    assert proxied == direct
    results, told = proxied[1]
    assert len(told) == 3 and sum("isError" in result for result in results if isinstance(result, dict)) >= 7
    kept = recorded(tmp_path)
    calls = {interaction.answer.tool_calls[0].name for interaction in kept}
    assert calls == {name for name, _ in EVERYTHING}
    declared = {tool["name"] for tool in proxied[0][2]["tools"]}
    assert {tool.name for tool in kept[0].tools} == declared
    sums = [kept_one for kept_one in kept if kept_one.answer.tool_calls[0].name == "get-sum"]
    assert sums[0].outcome == "succeeded" and "5.5" in sums[0].results[0].content


def test_the_filesystem_server_is_the_same_behind_the_proxy(commands, tmp_path):
    files = tmp_path / "files"

    async def work(client):
        (files / "a.txt").write_text("first\nsecond\n")
        (files / "new.txt").unlink(missing_ok=True)
        calls = [
            ("list_directory", {"path": str(files)}), ("read_text_file", {"path": str(files / "a.txt"), "head": 1}),
            ("write_file", {"path": str(files / "new.txt"), "content": "x"}),
            ("read_text_file", {"path": str(tmp_path / "secret")}),
            ("search_files", {"path": str(files), "pattern": "**/*.txt"}),
        ]  # fmt: skip
        return [plain(await client.call_tool(name, arguments)) for name, arguments in calls]

    files.mkdir()
    server = [str(commands / "mcp-server-filesystem"), str(files)]
    direct, proxied = side_by_side(commands, tmp_path / "home", server, work)
    assert proxied == direct and (files / "new.txt").read_text() == "x"
    outcomes = [(kept.answer.tool_calls[0].name, kept.outcome) for kept in recorded(tmp_path / "home")]
    assert sorted(outcomes) == [
        ("list_directory", "succeeded"), ("read_text_file", "failed"), ("read_text_file", "succeeded"),
        ("search_files", "succeeded"), ("write_file", "succeeded"),
    ]  # fmt: skip


def test_the_proxy_adds_less_than_five_milliseconds(commands, tmp_path):
    server = [str(commands / "mcp-server-everything")]

    async def time_calls(client):
        times = []
        for number in range(100):
            before = time.perf_counter()
            await client.call_tool("echo", {"message": f"call {number}"})
            times.append(time.perf_counter() - before)
        return sorted(times)[len(times) // 2]

    async def both():
        async with (
            Client(parameters(commands, server)) as direct,
            Client(parameters(commands, proxy_command(tmp_path, *server))) as proxied,
        ):
            await direct.list_tools(), await proxied.list_tools()
            return [(await time_calls(direct), await time_calls(proxied)) for _ in range(3)]

    pairs = anyio.run(both)
    print("median ms of a call, direct and proxied:", [(round(d * 1000, 2), round(p * 1000, 2)) for d, p in pairs])
    assert min(proxied - direct for direct, proxied in pairs) < ADDED_SECONDS
