"""Starts of a cycle, one after the other, each in a process of its own: FOLDER BASE [FAULT ...].

Every FAULT is one start with HIVE_MIND_FAULTS set to it; last comes one without. What each came to is printed, a line a
start: the decision, or the signal that ended it. The processes are forked off one that has torch in memory already.
"""

import os
import sys
from pathlib import Path

import torch

from hive_mind.evaluation import measure  # noqa: F401  loaded before the fork, as everything that takes long
from hive_mind.learning.cycle import run_cycle
from hive_mind.model.base import ModelSettings, resolve_base
from hive_mind.training import run  # noqa: F401
from tests.learning.world import START, World


def main() -> None:
    torch.set_num_threads(1)
    folder, base, *faults = sys.argv[1:]
    for fault in (*faults, ""):
        child = os.fork()
        if not child:
            os.environ["HIVE_MIND_FAULTS"] = fault
            world = World(Path(folder), resolve_base(ModelSettings(base=base)))
            print(run_cycle(world.settings(), START).decision, flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
