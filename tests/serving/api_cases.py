"""Requests made up by schemathesis from the OpenAPI document, valid and invalid: `make test-api` sends over 2,000.

None may get a 5xx, and what comes back must have a status, a type and a layout that the document knows. Run as a module
it asks the real engine over a small random base; the suite's short form asks a scripted service.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.app import create_app
from tests.serving.scripted import Keeper, ScriptedService

SCHEMAS = (
    {}, {"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]+$", "not": {"const": "b"}}}},
    {"$ref": "#/$defs/x", "$defs": {"x": {"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}}}},
    {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}, {"type": "object", "properties": {"a": False}},
    {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5, "maximum": 4}}, "required": ["n"]},
    {"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, {"enum": [1, "é", None, [2]]}]}}},
    {"type": "object", "properties": {"p": {"type": "string", "pattern": "(?<=a)b"}}, "required": ["p"]},
    {"type": "dict", "properties": {"x": {"type": "float"}}}, {"type": "object", "properties": {"\u0000": {}}},
)  # fmt: skip
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]


def send_cases(app, cases: int) -> Counter:
    """Send up to `cases` requests of each kind to each route; returns how many had which status.

    Raises on the first response that is a 5xx or not as the document says.
    """
    found: Counter = Counter()
    for result in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        operation = result.ok()
        modes = list(GenerationMode) if operation.body else [GenerationMode.POSITIVE]
        for mode in modes:
            _send(operation.as_strategy(generation_mode=mode), operation, cases, found)
        if operation.body and "completions" in operation.path:
            _send(operation.as_strategy().map(_nearly_right), operation, cases, found)
    return found


def _nearly_right(case):
    """Mend what keeps most made-up requests from ever getting past the reading: then the engine gets them."""
    body = {**case.body, "model": "latest" if len(str(case.body)) % 5 else "base", "stream_options": None}
    if "messages" in body:
        body["messages"] = [
            {"role": "system" if message["role"] == "developer" else "user", "content": message.get("content") or "?"}
            for message in body["messages"]
        ]
        body["messages"] = [each for each in body["messages"] if isinstance(each["content"], str)] or [
            {"role": "user", "content": "Hi"}
        ]
    tools = body["tools"] if isinstance(body.get("tools"), list) else []
    for place, tool in enumerate(tools):
        tool["function"] |= {"name": f"tool{place}", "parameters": SCHEMAS[len(str(tool)) % len(SCHEMAS)]}
    body["tools"] = tools or None
    if isinstance(body.get("tool_choice"), dict) or not tools:
        body["tool_choice"] = {"type": "function", "function": {"name": "tool0"}} if tools else None
    if (body.get("response_format") or {}).get("type") == "json_schema":
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"schema": SCHEMAS[len(str(body)) % len(SCHEMAS)]},
        }
    case.body = body
    return case


def _send(strategy, operation, cases, found):
    @seed(8)
    @settings(
        max_examples=cases, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )  # fmt: skip
    @given(case=strategy)
    def one(case):
        response = case.call()
        found[f"{operation.label} {response.status_code}"] += 1
        assert response.status_code < 500, f"{operation.label}: {response.text}\n{case.as_curl_command()}"
        case.validate_response(response, checks=CHECKS)

    one()


def app_over(service, folder: Path):
    """The API as schemathesis may ask it."""
    api = ApiSettings(rate_limit=0, allowed_hosts=["testserver"], tokens_file=folder / "tokens.json")
    return create_app(service, Keeper(), api, folder / "models")


def main() -> None:
    """Ask the real engine, on a random base of two layers."""
    from hive_mind import registry
    from hive_mind.model.base import TINY_FOLDER
    from hive_mind.serving.engine_settings import EngineSettings
    from hive_mind.serving.service import start
    from tests.tiny_models import write_base, write_version

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=290, help="of each kind for each route")
    parser.add_argument("--scripted", action="store_true", help="ask a scripted service")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.scripted:
            service = ScriptedService()
        else:
            base = write_base(folder / "base", TINY_FOLDER)
            write_version(folder / "models", "a_v1", base)
            registry.promote(folder / "models", "a_v1", {"decision": "promote", "reasons": []})
            engine = EngineSettings(base=str(base.folder), device="cpu", default_new_tokens=8, max_new_tokens=16)
            service = start(folder / "models", engine)
        found = send_cases(app_over(service, folder), arguments.cases)
        service.close()
    print(json.dumps({"cases": found.total(), "server_errors": 0, "statuses": dict(sorted(found.items()))}, indent=1))


if __name__ == "__main__":
    main()
