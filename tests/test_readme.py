"""Every command block of README.md runs, in order, in one copy of the checkout; and the runner does what it says."""

import sys
from pathlib import Path

import pytest
import yaml

from tests.loopback_hub import loopback_hub
from tests.raw_rows import (
    code_row,
    glaive_row,
    shell_row,
    usage_row,
    write_array,
    write_lines,
    write_raw_folder,
    xlam_row,
)
from tests.readme_blocks import BlockError, Workplace, checkout, environment, read_blocks

REPOSITORY = Path(__file__).resolve().parent.parent
QWEN = "models/Qwen/Qwen2.5-0.5B"
XLAM = "datasets/Salesforce/xlam-function-calling-60k"


@pytest.fixture
def workplace(tmp_path, tiny_folder):
    """A checkout with a user's logged usage and raw files; a hub that has small public sets and the tiny base."""
    folder = checkout(REPOSITORY, tmp_path / "hive-mind")
    write_lines(folder / "data" / "automated" / "training_data_20260205.jsonl", [usage_row(n) for n in range(30)])
    write_raw_folder(folder / "raw", code=40, glaive=40, shell=20, xlam=20, usage=30)
    repositories = {**_public_sets(tmp_path / "hub"), QWEN: tiny_folder}
    with loopback_hub(repositories, gated={XLAM}) as hub:
        revisions = {_revision(config) for config in (REPOSITORY / "configs").glob("*.yaml")} - {None}
        assert len(revisions) <= 1, "the configs pin one base model at two commits"
        if revisions:
            hub.pinned[QWEN] = revisions.pop()
        yield Workplace(folder, environment(tmp_path / "bin", tmp_path / "home"), hub.environment(tmp_path / "cache"))


def _revision(config):
    settings = yaml.safe_load(config.read_text()) or {}
    return (settings.get("model") or {}).get("revision")


def _public_sets(folder):
    """The public data sets as their repositories are laid out."""
    write_array(folder / "code" / "code_alpaca_20k.json", [code_row(n) for n in range(40)])
    write_array(folder / "glaive" / "glaive-function-calling-v2.json", [glaive_row(n) for n in range(40)])
    (folder / "shell" / "train").mkdir(parents=True)
    rows = "".join(f'{row["nl"]},"{row["bash"]}"\n' for row in map(shell_row, range(20)))
    (folder / "shell" / "train" / "train.csv").write_text(f"nl,bash\n{rows}")
    write_array(folder / "xlam" / "xlam_function_calling_60k.json", [xlam_row(n) for n in range(20)])
    return {
        "datasets/sahil2801/CodeAlpaca-20k": folder / "code",
        "datasets/glaiveai/glaive-function-calling-v2": folder / "glaive",
        "datasets/westenfelder/NL2SH-ALFA": folder / "shell",
        XLAM: folder / "xlam",
    }


@pytest.mark.timeout(1200)
def test_every_command_block_of_the_readme_runs(workplace):
    blocks = read_blocks((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    run = [block for block in blocks if not block.skip]
    assert run, "README.md shows no command that could be run"
    for block in run:
        workplace.run(block)


# the runner itself


@pytest.fixture
def small(tmp_path):
    """A workplace without a checkout."""
    (tmp_path / "work").mkdir()
    plain = environment(tmp_path / "bin", tmp_path / "home")
    return Workplace(tmp_path / "work", plain, {"HF_ENDPOINT": "http://hub"})


def page(*parts):
    return "\n\n".join(parts) + "\n"


def fenced(code, language="bash", mark=None):
    return (f"<!-- test: {mark} -->\n" if mark is not None else "") + f"```{language}\n{code}\n```"


def test_blocks_are_found_with_their_marks_and_places():
    text = page(
        "# Title",
        fenced("make run", mark='skip because="CI runs it"'),
        fenced("hive-mind run x.yaml", mark="loopback-hub exit=0,3 timeout=9"),
        fenced("{}", "json"),
        "1. indented\n\n   ```bash\n   echo a \\\n     b\n   ```",
        fenced("print(1)", "python", mark="run"),
    )
    first, second, third, last = read_blocks(text)
    assert (first.skip, first.line) == ("CI runs it", 4)
    assert (second.hub, second.exits, second.timeout) == (True, (0, 3), 9.0)
    assert third.code == "echo a \\\n  b\n"
    assert (last.language, last.hub, last.exits) == ("python", False, (0,))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (fenced("hive-mind run x", mark='skip because="slow"'), "only set-up .* may be skipped"),
        (fenced("make run", mark="skip"), "say why it is skipped"),
        (fenced("make run", mark="loopbackhub"), "'loopbackhub' is no mark"),
        (fenced("ls", "console"), "fence commands as ```bash"),
        (fenced("{}", "json", mark="exit=1"), "before a block that is not run"),
    ],
)
def test_what_would_let_a_block_slip_through_is_an_error(text, reason):
    with pytest.raises(BlockError, match=reason):
        read_blocks(page(text))


def test_a_mark_belongs_to_the_next_block_alone():
    first, second = read_blocks(page(fenced("a", mark="exit=3"), "text", fenced("b")))
    assert (first.exits, second.exits) == ((3,), (0,))


def run_all(small, *parts):
    return [small.run(block) for block in read_blocks(page(*parts))]


def test_blocks_share_one_folder_in_order(small):
    printed = run_all(
        small, fenced("echo one > file"), fenced("cat file"), fenced("print(open('file').read())", "python")
    )
    assert [text.strip() for text in printed] == ["", "one", "one"]


def test_a_failing_line_anywhere_in_a_block_is_reported_with_its_place(small):
    with pytest.raises(BlockError, match=r"(?s)README\.md, line 5 ended with 7.*said before it failed"):
        run_all(small, fenced("true"), fenced("echo said before it failed\n(exit 7)\ntrue"))
    with pytest.raises(BlockError, match="ended with 1"):
        run_all(small, fenced("false | cat"))


def test_an_expected_exit_code_must_come(small):
    run_all(small, fenced("exit 3", mark="exit=0,3"))
    with pytest.raises(BlockError, match="ended with 0"):
        run_all(small, fenced("true", mark="exit=3"))


def test_hub_and_plain_blocks_have_their_own_environments(small):
    with_hub, plain, program = run_all(
        small, fenced("echo $HF_ENDPOINT", mark="loopback-hub"), fenced("echo $HF_ENDPOINT $HOME"),
        fenced("python3 -c 'import sys; print(sys.prefix)'; command -v hive-mind"),
    )  # fmt: skip
    assert with_hub == "http://hub\n"
    assert plain.split() == ["http://127.0.0.1:9", str(small.folder.parent / "home")]
    prefix, path = program.split("\n")[:2]
    assert prefix == sys.base_prefix
    assert path == str(small.folder.parent / "bin" / "hive-mind")


def test_a_block_may_ask_for_a_folder_without_models(small):
    kept, gone = run_all(small, fenced("mkdir models; ls -d m*"), fenced("ls -d m* 2>&1 || true", mark="no-models"))
    assert kept == "models\n" and "No such file" in gone


def test_a_command_that_never_ends_is_stopped_where_that_is_expected(small):
    (small.folder / "log").write_text("a row\n")
    assert run_all(small, fenced("tail -f log", mark="stop-after=3")) == ["a row\n"]
    with pytest.raises(BlockError, match=r"did not end in 0\.5 s"):
        run_all(small, fenced("sleep 20", mark="timeout=0.5"))
    with pytest.raises(BlockError, match="ended with 1"):
        run_all(small, fenced("tail -f missing", mark="stop-after=5"))
