"""Errors in OpenAI's shape, {"error": {"message", "type", "param", "code"}}, with the status its clients expect."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from hive_mind.conversation import JSON
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.serving.ask import Busy, ContextExceeded, Unavailable, UnknownModel

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
UNAVAILABLE_SECONDS = 30.0
_BRANCHES = ("str", "ChosenTool")
"""Steps in pydantic's locations that name a branch of a union and not a place in the request."""


@dataclass(eq=False)
class ApiError(Exception):
    """A request that gets no answer. `param` is the field at fault, `code` a short stable reason."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    def body(self) -> JSON:
        """Return what the client gets, also as the last event of a stream that breaks off."""
        kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> Response:
        """Return the whole response."""
        return JSONBytes(self.body(), self.status, self.headers)


class JSONBytes(Response):
    """A JSON response encoded by orjson."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Encode the content."""
        return orjson.dumps(content)


def refused(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """Return the error of a request that cannot be answered as it is."""
    return ApiError(400, message, code or "invalid_value", param)


def retry_later(status: int, message: str, code: str, seconds: float) -> ApiError:
    """Return an error that says when to ask again, in whole seconds and at least one."""
    return ApiError(status, message, code, headers={"Retry-After": str(max(1, math.ceil(seconds)))})


def of_service(error: HiveMindError) -> ApiError:
    """Return what an error of the service is to the client."""
    if isinstance(error, Busy):
        return retry_later(503, str(error), "queue_full", error.retry_after)
    if isinstance(error, Unavailable):
        return retry_later(503, str(error), "model_unavailable", UNAVAILABLE_SECONDS)
    if isinstance(error, UnknownModel):
        return ApiError(404, str(error), "model_not_found", "model")
    if isinstance(error, ContextExceeded):
        return ApiError(400, str(error), "context_length_exceeded", "messages")
    if isinstance(error, UsageError):
        return refused(str(error))
    return ApiError(500, str(error), "answer_failed")


def of_validation(error: ValidationError) -> ApiError:
    """Return what is wrong with the first field at fault, as deep inside as it is known; its value is not repeated."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    same_field = [fault for fault in faults if fault["loc"][:1] == faults[0]["loc"][:1]]
    deepest = max(same_field, key=lambda fault: len(fault["loc"]))
    steps = [str(step) for step in deepest["loc"]]
    param = ".".join(step for step in steps if step.isdigit() or (step.isidentifier() and step not in _BRANCHES))
    message = deepest["msg"].removeprefix("Value error, ")
    return refused(f"{param}: {message}" if param else message, param or None)
