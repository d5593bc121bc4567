"""The doctor finds what works and what does not: wrong products, a dead trial, a missing compiler, no hub."""

import json
from types import SimpleNamespace

import pytest
import torch

from hive_mind.cli.main import main
from hive_mind.doctor import Check, failed, machine, programs, text_of, trial
from hive_mind.suites.unavailable import SuiteUnavailable


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["doctor", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.mark.timeout(300)
def test_this_machine_computes_rightly_and_the_text_and_the_object_say_the_same(tmp_path, capsys):
    assert run("--offline", "--folder", tmp_path / "not" / "there", "--json") == 0
    *lines, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    assert found["ok"]
    names = [check["name"] for check in found["checks"]]
    assert names == [
        "system",
        "torch",
        "device",
        "bf16",
        "memory",
        "disk",
        "products",
        "attention",
        "compiler",
        "sandbox",
        "node",
    ]
    text = "\n".join(lines)
    assert all(name in text for name in names)
    assert all(rank in text for rank in ("r=8", "r=16", "r=64"))
    assert lines[-1] == "next: hive-mind run configs/sample.yaml"
    assert max(map(len, lines)) <= 100


def test_what_must_be_mended_is_exit_1(monkeypatch, capsys):
    broken = [
        Check("system", "ok", "x"),
        Check("products", "fail", "off by r=16 bfloat16: 3.1e-01", "do not train on it"),
    ]
    monkeypatch.setattr("hive_mind.doctor.diagnose", lambda folder, online: broken)
    assert run() == 1
    out = capsys.readouterr().out
    assert "fail  products  off by r=16" in out and "-> do not train" in out and "1 to be mended" in out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_device_that_multiplies_wrongly_is_found(monkeypatch, dtype):
    assert not failed([trial.judge("products", trial.product_errors(torch.device("cpu"), dtype))])
    right = torch.nn.functional.linear

    def wrong(x, weight, bias=None):
        out = right(x, weight, bias)
        if weight.shape[0] == 16 and out.dtype == dtype:
            out[0] = 0  # one of 200 rows
        return out

    monkeypatch.setattr("hive_mind.model.fused.F.linear", wrong)
    check = trial.judge("products", trial.product_errors(torch.device("cpu"), dtype))
    assert check.state == "fail"
    assert "r=16" in check.found and "r=64" not in check.found and "do not train" in check.advice


def test_numbers_that_are_not_finite_are_wrong():
    assert trial.judge("attention", {"packed float32": float("nan")}).state == "fail"


@pytest.mark.parametrize(
    ("code", "says"),
    [("import os; os.abort()", "ended with -6"), ("raise RuntimeError('HIP error: invalid')", "HIP error: invalid")],
)
def test_a_trial_that_dies_is_a_failure_with_advice(monkeypatch, code, says):
    monkeypatch.setattr(trial, "CODE", code)
    checks = trial.try_computing()
    assert [check.name for check in checks] == ["products", "attention"]
    assert all(check.state == "fail" and says in check.found and "HIPBLASLT" in check.advice for check in checks)


def test_a_trial_that_hangs_is_a_failure(monkeypatch):
    monkeypatch.setattr(trial, "CODE", "import time; time.sleep(60)")
    monkeypatch.setattr(trial, "SECONDS", 0.5)
    assert {check.state for check in trial.try_computing()} == {"fail"}


def test_missing_programs_are_notes_with_advice(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    for check, advice in ((programs.compiler(), "g++"), (programs.node(), "Node")):
        assert check.state == "note" and advice in check.advice
    check = programs.sandbox()
    assert check.state == "note" and "apt install bubblewrap" in check.found and "unavailable" in check.advice


def test_the_sandbox_that_is_found_is_the_one_that_suites_use(sandbox):
    assert programs.sandbox() == Check("sandbox", "ok", f"{sandbox.version}: made and tried")


def test_a_sandbox_that_cannot_be_made_says_why(monkeypatch):
    def refuse():
        raise SuiteUnavailable("bubblewrap could not make a sandbox: no permissions")

    monkeypatch.setattr(programs, "find_sandbox", refuse)
    check = programs.sandbox()
    assert check.state == "note" and "no permissions" in check.found and "unavailable" in check.advice


def test_the_hub(monkeypatch, loopback):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", loopback)
    assert programs.hub() == Check("hub", "ok", f"{loopback} answers (404)")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert programs.hub().state == "note" and "cannot be reached" in programs.hub().found
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert programs.hub().found == "HF_HUB_OFFLINE is set"


@pytest.fixture
def loopback():
    """A server that has nothing."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Nothing(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(404)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_rdna4_is_warned_of_and_other_chips_are_not(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.version, "hip", "7.2")
    for chip, state in (("gfx1201", "note"), ("gfx942", "ok")):
        card = SimpleNamespace(name="Radeon AI PRO R9700", total_memory=32 << 30, gcnArchName=f"{chip}:sramecc+")
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device, card=card: card)
        check = machine._device()
        assert check.state == state and chip in check.found
        assert ("TORCH_BLAS_PREFER_HIPBLASLT=0" in check.advice) == (chip == "gfx1201")


def test_a_card_that_torch_does_not_see_is_told(monkeypatch, tmp_path):
    node = tmp_path / "kfd"
    node.touch()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine, "GPU_NODES", {str(node): "an AMD"})
    check = machine._device()
    assert check.state == "note" and "an AMD GPU" in check.found and "ROCm or CUDA build" in check.advice


def test_little_memory_and_disk_are_notes(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "free_memory", lambda device: 1 << 30)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1 << 20))
    assert machine.memory().state == machine.disk(tmp_path / "new").state == "note"
    assert "training.batch_size" in machine.memory().advice


def test_the_table_keeps_to_its_width():
    text = text_of([Check("a", "ok", "word " * 60), Check("longer name", "note", "x", "advice " * 40)])
    assert max(map(len, text.splitlines())) <= 100
