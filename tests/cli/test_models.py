"""`hive-mind models` and `hive-mind report`: outputs, JSON, exit codes."""

import json
import os

import pytest
from safetensors.torch import load_file, save_file

from hive_mind import registry
from hive_mind.cli.main import main
from hive_mind.report.records import reports_folder
from tests.registry.versions import PROMOTE, adapter, sealed, tamper
from tests.report.world import verdict, whole_world
from tests.tiny_models import seal_version, write_base, write_version


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return int(ended.value.code or 0)


@pytest.fixture
def models(tmp_path):
    return whole_world(tmp_path / "models")


def test_list_shows_every_version_and_marks_the_one_that_is_served(models, capsys):
    adapter(models / "unfinished_v1")
    assert run("models", "list", "--models-dir", models, "--json") == 0
    out = capsys.readouterr().out.splitlines()
    row = next(line for line in out if line.startswith("foundation_v1 *"))
    for cell in ("hive-mind/tiny-base", "470", "usage 15/20, unseen_tools 2/10", "Z"):
        assert cell in row
    assert "never" in next(line for line in out if line.startswith("baseline_v1"))
    assert "not a sealed version" in next(line for line in out if line.startswith("unfinished_v1"))
    listed = json.loads(out[-1])["versions"]
    assert {row["version"]: row["latest"] for row in listed} == {
        "baseline_v1": False, "foundation_v1": True, "unfinished_v1": False
    }  # fmt: skip


def test_list_of_nothing_names_the_first_command(tmp_path, capsys):
    assert run("models", "list", "--models-dir", tmp_path / "none") == 0
    assert "hive-mind run configs/sample.yaml" in capsys.readouterr().out


def test_list_still_lists_where_the_link_leads_nowhere(models, capsys):
    (models / "latest").unlink()
    os.symlink("gone_v1", models / "latest")
    assert run("models", "list", "--models-dir", models) == 2
    shown = capsys.readouterr()
    assert "foundation_v1" in shown.out
    assert "error: " in shown.err and "gone_v1, which does not exist" in shown.err


def test_show_tells_where_a_version_comes_from(models, capsys):
    assert run("models", "show", "latest", "--models-dir", models, "--json") == 0
    out = capsys.readouterr().out
    for fact in ("470 examples", "15/20 (75%)", "by gate", "adapter_model.safetensors", "b" * 64):
        assert fact in out
    record = json.loads(out.splitlines()[-1])
    assert record["manifest"] == registry.load_manifest(models / "foundation_v1").to_dict()
    assert record["promotions"][0]["by"] == "gate"
    assert run("models", "show", "foundatoin_v1", "--models-dir", models) == 2
    assert "did you mean foundation_v1?" in capsys.readouterr().err


def test_promote_follows_the_verdict_and_force_is_recorded(models, capsys):
    assert run("models", "promote", "baseline_v1", "--models-dir", models) == 2
    assert "was not judged by the gate" in capsys.readouterr().err
    assert run("models", "promote", "baseline_v1", "--models-dir", models, "--force") == 2
    assert "--note" in capsys.readouterr().err
    force = ("--force", "--note", "to compare", "--json")
    assert run("models", "promote", models / "baseline_v1", "--models-dir", models, *force) == 0
    out = capsys.readouterr().out
    assert f"{models / 'latest'} -> baseline_v1 (before: foundation_v1)" in out
    assert json.loads(out.splitlines()[-1])["promotion"]["reason"] == "to compare"
    assert registry.history(models)[-1].by == "hand"
    assert run("models", "promote", "foundation_v1", "--models-dir", models) == 2
    assert "compared with the base model, but baseline_v1 is served now" in capsys.readouterr().err


def test_promote_refuses_what_the_gate_holds_and_is_content_with_what_is_served(models, capsys):
    held = sealed(models, "foundation_v2", seed=9)
    verdict("hold").write(reports_folder(models, "foundation_v2") / "verdict.json")
    assert run("models", "promote", "foundation_v2", "--models-dir", models) == 2
    assert "is 'hold', not 'promote'" in capsys.readouterr().err
    tamper(held)
    assert run("models", "promote", "foundation_v2", "--models-dir", models, "--force", "--note", "x") == 1
    assert "not as it was sealed" in capsys.readouterr().err
    assert run("models", "promote", "foundation_v1", "--models-dir", models) == 0
    assert "nothing was changed" in capsys.readouterr().out


