"""Constrained replies: whatever the model likes best, what comes out is a reply that fits the declared tools."""

import json
import random
import re
from functools import cache
from pathlib import Path

import pytest
import torch

from hive_mind.chat.parse import parse_reply
from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.conversation import Message, Tool, ToolCall
from hive_mind.errors import UsageError
from hive_mind.inference.constraint import Constraints
from hive_mind.inference.engine import Engine
from hive_mind.inference.request import Request
from hive_mind.inference.sampling import Sampling
from hive_mind.inference.tool_choice import Named
from hive_mind.tool_schema import read_tool
from hive_mind.tool_schema.arguments import argument_problems
from tests.small_base import write_tokenizer
from tests.tiny_models import random_model

WEATHER = Tool("get_weather", "Tell the weather.", {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1, "maxLength": 12},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "tags": {"type": "array", "items": {"enum": ["wind", "rain"]}, "maxItems": 2},
    },
    "required": ["city"],
})  # fmt: skip
CLOCK = Tool("clock.now", "Tell the time.", {"type": "object", "properties": {}})
SEND = Tool("send", "Send something.", {
    "type": "object",
    "properties": {"to": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
                   "urgent": {"type": "boolean"}},
    "required": ["urgent", "to"],
})  # fmt: skip
TOOLS = (WEATHER, CLOCK, SEND)
BUDGET = 120


@pytest.fixture(scope="module")
def constraints(tiny_tokenizer):
    return Constraints(tiny_tokenizer, tiny_tokenizer.vocab_size + 7)


@pytest.fixture(scope="module")
def model(tiny_tokenizer):
    """A model that knows nothing, with a few more rows than the tokenizer has tokens."""
    return random_model(tiny_tokenizer.vocab_size + 7)


@cache
def ending_tokens(tokenizer):
    """Which tokens end a string, an object or an array."""
    texts = (tokenizer.decode([token]) for token in range(tokenizer.vocab_size))
    return torch.tensor([any(mark in text for mark in '"}]') for text in texts])


def walk(constraint, tokenizer, seed, budget=BUDGET):
    """Choose among the allowed tokens by chance, preferring those that end something; None if the budget was short."""
    choose = random.Random(seed)
    ending = ending_tokens(tokenizer)
    matcher = constraint.matcher()
    ids = matcher.forced(budget)
    while not matcher.complete and len(ids) < budget:
        logits = torch.zeros(tokenizer.vocab_size)
        matcher.restrict(logits)
        allowed = logits == 0
        if choose.random() < 0.5 and bool((allowed & ending).any()):
            allowed &= ending
        token = choose.choice(allowed.nonzero().flatten().tolist())
        if token in tokenizer.stop_ids:
            return tokenizer.decode(ids)
        matcher.advance(token)
        ids += [token, *matcher.forced(budget)]
    return tokenizer.decode(ids) if matcher.complete else None


def walks(constraint, tokenizer, count, **more):
    return [text for seed in range(count) if (text := walk(constraint, tokenizer, seed, **more)) is not None]


def check_calls(text, tools, tokenizer):
    """The reply is read without repair, fits the schemas, and is what the chat template writes."""
    reply = parse_reply(text)
    assert not reply.repairs
    declared = {tool.name: tool for tool in tools}
    for call in reply.calls:
        assert argument_problems(declared[call.name], call.arguments) == []
    if (
        reply.calls and not re.search(r"\\|-0|\d[.eE]", text) and "<" not in reply.text
    ):  # which JSON can write in two ways
        assert text.endswith(written(reply.calls, tools, tokenizer))
    return reply


def written(calls, tools, tokenizer):
    """These calls as the chat template writes them."""
    asked = [Message("user", "x")]
    prompt = tokenizer.template(asked, tools, prompt=True)
    whole = tokenizer.template([*asked, Message("assistant", "", tuple(calls))], tools, prompt=False)
    return whole.removeprefix(prompt).partition(tokenizer.end_of_turn_text)[0]


