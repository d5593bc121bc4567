"""One request from the service to the client: whole or streamed, recorded, counted, and given up if the client left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator

from starlette.responses import Response
from starlette.types import Receive

from hive_mind.conversation import JSON
from hive_mind.errors import HiveMindError
from hive_mind.serving.ask import Answer, Ask, Begun, Event, Pending, Service
from hive_mind.serving.guard import Facts
from hive_mind.serving.json_log import log
from hive_mind.serving.metrics import Metrics
from hive_mind.serving.openai_errors import JSONBytes, of_service
from hive_mind.serving.openai_reply import Reply
from hive_mind.serving.openai_stream import DONE, ClientLeft, Stream, event, while_connected
from hive_mind.serving.recording import Answered, Asked, report_results
from hive_mind.usage.interaction import Interaction, Recorder


class Answering:
    """Asks the service and hands its answers on; `answered` knows under which ids they were recorded."""

    def __init__(self, service: Service, recorder: Recorder, metrics: Metrics, stall: float, log_texts: bool) -> None:
        self.service, self.recorder, self.metrics = service, recorder, metrics
        self.stall, self.log_texts = stall, log_texts
        self.answered = Answered()

    async def respond(
        self, ask: Ask, asked: Asked, reply: Reply, streamed: bool, extension: JSON, facts: Facts, receive: Receive
    ) -> Response:
        """Return the response. Raises HiveMindError if the service refuses or fails, ClientLeft if nobody waits."""
        facts.fields |= {"model": ask.model, "streamed": streamed}
        pending = await asyncio.to_thread(self._submit, ask, asked)
        events = pending.stream()
        if not streamed:
            answer = await while_connected(receive, _whole(events), pending.cancel)
            extension |= await self._finish(answer, asked, reply, facts)
            if answer.finish_reason == "cancelled":
                raise ClientLeft
            return JSONBytes(reply.whole(answer, extension))
        # Until the service has begun, a failure is still a plain error response.
        begun = await while_connected(receive, anext(events), pending.cancel)
        if not isinstance(begun, Begun):
            raise ClientLeft
        pieces = self._pieces(begun, events, asked, reply, extension, facts)
        return Stream(pieces, self.stall, pending.cancel)

    async def keep(self, interaction: Interaction, answer_id: str, facts: Facts) -> str:
        """Record an interaction and remember the answer's id for its feedback; returns its own id, "" if not kept."""
        kept = await asyncio.to_thread(self.recorder.record, interaction)
        if kept:
            self.answered.add(answer_id, kept)
        facts.fields["interaction"] = kept
        if self.log_texts:
            facts.fields["messages"] = [message.to_dict() for message in interaction.messages]
            facts.fields["answer"] = interaction.answer.to_dict()
        return kept

    def _submit(self, ask: Ask, asked: Asked) -> Pending:
        report_results(self.recorder, asked.messages)
        return self.service.submit(ask)

    async def _pieces(
        self, begun: Begun, events: AsyncIterator[Event], asked: Asked, reply: Reply, extension: JSON, facts: Facts
    ) -> AsyncGenerator[bytes]:
        for chunk in reply.first(begun):
            yield event(chunk)
        try:
            async for made in events:
                if isinstance(made, Answer):
                    chunks = reply.last(made, extension | await self._finish(made, asked, reply, facts))
                elif isinstance(made, Begun):
                    continue
                else:
                    chunks = reply.piece(made)
                for chunk in chunks:
                    yield event(chunk)
        except HiveMindError as error:
            broken = of_service(error)
            log("a stream broke off", logging.ERROR, request_id=facts.request_id, code=broken.code)
            yield event(broken.body())
        else:
            yield DONE

    async def _finish(self, answer: Answer, asked: Asked, reply: Reply, facts: Facts) -> JSON:
        """Count, record and note an answer; returns what the client is told beside it."""
        self.metrics.answer(answer)
        kept = await self.keep(asked.answered("openai_api", answer), reply.id, facts)
        facts.fields |= {
            "version": answer.version, "finish_reason": answer.finish_reason,
            "prompt_tokens": answer.prompt_tokens, "cached_tokens": answer.cached_tokens,
            "completion_tokens": answer.completion_tokens, "queue_ms": round(answer.queued * 1000, 1),
            "first_token_ms": round(answer.first_token * 1000, 1),
        }  # fmt: skip
        told: JSON = {"interaction": kept or None}
        for name in ("problems", "not_enforced", "repairs"):
            if value := getattr(answer, name):
                told[name] = value
        return told


async def _whole(events: AsyncIterator[Event]) -> Answer:
    async for made in events:
        if isinstance(made, Answer):
            return made
    raise HiveMindError("the service ended a reply without an answer; its log says more")
