"""`hive-mind serve` as a process: asked, told what was thought of the answer, stopped; its tokens; its errors."""

import json
import random
import re
import signal
import socket
import string
import subprocess
import sys

import httpx
import openai
import pytest

from hive_mind.cli.main import main
from hive_mind.serving.tokens import Tokens
from hive_mind.usage.moving import catch_up
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.store import opened
from tests.tiny_models import write_base

COMMAND = [sys.executable, "-c", "from hive_mind.cli.main import main; main()"]


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return int(ended.value.code or 0)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_server_answers_records_and_stops(elsewhere, tiny_folder):
    base = write_base(elsewhere / "base", tiny_folder)
    command = [
        *COMMAND,
        "serve",
        "--port",
        "0",
        f"engine.base={base.folder}",
        "engine.device=cpu",
        "usage.idle_seconds=1",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        while not said.endswith("claude-code\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line
        url = re.search(r"OPENAI_BASE_URL=(\S+)", said)[1]
        assert "no version was promoted yet" in said and '"model": "base"' in said
        client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
        key = "ghp" + "_" + "".join(random.Random(8).choices(string.ascii_letters + string.digits, k=36))
        messages = [{"role": "user", "content": f"Hi there, my key is {key}"}]
        with pytest.raises(openai.NotFoundError, match="no version was promoted"):
            client.chat.completions.create(model="latest", messages=messages)
        made = client.chat.completions.create(model="base", messages=messages, max_tokens=4)
        assert (made.model, made.usage.completion_tokens) == ("base", 4)
        said = httpx.post(f"{url}/feedback", json={"id": made.id, "thumb": "up"}, trust_env=False, timeout=30)
        assert said.status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "usage list" in out
    rows = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert [row["status"] for row in rows] == [404, 200, 200]
    assert rows[1]["version"] == "base" and "Hi there" not in err
    settings = UsageSettings()
    catch_up(settings)
    with opened(settings) as store:
        [kept] = store.list()
    assert (kept.interaction.version, kept.interaction.thumb) == ("base", "up")
    assert "my key is" in str(kept) and key not in str(kept)


def test_tokens_are_made_listed_and_removed(elsewhere, capsys):
    assert run("serve", "token", "list") == 0
    assert "token add NAME" in capsys.readouterr().out
    assert run("serve", "token", "add", "alex") == 0
    made = capsys.readouterr().out.split("\n")[0]
    tokens = Tokens(elsewhere / "data" / "serving" / "tokens.json")
    assert tokens.whose(made) == "alex"
    assert run("serve", "token", "list") == 0
    listed = capsys.readouterr().out
    assert "alex" in listed and made not in listed
    assert run("serve", "token", "add", "alex") == 2
    assert run("serve", "token", "remove", "alex") == 0
    assert tokens.whose(made) is None
    assert run("serve", "token", "remove", "alex") == 2


def test_an_address_that_others_reach_needs_a_token(elsewhere, capsys):
    assert run("serve", "--host", "0.0.0.0", "--port", "0") == 2
    assert "serve token add NAME" in capsys.readouterr().err


def test_a_port_in_use_is_said_to_be(elsewhere, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run("serve", "--port", taken.getsockname()[1]) == 2
    assert "is in use; choose another with --port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "192.0.2.1", "--port", "0"], "holds no token"),
        (["--host", "no.such.host.invalid", "--port", "0"], "holds no token"),
        (["serving.prot=1"], "did you mean"),
        (["--upstream", "ftp://x"], "serving.upstream"),
        (["--port", "0", "--shadow"], "--upstream URL"),
        (["--port", "0", "--upstream", "http://127.0.0.1:9/v1", "--upstream-key-env", "NO_SUCH_KEY"], "holds no key"),
        (["nothing"], "nothing"),
    ],
)
def test_wrong_settings_are_said_to_be(elsewhere, capsys, arguments, said):
    assert run("serve", *arguments) == 2
    assert said in capsys.readouterr().err


def test_an_address_that_is_not_this_machines(elsewhere, capsys):
    Tokens(elsewhere / "data" / "serving" / "tokens.json").add("alex")
    assert run("serve", "--host", "192.0.2.1", "--port", "0") == 2
    assert "is no address of this machine" in capsys.readouterr().err


def test_the_settings_file_that_the_repository_carries(elsewhere):
    from pathlib import Path

    from hive_mind.config import dump, load
    from hive_mind.serving.settings import ServeSettings

    file = Path(__file__).resolve().parents[2] / "configs" / "serve.yaml"
    assert dump(load(ServeSettings, file)) == dump(ServeSettings())
