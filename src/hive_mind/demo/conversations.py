"""Conversations of the sample world: calls, results and what is told of them, refusals, chat, several turns."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from hive_mind.conversation import Conversation, Message, ToolCall
from hive_mind.demo.asking import Asked, Voice
from hive_mind.demo.talk import OUTSIDE, OUTSIDE_SLOTS, REFUSALS
from hive_mind.demo.world import TOOLS, UNSEEN, WorldTool

LIKELY_OFFERED = (1, 1, 2, 2, 3, 4)
JOINTS = (". Then ", " and then ", ". Also ", ", and ", ". After that ")


def one_call(voice: Voice, rng: Random) -> Conversation:
    """A request that one of the offered tools serves."""
    asked = voice.ask(rng.choice(TOOLS), rng)
    return _made(rng, _answered(asked, rng, "call_0"), [asked.tool])


def two_calls(voice: Voice, rng: Random) -> Conversation:
    """Two requests in one message: a call, its result, the other call, its result, what came of it."""
    first, second = (voice.ask(tool, rng) for tool in rng.sample(TOOLS, 2))
    text = first.text.rstrip(".!?") + rng.choice(JOINTS) + second.text[0].lower() + second.text[1:]
    turns = [Message("user", text), *_call(first, rng, "call_0"), *_call(second, rng, "call_1")]
    told = f"{_told(first, turns[2].content)} {_told(second, turns[4].content)}"
    return _made(rng, [*turns, Message("assistant", told)], [first.tool, second.tool])


def refusal(voice: Voice, rng: Random) -> Conversation:
    """A request whose tool is not offered."""
    missing = rng.choice(TOOLS)
    return _made(rng, _refused(voice, rng, missing), [], avoid=missing)


def chat(voice: Voice, rng: Random) -> Conversation:
    """Talk that needs no tool, though tools are offered."""
    return _made(rng, _talk(voice, rng), [])


def chat_without_tools(voice: Voice, rng: Random) -> Conversation:
    """Talk where no tools are offered."""
    return Conversation.build("sample", [turn for _ in range(rng.randint(1, 2)) for turn in _talk(voice, rng)])


def several_turns(voice: Voice, rng: Random) -> Conversation:
    """Four to six exchanges over the same tools: calls of each, talk, and requests that are out of reach.

    Declarations are most of a prompt's tokens; a conversation that goes on shows several choices over the same ones.
    """
    tools = rng.sample(TOOLS, rng.choice((1, 2, 2, 3, 3, 4)))
    others = [tool for tool in TOOLS if tool not in tools]
    unused: list[WorldTool] = []
    turns: list[Message] = []
    for _ in range(rng.choice((4, 5, 5, 6))):
        chance = rng.random()
        if chance < 0.48:
            unused = unused or rng.sample(tools, len(tools))
            calls_so_far = sum(len(turn.tool_calls) for turn in turns)
            turns += _answered(voice.ask(unused.pop(), rng), rng, f"call_{calls_so_far}")
        elif chance < 0.8:
            turns += _refused(voice, rng, rng.choice(others))
        else:
            turns += _talk(voice, rng)
    return _made(rng, turns, tools, exactly=True)


def unseen_call(voice: Voice, rng: Random) -> Conversation:
    """A request that a tool serves which training never saw, offered alone or beside another such tool."""
    asked = voice.ask(rng.choice(UNSEEN), rng)
    other = rng.choice([tool for tool in UNSEEN if tool is not asked.tool])
    tools = [asked.tool] if rng.random() < 0.5 else [asked.tool, other]
    turns = [Message("user", asked.text), _calling(asked, "call_0")]
    return _made(rng, turns, tools, exactly=True)


def held_out_call(voice: Voice, rng: Random) -> Conversation:
    """A request that one of the user's tools serves, now and then after an earlier exchange; ends with the call."""
    asked = voice.ask(rng.choice(TOOLS), rng)
    before = _talk(voice, rng) if rng.random() < 0.1 else []
    return _made(rng, [*before, Message("user", asked.text), _calling(asked, "call_0")], [asked.tool])


def not_offered(voice: Voice, rng: Random) -> Conversation:
    """A request that no offered tool serves: for one of the user's own that is missing here, or for an unknown one."""
    if rng.random() < 0.5:
        missing = rng.choice(TOOLS)
        return _made(rng, [Message("user", voice.ask(missing, rng).text), _sorry(rng)], [], avoid=missing)
    return _made(rng, [Message("user", voice.ask(rng.choice(UNSEEN), rng).text), _sorry(rng)], [])


TRAINING_MIX: tuple[tuple[Callable[[Voice, Random], Conversation], float], ...] = (
    (one_call, 0.17),
    (two_calls, 0.05),
    (refusal, 0.09),
    (chat, 0.08),
    (chat_without_tools, 0.03),
    (several_turns, 0.58),
)


def _made(
    rng: Random, turns: list[Message], needed: list[WorldTool], avoid: WorldTool | None = None, exactly: bool = False
) -> Conversation:
    """Offer the tools needed and, unless `exactly` them, some others, in any order."""
    tools = list(needed)
    wanted = max(len(tools), rng.choice(LIKELY_OFFERED))
    while not exactly and len(tools) < wanted:
        tool = rng.choice(TOOLS)
        if tool not in tools and tool is not avoid:
            tools.append(tool)
    rng.shuffle(tools)
    return Conversation.build("sample", turns, [tool.declaration() for tool in tools])


def _calling(asked: Asked, number: str) -> Message:
    return Message("assistant", "", (ToolCall(number, asked.tool.name, asked.arguments),))


def _call(asked: Asked, rng: Random, number: str) -> list[Message]:
    outcome = asked.tool.outcome.format(n=rng.randint(2, 40), **asked.arguments)
    result = json.dumps({"result": outcome}, ensure_ascii=False)
    return [_calling(asked, number), Message("tool", result, tool_call_id=number, name=asked.tool.name)]


def _told(asked: Asked, result: str) -> str:
    """What the assistant says of a result; a number in it is retold."""
    number = next((word for word in json.loads(result)["result"].split() if word.isdigit()), "")
    return asked.tool.told.format(n=number, **asked.arguments)


def _answered(asked: Asked, rng: Random, number: str) -> list[Message]:
    turns = [Message("user", asked.text), *_call(asked, rng, number)]
    return [*turns, Message("assistant", _told(asked, turns[-1].content))]


def _refused(voice: Voice, rng: Random, missing: WorldTool) -> list[Message]:
    if rng.random() < 0.5:
        words = {slot: voice.lexicon.draw(slot, rng) for slot in OUTSIDE_SLOTS}
        text = rng.choice(OUTSIDE.strip().splitlines()).strip().format(**words)
        text = voice.dress(text, rng)
    else:
        text = voice.ask(missing, rng).text
    return [Message("user", text), _sorry(rng)]


def _sorry(rng: Random) -> Message:
    return Message("assistant", rng.choice(REFUSALS))


def _talk(voice: Voice, rng: Random) -> list[Message]:
    said, answer = voice.talk(rng)
    return [Message("user", said), Message("assistant", answer)]
