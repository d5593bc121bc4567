"""The checker that ours is held against."""

import pytest

from tests.suites.bfcl.upstream import Upstream, fetch


@pytest.fixture(scope="session")
def upstream():
    return Upstream(fetch())
