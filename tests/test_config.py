"""Settings: defaults in one place, overrides win, unknown keys are errors that help."""

import pytest

from hive_mind.config import Settings, describe, dump, load, setting
from hive_mind.errors import UsageError


class Inner(Settings):
    rate: float = setting(2e-4, "learning rate", gt=0)
    epochs: int = setting(3, "epochs", ge=1)


class Outer(Settings):
    name: str = setting(..., "name")
    inner: Inner = setting(Inner(), "inner section")
    caps: dict[str, int] = setting({}, "caps")


def test_file_then_overrides(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("name: one\ninner:\n  rate: 1e-5\n  epochs: 2\ncaps: {a: 1, b: 2}\n")
    loaded = load(Outer, file, ["inner.epochs=5", "caps.b=7", "name=two"])
    assert loaded == Outer(name="two", inner=Inner(rate=1e-5, epochs=5), caps={"a": 1, "b": 7})


def test_scientific_notation_without_a_point_is_a_number(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("name: x\ninner: {rate: 1e-5}\n")
    assert load(Outer, file).inner.rate == 1e-5
    assert load(Outer, None, ["name=x", "inner.rate=3e-4"]).inner.rate == 3e-4


@pytest.mark.parametrize(
    ("content", "overrides", "message"),
    [
        ("name: x\ninner: {epoch: 1}\n", [], r"unknown key inner\.epoch; did you mean inner\.epochs\?"),
        ("name: x\n", ["inner.rat=1"], r"unknown key inner\.rat; did you mean inner\.rate\?"),
        ("name: x\n", ["inner.epochs=0"], r"inner\.epochs=0 is not allowed"),
        ("name: x\n", ["inner.epochs=many"], r"inner\.epochs='many' is not allowed"),
        ("name: x\n", ["inner.epochs"], "not an override"),
        ("inner: {}\n", [], "name"),
        ("- a\n- b\n", [], "key: value"),
        ("a: [1\n", [], "not valid YAML"),
    ],
)
def test_wrong_settings_are_usage_errors_that_name_the_key(tmp_path, content, overrides, message):
    file = tmp_path / "a.yaml"
    file.write_text(content)
    with pytest.raises(UsageError, match=message) as raised:
        load(Outer, file, overrides)
    assert raised.value.exit_code == 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.yaml does not exist"):
        load(Outer, tmp_path / "absent.yaml")


def test_describe_lists_every_setting_once():
    assert [(key, default) for key, default, _ in describe(Outer)] == [
        ("name", "required"), ("inner.rate", 2e-4), ("inner.epochs", 3), ("caps", {}),
    ]  # fmt: skip


def test_dump_loads_back():
    outer = Outer(name="x", caps={"a": 1})
    assert Outer.model_validate(dump(outer)) == outer


def test_defaults_are_not_shared():
    one, two = Outer(name="a"), Outer(name="b")
    assert one.caps is not two.caps
