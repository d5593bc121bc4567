"""`hive-mind mcp` as clients start it: quick to answer, silent on standard output, the model behind it a real one."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import anyio
from mcp import Client

from tests.serving.mcp.test_proxy import CLIENT, HIVE_MIND, hello, recorded, transport, use

REPOSITORY = Path(__file__).resolve().parents[3]
CPU_SECONDS = 1.5


def listing():
    return b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n{"jsonrpc":"2.0","id":2,"method":"tools/list"}\n'


def test_the_first_answers_come_in_a_second_and_without_torch(tmp_path):
    """Processor time, and half as much again as the second, so that a busy machine does not fail it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*HIVE_MIND, "mcp", "--folder", str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(hello() + listing())
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert answers[0]["result"]["serverInfo"]["name"] == "hive-mind"
    assert len(answers[1]["result"]["tools"]) == 12
    assert "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text()
    left, said = process.communicate(timeout=60)
    assert (left, said, process.returncode) == (b"", b"", 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < CPU_SECONDS


def test_over_http_it_says_where_it_listens_and_ends_cleanly(tmp_path):
    command = [*HIVE_MIND, "mcp", "--folder", str(tmp_path), "--http", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    url = re.search(r"http://127\.0\.0\.1:\d+/mcp", process.stderr.readline())[0]

    async def work(client):
        return (await client.call_tool("list_models", {})).structured_content

    assert use(url, work, "auto") == {"versions": []}
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


def test_what_is_printed_goes_to_standard_error(tmp_path, mode):
    async def work(client):
        return await client.call_tool("generate", {"prompt": "Hi"})

    log = tmp_path / "log"
    command = [sys.executable, "-m", "tests.serving.mcp.noisy_server", str(tmp_path)]
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    with log.open("w") as file:
        result = use(transport(command, file, PYTHONPATH=path), work, mode)
    assert result.structured_content["text"] == "You said: Hi"
    assert {"printed by Python", "written past Python", "printed by a child"} <= set(log.read_text().splitlines())


def test_a_real_model_answers_with_progress_and_is_recorded(tmp_path):
    told = []

    async def note(progress, total, message):
        told.append(message)

    async def work(client):
        ask = {"request": "List the files.", "model": "base", "max_tokens": 48}
        command = await client.call_tool("shell_command", ask, progress_callback=note)
        said = (
            await client.call_tool("generate", {"prompt": "Hello", "model": "base", "max_tokens": 4})
        ).structured_content
        status = (await client.call_tool("model_status", {})).structured_content
        await client.call_tool(
            "give_feedback", {"interaction_id": said["interaction_id"], "thumb": "down", "comment": "short"}
        )
        nothing = await client.call_tool("generate", {"prompt": "Hello", "max_tokens": 4})
        counted = (await client.call_tool("usage_stats", {})).structured_content
        return command, said, status, nothing, counted

    server = transport(
        [*HIVE_MIND, "mcp", "--folder", str(tmp_path), "--set", "usage.idle_seconds=1"], OMP_NUM_THREADS="1"
    )

    async def connected():
        async with Client(server, client_info=CLIENT) as client:
            return await work(client)

    command, said, status, nothing, counted = anyio.run(connected)
    assert command.is_error is ("command" not in (command.structured_content or {})) and told[0] == "starting the model"
    assert said["version"] == "base" and status["running"] is True and status["serves"] == ""
    assert nothing.is_error and "no version was promoted yet" in nothing.content[0].text
    assert counted["by_source"] == {"mcp_server": 2}
    kept = {interaction.messages[0].content: interaction for interaction in recorded(tmp_path)}
    assert kept["Hello"].answer.content == said["text"] and kept["Hello"].version == "base"
    assert (kept["Hello"].thumb, kept["Hello"].comment, kept["Hello"].client) == ("down", "short", "test-client 7")
