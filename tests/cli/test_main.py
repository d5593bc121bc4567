"""The command line's frame: help at once, exit codes, hints."""

import importlib

import pytest

from hive_mind.cli import main as cli
from hive_mind.errors import DataRefused, HiveMindError, Interrupted, NotPromoted, UsageError


def run(arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return ended.value.code


def test_help_names_every_command(capsys):
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_loads_and_has_help(name, capsys):
    module, attribute, _ = cli.COMMANDS[name]
    assert hasattr(importlib.import_module(f"hive_mind.cli.{module}"), attribute)
    assert run([name, "--help"]) == 0
    assert f"hive-mind {name}" in capsys.readouterr().out


def test_an_unknown_command_gets_a_hint(capsys):
    assert run(["trian"]) == 2
    assert "did you mean `hive-mind train`?" in capsys.readouterr().err


def test_an_unknown_option_is_wrong_usage(capsys):
    assert run(["models", "list", "--nonsense"]) == 2
    assert "--nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HiveMindError, 1),
        (UsageError, 2),
        (NotPromoted, 3),
        (DataRefused, 4),
        (Interrupted, 130),
        (KeyboardInterrupt, 130),
    ],
)
def test_errors_end_with_their_exit_code_and_one_line(error, code, capsys, monkeypatch):
    def fail(name, arguments):
        raise error("what happened, where, what to do")

    monkeypatch.setattr(cli, "_command", fail)
    assert run(["run", "x"]) == code
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