@pytest.mark.parametrize("parallel", [True, False])
def test_required_gives_calls_and_nothing_else(constraints, tiny_tokenizer, parallel):
    replies = walks(constraints.constraint(TOOLS, "required", parallel=parallel), tiny_tokenizer, 30)
    parsed = [check_calls(text, TOOLS, tiny_tokenizer) for text in replies]
    assert len(parsed) > 15
    assert all(reply.calls and not reply.text for reply in parsed)
    assert {call.name for reply in parsed for call in reply.calls} == {tool.name for tool in TOOLS}
    assert (max(len(reply.calls) for reply in parsed) > 1) == parallel


def test_a_named_tool_is_the_one_that_is_called(constraints, tiny_tokenizer):
    constraint = constraints.constraint(TOOLS, Named("send"), parallel=False)
    parsed = [check_calls(text, TOOLS, tiny_tokenizer) for text in walks(constraint, tiny_tokenizer, 10)]
    assert parsed and all([call.name for call in reply.calls] == ["send"] for reply in parsed)


def allows(constraint, tokenizer, text):
    """Tell whether a reply of these tokens is allowed up to its end."""
    matcher = constraint.matcher()
    return all(matcher.accepts(token) for token in [*tokenizer.encode(text), tokenizer.end_of_turn])


CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome", "days": 2}}\n</tool_call>'
NOW = '<tool_call>\n{"name": "clock.now", "arguments": {}}\n</tool_call>'


@pytest.mark.parametrize(
    ("text", "auto", "required"),
    [
        ("", True, False),
        ("It is sunny <b>today</b>.\nReally {so}.", True, False),
        (CALL, True, True),
        (f"{CALL}\n{NOW}", True, True),
        (f"Let me look.\n{CALL}", True, False),
        (f"Let me look.{CALL}\n{CALL}\n{NOW}", True, False),
        (CALL.replace('"city": "Rome", "days": 2', '"days": 2, "city": "Rome"'), True, True),
        (CALL.replace('"days": 2', '"city": "Rome"'), False, False),
        (CALL.replace('"days": 2', ""), False, False),
        (f"{CALL}{NOW}", False, False),
        (f"{CALL}\nDone.", False, False),
        ("Words and <tool_call>", False, False),
        (CALL.replace("get_weather", "get_whether"), False, False),
        (CALL.replace('"days": 2', '"days": 12'), False, False),
        (CALL.replace('"days": 2', '"hours": 2'), False, False),
        (CALL.replace('"city": "Rome", ', ""), False, False),
        (CALL.replace(", ", ","), False, False),
        (CALL.replace('": ', '":'), False, False),
        (CALL.replace("}}", "}"), False, False),
        (NOW.replace("{}", '{"zone": "CET"}'), False, False),
    ],
)
def test_what_is_allowed(constraints, tiny_tokenizer, text, auto, required):
    assert allows(constraints.constraint(TOOLS, "auto"), tiny_tokenizer, text) == auto
    assert allows(constraints.constraint(TOOLS, "required"), tiny_tokenizer, text) == required


def test_what_begins_a_call_cannot_be_spelled_in_words(constraints, tiny_tokenizer):
    matcher = constraints.constraint(TOOLS, "auto").matcher()
    spelled = tiny_tokenizer.encode_plain("See <tool_call> {}")
    assert not all(matcher.accepts(token) for token in spelled)


@pytest.mark.parametrize(
    ("text", "words"), [("", True), ("Only <words> {here}.", True), (CALL, False), ("See <tool_call>", False)]
)
def test_words_alone(constraints, tiny_tokenizer, text, words):
    assert allows(constraints.words(), tiny_tokenizer, text) == words


def ends(constraint, tokenizer, text):
    """Tell whether a reply of these tokens is allowed and whole."""
    matcher = constraint.matcher()
    return all(matcher.accepts(token) for token in tokenizer.encode(text)) and matcher.complete


