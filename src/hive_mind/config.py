"""Settings: a YAML file, dotted overrides on the command line, and one place for default, help and bounds.

A stage declares its settings as a subclass of `Settings`, each field made with `setting(default, help, ...)`.
Unknown keys are errors that name the nearest known one.
"""

from __future__ import annotations

import copy
import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hive_mind.errors import UsageError


class Settings(BaseModel):
    """Base of every stage's settings: immutable, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


S = TypeVar("S", bound=Settings)


def setting(default: Any = ..., help: str = "", **bounds: Any) -> Any:
    """Declare one setting; `bounds` are pydantic's (ge, gt, le, lt, ...)."""
    if isinstance(default, (dict, list, Settings)):
        return Field(default_factory=lambda: copy.deepcopy(default), description=help, **bounds)
    return Field(default, description=help, **bounds)


def load(schema: type[S], file: Path | None = None, overrides: Sequence[str] = ()) -> S:
    """Read `file`, apply `section.key=value` overrides (which win) and check the result against `schema`.

    Raises UsageError naming the file or override and the key at fault.
    """
    values = read_yaml(file) if file is not None else {}
    for override in overrides:
        _apply(values, override)
    return check(schema, values, str(file) if file is not None else "the command line")


def check(schema: type[S], values: dict[str, Any], origin: str) -> S:
    """Validate plain values against `schema`; `origin` is named in the error."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UsageError(f"{origin}: unknown key {key}{_suggestion(schema, key)}") from None
        shown = first["input"]
        raise UsageError(f"{origin}: {key}={shown!r} is not allowed: {first['msg'].lower()}") from None


def read_yaml(file: Path) -> dict[str, Any]:
    """Read a YAML mapping. Raises UsageError if the file is missing or not a mapping."""
    try:
        values = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{file} does not exist; check the path (configs/ holds the runnable ones)") from None
    except IsADirectoryError:
        raise UsageError(f"{file} is a folder, not a settings file; name a YAML file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid YAML: {' '.join(str(error).split())}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UsageError(f"{file} must hold `key: value` settings at its top level")
    return values


def dump(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain JSON values, for records and digests."""
    return settings.model_dump(mode="json")


def describe(schema: type[Settings]) -> Iterator[tuple[str, Any, str]]:
    """Yield (dotted key, default, help) of every setting of `schema`, nested ones included."""
    for name, field in schema.model_fields.items():
        nested = _nested(field.annotation)
        if nested is None:
            default = field.get_default(call_default_factory=True) if not field.is_required() else "required"
            yield name, default, field.description or ""
        else:
            for key, default, text in describe(nested):
                yield f"{name}.{key}", default, text


def _apply(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise UsageError(f"{override!r} is not an override; write it as section.key=value, e.g. training.epochs=1")
    try:
        value = yaml.safe_load(text) if text.strip() else ""
    except yaml.YAMLError:
        value = text
    *sections, last = key.split(".")
    here = values
    for section in sections:
        if not isinstance(here.get(section), dict):
            here[section] = {}
        here = here[section]
    here[last] = value


def _suggestion(schema: type[Settings], key: str) -> str:
    near = difflib.get_close_matches(key, [name for name, _, _ in describe(schema)], n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else "; `hive-mind run --settings` lists the known ones"


def _nested(annotation: Any) -> type[Settings] | None:
    candidates = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, Settings):
            return candidate
    return None
