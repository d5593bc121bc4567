"""The same requests answered by several models."""

from hive_mind.conversation import Message, Tool
from hive_mind.evaluation import Request, side_by_side
from hive_mind.inference.load import ModelReference
from tests.evaluation.conftest import TOOL
from tests.tiny_models import CPU, write_version

REQUESTS = [
    Request((Message("user", "Weather in Oslo, 1 days?"),), (TOOL,)),
    Request((Message("user", "Print 2"),)),
    Request((Message("user", "Something else"),), (Tool("other", "", {"type": "object"}),)),
]


def test_answers_stand_in_the_order_of_requests_and_models(tmp_path, learned_base, random_base):
    version = ModelReference("a_v1", learned_base, write_version(tmp_path, "a_v1", learned_base, size=0.5))
    models = [ModelReference("other", random_base), version, ModelReference("base", learned_base)]
    answers = side_by_side(REQUESTS, models, CPU, max_new_tokens=60)
    assert [[answer.model for answer in row] for row in answers] == [["other", "a_v1", "base"]] * 3
    call, code = answers[0][2], answers[1][2]
    assert [(made.name, made.arguments) for made in call.parsed.calls] == [("weather", {"place": "Oslo", "days": 1})]
    assert (code.parsed.text, code.stopped) == ("print(2)", True)
    assert answers[0][1].text != call.text
    assert side_by_side(REQUESTS[:1], models[2:], CPU, 60)[0][0] == call
    assert side_by_side(REQUESTS[:1], models[2:], CPU, 3)[0][0].stopped is False
