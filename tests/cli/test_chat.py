"""`hive-mind chat`: one request or a conversation; calls are shown, nothing is run."""

import io
import json

import pytest
import torch

from hive_mind import registry
from hive_mind.cli import chat as command
from hive_mind.cli.main import main
from hive_mind.errors import UsageError
from hive_mind.inference.engine import Engine
from hive_mind.inference.request import Generation
from tests.tiny_models import write_base, write_version

TOOLS = [{"name": "get_weather", "description": "Weather", "inputSchema": {"type": "object", "properties": {}}}]
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"place": "Bern"}}\n</tool_call>'


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def base(tmp_path_factory, tiny_folder):
    torch.set_num_threads(1)
    return write_base(tmp_path_factory.mktemp("bases") / "one", tiny_folder)


@pytest.fixture
def models(tmp_path, base):
    write_version(tmp_path / "models", "a_v1", base)
    registry.promote(tmp_path / "models", "a_v1", {"decision": "promote", "reasons": []})
    return tmp_path / "models"


@pytest.fixture
def replies(monkeypatch, tiny_tokenizer):
    """Replies to be given in turn; the prompts that were asked are collected in `asked`."""
    waiting: list[str] = []
    asked: list[str] = []

    def generate(self, requests, on_done=None):
        (request,) = requests
        asked.append(tiny_tokenizer.decode(request.prompt))
        ids, budget = tiny_tokenizer.encode(waiting.pop(0)), request.max_new_tokens
        return [Generation(ids[:budget], stopped=len(ids) <= budget)]

    monkeypatch.setattr(Engine, "generate", generate)
    return waiting, asked


def test_a_real_model_answers_the_same_every_time(models, base, capsys):
    arguments = ("chat", "Hello", "--models-dir", models, "--base", base.folder, "--max-new-tokens", 8, "--json")
    assert run(*arguments) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert first["model"] == "a_v1"
    assert first["reply"]
    assert run(*arguments) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == first
    assert run(*arguments, "--model", "base") == 0
    other = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert other["model"] == "base"
    assert other["reply"] != first["reply"]


def test_a_call_is_shown_and_read(models, base, tmp_path, capsys, replies):
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps(TOOLS))
    replies[0].append(f"I look.\n{CALL}")
    assert run("chat", "Weather?", "--tools", tools, "--models-dir", models, "--base", base.folder, "--json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["I look.", 'call get_weather {"place": "Bern"}']
    printed = json.loads(lines[-1])
    assert printed["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": {"place": "Bern"}}
    assert '"name": "get_weather"' in replies[1][0]


def test_a_reply_that_was_cut_off_or_mended_says_so(models, base, capsys, replies):
    replies[0].append(CALL.removesuffix("\n</tool_call>"))
    assert run("chat", "Weather?", "--models-dir", models, "--base", base.folder) == 0
    assert "mended to be read: unclosed_tag" in capsys.readouterr().err
    replies[0].append("one two three four five six")
    assert run("chat", "Count", "--models-dir", models, "--base", base.folder, "--max-new-tokens", 2) == 0
    assert "cut off at the budget" in capsys.readouterr().err


def test_a_conversation_is_remembered_until_new(models, base, monkeypatch, capsys, replies):
    replies[0].extend(["Good day.", CALL, "Fresh."])
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello\n\nWeather?\n/new\nAgain\n/quit\nnever asked\n"))
    assert run("chat", "--models-dir", models, "--base", base.folder) == 0
    assert capsys.readouterr().out.splitlines() == ["Good day.", 'call get_weather {"place": "Bern"}', "Fresh."]
    asked = replies[1]
    assert len(asked) == 3
    assert "Hello" in asked[1] and "Good day." in asked[1]
    assert "Hello" not in asked[2]


def test_a_conversation_ends_with_its_input(models, base, monkeypatch, replies):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run("chat", "--models-dir", models, "--base", base.folder) == 0


def test_a_request_that_is_too_long(models, base, monkeypatch, capsys, replies):
    assert run("chat", "word " * 5000, "--models-dir", models, "--base", base.folder) == 2
    assert "begin anew, offer fewer tools" in capsys.readouterr().err
    replies[0].append("Still here.")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{'word ' * 5000}\nHello\n"))
    assert run("chat", "--models-dir", models, "--base", base.folder) == 0
    assert capsys.readouterr().out.splitlines() == ["Still here."]


def test_without_a_version_the_base_can_be_asked(tmp_path, base, capsys):
    folder = tmp_path / "none"
    assert run("chat", "Hello", "--models-dir", folder) == 2
    assert "no version was promoted yet" in capsys.readouterr().err
    arguments = ("--model", "base", "--base", base.folder, "--max-new-tokens", 4)
    assert run("chat", "Hello", "--models-dir", folder, *arguments) == 0


def test_json_needs_a_request(tmp_path, capsys):
    assert run("chat", "--json", "--models-dir", tmp_path) == 2
    assert "--json needs a request" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[1]", '[{"description": "no name"}]', '{"a": 1}', '"text"'])
def test_a_file_that_is_no_list_of_tools(tmp_path, text):
    file = tmp_path / "tools.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"tools.json is not a list of tools"):
        command.read_tools(file)


def test_tools_in_several_layouts(tmp_path):
    file = tmp_path / "tools.json"
    openai = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": {}}}
    for value in (TOOLS, [openai], openai, {"tools": TOOLS}):
        file.write_text(json.dumps(value))
        assert [tool.name for tool in command.read_tools(file)] == ["get_weather"]
