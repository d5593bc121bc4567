"""Fixtures that many tests share: the real data's folder, the packaged tiny base, quiet threads."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from hive_mind.model.base import TINY_FOLDER

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")
# A script's background job ignores Ctrl-C and hands that down; several tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def machine_without_lessons(tmp_path, monkeypatch):
    """No test begins with what an earlier run has taught about this machine, or teaches the next one."""
    monkeypatch.setenv("HIVE_MIND_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session", autouse=True)
def memory_as_it_was(tmp_path_factory):
    """No test leaves journals of its usage store in the machine's memory."""
    yield
    from hive_mind.usage.journal import folders_by_spool

    for spool, folder in folders_by_spool().items():
        if spool.is_relative_to(tmp_path_factory.getbasetemp()):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real rows for development; its rows never enter the repository."""
    folder = os.environ.get("HIVE_MIND_REAL_DATA")
    if not folder:
        pytest.skip("HIVE_MIND_REAL_DATA is not set: this test reads real rows, which are not in the repository")
    return Path(folder)


@pytest.fixture(scope="session")
def tiny_folder() -> Path:
    """The tiny base model that the package carries."""
    return TINY_FOLDER


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_folder):
    from hive_mind.chat.tokenizer import load_tokenizer

    return load_tokenizer(tiny_folder)


@pytest.fixture(scope="session")
def qwen_tokenizer(real_data):
    from hive_mind.chat.tokenizer import load_tokenizer

    return load_tokenizer(real_data / "qwen2.5-0.5b")


@pytest.fixture(scope="session")
def sandbox():
    """The sandbox in which model output is run; .ci/run installs what it needs."""
    from hive_mind.evaluation.sandbox import find_sandbox
    from hive_mind.suites.unavailable import SuiteUnavailable

    try:
        return find_sandbox()
    except SuiteUnavailable as reason:
        pytest.skip(f"no sandbox: {reason}")
