"""The monitor shows what the log says, of runs that are over, under way, or not begun."""

import io
import os
import threading

import pytest
from rich.console import Console

from hive_mind.errors import UsageError
from hive_mind.files import json_line
from hive_mind.training.log import LOG_FILE
from hive_mind.training.monitor import RunView, braille, find_run, follow, frame, loss_curve


def step_row(step, loss, steps=10, seconds=2.0):
    return {
        "step": step, "steps": steps, "epoch": step / 5, "loss": loss, "learning_rate": 1e-4, "grad_norm": 1.0,
        "tokens_per_second": 100.0, "memory_bytes": 1 << 30, "seconds": seconds,
    }  # fmt: skip


def write_log(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOG_FILE).write_bytes(b"".join(json_line(row) for row in rows))
    return folder


def drawn(renderable, width=80):
    console = Console(file=io.StringIO(), width=width, legacy_windows=False)
    console.print(renderable)
    return console.file.getvalue()


def dots(rows):
    """(column, row) of every dot of braille text, from the upper left."""
    bits = {
        (0, 0): 0x01,
        (0, 1): 0x02,
        (0, 2): 0x04,
        (0, 3): 0x40,
        (1, 0): 0x08,
        (1, 1): 0x10,
        (1, 2): 0x20,
        (1, 3): 0x80,
    }
    return {
        (2 * x + dx, 4 * y + dy)
        for y, row in enumerate(rows)
        for x, cell in enumerate(row)
        for (dx, dy), bit in bits.items()
        if (ord(cell) - 0x2800) & bit
    }


def test_the_curve_goes_from_upper_left_to_lower_right_without_gaps():
    points = [(step, 10.0 - step) for step in range(1, 10)]
    found = dots(braille(points, 9, columns=10, rows=3))
    assert {(0, 0), (19, 11)} <= found
    assert {x for x, _ in found} == set(range(20))
    assert all((y - x * 11 / 19) ** 2 < 1 for x, y in found)


def test_an_unfinished_run_fills_its_part_of_the_width():
    found = dots(braille([(1, 2.0), (5, 1.0)], 9, columns=10, rows=3))
    assert max(x for x, _ in found) == 10


def test_steps_that_share_a_column_are_averaged():
    flat = dots(braille([(step, 1.0 + step % 2) for step in range(1, 1001)], 1000, columns=5, rows=2))
    assert {y for _, y in flat} <= {3, 4}


@pytest.mark.parametrize("points", [[(1, 2.0)], [(1, 2.0), (2, 2.0)]])
def test_one_point_and_a_flat_line_can_be_drawn(points):
    assert dots(braille(points, 2, columns=4, rows=2))


def test_the_frame_holds_figures_curve_and_time_left(tmp_path):
    rows = [step_row(step, 3.0 / step) for step in range(1, 7)]
    rows.insert(3, {"step": 3, "steps": 10, "epoch": 0.6, "validation_loss": 1.5, "validation_loss_by_source": {}})
    view = RunView.read(write_log(tmp_path / "run_v1", rows))
    text = drawn(frame(view, 80, 30))
    for part in ("run_v1", "step 6 of 10", "loss 0.500", "validation loss 1.500 after step 3", "8s left", "3.000│"):
        assert part in text
    assert "finished" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert view.summary()["seconds_left"] == 8.0


def test_skipped_steps_are_left_out_of_the_curve(tmp_path):
    rows = [step_row(1, 2.0), {**step_row(2, None), "grad_norm": None}, step_row(3, 1.0)]
    assert loss_curve(RunView.read(write_log(tmp_path / "a", rows)), 40, 5)[0].startswith(" 2.000│")
    assert "loss skipped" in drawn(frame(RunView.read(write_log(tmp_path / "b", rows[:2])), 80, 30))
    assert loss_curve(RunView.read(write_log(tmp_path / "c", rows[1:2])), 40, 5) == ["no step has a finite loss"]


def test_a_log_without_steps_and_a_torn_last_line_are_no_trouble(tmp_path):
    folder = write_log(tmp_path / "run_v1", [])
    assert "no step is done yet" in drawn(frame(RunView.read(folder), 80, 30))
    with open(folder / LOG_FILE, "ab") as file:
        file.write(json_line(step_row(1, 2.0)) + b'{"step": 2, "lo')
    assert len(RunView.read(folder).steps) == 1


def test_a_run_is_found_by_name_folder_log_or_as_the_newest(tmp_path):
    models = tmp_path / "models"
    old, new = write_log(models / "old_v1", []), write_log(models / "new_v1", [])
    os.utime(old / LOG_FILE, (1, 1))
    assert find_run(None, models) == new
    assert find_run("old_v1", models) == old
    assert find_run(str(old), models) == old
    assert find_run(str(old / LOG_FILE), models) == old
    assert find_run("soon_v1", models) == models / "soon_v1"
    with pytest.raises(UsageError, match="no run has left"):
        find_run(None, tmp_path / "nowhere")


def test_following_waits_for_the_run_and_ends_with_it(tmp_path, capsys):
    folder = tmp_path / "run_v1"

    def happen():
        write_log(folder, [step_row(1, 2.0)])
        (folder / "manifest.json").write_text("{}")

    starter = threading.Timer(0.2, happen)
    starter.start()
    view = follow(folder, pause=0.02)
    starter.join()
    assert view.finished
    output = capsys.readouterr()
    assert "waiting for" in output.err
    assert output.out.count("step 1/10") == 1
