"""The OpenAPI document: the requests' schemas come from the models that read them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from hive_mind.conversation import JSON
from hive_mind.serving.openai_schema import ChatRequest, CompletionRequest, FeedbackRequest, Request

_ERROR = {
    "type": "object", "required": ["error"],
    "properties": {"error": {
        "type": "object", "required": ["message", "type", "param", "code"],
        "properties": {
            "message": {"type": "string"}, "type": {"type": "string"},
            "param": {"type": ["string", "null"]}, "code": {"type": ["string", "null"]},
        },
    }},
}  # fmt: skip
_REFERENCE = "#/components/schemas/{model}"
_ANY = {"schema": {"type": "object"}}
_EVENT = {"type": "object", "required": ["data"], "properties": {"data": {"type": "string"}}}


class DescribedApi(FastAPI):
    """A FastAPI application whose document holds the schemas of the requests that it reads itself."""

    def openapi(self) -> JSON:
        """Return the document."""
        if not self.openapi_schema:
            document = super().openapi()
            requests = (ChatRequest, CompletionRequest, FeedbackRequest)
            _, schemas = models_json_schema([(model, "validation") for model in requests], ref_template=_REFERENCE)
            document.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"] | {"Error": _ERROR})
        return self.openapi_schema or {}


def documented(request: type[Request] | None = None, streamed: bool = False, text: bool = False) -> dict[str, Any]:
    """Return what `add_api_route` needs to describe a route."""
    content: JSON = {"text/plain": {"schema": {"type": "string"}}} if text else {"application/json": _ANY}
    if streamed:
        content["text/event-stream"] = {"schema": _EVENT}
    error = {"application/json": {"schema": {"$ref": _REFERENCE.format(model="Error")}}}
    responses: dict[int | str, JSON] = {
        200: {"description": "The answer", "content": content},
        "4XX": {"description": "The request is not answered; the message says why", "content": error},
        "5XX": {"description": "Busy, or broken", "content": error},
    }
    described: dict[str, Any] = {"responses": responses, "response_model": None}
    if request is not None:
        schema = {"$ref": _REFERENCE.format(model=request.__name__)}
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        described["openapi_extra"] = {"requestBody": body}
    return described
