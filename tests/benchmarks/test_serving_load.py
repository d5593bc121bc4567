"""The short form of `make bench-load`: clients, a promotion in the middle, each answer the words of one version."""

import asyncio

import serving_load
import torch

from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.app import create_app
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.service import start
from tests.serving.scripted import Keeper, running
from tests.tiny_models import write_base, write_version


def test_answers_are_of_one_version_through_a_promotion(tmp_path, tiny_folder, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(serving_load, "NEW_TOKENS", 12)
    monkeypatch.setattr(serving_load, "QUESTIONS", serving_load.QUESTIONS[:7])
    base = write_base(tmp_path / "base", tiny_folder)
    models_dir = tmp_path / "models"
    for seed, name in enumerate((serving_load.OLD, serving_load.NEW), 1):
        write_version(models_dir, name, base, seed=seed)
    serving_load.promote(models_dir, serving_load.OLD)
    service = start(models_dir, EngineSettings(base=str(base.folder), device="cpu", dtype="fp32"))
    settings, keeper = ApiSettings(rate_limit=0, tokens_file=tmp_path / "tokens.json"), Keeper()
    try:
        with running(create_app(service, keeper, settings, models_dir), settings) as url:
            answers, promoted, alone = asyncio.run(serving_load.load(f"{url}/v1", models_dir, 10, 6.0))
    finally:
        service.close()
    figures = serving_load.summarise(answers, promoted, alone)
    assert figures["errors"] == []
    assert figures["answers_of_one_version"] == figures["requests"] == len(keeper.interactions) - len(alone)
    assert (figures["words_of_another"], figures["sent_after_promotion_answered_by_old"]) == (0, 0)
    assert all(figures["by_version"].values())
    differ = {alone[serving_load.OLD, question] != alone[serving_load.NEW, question] for _, question in alone}
    assert differ == {True}