class TestJson:
    """Replies that are JSON of a schema."""

    @pytest.mark.parametrize(
        ("schema", "right", "wrong"),
        [
            ({}, ['{"a": [1, null]}', "{}"], ["[1]", "words"]),
            ({"type": "array", "items": {"type": "integer"}}, ["[1, 2]"], ["[1,2]", '["a"]', "{}"]),
            ({"type": "object", "properties": {"a": {"type": "integer", "maximum": 4}}, "required": ["a"]},
             ['{"a": 4}'], ['{"a": 5}', "{}", '{"a": 4, "b": 1}']),
            ({"enum": ["yes", "no"]}, ['"yes"'], ['"maybe"', "yes"]),
            ({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/n"}], "$defs": {"n": {"type": "boolean"}}},
             ["null", "true"], ["1"]),
        ],
    )  # fmt: skip
    def test_what_is_allowed(self, constraints, tiny_tokenizer, schema, right, wrong):
        constraint = constraints.constraint((), schema=schema)
        assert constraint.not_enforced == {}
        assert all(ends(constraint, tiny_tokenizer, text) for text in right)
        assert not any(ends(constraint, tiny_tokenizer, text) for text in wrong)

    def test_what_is_not_enforced_is_named(self, constraints):
        schema = {"type": "array", "uniqueItems": True, "items": {"not": {"const": 1}}}
        assert constraints.constraint((), schema=schema).not_enforced == {"reply": ("not", "uniqueItems")}

    def test_json_or_calls(self, constraints, tiny_tokenizer):
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
        auto = constraints.constraint(TOOLS, "auto", schema=schema)
        assert ends(auto, tiny_tokenizer, '{"a": 1}')
        assert allows(auto, tiny_tokenizer, CALL)
        assert not allows(auto, tiny_tokenizer, "words")
        assert not ends(constraints.constraint(TOOLS, "required", schema=schema), tiny_tokenizer, '{"a": 1}')
        none = constraints.constraint(TOOLS, "none", schema=schema)
        assert ends(none, tiny_tokenizer, '{"a": 1}') and not allows(none, tiny_tokenizer, CALL)


def test_none_and_no_tools_hold_nothing_back(constraints):
    assert constraints.constraint(TOOLS, "none") is None
    assert constraints.constraint((), "auto") is None


def test_a_tool_that_is_not_there_cannot_be_required(constraints):
    with pytest.raises(UsageError, match="the tool nothing must be called and is not among the declared tools"):
        constraints.constraint(TOOLS, Named("nothing"))
    with pytest.raises(UsageError, match="a tool must be called and none is declared"):
        constraints.constraint((), "required")


def test_grammars_are_made_once(constraints):
    assert constraints.constraint(TOOLS, "auto") is constraints.constraint(TOOLS, "auto")
    assert constraints.constraint(TOOLS, "auto") is not constraints.constraint(TOOLS, "required")


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(1.0, 0.95, seed=1)])
def test_a_model_that_knows_nothing_calls_rightly(constraints, tiny_tokenizer, model, sampling):
    """In one batch with free rows, which are not touched; and the same alone."""
    prompt = tiny_tokenizer.encode("x y z")
    free = Request(prompt, 40, tiny_tokenizer.stop_ids, sampling)
    held = [
        Request(prompt, 120, tiny_tokenizer.stop_ids, sampling, constraint=constraints.constraint(TOOLS, choice))
        for choice in ("required", "auto", Named("clock.now"))
    ]
    first, *found = Engine(model).generate([free, *held])
    assert first == Engine(model).generate([free])[0]
    for request, reply in zip(held, found, strict=True):
        assert reply == Engine(model).generate([request])[0]
        if reply.stopped:
            check_calls(tiny_tokenizer.decode(reply.ids), TOOLS, tiny_tokenizer)
    named = tiny_tokenizer.decode(found[2].ids)
    assert named.startswith(NOW)


def test_what_leaves_no_choice_is_not_asked_of_the_model(constraints, tiny_tokenizer, model):
    constraint = constraints.constraint((CLOCK,), "required", parallel=False)
    engine = Engine(model)
    (reply,) = engine.generate([Request([1, 2, 3], 100, tiny_tokenizer.stop_ids, constraint=constraint)])
    assert tiny_tokenizer.decode(reply.ids) == NOW
    assert reply.stopped
    assert engine.tokens_read == 0


def test_the_budget_ends_a_constrained_reply_too(constraints, tiny_tokenizer, model):
    constraint = constraints.constraint(TOOLS, "required")
    for budget in (1, 3, 8):
        (reply,) = Engine(model).generate([Request([1, 2], budget, tiny_tokenizer.stop_ids, constraint=constraint)])
        assert len(reply.ids) == budget and not reply.stopped


