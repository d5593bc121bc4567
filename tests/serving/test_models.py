"""Versions come and go under a running service: every answer is of one of them, and none is lost."""

import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from hive_mind import registry
from hive_mind.errors import HiveMindError
from hive_mind.model.base import TINY, ModelSettings, resolve_base
from hive_mind.serving.ask import TextDelta
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.service import ModelService
from tests.registry.versions import tamper
from tests.serving.engine_world import FP32, TOOLS, asked, promote, service, wait_for
from tests.tiny_models import write_base, write_version

QUESTIONS = [f"Question {number} of many?" for number in range(5)]


@pytest.fixture(scope="module")
def bases(tmp_path_factory, tiny_folder):
    """One that is named in the settings, and the packaged one, which is always at hand."""
    return [write_base(tmp_path_factory.mktemp("bases") / "one", tiny_folder), resolve_base(ModelSettings(base=TINY))]


@pytest.fixture
def models_dir(tmp_path, bases):
    """v1 and v2 on the first base, v1 promoted."""
    folder = tmp_path / "models"
    for number in (1, 2):
        write_version(folder, f"m_v{number}", bases[0], seed=number)
    promote(folder, "m_v1")
    return folder


@pytest.fixture
def served(models_dir, bases):
    made = service(models_dir, bases[0].folder)
    yield made
    made.close(0)


def latest(service, question=QUESTIONS[0], **more):
    return service.submit(asked(question, model="latest", **more)).answer()


def test_names_mean_what_the_registry_says(served, models_dir):
    promote(models_dir, "m_v2")
    names = ("latest", "champion", "previous", "m_v1", "base")
    named = {name: served.submit(asked(model=name)).answer() for name in names}
    assert {name: answer.version for name, answer in named.items()} == {
        "latest": "m_v2", "champion": "m_v2", "previous": "m_v1", "m_v1": "m_v1", "base": "base",
    }  # fmt: skip
    assert named["latest"].text == named["champion"].text
    assert named["previous"].text == named["m_v1"].text
    assert len({named[name].text for name in ("latest", "previous", "base")}) == 3


def test_a_promotion_in_the_middle_of_traffic(served, models_dir):
    """Each answer is to the letter what its version alone answers, and after the promotion only the new one does."""
    expected = {
        (version, question): served.submit(asked(question, model=version, max_tokens=24)).answer().text
        for version in ("m_v1", "m_v2") for question in QUESTIONS
    }  # fmt: skip
    answers, stop = [], threading.Event()

    def client(number):
        for count in range(10_000):
            question = QUESTIONS[(number + count) % len(QUESTIONS)]
            asked_at = time.monotonic()
            answer = latest(served, question, max_tokens=24)
            answers.append((asked_at, question, answer))
            if stop.is_set():
                return

    clients = [threading.Thread(target=client, args=(number,)) for number in range(6)]
    for each in clients:
        each.start()
    while len(answers) < 30:
        time.sleep(0.01)
    promote(models_dir, "m_v2")
    promoted = time.monotonic()
    while sum(at > promoted for at, _, _ in list(answers)) < 20:
        time.sleep(0.01)
    stop.set()
    for each in clients:
        each.join()
    assert served.stats()["failed"] == 0
    assert all(answer.text == expected[answer.version, question] for _, question, answer in answers)
    assert Counter(answer.version for _, _, answer in answers).keys() == {"m_v1", "m_v2"}
    assert {answer.version for at, _, answer in answers if at > promoted} == {"m_v2"}
    assert all(answer.finish_reason == "length" and answer.completion_tokens == 24 for _, _, answer in answers)


def test_a_promoted_version_pushes_the_one_before_out_once_it_is_done(served, models_dir):
    assert latest(served, tools=TOOLS).cached_tokens == 0
    assert latest(served, tools=TOOLS).cached_tokens > 0
    events = served.submit(asked(model="latest", max_tokens=3000, temperature=1.0, seed=1)).events()
    while not isinstance(next(events), TextDelta):
        pass
    promote(models_dir, "m_v2")
    answer = latest(served, tools=TOOLS)
    assert (answer.version, answer.cached_tokens) == ("m_v2", 0), "what another version has read is of no use"
    (host,) = served._scheduler.models.hosts.values()
    assert set(host.loaded.adapters.columns) == {"m_v1", "m_v2"}, "the old one still writes"
    events.close()
    assert latest(served).version == "m_v2"
    wait_for(lambda: set(host.loaded.adapters.columns) == {"m_v2"})
    assert {kept.key for kept in host.running.prefixes.kept} == {host.loaded.adapters.serials["m_v2"]}