def test_rollback_says_where_it_went(models, capsys):
    assert run("models", "rollback", "--models-dir", models) == 2
    assert "no earlier version" in capsys.readouterr().err
    registry.promote(models, "baseline_v1", PROMOTE)
    assert run("models", "rollback", "--models-dir", models, "--json") == 0
    out = capsys.readouterr().out
    assert "latest -> foundation_v1 (back from baseline_v1)" in out
    assert json.loads(out.splitlines()[-1])["version"] == "foundation_v1"


def test_verify_names_what_changed_and_fails(models, capsys):
    assert run("models", "verify", "--models-dir", models) == 0
    assert "foundation_v1: as it was sealed" in capsys.readouterr().out
    tamper(models / "baseline_v1")
    assert run("models", "verify", "--models-dir", models, "--json") == 1
    shown = capsys.readouterr()
    assert "baseline_v1: adapter_model.safetensors was changed" in shown.out
    assert json.loads(shown.out.splitlines()[-1])["problems"]["foundation_v1"] == []
    assert "baseline_v1 changed after sealing" in shown.err
    assert run("models", "verify", "foundation_v1", "--models-dir", models) == 0


def test_verify_tries_the_adapter_on_its_base(tmp_path, tiny_folder, capsys):
    base = write_base(tmp_path / "bases" / "one", tiny_folder)
    write_version(tmp_path / "models", "good_v1", base)
    write_version(tmp_path / "models", "idle_v1", base, size=0)
    here = ("--models-dir", tmp_path / "models")
    assert run("models", "verify", "good_v1", *here, "--base", base.folder) == 0
    assert "good_v1: as it was sealed; its adapter fits its base" in capsys.readouterr().out
    assert run("models", "verify", "good_v1", *here, "--json") == 0
    shown = capsys.readouterr().out
    assert "is not at hand, so whether it fits was not tried" in shown
    assert "good_v1" in json.loads(shown.splitlines()[-1])["not_tried"]
    assert run("models", "verify", "idle_v1", *here) == 1
    assert "it changes nothing" in capsys.readouterr().out


def test_verify_names_numbers_and_shapes_that_cannot_be_used(tmp_path, tiny_folder, capsys):
    base = write_base(tmp_path / "bases" / "one", tiny_folder)
    for name, spoil in (("nan_v1", lambda tensor: tensor * float("nan")), ("wide_v1", lambda tensor: tensor[:, :-1])):
        folder = write_version(tmp_path / "models", name, base, seal=False)
        tensors = load_file(folder / "adapter_model.safetensors")
        save_file({key: spoil(tensor).contiguous() for key, tensor in tensors.items()},
                  folder / "adapter_model.safetensors")  # fmt: skip
        seal_version(folder, base)
    assert run("models", "verify", "--models-dir", tmp_path / "models", "--base", base.folder) == 1
    out = capsys.readouterr().out
    assert "nan_v1: 28 tensors are not finite" in out
    assert "wide_v1: the adapter in" in out and "misshapen" in out


def test_remove_frees_a_version_that_no_alias_means(models, capsys):
    assert run("models", "remove", "foundation_v1", "--models-dir", models) == 2
    assert "is the champion, which is never removed" in capsys.readouterr().err
    assert run("models", "remove", "latest", "--models-dir", models) == 2
    assert run("models", "remove", "baseline_v1", "--models-dir", models, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["version"] == "baseline_v1"
    assert not (models / "baseline_v1").exists()


def test_list_shows_aliases(models, capsys):
    registry.nominate(models, "baseline_v1")
    assert run("models", "list", "--models-dir", models, "--json") == 0
    out = capsys.readouterr().out.splitlines()
    assert "champion" in next(line for line in out if line.startswith("foundation_v1"))
    assert "candidate" in next(line for line in out if line.startswith("baseline_v1"))
    listed = {row["version"]: row["aliases"] for row in json.loads(out[-1])["versions"]}
    assert listed == {"baseline_v1": ["candidate"], "foundation_v1": ["champion"]}
    assert run("models", "show", "candidate", "--models-dir", models) == 0


def test_report_writes_it_and_prints_its_path(models, capsys):
    assert run("report", "--models-dir", models, "--json") == 0
    out = capsys.readouterr().out.splitlines()
    path = models / "reports" / "foundation_v1" / "FOUNDATION_MODEL_TRAINING.md"
    assert out[0] == str(path) == json.loads(out[-1])["report"]
    assert path.is_file()
    assert run("report", "nothing_v1", "--models-dir", models) == 2


def test_report_of_latest_where_nothing_was_promoted(tmp_path, capsys):
    assert run("report", "--models-dir", tmp_path) == 2
    assert "no version was promoted yet" in capsys.readouterr().err
