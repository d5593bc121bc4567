"""The small world, made once; each test has a copy of its models and a store of its own."""

import pytest
import torch

from tests.learning.world import World, copy, make_base


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def made_world(tmp_path_factory, tiny_folder, tiny_tokenizer) -> World:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("world")
    return World.make(folder, make_base(folder / "base", tiny_folder, tiny_tokenizer))


@pytest.fixture
def world(made_world, tmp_path) -> World:
    return copy(made_world, tmp_path)