def test_a_version_on_another_base_is_loaded_beside_and_the_old_base_goes(served, models_dir, bases):
    write_version(models_dir, "n_v1", bases[1])
    before = latest(served)
    events = served.submit(asked(model="latest", max_tokens=60)).events()
    next(events)
    promote(models_dir, "n_v1")
    after = latest(served)
    assert (before.version, before.base) == ("m_v1", "test/one")
    assert (after.version, after.base) == ("n_v1", bases[1].id)
    *_, old = events
    assert (old.version, old.completion_tokens) == ("m_v1", 60)
    assert latest(served).version == "n_v1"
    wait_for(lambda: served.stats()["bases"] == 1 and served.stats()["adapters"] == 1)


def test_a_damaged_version_is_refused_and_the_one_before_goes_on(served, models_dir, capsys):
    assert latest(served).version == "m_v1"
    promote(models_dir, "m_v2")
    tamper(models_dir / "m_v2")
    assert [latest(served).version for _ in range(3)] == ["m_v1"] * 3
    assert capsys.readouterr().err.count("m_v2 is not as it was sealed") == 1
    assert "m_v2 is not as it was sealed" in served.problem
    with pytest.raises(HiveMindError, match="m_v2 is not as it was sealed"):
        served.submit(asked(model="m_v2")).answer()
    registry.rollback(models_dir)
    assert latest(served).version == "m_v1"
    assert served.problem == ""


def test_a_damaged_version_with_none_before_it(models_dir, bases):
    tamper(models_dir / "m_v1")
    made = service(models_dir, bases[0].folder)
    with pytest.raises(HiveMindError, match="m_v1 is not as it was sealed"):
        latest(made)
    assert made.submit(asked(model="m_v2")).answer().version == "m_v2"
    made.close()


def test_a_link_that_leads_nowhere(served, models_dir):
    latest(served)
    (models_dir / "latest").unlink()
    (models_dir / "latest").symlink_to("gone_v1")
    assert latest(served).version == "m_v1"
    assert "gone_v1, which does not exist" in served.problem


def test_a_base_that_is_not_at_hand(served, models_dir, bases, tmp_path, tiny_folder):
    other = write_base(tmp_path / "bases" / "three", tiny_folder, seed=7)
    write_version(models_dir, "n_v1", replace(other, id="three"))
    with pytest.raises(HiveMindError, match=r"the base model three .* is not at hand"):
        served.submit(asked(model="n_v1")).answer()
    assert served.submit(asked(model="m_v1")).answer().version == "m_v1"


def test_only_so_many_versions_stay_in_memory(models_dir, bases):
    for number in (3, 4, 5):
        write_version(models_dir, f"m_v{number}", bases[0], seed=number)
    made = service(models_dir, bases[0].folder, idle_adapters=2)
    answers = [made.submit(asked(model=f"m_v{number}")).answer().version for number in (1, 2, 3, 4, 5)]
    assert answers == ["m_v1", "m_v2", "m_v3", "m_v4", "m_v5"]
    assert made.submit(asked(model="m_v5")).answer()
    wait_for(lambda: made.stats()["adapters"] == 2)
    made.close()


def test_base_is_the_one_under_latest(models_dir, bases):
    """Unless the settings name one; what `latest` is on must be found all the same."""
    made = service(models_dir, bases[1].folder)
    assert made.submit(asked(model="base")).answer().base == bases[1].id
    made.close()
    write_version(models_dir, "n_v1", bases[1])
    promote(models_dir, "n_v1")
    made = ModelService(models_dir, EngineSettings(**FP32))
    assert made.submit(asked(model="base")).answer().base == bases[1].id
    made.close()
