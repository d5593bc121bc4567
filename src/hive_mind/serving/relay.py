"""Which requests another server answers, and what is kept of them; a shadow may ask the local model the same."""

from __future__ import annotations

import asyncio
import logging

from pydantic import ValidationError
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from hive_mind.conversation import JSON, Conversation, MalformedConversation
from hive_mind.progress import utc_now
from hive_mind.serving.answering import Answering
from hive_mind.serving.gateway import Gateway, Passed
from hive_mind.serving.guard import Facts
from hive_mind.serving.json_log import log
from hive_mind.serving.offered_tools import Offering
from hive_mind.serving.openai_chat import chat_ask, completion_ask
from hive_mind.serving.openai_errors import ApiError
from hive_mind.serving.openai_schema import ChatRequest, CompletionRequest
from hive_mind.serving.recording import Asked, report_results, session_of
from hive_mind.serving.shadow import Shadow
from hive_mind.sources import messages as openai_layout

CHAT, COMPLETIONS = "/chat/completions", "/completions"


class Relay:
    """Passes requests on and records them: those for models that are not ours, or all where one is named for all."""

    def __init__(self, gateway: Gateway, answering: Answering, offering: Offering, shadow: Shadow | None) -> None:
        self.gateway, self.answering, self.offering, self.shadow = gateway, answering, offering, shadow

    async def takes(self, row: JSON) -> bool:
        """Tell whether a request is for the other server."""
        if self.gateway.model is not None:
            return True
        model = row.get("model")
        return isinstance(model, str) and not await asyncio.to_thread(self.offering.is_own, model)

    async def forward(self, path: str, request: HttpRequest, facts: Facts, row: JSON) -> Response:
        """Pass a request on; when its answer is through, record both."""
        asked = await asyncio.to_thread(self._read, path, request, facts, row)
        facts.fields |= {"upstream": True, "streamed": bool(row.get("stream"))}
        if asked is not None:
            await asyncio.to_thread(report_results, self.answering.recorder, asked.messages)

        async def after(passed: Passed) -> None:
            facts.fields["upstream_ms"] = round(passed.seconds * 1000, 1)
            if asked is not None and passed.status == 200:
                await self._keep(path, asked, passed, row, facts)

        return await self.gateway.forward(path, facts.body, row, facts.request_id, request.receive, after)

    def _read(self, path: str, request: HttpRequest, facts: Facts, row: JSON) -> Asked | None:
        """Read a request as far as it is recorded; the other server may understand what is not read here."""
        prompt = row.get("prompt")
        if path == COMPLETIONS and isinstance(prompt, str):
            row = {"messages": [{"role": "user", "content": prompt}]}
        read = openai_layout.convert({"messages": row.get("messages"), "tools": row.get("tools")})
        if not isinstance(read, Conversation):
            self._unrecorded(facts.request_id, read.code)
            return None
        user = row.get("user")
        header = request.headers.get("x-session-id")
        session = session_of(facts.client, read.messages, header, user if isinstance(user, str) else None)
        return Asked(read.messages, read.tools, facts.client, session, facts.request_id, utc_now())

    async def _keep(self, path: str, asked: Asked, passed: Passed, row: JSON, facts: Facts) -> None:
        try:
            read = await asyncio.to_thread(passed.answer.read)
        except MalformedConversation as error:
            self._unrecorded(asked.request_id, error.code)
            return
        fault = "" if passed.whole else "the answer broke off"
        if read.finish_reason == "length":
            fault = "cut off at the length limit"
        version = f"upstream:{read.model or row.get('model')}"
        kept = asked.interaction("gateway", read.message, version, passed.seconds, fault)
        await self.answering.keep(kept, read.id, facts)
        if self.shadow is not None:
            await self._offer(self.shadow, path, asked, row)

    async def _offer(self, shadow: Shadow, path: str, asked: Asked, row: JSON) -> None:
        """Put the request to the local model, which may be unable to take it as it is."""
        try:
            row = row | {"model": "latest"}
            if path == COMPLETIONS:
                shadow.offer(completion_ask(CompletionRequest.model_validate(row)), asked)
                return
            chat = ChatRequest.model_validate(row)
            given = await asyncio.to_thread(self.offering.offered, chat)
            shadow.offer(chat_ask(chat, given.messages, given.tools), asked)
        except (ApiError, ValidationError):
            shadow.count("refused")

    def _unrecorded(self, request_id: str, code: str) -> None:
        self.answering.metrics.unrecorded.inc()
        log("a request was passed on and not recorded", logging.WARNING, request_id=request_id, code=code)
