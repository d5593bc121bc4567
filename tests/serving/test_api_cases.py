"""The OpenAPI document, and requests that schemathesis makes up from it."""

import re

from hive_mind.serving.openai_schema import ChatRequest
from tests.serving.api_cases import app_over, send_cases
from tests.serving.scripted import ScriptedService


def test_no_request_that_was_made_up_breaks_the_server(tmp_path):
    found = send_cases(app_over(ScriptedService(), tmp_path), 12)
    assert found.total() >= 60
    assert any(re.search(r"chat/completions 4\d\d", name) for name in found)
    assert found["POST /v1/chat/completions 200"] > 0


def test_the_document_holds_what_requests_are_read_by(tmp_path):
    document = app_over(ScriptedService(), tmp_path).openapi()
    chat = document["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert chat == {"$ref": "#/components/schemas/ChatRequest"}
    assert set(document["components"]["schemas"]["ChatRequest"]["properties"]) == set(ChatRequest.model_fields)
    names = re.findall(r"#/components/schemas/(\w+)", str(document))
    assert set(names) <= set(document["components"]["schemas"])
