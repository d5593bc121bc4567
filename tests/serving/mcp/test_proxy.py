"""The proxy before a server that has some of everything: the same before as behind it, and the calls recorded."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult, Implementation

from hive_mind.usage.moving import catch_up
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.store import opened

SERVER = [sys.executable, str(Path(__file__).with_name("some_server.py"))]
HIVE_MIND = [sys.executable, "-c", "from hive_mind.cli.main import main; main()"]
CLIENT = Implementation(name="test-client", version="7")


def usage(folder):
    return UsageSettings(url=str(folder / "data/usage/usage.sqlite"), spool=folder / "data/usage/spool", idle_seconds=1)


def recorded(folder):
    """What the store holds."""
    catch_up(usage(folder))
    with opened(usage(folder)) as store:
        return [record.interaction for record in store.list()]


def proxy_command(folder, *server):
    return [*HIVE_MIND, "mcp", "proxy", "--folder", str(folder), "--set", "usage.idle_seconds=1", "--", *server]


def transport(command, log=None, **environment):
    import os

    parameters = StdioServerParameters(command=command[0], args=command[1:], env={**os.environ, **environment})
    return stdio_client(parameters, errlog=log) if log else parameters


def plain(result):
    """A result as JSON."""
    return result if isinstance(result, str) else json.loads(result.model_dump_json(by_alias=True))


async def everything(client):
    """Use all that a server offers; returns what came of it, in order."""
    seen = [client.server_info, client.instructions, client.server_capabilities]
    seen += [await client.list_tools(), await client.list_resources(), await client.list_resource_templates()]
    seen += [await client.list_prompts(), await client.get_prompt("wish", {"what": "rain"})]
    seen += [await client.read_resource("some://fixed"), await client.read_resource("some://item/ab")]
    seen.append(await client.call_tool("echo", {"text": "Grüße 🌧 " + "x" * 200_000}))
    seen.append(await client.call_tool("add", {"numbers": [1, 2.5, 1e300]}))
    seen.append(await client.call_tool("fail", {}))
    seen.append(await client.call_tool("add", {"numbers": "many"}))
    seen.append(await client.call_tool("greet", {}))
    with pytest.raises(MCPError) as missing:
        await client.read_resource("some://nowhere")
    told = []

    async def progress(done, total, message):
        told.append((done, total, message))

    seen.append(await client.call_tool("count", {"to": 3}, progress_callback=progress))
    return [*map(plain, seen), told, (missing.value.code, str(missing.value))]


async def answer_name(context, params):
    return ElicitResult(action="accept", content={"name": "Ann"})


def use(server, work, mode, **options):
    async def connected():
        with anyio.fail_after(180):
            async with Client(
                server, mode=mode, elicitation_callback=answer_name, client_info=CLIENT, **options
            ) as client:
                return await work(client)

    return anyio.run(connected)


def test_a_client_cannot_tell_the_proxy_from_the_server_and_every_call_is_recorded(tmp_path, mode):
    direct = use(transport(SERVER), everything, mode)
    proxied = use(transport(proxy_command(tmp_path, *SERVER)), everything, mode)
    assert proxied == direct
    kept = recorded(tmp_path)
    calls = {interaction.answer.tool_calls[0].name: interaction for interaction in kept}
    assert set(calls) == {"echo", "add", "fail", "greet", "count"}
    assert {interaction.source for interaction in kept} == {"mcp_proxy"}
    assert {interaction.client for interaction in kept} == {"test-client 7"}
    assert len({interaction.session for interaction in kept}) == 1
    assert calls["fail"].outcome == "failed" and "the disk is full" in calls["fail"].error
    assert calls["greet"].results[0].content == "Hello, Ann"
    assert calls["count"].outcome == "succeeded" and calls["count"].latency_ms > 0
    assert [tool.name for tool in calls["echo"].tools][:2] == ["echo", "add"]
    assert calls["echo"].results[0].content.startswith("Grüße 🌧 xxx")
    assert len(calls["echo"].results[0].content) < 25_000


async def begin_and_give_up(client):
    """Call the tool that counts, and give it up once it has begun."""
    with anyio.CancelScope() as scope:

        async def begun(*_):
            scope.cancel()

        await client.call_tool("count", {"to": 1000, "wait": 0.01}, progress_callback=begun)


def test_a_call_that_is_given_up_is_cancelled_behind_the_proxy_too(tmp_path, mode):
    async def work(client):
        await begin_and_give_up(client)
        return await client.call_tool("echo", {"text": "still here"})

    assert use(transport(proxy_command(tmp_path, *SERVER)), work, mode).content[0].text == "still here"
    outcomes = {kept.answer.tool_calls[0].name: (kept.outcome, kept.error) for kept in recorded(tmp_path)}
    assert outcomes == {"count": ("unknown", "cancelled by the client"), "echo": ("succeeded", "")}


def test_a_list_that_changes_is_told_and_the_new_tool_can_be_called(tmp_path):
    heard = anyio.Event

    async def work():
        changed = heard()

        async def note(message):
            if "list_changed" in str(getattr(message, "method", "")):
                changed.set()

        server = transport(proxy_command(tmp_path, *SERVER))
        async with Client(server, mode="legacy", message_handler=note) as client:
            await client.list_tools()
            await client.call_tool("grow", {})
            with anyio.fail_after(180):
                await changed.wait()
            assert "grown" in [tool.name for tool in (await client.list_tools()).tools]
            return await client.call_tool("grown", {})

    assert anyio.run(work).content[0].text == "grown"
    calls = {kept.answer.tool_calls[0].name: kept for kept in recorded(tmp_path)}
    assert "grown" in {tool.name for tool in calls["grown"].tools}
    assert "grown" not in {tool.name for tool in calls["grow"].tools}


def test_environment_and_standard_error_pass_through(tmp_path):
    log = tmp_path / "log"

    async def work(client):
        return await client.call_tool("variable", {"name": "SOME_SECRET_NAME"})

    with log.open("w") as file:
        server = transport(proxy_command(tmp_path, *SERVER), file, SOME_SECRET_NAME="passed on")
        assert use(server, work, "auto").content[0].text == "passed on"
    assert "some server starts" in log.read_text()


def hello():
    parameters = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": parameters}).encode() + b"\n"


def leave(code):
    ready = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode() + b"\n"
    call = {"name": "leave", "arguments": {"code": code}}
    return ready + json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}).encode() + b"\n"


def start(tmp_path, *server):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(proxy_command(tmp_path, *server), **pipes)


def test_the_end_of_the_server_is_the_proxys_with_its_code(tmp_path):
    process = start(tmp_path, *SERVER)
    process.stdin.write(hello())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "some-server"
    process.stdin.write(leave(7))
    process.stdin.flush()  # and stays open: the proxy does not wait for the client
    assert process.wait(30) == 7
    process.communicate()


def test_a_client_that_leaves_ends_both(tmp_path):
    process = start(tmp_path, *SERVER)
    process.stdin.write(hello())
    process.stdin.flush()
    assert b"some-server" in process.stdout.readline()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and b"Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_server(tmp_path, number):
    script = "import signal, sys, time\nfor s in (15, 2): signal.signal(s, lambda n, f: sys.exit(40 + n))\n"
    process = start(tmp_path, sys.executable, "-c", script + "print('{}', flush=True)\ntime.sleep(60)")
    assert process.stdout.readline() == b"{}\n"
    process.send_signal(number)
    assert process.wait(30) == 40 + number
    process.communicate()


def test_what_is_no_message_passes_as_it_is(tmp_path):
    """Lines are not judged: a server that echoes its input gets every byte and gives every byte back."""
    lines = [
        b'{"jsonrpc": "2.0",   "id":1e0, "method":"\\u00e9"}',
        b"no json",
        b'[1, {"id": [], "method": 3}]',
        b"x" * 300_000,
    ]
    script = "import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(line); sys.stdout.flush()"
    process = start(tmp_path, sys.executable, "-c", script)
    output, _ = process.communicate(b"\n".join(lines) + b"\n", timeout=60)
    assert output.splitlines() == lines and process.returncode == 0


def test_a_command_that_does_not_exist_is_said_in_one_sentence(tmp_path):
    process = start(tmp_path, "no-such-server")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 2 and b"'no-such-server' could not be started" in said and b"Traceback" not in said


def test_the_proxy_adds_less_than_five_milliseconds_to_a_call(tmp_path):
    async def time_calls(client):
        await client.list_tools()
        times = []
        for number in range(40):
            before = time.perf_counter()
            await client.call_tool("echo", {"text": f"call {number}"})
            times.append(time.perf_counter() - before)
        return sorted(times)[len(times) // 2]

    async def both():
        async with (
            Client(transport(SERVER)) as direct,
            Client(transport(proxy_command(tmp_path, *SERVER))) as proxied,
        ):
            return [(await time_calls(direct), await time_calls(proxied)) for _ in range(3)]

    assert min(proxied - direct for direct, proxied in anyio.run(both)) < 0.005
