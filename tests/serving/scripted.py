"""A service that answers by a script, a recorder that keeps what it is given, and a server around an application."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace

from hive_mind.conversation import ToolCall
from hive_mind.errors import HiveMindError
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.app import create_app
from hive_mind.serving.ask import Answer, Ask, Begun, CallDelta, CallStart, TextDelta
from hive_mind.serving.server import bind, make_server, url_of

HELLO = Answer("Hello there.", (), "stop", "mine_v1", "test/base", 12, 4, 3, 0.001, 0.002, 0.003)


def calling(name="get_weather", arguments=None, id="call_abc"):
    """An answer that is one call."""
    return replace(
        HELLO, text="", calls=(ToolCall(id, name, arguments or {"city": "Bern"}),), finish_reason="tool_calls"
    )


def events_of(answer):
    """The events of an answer, its text word by word, its arguments in two pieces."""
    yield Begun(answer.version, answer.base)
    for place, word in enumerate(answer.text.split(" ") if answer.text else ()):
        yield TextDelta(f" {word}" if place else word)
    for index, call in enumerate(answer.calls):
        yield CallStart(index, call.id, call.name)
        text = json.dumps(call.arguments)
        yield CallDelta(index, text[: len(text) // 2])
        yield CallDelta(index, text[len(text) // 2 :])
    yield answer


class ScriptedPending:
    """Gives the events of an answer, `pause` seconds before each but the first; may break off after some."""

    def __init__(self, answer, pause, breaks_after=None):
        self.given, self.pause, self.breaks_after = answer, pause, breaks_after
        self.left = threading.Event()

    async def stream(self):
        for place, event in enumerate(events_of(self.given)):
            if place and self.pause:
                until = time.monotonic() + self.pause
                while time.monotonic() < until and not self.left.is_set():
                    await asyncio.sleep(min(0.005, self.pause))
            if place == self.breaks_after:
                raise HiveMindError("the row was lost")
            if self.left.is_set():
                yield replace(self.given, finish_reason="cancelled", calls=())
                return
            yield event

    def cancel(self):
        self.left.set()


class ScriptedService:
    """Answers what `script` says of an Ask; what it raises is raised. `asked` holds every Ask."""

    def __init__(self, script: Callable[[Ask], Answer] = lambda ask: HELLO, pause: float = 0.0):
        self.script, self.pause = script, pause
        self.breaks_after: int | None = None
        self.problem = ""
        self.asked: list[Ask] = []
        self.pendings: list[ScriptedPending] = []

    def submit(self, ask):
        self.asked.append(ask)
        pending = ScriptedPending(self.script(ask), self.pause, self.breaks_after)
        self.pendings.append(pending)
        return pending

    def stats(self):
        return {"queue": 0.0, "rows": 0.0}

    def close(self, wait=30.0):
        pass


class Keeper:
    """A recorder that keeps everything in memory."""

    def __init__(self):
        self.interactions, self.results, self.thumbs = [], [], []

    def record(self, interaction):
        self.interactions.append(interaction)
        return f"interaction-{len(self.interactions)}"

    def result(self, call_id, content, outcome):
        self.results.append((call_id, content, outcome))

    def feedback(self, interaction_id, thumb, comment=""):
        self.thumbs.append((interaction_id, thumb, comment))


def until(condition, seconds=10.0):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


@contextmanager
def running(app, settings):
    """Serve an application on a free port; yields its address."""
    with bind(settings.model_copy(update={"port": 0})) as listening:
        server = make_server(app, settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        url = url_of(listening)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                time.sleep(0.005)
            yield url
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the server did not stop"


@contextmanager
def serving(tmp_path, service=None, keeper=None, catalogue=tuple, **settings):
    """Serve the API over a scripted service; yields its address, the service and the keeper."""
    service, keeper = service or ScriptedService(), keeper or Keeper()
    values = {"rate_limit": 0, "shutdown_seconds": 2, "tokens_file": tmp_path / "tokens.json"} | settings
    chosen = ApiSettings(**values)
    app = create_app(service, keeper, chosen, tmp_path / "models", catalogue)
    with running(app, chosen) as url:
        yield url, service, keeper
