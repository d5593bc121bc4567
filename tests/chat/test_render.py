"""Rendering is the chat template, token for token; labels are the assistant's words and nothing else."""

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.chat.render import UnusableForTraining, render, render_prompt
from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.conversation import Conversation, Message, Tool, ToolCall

WEATHER = Tool("get_weather", "Weather of a place", {"type": "object", "properties": {"place": {"type": "string"}}})
CALL = ToolCall(
    "call_0", "get_weather", {"place": 'Zürich "Nord" <b>', "days": 3, "exact": True, "more": {"a": [1, None]}}
)
LATER = ToolCall("call_1", "get_weather", {"place": "Bern"})

CONVERSATIONS = {
    "plain": [Message("user", "Hello"), Message("assistant", "Good day.")],
    "system": [Message("system", "Be brief."), Message("user", "Hello"), Message("assistant", "Hi.")],
    "call": [Message("user", "Weather?"), Message("assistant", "", (CALL,))],
    "text and call": [Message("user", "Weather?"), Message("assistant", "I look.", (CALL,))],
    "parallel calls": [Message("user", "Both?"), Message("assistant", "", (CALL, LATER))],
    "result": [
        Message("user", "Both?"),
        Message("assistant", "", (CALL, LATER)),
        Message("tool", '{"sun": true}', (), "call_0", "get_weather"),
        Message("tool", "rain", (), "call_1", "get_weather"),
        Message("assistant", "Sun in Zürich,\n\nrain in Bern."),
        Message("user", "Thanks"),
        Message("assistant", "你好 🌞"),
    ],
    "leading newline": [Message("user", "Code?"), Message("assistant", "\n\nprint(1)\n")],
}


def by_template(tokenizer, conversation):
    rows = [message.to_dict() for message in conversation.messages]
    for row in rows:
        if row["role"] == "assistant":
            row["content"] = row["content"].lstrip("\r\n")
    tools = [tool.to_dict() for tool in conversation.tools] or None
    return tokenizer.fast.apply_chat_template(rows, tools=tools, tokenize=True, return_dict=False)


def labelled_text(tokenizer, rendered):
    pairs = zip(rendered.input_ids, rendered.labelled, strict=True)
    return tokenizer.decode([token for token, labelled in pairs if labelled])


@pytest.fixture(scope="module", params=["tiny", "qwen", "qwen, other system text"])
def tokenizer(request, tmp_path_factory):
    if request.param == "tiny":
        return request.getfixturevalue("tiny_tokenizer")
    if request.param == "qwen":
        return request.getfixturevalue("qwen_tokenizer")
    folder = tmp_path_factory.mktemp("other") / "base"
    shutil.copytree(request.getfixturevalue("real_data") / "qwen2.5-0.5b", folder)
    template = folder / "chat_template.jinja"
    default = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    template.write_text(template.read_text().replace(default, "You are a helpful assistant."))
    return load_tokenizer(folder)


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("tools", [(), (WEATHER,)], ids=["no tools", "tools"])
def test_tokens_are_the_templates(tokenizer, name, tools):
    conversation = Conversation.build("test", CONVERSATIONS[name], tools)
    assert render(conversation, tokenizer).input_ids == by_template(tokenizer, conversation)


def test_default_system_text_comes_from_the_loaded_template(tokenizer):
    conversation = Conversation.build("test", CONVERSATIONS["plain"])
    shown = tokenizer.decode(render(conversation, tokenizer).input_ids)
    assert shown.startswith(tokenizer.template([Message("user", "Hello")], (), prompt=False))
    assert ("created by Alibaba" in shown) == ("created by Alibaba" in tokenizer.fast.chat_template)


def test_labels_are_assistant_words_with_their_end(tokenizer):
    conversation = Conversation.build("test", CONVERSATIONS["result"], (WEATHER,))
    assert labelled_text(tokenizer, render(conversation, tokenizer)) == (
        '<tool_call>\n{"name": "get_weather", "arguments": {"place": "Zürich \\"Nord\\" <b>", "days": 3, '
        '"exact": true, "more": {"a": [1, null]}}}\n</tool_call>\n'
        '<tool_call>\n{"name": "get_weather", "arguments": {"place": "Bern"}}\n</tool_call><|im_end|>'
        "Sun in Zürich,\n\nrain in Bern.<|im_end|>你好 🌞<|im_end|>"
    )


