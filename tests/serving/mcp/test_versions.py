"""The tools that show and change what is served: nothing moves before the person said yes."""

import pytest
from mcp.types import ElicitResult

from hive_mind import registry
from hive_mind.report.records import reports_folder
from tests.registry.versions import PROMOTE, sealed, tamper
from tests.report.world import verdict, whole_world


@pytest.fixture
def models(here):
    """Foundation_v1 is served; foundation_v2 was found better than it."""
    whole_world(here.models_dir)
    sealed(here.models_dir, "foundation_v2", seed=5)
    better = verdict().to_dict() | {"candidate": "foundation_v2", "champion": "foundation_v1"}
    type(verdict()).from_dict(better).write(reports_folder(here.models_dir, "foundation_v2") / "verdict.json")
    return here.models_dir


class Person:
    """Answers what is asked, and remembers the questions."""

    def __init__(self, action="accept", confirm=True):
        self.action, self.confirm, self.asked = action, confirm, []

    async def __call__(self, context, params):
        self.asked.append(params.message)
        return ElicitResult(action=self.action, content={"confirm": self.confirm} if self.action == "accept" else None)


def tool(name, **arguments):
    async def use(client):
        return await client.call_tool(name, arguments)

    return use


def test_versions_are_listed_with_scores_and_what_is_served(ask, models):
    rows = ask(tool("list_models")).structured_content["versions"]
    assert [row["name"] for row in rows] == ["baseline_v1", "foundation_v1", "foundation_v2"]
    served = rows[1]
    assert served["aliases"] == ["champion"] and served["promoted"] and served["problem"] == ""
    assert served["held_out_calls"] == {"usage": "15/20", "unseen_tools": "2/10"}
    assert served["base"] == "hive-mind/tiny-base"


def test_a_version_without_a_manifest_is_listed_with_its_problem(ask, models):
    (models / "foundation_v2" / "manifest.json").write_text("{")
    rows = {row["name"]: row for row in ask(tool("list_models")).structured_content["versions"]}
    assert rows["foundation_v2"]["problem"] and rows["foundation_v2"]["base"] == ""


def test_the_status_says_what_answers_and_whether_it_is_in_memory(ask, models, service):
    service.problem = "a_v2 is damaged; a_v1 answers"

    async def use(client):
        cold = (await client.call_tool("model_status", {})).structured_content
        await client.call_tool("generate", {"prompt": "Hi"})
        return cold, (await client.call_tool("model_status", {})).structured_content

    cold, warm = ask(use)
    assert (cold["serves"], cold["running"], cold["figures"]) == ("foundation_v1", False, {})
    assert cold["base"] == "hive-mind/tiny-base" and "by gate" in cold["promoted"]
    assert (warm["running"], warm["figures"]["requests"]) == (True, 1.0)
    assert (cold["problem"], warm["problem"]) == ("", "a_v2 is damaged; a_v1 answers")


def test_without_any_version_nothing_is_served(ask):
    status = ask(tool("model_status")).structured_content
    assert (status["serves"], status["base"], status["promoted"]) == ("", "", "")
    assert ask(tool("list_models")).structured_content == {"versions": []}


@pytest.mark.parametrize("named", ["foundation_v2", "candidate"])
def test_a_promotion_is_asked_for_once_and_then_done(ask, models, named):
    registry.nominate(models, "foundation_v2")
    person = Person()
    result = ask(tool("promote_model", version=named), elicitation_callback=person).structured_content
    assert person.asked == ["Serve foundation_v2 instead of foundation_v1 from now on?"]
    assert (result["serves"], result["before"], result["changed"]) == ("foundation_v2", "foundation_v1", True)
    assert registry.latest(models) == "foundation_v2" and registry.history(models)[-1].by == "hand"


@pytest.mark.parametrize("person", [Person("decline"), Person("cancel"), Person(confirm=False)])
def test_without_a_yes_nothing_moves(ask, models, person):
    for name, arguments in (("promote_model", {"version": "foundation_v2"}), ("rollback_model", {})):
        result = ask(tool(name, **arguments), elicitation_callback=person).structured_content
        assert (result["changed"], result["serves"], result["note"]) == (
            False,
            "foundation_v1",
            "declined; nothing was changed",
        )
    assert registry.latest(models) == "foundation_v1"


def test_a_client_that_cannot_ask_is_told_what_the_person_can_do(ask, models):
    for name, arguments, typed in (
        ("promote_model", {"version": "foundation_v2"}, "hive-mind models promote foundation_v2"),
        ("rollback_model", {}, "hive-mind models rollback"),
    ):
        result = ask(tool(name, **arguments))
        assert result.is_error and typed in result.content[0].text
    assert registry.latest(models) == "foundation_v1"


def test_what_is_served_already_needs_no_question(ask, models):
    person = Person()
    result = ask(tool("promote_model", version="latest"), elicitation_callback=person).structured_content
    assert (person.asked, result["changed"], result["serves"]) == ([], False, "foundation_v1")


def test_what_the_gate_held_back_or_what_is_damaged_is_refused_after_the_yes(ask, models):
    refused = ask(tool("promote_model", version="baseline_v1"), elicitation_callback=Person())
    assert refused.is_error and "was not judged by the gate" in refused.content[0].text
    tamper(models / "foundation_v2")
    damaged = ask(tool("promote_model", version="foundation_v2"), elicitation_callback=Person())
    assert damaged.is_error and "not as it was sealed" in damaged.content[0].text
    assert registry.latest(models) == "foundation_v1"


@pytest.mark.parametrize("name", ["foundation_v9", "../outside", ".", "reports"])
def test_only_names_of_versions_mean_one(ask, models, name):
    sealed(models.parent, "outside", seed=9)
    person = Person()
    result = ask(tool("promote_model", version=name), elicitation_callback=person)
    assert result.is_error and "list_models names them" in result.content[0].text and person.asked == []


def test_going_back_is_asked_for_and_done(ask, models):
    sealed(models, "foundation_v3", seed=3)
    registry.promote(models, "foundation_v3", PROMOTE)
    person = Person()
    result = ask(tool("rollback_model"), elicitation_callback=person).structured_content
    assert person.asked == ["Stop serving foundation_v3 and go back to the version before it?"]
    assert (result["serves"], result["before"], result["changed"]) == ("foundation_v1", "foundation_v3", True)
    nothing = ask(tool("rollback_model"), elicitation_callback=Person())
    assert nothing.is_error and "no earlier version" in nothing.content[0].text
