"""A store on SQLite, and the same tests on a real PostgreSQL."""

import itertools

import pytest

from hive_mind.usage.store import Store
from tests.usage import postgres
from tests.usage.making import settings_in

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_server():
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server):
    return postgres.new_database(postgres_server, f"test_{next(_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, tmp_path):
    """Settings of an empty store on either database."""
    if request.param == "sqlite":
        return settings_in(tmp_path)
    return settings_in(tmp_path, url=request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(settings):
    opened = Store.open(settings)
    yield opened
    opened.close()
