"""The line of figures: a bar on a terminal, a plain line now and then elsewhere."""

import sys

from hive_mind.training import console

ROW = {
    "step": 1, "epoch": 0.5, "loss": 1.25, "learning_rate": 2e-4, "grad_norm": 0.5, "tokens_per_second": 1234.0,
    "memory_bytes": 3 << 30,
}  # fmt: skip


def test_figures_name_what_a_person_wants_to_see():
    assert console.figures(ROW) == "epoch 0.50 · loss 1.250 · lr 2.0e-04 · grad 0.50 · 1,234 tok/s · 3.0 GiB"
    assert "loss skipped" in console.figures({**ROW, "loss": None, "grad_norm": None})


def test_plain_lines_come_at_most_once_a_second_and_ever_more_rarely(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    with console.step_line(total=100_000, done=0) as line:
        for step in range(1, 36_001):  # an hour of steps of a tenth of a second
            line.show({**ROW, "step": step}, seconds_left=60)
            now[0] += 0.1
    lines = capsys.readouterr().err.splitlines()
    first_minute = [text for text in lines if int(text.split("/")[0].split()[1].replace(",", "")) <= 600]
    assert 50 <= len(first_minute) <= 60
    assert len(lines) < 350


def test_the_last_step_is_always_shown(capsys):
    with console.step_line(total=3, done=0) as line:
        for step in (1, 2, 3):
            line.show({**ROW, "step": step}, seconds_left=0)
    assert [text.split(" · ")[0] for text in capsys.readouterr().err.splitlines()] == ["step 1/3", "step 3/3"]


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    with console.step_line(total=2, done=0) as line:
        line.show(ROW, seconds_left=10)
        line.show({**ROW, "step": 2}, seconds_left=0)
    assert "2/2" in capsys.readouterr().err
