"""Everything that the doctor looks at, in the order of the table."""

from __future__ import annotations

from pathlib import Path

from hive_mind.doctor import machine, programs
from hive_mind.doctor.check import Check
from hive_mind.doctor.trial import try_computing


def diagnose(folder: Path, *, online: bool = True) -> list[Check]:
    """Look at the machine, try its arithmetic in a process of its own, and look for the optional parts.

    `folder` is where data and models are kept. `online` also asks the hub whether it can be reached.
    """
    checks = [machine.system(), *machine.torch_and_device(), machine.memory(), machine.disk(folder), *try_computing()]
    checks += [programs.compiler(), programs.sandbox(), programs.node()]
    return [*checks, programs.hub()] if online else checks