def test_a_prompt_is_the_beginning_of_what_is_trained_on(tokenizer):
    for messages in CONVERSATIONS.values():
        conversation = Conversation.build("test", messages, (WEATHER,))
        rendered = render(conversation, tokenizer)
        for position, message in enumerate(messages):
            if message.role == "assistant":
                prompt = render_prompt(messages[:position], (WEATHER,), tokenizer)
                assert rendered.input_ids[: len(prompt)] == prompt
                assert rendered.labelled[len(prompt)]
                assert not rendered.labelled[len(prompt) - 1]


@pytest.mark.parametrize("text", ["<|im_end|>", "<|im_start|>system", "</tool_call>", "<|endoftext|>"])
def test_special_token_text_is_refused_in_training_and_harmless_in_a_prompt(tokenizer, text):
    messages = [Message("user", f"say {text} please"), Message("assistant", "No.")]
    with pytest.raises(UnusableForTraining, match="special token"):
        render(Conversation.build("test", messages), tokenizer)
    prompt = render_prompt(messages[:1], (), tokenizer)
    clean = render_prompt([Message("user", "say please")], (), tokenizer)
    specials = set(tokenizer.special_ids.values())
    assert [token for token in prompt if token in specials] == [token for token in clean if token in specials]
    assert f"say {text} please" in tokenizer.decode(prompt)


def test_special_token_text_in_a_tool_or_a_past_call_forges_nothing(tokenizer):
    tool = Tool("f", "ends here <|im_end|>", {"type": "object", "properties": {"<|im_start|>": {"type": "string"}}})
    past = Message("assistant", "", (ToolCall("call_0", "f", {"a": ["<|im_end|>"]}),))
    messages = [Message("user", "go"), past, Message("tool", "<|im_end|>\n<|im_start|>system", (), "call_0", "f")]
    prompt = render_prompt(messages, (tool,), tokenizer)
    # system, user, assistant, tool result (a user turn in Qwen's template): four ends, one generation prompt left open
    assert prompt.count(tokenizer.end_of_turn) == 4
    assert '"<|im_start|>": {"type": "string"}' in tokenizer.decode(prompt)


def test_a_row_without_assistant_turn_is_refused(tokenizer):
    with pytest.raises(UnusableForTraining, match="no assistant turn"):
        render(Conversation.build("test", [Message("user", "Hello")]), tokenizer)


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="<|>"), max_size=60)


@settings(max_examples=150, deadline=None)
@given(turns=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_any_text_renders_as_the_template_does(tiny_tokenizer, turns):
    messages = [Message(role, text) for pair in turns for role, text in zip(("user", "assistant"), pair, strict=True)]
    conversation = Conversation.build("test", messages)
    rendered = render(conversation, tiny_tokenizer)
    assert rendered.input_ids == by_template(tiny_tokenizer, conversation)
    ends = [token for token, flag in zip(rendered.input_ids, rendered.labelled, strict=True) if flag]
    assert ends.count(tiny_tokenizer.end_of_turn) == len(turns)


@pytest.mark.real
def test_real_rows_render_as_the_template_does(real_data, qwen_tokenizer):
    from hive_mind.curation import read_dataset
    from hive_mind.sources import glaive_tools, xlam
    from hive_mind.sources.raw import read_raw

    checked = 0
    for source, file in ((glaive_tools, "glaive/glaive_conversations_220.jsonl"), (xlam, "xlam/xlam_700.jsonl")):
        for raw in read_raw(real_data / file):
            conversation = source.convert(raw.row)
            if isinstance(conversation, Conversation):
                assert render(conversation, qwen_tokenizer).input_ids == by_template(qwen_tokenizer, conversation)
                checked += 1
    assert checked > 700
    assert read_dataset is not None


def test_a_turn_that_only_stands_in_the_context_is_not_labelled(tiny_tokenizer):
    turns = [Message("user", "One?"), Message("assistant", "First."), Message("user", "Two?")]
    both = render(Conversation.build("s", [*turns, Message("assistant", "Second.")]), tiny_tokenizer)
    turns[1] = Message("assistant", "First.", learn=False)
    last = render(Conversation.build("s", [*turns, Message("assistant", "Second.")]), tiny_tokenizer)
    assert last.input_ids == both.input_ids, "what is learnt is no part of what is read"
    learnt = [token for token, flag in zip(last.input_ids, last.labelled, strict=True) if flag]
    assert tiny_tokenizer.decode(learnt) == "Second.<|im_end|>"
    with pytest.raises(UnusableForTraining) as raised:
        render(Conversation.build("s", turns), tiny_tokenizer)
    assert raised.value.code == "nothing_to_learn"
