"""Who trains beside Hive-Mind, and how each is set: every row of the training benchmark's table, in its order.

A contender that cannot be timed is named with the reason instead of being left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STEP_SIZE = 16
BEST_STEPS, OTHER_STEPS = 6, 2


@dataclass(frozen=True)
class Peer:
    """A project to compare with: its worker, and what its environment is made of.

    Without `pinned` pip alone chooses the versions: the peer does not allow those of constraints.txt.
    """

    title: str
    script: str
    environment: str
    packages: tuple[str, ...]
    pinned: bool = True


TRL = Peer("TRL 1.16 SFTTrainer", "train_trl.py", "trl-peft-venv", ("trl==1.16.*", "peft"))
LIGER = Peer("TRL 1.16 with Liger", "train_trl.py", "trl-liger-venv", ("trl==1.16.*", "peft", "liger-kernel"))
REPORT = Peer("the report's recipe", "train_report_recipe.py", TRL.environment, TRL.packages)
LLAMA_FACTORY = Peer(
    "LLaMA-Factory 0.9.5", "train_llama_factory.py", "llama-factory-venv", ("llamafactory==0.9.5",), pinned=False
)
UNSLOTH = Peer("Unsloth", "train_trl.py", "unsloth-venv", ("unsloth",), pinned=False)

NEEDS_KERNEL = "flattened rows are kept apart only by FlashAttention 2 or 3, which has no kernel for this device"
PACKS_COUNT = (
    "needs the same kernel; and its batch counts packs, so 16 examples a step cannot be set: a step of 16 packs is "
    "another recipe"
)
NO_GPU = "needs a GPU; this machine has none"
NO_WORKER = "Unsloth replaces the trainer by its own: its worker is to be written where a GPU can run it"


@dataclass(frozen=True)
class Contender:
    """One row: a peer in one setting, beside our own worker with the options `ours`.

    `needs_gpu` ones wait for a GPU; `not_run` says why one is never timed.
    """

    name: str
    peer: Peer
    data: str
    micro_batch: int = 1
    checkpointing: bool = False
    options: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    steps: int = OTHER_STEPS
    needs_gpu: bool = False
    not_run: str | None = None

    @property
    def arguments(self) -> list[str]:
        """What the worker is given beside base, rows, scratch and dtype."""
        data = [] if self.peer is REPORT else ["--data", self.data]
        checkpointing = ["--checkpointing"] if self.checkpointing else []
        return [*data, "--micro-batch", str(self.micro_batch), *checkpointing, *self.options]

    def about(self) -> dict[str, object]:
        """Return the setting for the results."""
        return {
            "name": self.name, "peer": self.peer.title, "data": self.data, "micro_batch": self.micro_batch,
            "accumulation": STEP_SIZE // self.micro_batch, "checkpointing": self.checkpointing,
            **({"our_options": " ".join(self.ours)} if self.ours else {}),
        }  # fmt: skip

    def reason(self, has_gpu: bool) -> str | None:
        """Return why it is not timed on this machine, if it is not."""
        return NO_GPU if self.needs_gpu and not has_gpu else self.not_run


def _grid(short: str, peer: Peer, data: str, micro_batches: tuple[int, ...], best: str = "") -> Iterator[Contender]:
    """Every micro-batch, without checkpointing and with it."""
    for checkpointing in (False, True):
        for rows in micro_batches:
            name = f"{short}-{rows}x{STEP_SIZE // rows}" + ("-checkpointing" if checkpointing else "")
            steps = BEST_STEPS if name == best else OTHER_STEPS
            yield Contender(name, peer, data, rows, checkpointing, steps=steps)


CONTENDERS: tuple[Contender, ...] = (
    *_grid("trl-ids", TRL, "ids", (1, 2, 4, 8), best="trl-ids-1x16"),
    Contender("trl-ids-1x16-compiled", TRL, "ids", options=("--compile",), steps=BEST_STEPS),
    Contender("trl-ids-1x16-compiled-memory", TRL, "ids", options=("--compile",), ours=("--tokens", "1024")),
    *_grid("trl-conversations", TRL, "conversations", (1, 2, 4, 8), best="trl-conversations-1x16"),
    Contender("trl-from-list-1x16", TRL, "from-list"),
    Contender("trl-padding-free", TRL, "ids", 16, not_run=NEEDS_KERNEL),
    Contender("trl-packing", TRL, "ids", 16, not_run=PACKS_COUNT),
    *_grid("report", REPORT, "ids", (2,)),
    *_grid("llama-factory-ids", LLAMA_FACTORY, "ids", (1, 2)),
    *_grid("llama-factory-conversations", LLAMA_FACTORY, "conversations", (1,)),
    Contender("trl-liger", LIGER, "ids", 8, options=("--liger",), needs_gpu=True),
    Contender("unsloth", UNSLOTH, "ids", 8, needs_gpu=True, not_run=NO_WORKER),
)


def chosen(names: list[str] | None) -> list[Contender]:
    """Return the contenders with these names; a name that is nobody's stands for all that begin with it.

    Raises ValueError for a name that fits none. Without names, all.
    """
    known = {contender.name for contender in CONTENDERS}
    wanted: set[str] = set()
    for name in names or [""]:
        fitting = {name} if name in known else {one for one in known if one.startswith(name)}
        if not fitting:
            raise ValueError(f"no contender is called {name}; there are {', '.join(each.name for each in CONTENDERS)}")
        wanted |= fitting
    return [contender for contender in CONTENDERS if contender.name in wanted]
