"""The OpenAI-compatible API over a service: chat, completions, models, health, metrics, feedback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from hive_mind import __version__, registry
from hive_mind.conversation import JSON, Message, Tool
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.progress import utc_now
from hive_mind.serving import served_models
from hive_mind.serving.answering import Answering
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.ask import Service
from hive_mind.serving.gateway import Gateway
from hive_mind.serving.guard import FACTS, Facts, Guard
from hive_mind.serving.metrics import CONTENT_TYPE, Metrics
from hive_mind.serving.offered_tools import Catalogue, Offering
from hive_mind.serving.openai_chat import chat_ask, completion_ask
from hive_mind.serving.openai_errors import ApiError, JSONBytes, of_service, of_validation
from hive_mind.serving.openai_reply import ChatReply, CompletionReply
from hive_mind.serving.openai_schema import ChatRequest, CompletionRequest, FeedbackRequest, Request
from hive_mind.serving.openapi import DescribedApi, documented
from hive_mind.serving.recording import Asked, session_of
from hive_mind.serving.relay import CHAT, COMPLETIONS, Relay
from hive_mind.serving.request_body import read_object
from hive_mind.serving.shadow import Shadow
from hive_mind.serving.tokens import Tokens
from hive_mind.usage.interaction import Recorder

R = TypeVar("R", bound=Request)


def create_app(
    service: Service, recorder: Recorder, settings: ApiSettings, models_dir: Path, catalogue: Catalogue = tuple
) -> DescribedApi:
    """Return the API as an ASGI application. `service` and `recorder` stay their owner's to close.

    Raises UsageError for settings that do not go together.
    """
    if settings.upstream is None and (settings.shadow or settings.upstream_model or settings.upstream_key_env):
        raise UsageError("shadow, upstream_model and upstream_key_env need an upstream server: --upstream URL")
    api = Api(service, recorder, settings, models_dir, catalogue)
    app = DescribedApi(
        title="Hive-Mind", version=__version__, docs_url=None, redoc_url=None, lifespan=api.lifespan,
        description="An OpenAI-compatible API over a model of your own",
    )  # fmt: skip
    app.add_middleware(Guard, settings=settings, tokens=Tokens(settings.tokens_file), metrics=api.metrics)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HiveMindError, _service_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_api_route("/v1" + CHAT, api.chat, methods=["POST"], **documented(ChatRequest, streamed=True))
    app.add_api_route("/v1" + COMPLETIONS, api.complete, methods=["POST"], **documented(CompletionRequest, True))
    app.add_api_route("/v1/feedback", api.feedback, methods=["POST"], **documented(FeedbackRequest))
    app.add_api_route("/v1/models", api.models, methods=["GET"], **documented())
    app.add_api_route("/v1/models/{model:path}", api.model, methods=["GET"], **documented())
    app.add_api_route("/health", api.health, methods=["GET"], **documented())
    app.add_api_route("/metrics", api.metrics_text, methods=["GET"], **documented(text=True))
    return app


class Api:
    """What the routes do."""

    def __init__(
        self, service: Service, recorder: Recorder, settings: ApiSettings, models_dir: Path, catalogue: Catalogue
    ) -> None:
        self.settings, self.models_dir, self.recorder = settings, models_dir, recorder
        self.metrics = Metrics(service)
        self.offering = Offering(settings, models_dir, catalogue)
        self.answering = Answering(service, recorder, self.metrics, settings.stall_seconds, settings.log_texts)
        self.shadow = Shadow(service, self.metrics, recorder, settings.shadow_queue) if settings.shadow else None
        self.gateway = Gateway(settings) if settings.upstream else None
        self.relay = Relay(self.gateway, self.answering, self.offering, self.shadow) if self.gateway else None

    @asynccontextmanager
    async def lifespan(self, app: DescribedApi) -> AsyncIterator[None]:
        """Run what works beside the requests."""
        if self.shadow is not None:
            self.shadow.start()
        try:
            yield
        finally:
            if self.shadow is not None:
                await self.shadow.stop()
            if self.gateway is not None:
                await self.gateway.close()

    async def chat(self, request: HttpRequest) -> Response:
        """Answer a conversation, in words or with tool calls."""
        facts, row = self._read(request)
        if self.relay is not None and await self.relay.takes(row):
            return await self.relay.forward(CHAT, request, facts, row)
        chat = checked(ChatRequest, row)
        given = await asyncio.to_thread(self.offering.offered, chat)
        ask = chat_ask(chat, given.messages, given.tools)
        asked = self._asked(request, facts, chat.user, given.messages, given.tools)
        extension: JSON = {}
        if given.of and (len(given.tools) != given.of or not isinstance(chat.tools, list)):
            extension["tools"] = [tool.name for tool in given.tools]
            facts.fields["tools"] = [len(given.tools), given.of]
        reply = ChatReply(wants_usage(chat))
        return await self.answering.respond(ask, asked, reply, bool(chat.stream), extension, facts, request.receive)

    async def complete(self, request: HttpRequest) -> Response:
        """Go on from a text."""
        facts, row = self._read(request)
        if self.relay is not None and await self.relay.takes(row):
            return await self.relay.forward(COMPLETIONS, request, facts, row)
        wanted = checked(CompletionRequest, row)
        ask = completion_ask(wanted)
        asked = self._asked(request, facts, wanted.user, (Message("user", ask.prompt or ""),), ())
        reply = CompletionReply(wants_usage(wanted))
        return await self.answering.respond(ask, asked, reply, bool(wanted.stream), {}, facts, request.receive)

    async def feedback(self, request: HttpRequest) -> Response:
        """Take in what a person thinks of an answer."""
        said = checked(FeedbackRequest, self._read(request)[1])
        known = self.answering.answered.interaction(said.id)
        if known is None and said.id.startswith(("chatcmpl-", "cmpl-")):
            raise ApiError(404, f"no answer {said.id} was given lately; send its interaction's id", "not_found", "id")
        interaction = known or said.id
        await asyncio.to_thread(self.recorder.feedback, interaction, said.thumb, said.comment)
        return JSONBytes({"object": "feedback", "id": said.id, "interaction": interaction})

    async def models(self) -> Response:
        """List the models that can be asked for."""
        rows = await asyncio.to_thread(served_models.listed, self.models_dir)
        if self.gateway is not None:
            own = {row["id"] for row in rows}
            rows += [row for row in await self.gateway.models() if row["id"] not in own]
        return JSONBytes({"object": "list", "data": rows})

    async def model(self, model: str) -> Response:
        """Return one of the models."""
        for row in await asyncio.to_thread(served_models.listed, self.models_dir):
            if row["id"] == model:
                return JSONBytes(row)
        raise ApiError(404, f"there is no model {model!r}; GET /v1/models lists them", "model_not_found", "model")

    async def health(self) -> Response:
        """Tell that the server works, what `latest` is, and what stands in the way of serving it."""
        latest = await asyncio.to_thread(registry.latest, self.models_dir)
        problem = self.answering.service.problem
        state = {"status": "degraded" if problem else "ok", "latest": latest, "problem": problem or None}
        return JSONBytes(state | {"hive_mind": __version__})

    async def metrics_text(self) -> Response:
        """Return the figures in Prometheus' format."""
        return Response(self.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    def _read(self, request: HttpRequest) -> tuple[Facts, JSON]:
        facts: Facts = request.scope[FACTS]
        return facts, read_object(facts.body, request.headers.get("content-type"), self.settings.max_nesting)

    def _asked(
        self, request: HttpRequest, facts: Facts, user: str | None, messages: tuple[Message, ...],
        tools: tuple[Tool, ...],
    ) -> Asked:  # fmt: skip
        session = session_of(facts.client, messages, request.headers.get("x-session-id"), user)
        return Asked(messages, tools, facts.client, session, facts.request_id, utc_now())


def checked(model: type[R], row: JSON) -> R:
    """Return a request as its model reads it. Raises ApiError naming the field at fault."""
    try:
        return model.model_validate(row)
    except ValidationError as error:
        raise of_validation(error) from None


def wants_usage(request: ChatRequest | CompletionRequest) -> bool:
    """Tell whether a stream is to end with the usage."""
    return bool(request.stream_options and request.stream_options.include_usage)


async def _api_error(request: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    request.scope[FACTS].fields["code"] = error.code
    return error.response()


async def _service_error(request: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, HiveMindError)
    return await _api_error(request, of_service(error))


async def _http_error(request: HttpRequest, error: Exception) -> Response:
    """A path or a method that there is not."""
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    message = f"{request.method} {request.url.path}: {error.detail}; GET /openapi.json lists what there is"
    return await _api_error(request, ApiError(error.status_code, message, code, headers=dict(error.headers or {})))
