"""The word `hub` in the place of a suite's path, against a hub on loopback."""

import os
from pathlib import Path

import pytest

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.evaluation.settings import SuitesSettings
from hive_mind.evaluation.suites import load_suites
from hive_mind.files import read_json, write_jsonl
from hive_mind.suites import bfcl, code, nl2sh
from hive_mind.suites.prompts import read_prompts
from hive_mind.suites.published import HUB, ON_HUB, at_hand
from hive_mind.suites.unavailable import SuiteUnavailable
from tests.loopback_hub import loopback_hub

REAL_DATA = os.environ.get("HIVE_MIND_REAL_DATA")
WEATHER = {"name": "weather", "description": "", "parameters": {"type": "dict", "properties": {}, "required": []}}
ADD = {
    "task_id": "HumanEval/0", "entry_point": "add", "prompt": 'def add(a, b):\n    """Return the sum."""\n',
    "canonical_solution": "    return a + b\n", "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}  # fmt: skip
DOUBLE = {"task_id": 11, "text": "Write a function that doubles.", "code": "def double(a):\n    return 2 * a\n",
          "test_list": ["assert double(2) == 4"], "test_setup_code": ""}  # fmt: skip


def question(name: str, text: str) -> dict[str, object]:
    return {"id": name, "question": [[{"role": "user", "content": text}]], "function": [WEATHER]}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    folder = tmp_path / "bfcl"
    (folder / "possible_answer").mkdir(parents=True)
    write_jsonl(folder / "BFCL_v3_simple.json", [question("simple_0", "Weather?")])
    write_jsonl(folder / "possible_answer" / "BFCL_v3_simple.json",
                [{"id": "simple_0", "ground_truth": [{"weather": {}}]}])  # fmt: skip
    write_jsonl(folder / "BFCL_v3_irrelevance.json", [question("irrelevance_0", "Sing.")])
    write_jsonl(folder / "BFCL_v3_multi_turn_base.json", [{"id": "not a question of ours"}])
    (tmp_path / "code").mkdir()
    write_jsonl(tmp_path / "code" / "HumanEval.jsonl", [ADD])
    (tmp_path / "mbpp").mkdir()
    write_jsonl(tmp_path / "mbpp" / "mbpp_test.jsonl", [DOUBLE])
    folders = {"bfcl": folder, "humaneval": tmp_path / "code", "mbpp": tmp_path / "mbpp"}
    with loopback_hub({f"datasets/{ON_HUB[name].repo_id}": folder for name, folder in folders.items()}) as hub:
        for key, value in hub.environment(tmp_path / "cache").items():
            monkeypatch.setenv(key, value)
        yield hub


def test_published_suites_are_fetched_once_pinned_and_read(hub, tmp_path):
    lock = tmp_path / "lock.json"
    tasks = bfcl.load(at_hand("bfcl", HUB, lock))
    assert [(task.id, task.category) for task in tasks] == [
        ("simple_0", "simple_python"), ("irrelevance_0", "irrelevance"),
    ]  # fmt: skip
    assert not hub.transfers("BFCL_v3_multi_turn_base.json")
    assert [task.id for task in code.load(at_hand("humaneval", HUB, lock))] == ["HumanEval/0"]
    assert [task.id for task in code.load(at_hand("mbpp", HUB, lock))] == ["MBPP/11"]
    assert ON_HUB["bfcl"].repo_id in str(read_json(lock))
    before = len(hub.asked)
    assert bfcl.load(at_hand("bfcl", HUB, lock)) == tasks and len(hub.asked) == before
    asked = {name: [prompt.text for prompt in read_prompts(name, at_hand(name, HUB, lock))] for name in ON_HUB}
    assert asked == {"bfcl": ["Sing.", "Weather?"], "humaneval": [ADD["prompt"]], "mbpp": [DOUBLE["text"]]}


def test_a_path_stays_a_path_and_nothing_was_published_of_your_own(tmp_path):
    assert at_hand("bfcl", tmp_path, tmp_path / "lock.json") == tmp_path
    assert at_hand("usage", Path("./hub/x"), tmp_path / "lock.json") == Path("hub/x")
    with pytest.raises(UsageError, match=r"usage: hub stands for bfcl, humaneval, mbpp and nl2sh; name the file"):
        at_hand("usage", HUB, tmp_path / "lock.json")


def test_shell_tasks_come_with_their_file_systems():
    try:
        folder = at_hand("nl2sh", HUB, Path("lock.json"))
    except SuiteUnavailable as error:
        pytest.skip(str(error))
    tasks = nl2sh.load(folder)
    assert len(tasks) == len({task.id for task in tasks}) == 300
    assert {task.image for task in tasks} == set(nl2sh.IMAGES)
    if REAL_DATA:  # the same tasks in one file
        assert tasks == nl2sh.load(Path(REAL_DATA) / "eval" / "nl2sh_alfa")


def test_the_evaluation_reads_them_and_says_why_one_is_unavailable(hub, tmp_path, capsys):
    settings = SuitesSettings(bfcl="hub", humaneval="hub", usage="hub", lock=tmp_path / "lock.json")
    located = settings.located()
    assert located.bfcl.path is not None and (located.bfcl.path / "BFCL_v3_simple.json").is_file()
    assert located.usage.path == HUB and located.mbpp.path is None
    found = {suite.name: suite for suite in load_suites(settings)}
    assert found["bfcl"].paths == {"bfcl": str(located.bfcl.path)}
    assert "hub stands for" in found["usage"].unavailable
    del hub.repositories[f"datasets/{ON_HUB['mbpp'].repo_id}"]
    with pytest.raises(HiveMindError, match="google-research-datasets/mbpp"):
        at_hand("mbpp", HUB, tmp_path / "lock.json")


def test_a_folder_without_tasks_is_unavailable(tmp_path):
    with pytest.raises(SuiteUnavailable, match=r"must hold one \.jsonl file of NL2SH-ALFA tasks, or icalfa's"):
        nl2sh.load(tmp_path)
