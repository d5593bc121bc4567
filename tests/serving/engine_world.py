"""A models folder with small random versions, and what tests ask of a service over it."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from hive_mind import registry
from hive_mind.conversation import Message, Tool
from hive_mind.serving.ask import Answer, Ask, CallDelta, CallStart, TextDelta
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.service import ModelService

WEATHER = Tool("get_weather", "Tell the weather of a city.", {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 8},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "units": {"enum": ["metric", "imperial"]},
    },
    "required": ["city"],
})  # fmt: skip
CLOCK = Tool("clock.now", "Tell the time.", {"type": "object", "properties": {}})
TOOLS = (WEATHER, CLOCK)
FP32 = {"device": "cpu", "dtype": "fp32"}


def asked(text: str = "What is the weather in Rome?", **more) -> Ask:
    return Ask((Message("user", text),), **{"model": "base", "max_tokens": 12, **more})


def service(models_dir: Path, base: Path | str, **settings) -> ModelService:
    return ModelService(models_dir, EngineSettings(base=str(base), **FP32, **settings))


def promote(models_dir: Path, version: str) -> None:
    registry.promote(models_dir, version, {"decision": "promote", "reasons": []})


def check_stream(events) -> Answer:
    """What was handed out piece by piece is what the Answer says."""
    *pieces, answer = events
    assert isinstance(answer, Answer)
    begun, *pieces = pieces
    assert (begun.version, begun.base) == (answer.version, answer.base)
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == answer.text
    starts = [piece for piece in pieces if isinstance(piece, CallStart)]
    assert [(start.index, start.id, start.name) for start in starts] == [
        (place, call.id, call.name) for place, call in enumerate(answer.calls)
    ]
    for place, call in enumerate(answer.calls):
        written = "".join(each.arguments for each in pieces if isinstance(each, CallDelta) and each.index == place)
        assert json.loads(written) == call.arguments
    return answer


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)
