"""Raw files in every format, well and broken."""

from __future__ import annotations

import builtins
from pathlib import Path

import pytest

from hive_mind.conversation import Reject
from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.sources.raw import RAW_TEXT_LIMIT, RawRow, read_raw

ROWS = [{"nl": "list", "bash": "ls"}, {"nl": "where äm I", "bash": "pwd"}]


def rows_of(path: Path) -> list[dict[str, object]]:
    return [item.row for item in read_raw(path) if isinstance(item, RawRow)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"nl": "list", "bash": "ls"}\n\n{"nl": "where äm I", "bash": "pwd"}'),
        ("a.json", '[{"nl": "list", "bash": "ls"}, {"nl": "where äm I", "bash": "pwd"}]'),
        ("b.json", '{"nl": "list", "bash": "ls"}\n{"nl": "where äm I", "bash": "pwd"}\n'),
        ("a.csv", 'nl,bash\nlist,ls\n"where äm I",pwd\n'),
    ],
    ids=["JSON Lines with a blank line", "array", "JSON Lines called .json", "CSV"],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str, text: str, mark: str) -> None:
    (tmp_path / name).write_text(mark + text, encoding="utf-8")
    assert rows_of(tmp_path / name) == ROWS


def test_a_broken_line_is_one_reject_with_place_and_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"nl": "list", "bash": "ls"}\n{"nl": "cut off\n[1, 2]\n{"nl": "x", "bash": "y"}\n')
    items = list(read_raw(path))
    assert [type(item) for item in items] == [RawRow, Reject, Reject, RawRow]
    broken, not_object = items[1], items[2]
    assert isinstance(broken, Reject) and isinstance(not_object, Reject)
    assert (broken.code, broken.file, broken.line, broken.raw) == ("broken_json", str(path), 2, '{"nl": "cut off')
    assert (not_object.code, not_object.line, not_object.raw) == ("not_an_object", 3, "[1, 2]")


def test_bytes_that_are_no_text_are_one_reject(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"nl": "\xff\xfe"}\n{"nl": "list", "bash": "ls"}\n')
    first, second = read_raw(path)
    assert isinstance(first, Reject) and first.code == "broken_json"
    assert isinstance(second, RawRow)


def test_a_broken_array_is_refused_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"nl": "list"},')
    with pytest.raises(DataRefused, match=r"a\.json is not valid JSON"):
        list(read_raw(tmp_path / "a.json"))


def test_elements_of_an_array_are_counted_from_one(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"nl": "list"}, 7]')
    first, second = read_raw(tmp_path / "a.json")
    assert first.line == 1
    assert isinstance(second, Reject) and (second.code, second.line, second.raw) == ("not_an_object", 2, "7")


def test_csv_cells_may_hold_line_breaks_and_rows_may_be_short(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('nl,bash\n"two\nlines","a ""b"""\nshort\none,two,three\n')
    items = list(read_raw(tmp_path / "a.csv"))
    assert isinstance(items[0], RawRow) and items[0].row == {"nl": "two\nlines", "bash": 'a "b"'}
    assert [item.code for item in items[1:] if isinstance(item, Reject)] == ["wrong_number_of_cells"] * 2


def test_csv_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("nl,bash\nwhere äm I,pwd\n".encode("latin-1"))
    with pytest.raises(DataRefused, match="not a readable CSV file in UTF-8"):
        list(read_raw(tmp_path / "a.csv"))


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        list(read_raw(tmp_path / "absent.jsonl"))


def test_very_long_raw_text_is_shortened_in_rejects(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("x" * (RAW_TEXT_LIMIT + 5))
    (item,) = read_raw(tmp_path / "a.jsonl")
    assert isinstance(item, Reject) and item.raw.endswith(f"… ({RAW_TEXT_LIMIT + 5:,} characters in all)")


def test_parquet_without_pyarrow_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(HiveMindError, match=r"pip install 'hive-mind\[parquet\]'"):
        list(read_raw(tmp_path / "a.parquet"))


def test_parquet_rows_are_plain_python_values(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra (hive-mind[parquet])")
    import pyarrow

    rows = [{"nl": "list", "bash": "ls", "n": 1}, {"nl": "where", "bash": "pwd", "n": None}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet") == rows
    (tmp_path / "b.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataRefused, match="not a readable Parquet file"):
        list(read_raw(tmp_path / "b.parquet"))
