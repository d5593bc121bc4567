"""The MCP server's first answers, what the hook takes, and what the proxy adds to a call.

    make bench-mcp                     writes benchmarks/results/mcp_latency.json

Times are the clock's; of starts the processors' too, which other work on the machine changes less. Calls through the
proxy are timed in turn with calls of the same server without it: a small Python server, and npm's everything server
where `make test-mcp` installed it.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters

REPOSITORY = Path(__file__).resolve().parent.parent
RESULT = REPOSITORY / "benchmarks" / "results" / "mcp_latency.json"
HIVE_MIND = [str(Path(sys.executable).with_name("hive-mind"))]
STARTS, HOOKS, ROUNDS, CALLS = 10, 20, 10, 100
PYTHON_SERVER = [sys.executable, str(REPOSITORY / "tests" / "serving" / "mcp" / "some_server.py")]
HOOK = {
    "session_id": "s", "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"},
    "tool_response": {"stdout": "a"}, "tool_use_id": "toolu_1",
}  # fmt: skip


def processor_seconds() -> float:
    """What the processes that have ended took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def summary(seconds: list[float], processor: float) -> dict[str, float]:
    """Least, median and largest of the clock's times, and the mean of the processors', in milliseconds."""
    clock = {"min_ms": min(seconds), "median_ms": statistics.median(seconds), "max_ms": max(seconds)}
    return {name: round(value * 1000, 1) for name, value in {**clock, "processor_ms": processor / len(seconds)}.items()}


def first_answers(folder: str) -> dict[str, float]:
    """Seconds from the start of the process to the answer to tools/list, in the handshake era."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "0"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    text = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
    times, before = [], processor_seconds()
    for _ in range(STARTS):
        begun = time.perf_counter()
        process = subprocess.Popen(
            [*HIVE_MIND, "mcp", "--folder", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(text)
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(2)]
        times.append(time.perf_counter() - begun)
        assert len(json.loads(lines[1])["result"]["tools"]) == 12
        process.communicate()
    return summary(times, processor_seconds() - before)


def hooks(folder: str) -> dict[str, float]:
    """Seconds that the hook takes."""
    times, before = [], processor_seconds()
    for number in range(HOOKS):
        told = json.dumps({**HOOK, "tool_use_id": f"toolu_{number}"}).encode()
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "hive_mind.serving.mcp.hook", folder], input=told, check=True)
        times.append(time.perf_counter() - begun)
    return summary(times, processor_seconds() - before)


async def calls(client: Client, name: str, arguments: dict[str, str]) -> float:
    """Median seconds of a call."""
    times = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        result = await client.call_tool(name, arguments)
        times.append(time.perf_counter() - begun)
        assert not result.is_error
    return statistics.median(times)


async def added(folder: str, server: list[str], arguments: dict[str, str]) -> dict[str, float]:
    """Median milliseconds of a call without the proxy, with it, and their difference by rounds."""
    proxy = [*HIVE_MIND, "mcp", "proxy", "--folder", folder, "--", *server]

    def transport(command: list[str]) -> StdioServerParameters:
        return StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))

    async with Client(transport(server)) as direct, Client(transport(proxy)) as proxied:
        await direct.list_tools(), await proxied.list_tools()
        pairs = [
            (await calls(direct, "echo", arguments), await calls(proxied, "echo", arguments)) for _ in range(ROUNDS)
        ]
    differences = [with_it - without for without, with_it in pairs]
    return {
        "direct_ms": round(statistics.median(without for without, _ in pairs) * 1000, 3),
        "proxied_ms": round(statistics.median(with_it for _, with_it in pairs) * 1000, 3),
        "added_median_ms": round(statistics.median(differences) * 1000, 3),
        "added_max_ms": round(max(differences) * 1000, 3),
    }


def everything_server() -> list[str] | None:
    """The npm server, if `make test-mcp` installed it."""
    root = Path(os.environ.get("HIVE_MIND_TEST_CACHE") or Path.home() / ".cache" / "hive-mind-tests")
    found = sorted(root.glob("npm-*/node_modules/.bin/mcp-server-everything"))
    if not found:
        return None
    os.environ["PATH"] = f"{found[-1].parent}{os.pathsep}{os.environ['PATH']}"
    return [str(found[-1])]


def main() -> None:
    """Measure, and write the result."""
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 2),
            "start_to_tools_list": first_answers(folder),
            "hook": hooks(folder),
            "proxy_before_python_server": anyio.run(added, folder, PYTHON_SERVER, {"text": "hello"}),
        }
        npm = everything_server()
        if npm:
            result["proxy_before_npm_everything_server"] = anyio.run(added, folder, npm, {"message": "hello"})
        result["load_after"] = round(os.getloadavg()[0], 2)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
