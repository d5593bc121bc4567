"""What clients may read, and that nothing else can be."""

import json

import pytest
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from tests.report.world import whole_world


@pytest.fixture
def models(here):
    whole_world(here.models_dir)
    reports = here.models_dir / "reports" / "foundation_v1"
    (reports / "FOUNDATION_MODEL_TRAINING.md").write_text("# The report\n")
    return here.models_dir


def read(uri):
    async def use(client):
        (content,) = (await client.read_resource(uri)).contents
        return content.mime_type, content.text

    return use


def refused(uri):
    """Return the error that reading an address ends with."""

    async def use(client):
        with pytest.raises(MCPError) as error:
            await client.read_resource(uri)
        return error.value

    return use


def test_what_there_is_to_read_is_listed_with_titles(ask):
    async def use(client):
        return (await client.list_resources()).resources, (await client.list_resource_templates()).resource_templates

    resources, templates = ask(use)
    assert [str(resource.uri) for resource in resources] == ["hive-mind://models", "hive-mind://dataset-card"]
    assert [template.uri_template for template in templates] == [
        "hive-mind://models/{version}", "hive-mind://reports/{version}",
    ]  # fmt: skip
    assert all(entry.title and entry.description and entry.mime_type for entry in (*resources, *templates))


def test_models_manifests_and_reports_by_name_and_by_alias(ask, models):
    kind, text = ask(read("hive-mind://models"))
    assert kind == "application/json" and json.loads(text)["latest"] == "foundation_v1"
    for name in ("foundation_v1", "latest", "champion"):
        manifest = json.loads(ask(read(f"hive-mind://models/{name}"))[1])
        assert manifest["base"]["id"] == "hive-mind/tiny-base" and "adapter_model.safetensors" in manifest["files"]
        assert ask(read(f"hive-mind://reports/{name}")) == ("text/markdown", "# The report\n")


def test_the_dataset_card_is_the_served_versions(ask, here, models):
    assert "no dataset card" in str(ask(refused("hive-mind://dataset-card")))
    manifest = json.loads((models / "foundation_v1" / "manifest.json").read_text())
    card = here.data_dir / "README.md"
    card.parent.mkdir()
    card.write_text("card")
    manifest["dataset"]["path"] = str(card.with_name("train.jsonl"))
    (models / "foundation_v1" / "manifest.json").write_text(json.dumps(manifest))
    assert ask(read("hive-mind://dataset-card")) == ("text/markdown", "card")


def test_a_long_report_is_cut_with_a_note(ask, models):
    file = models / "reports" / "foundation_v1" / "FOUNDATION_MODEL_TRAINING.md"
    file.write_text("x" * 50_000)
    text = ask(read("hive-mind://reports/latest"))[1]
    assert len(text) < 41_000 and text.endswith("(cut here: 50,000 characters in all)\n")


@pytest.mark.parametrize("place", ["models", "reports"])
@pytest.mark.parametrize(
    "name",
    [
        "no_such",
        "..",
        "%2e%2e",
        "..%2f..%2fsecret",
        "%2Fetc%2Fpasswd",
        "foundation_v1%2f..%2f..%2fsecret",
        "reports",
        "%00",
    ],
)
def test_no_name_leads_out_of_the_versions(ask, models, place, name):
    for secret in (models.parent / "secret", models / "secret"):
        secret.mkdir(exist_ok=True)
        (secret / "FOUNDATION_MODEL_TRAINING.md").write_text("# secret")
        (secret / "manifest.json").write_text("# secret")
    error = ask(refused(f"hive-mind://{place}/{name}"))
    assert error.code == INVALID_PARAMS and "# secret" not in str(error)


def test_a_report_that_was_not_written_names_the_command(ask, models):
    assert "hive-mind report baseline_v1" in str(ask(refused("hive-mind://reports/baseline_v1")))