def test_a_template_that_begins_calls_without_a_special_token(tmp_path):
    write_tokenizer(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    constraint = Constraints(tokenizer, tokenizer.vocab_size).constraint(TOOLS, "auto")
    call = '<tool_call>{"name": "get_weather", "arguments": {"city": "Rome"}}</tool_call>'
    assert allows(constraint, tokenizer, "Only words < and > tool_call.")
    assert allows(constraint, tokenizer, f"First words.{call}{call}")
    assert not allows(constraint, tokenizer, f"First words.{call[:-20]}")
    assert not allows(constraint, tokenizer, "<tool_call>{}")


class TestNotEnforced:
    """What the grammar cannot hold a reply to is named."""

    @pytest.mark.parametrize(
        ("schema", "keywords"),
        [
            ({"type": "string", "description": "d", "default": "x"}, ()),
            ({"type": "string", "format": "uri-template"}, ("format",)),
            ({"type": "string", "format": "date-time"}, ()),
            ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, ("uniqueItems",)),
            ({"not": {"type": "null"}}, ("not",)),
            ({"type": "string", "pattern": "^(?=a)b"}, ("pattern",)),
            ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, ("oneOf",)),
            ({"$ref": "#/$defs/missing"}, ("$ref",)),
            ({"type": "integer", "minimum": 5, "maximum": 3}, ("maximum", "minimum")),
            ({"type": "string", "enum": [1]}, ("enum",)),
        ],
    )
    def test_keywords(self, constraints, tiny_tokenizer, schema, keywords):
        tool = Tool("t", "", {"type": "object", "properties": {"p": schema}, "required": ["p"]})
        constraint = constraints.constraint([tool], "required", parallel=False)
        assert constraint.not_enforced == ({"t": keywords} if keywords else {})
        replies = walks(constraint, tiny_tokenizer, 5)
        assert all(list(parse_reply(text).calls[0].arguments) == ["p"] for text in replies)


def real_tools(real_data: Path) -> list[Tool]:
    servers = json.loads((real_data / "usage" / "livemcpbench_tools.json").read_text())
    tools = [read_tool(tool) for entry in servers for server in entry["tools"].values() for tool in server["tools"]]
    for file in sorted((real_data / "eval" / "bfcl").glob("BFCL*.json")):
        for line in file.read_text().splitlines():
            tools += [read_tool(function) for function in json.loads(line)["function"]]
    return list({json.dumps(tool.to_dict()): tool for tool in tools}.values())


@pytest.mark.real
def test_real_calls_that_fit_their_tools_are_allowed(real_data, qwen_tokenizer):
    constraints = Constraints(qwen_tokenizer, 151_936)
    allowed = 0
    for line in (real_data / "xlam" / "xlam_700.jsonl").read_text().splitlines()[:100]:
        row = json.loads(line)
        tools = {tool.name: tool for tool in map(read_tool, json.loads(row["tools"]))}
        calls = [ToolCall("call", call["name"], call["arguments"]) for call in json.loads(row["answers"])]
        if all(fits(tools[call.name], call) for call in calls):
            reply = written(calls, list(tools.values()), qwen_tokenizer)
            assert allows(constraints.constraint(list(tools.values()), "required"), qwen_tokenizer, reply)
            allowed += 1
    assert allowed > 80


def fits(tool, call):
    declared = call.arguments.keys() <= tool.parameters["properties"].keys()
    return declared and not argument_problems(tool, call.arguments)


@pytest.mark.real
def test_real_tools_are_called_as_their_schemas_say(real_data, qwen_tokenizer):
    constraints = Constraints(qwen_tokenizer, 151_936)
    chosen = random.Random(0).sample(real_tools(real_data), 24)
    checked = 0
    for number, tool in enumerate(chosen):
        constraint = constraints.constraint([tool], "required", parallel=False)
        text = walk(constraint, qwen_tokenizer, number, budget=200)
        if text is not None and not constraint.not_enforced:
            check_calls(text, [tool], qwen_tokenizer)
            checked += 1
    assert checked > 10
