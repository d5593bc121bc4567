"""One start of a cycle in a process of its own: FOLDER BASE, which is killed where HIVE_MIND_FAULTS says so."""

import sys
from pathlib import Path

import torch

from hive_mind.learning.cycle import run_cycle
from hive_mind.model.base import ModelSettings, resolve_base
from tests.learning.world import START, World

torch.set_num_threads(1)
world = World(Path(sys.argv[1]), resolve_base(ModelSettings(base=sys.argv[2])))
print(run_cycle(world.settings(), START).decision)
