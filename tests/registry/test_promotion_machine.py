"""Any sequence of promotions, rollbacks, links by hand, damage and repair leaves the registry telling the truth."""

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hive_mind import registry
from hive_mind.errors import HiveMindError, UsageError
from tests.registry.versions import PROMOTE, sealed, tamper

VERSIONS = ("a_v1", "b_v1", "c_v1", "d_v1")
ANY = st.sampled_from(VERSIONS)


class Registry(RuleBasedStateMachine):
    """The model: `served`, what was served in order of time without what was rolled back; `damaged` versions."""

    @initialize()
    def start(self):
        self.models = Path(tempfile.mkdtemp())
        for number, version in enumerate(VERSIONS):
            sealed(self.models, version, seed=number)
        self.served: list[str] = []
        self.damaged: set[str] = set()
        self.changes = 0

    def teardown(self):
        if hasattr(self, "models"):
            shutil.rmtree(self.models)

    def _moved(self, version):
        self.served.append(version)
        self.changes += 1

    @rule(version=ANY)
    def promote(self, version):
        current = self.served[-1] if self.served else None
        if version == current:
            assert registry.promote(self.models, version, PROMOTE) is None
        elif version in self.damaged:
            try:
                registry.promote(self.models, version, PROMOTE)
            except HiveMindError:
                return
            raise AssertionError("a damaged version was promoted")
        else:
            assert registry.promote(self.models, version, PROMOTE).previous == current
            self._moved(version)

    @rule(version=ANY)
    def promote_what_the_gate_refused(self, version):
        if self.served and version == self.served[-1]:
            return
        try:
            registry.promote(self.models, version, {"decision": "hold"})
        except UsageError:
            return
        raise AssertionError("a version on hold was promoted")

    @rule(version=ANY, absolute=st.booleans())
    def link_by_hand(self, version, absolute):
        if version in self.damaged:
            return
        (self.models / "latest").unlink(missing_ok=True)
        os.symlink(self.models / version if absolute else version, self.models / "latest")
        assert registry.latest(self.models) == version
        if not self.served or self.served[-1] != version:
            self._moved(version)

    @rule()
    def rollback(self):
        way = list(self.served)
        while way and (way[-1] == self.served[-1] or way[-1] in self.damaged):
            way.pop()
        if not way:
            try:
                registry.rollback(self.models)
            except UsageError:
                return
            raise AssertionError("rolled back to nothing")
        assert registry.rollback(self.models).version == way[-1]
        self.served = way
        self.changes += 1

    @rule(version=ANY)
    def damage_or_repair(self, version):
        tamper(self.models / version)  # twice is no change: it flips one bit
        self.damaged ^= {version}

    @precondition(lambda self: hasattr(self, "models"))
    @invariant()
    def the_link_the_log_and_the_model_agree(self):
        expected = self.served[-1] if self.served else None
        assert registry.latest(self.models) == expected
        history = registry.history(self.models)
        assert len(history) == self.changes
        assert [entry.previous for entry in history] == [None, *(entry.version for entry in history)][: self.changes]
        if expected:
            assert str((self.models / "latest").readlink()) == expected == history[-1].version
        for version in VERSIONS:
            assert bool(registry.verify(self.models / version)) == (version in self.damaged)
        assert not list(self.models.glob(".*.part"))


Registry.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
test_any_sequence = Registry.TestCase
