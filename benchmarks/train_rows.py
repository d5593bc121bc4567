"""What every side of the training benchmark trains: one base and the same rows in one order, in a scratch folder.

The base is the real config and tokenizer of Qwen2.5-0.5B with random weights, or the tiny base of the package. The
rows are real ones, half Code Alpaca and half Glaive, converted and accepted as for a dataset, none cut; a step of
sixteen has eight of each. They are written as token ids with a mask of the labelled ones (rows.npz), for sides that
start from tokens, and as conversations (rows.jsonl), for sides that start from messages and tools. Rows are real, so
they stay in the scratch folder and never enter the repository.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from hive_mind.chat.batch import Tokens, render_all
from hive_mind.chat.tokenizer import ChatTokenizer, load_tokenizer
from hive_mind.conversation import Conversation
from hive_mind.curation.accept import accept
from hive_mind.errors import UsageError
from hive_mind.files import read_json, write_json, write_jsonl
from hive_mind.model.base import TINY, TINY_FOLDER
from hive_mind.model.qwen2 import Qwen2, Qwen2Config
from hive_mind.sources import SOURCES
from hive_mind.sources.raw import RawRow, read_raw

STEP_SIZE = 16
MAX_LENGTH = 1024
SEED = 42
SPREAD = 0.02
RAW_FILES = {
    "code_alpaca": Path("code_alpaca") / "code_alpaca_20k.json",
    "glaive_tools": Path("glaive") / "glaive_conversations_220.jsonl",
}
QWEN = "qwen2.5-0.5b"
MADE = "made.json"
READ_AT_MOST = 2000
"""Raw rows of a source that are looked at: many more than any number of steps needs."""


@dataclass(frozen=True)
class Made:
    """Where base and rows lie, and what they are: token counts of each step, with the base's name."""

    folder: Path
    base_name: str
    tokens: list[int]
    labelled_tokens: list[int]

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def arrays(self) -> Path:
        return self.folder / "rows.npz"

    @property
    def conversations(self) -> Path:
        return self.folder / "rows.jsonl"


def make(real: Path, work: Path, base: str, steps: int, max_length: int = MAX_LENGTH, seed: int = SEED) -> Made:
    """Make base and rows under `work`, or find them there. Raises UsageError if there are too few rows."""
    name = TINY if base == TINY else QWEN
    folder = work / f"{name}-{steps}x{STEP_SIZE}-{max_length}-{seed}"
    if (folder / MADE).is_file():
        return Made(folder, **read_json(folder / MADE))
    folder.mkdir(parents=True, exist_ok=True)
    write_base(TINY_FOLDER if base == TINY else real / QWEN, folder / "base", seed)
    tokenizer = load_tokenizer(folder / "base")
    by_source = {
        source: usable(source, real / file, tokenizer, steps * STEP_SIZE // len(RAW_FILES), max_length, seed)
        for source, file in RAW_FILES.items()
    }
    rows = in_steps(list(by_source.values()), steps, seed)
    lengths = np.array([len(tokens) for _, tokens in rows])
    ids = np.concatenate([np.frombuffer(tokens.ids, dtype=np.int32) for _, tokens in rows])
    labelled = np.concatenate([np.frombuffer(tokens.labelled, dtype=np.uint8) for _, tokens in rows]).astype(bool)
    learnt = np.add.reduceat(labelled, np.cumsum(lengths) - lengths, dtype=np.int64)
    made = Made(folder, name, *(counts.reshape(steps, STEP_SIZE).sum(1).tolist() for counts in (lengths, learnt)))
    np.savez(made.arrays, ids=ids, labelled=labelled, lengths=lengths)
    write_jsonl(made.conversations, (openai_row(conversation) for conversation, _ in rows))
    write_json(folder / MADE, {key: value for key, value in asdict(made).items() if key != "folder"})
    return made


def write_base(source: Path, folder: Path, seed: int) -> None:
    """Copy a base's files; where it has no weights, make random ones in bf16 under the seed, and let config say so."""
    folder.mkdir(exist_ok=True)
    for file in source.iterdir():
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
    if list(folder.glob("*.safetensors")):
        return
    with torch.device("meta"):
        parameters = dict(Qwen2(Qwen2Config.from_folder(folder)).named_parameters())
    generator = torch.Generator().manual_seed(seed)
    tensors = {name: random_tensor(name, like.shape, generator) for name, like in parameters.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    # LLaMA-Factory loads in the format that the config names; the hub's copy names this one
    write_json(folder / "config.json", {**read_json(folder / "config.json"), "torch_dtype": "bfloat16"})


def random_tensor(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Return a parameter as Qwen2 is initialised: norms 1, biases 0, the rest normal with a spread of 0.02."""
    if name.endswith("bias"):
        return torch.zeros(shape, dtype=torch.bfloat16)
    if "norm" in name:
        return torch.ones(shape, dtype=torch.bfloat16)
    return (torch.randn(shape, generator=generator) * SPREAD).bfloat16()


Row = tuple[Conversation, Tokens]


def usable(source: str, file: Path, tokenizer: ChatTokenizer, count: int, max_length: int, seed: int) -> list[Row]:
    """Return `count` rows of a source, drawn under the seed from those that are accepted and not too long."""
    raw = [row for row in read_raw(file) if isinstance(row, RawRow)]
    random.Random(seed).shuffle(raw)
    converted = (SOURCES[source].convert(row.row) for row in raw[:READ_AT_MOST])
    accepted = (accept(row) for row in converted if isinstance(row, Conversation))
    pairs = ((row, row) for row in accepted if isinstance(row, Conversation))
    rows = [
        (row, tokens)
        for row, tokens in render_all(pairs, tokenizer)
        if isinstance(tokens, Tokens) and len(tokens) <= max_length
    ]
    if len(rows) < count:
        raise UsageError(
            f"{file} gives {len(rows)} rows of at most {max_length} tokens and {count} are needed; take fewer steps"
        )
    return rows[:count]


def in_steps(sources: list[list[Row]], steps: int, seed: int) -> list[Row]:
    """Lay the rows out so that every step has equally many of each source, in an order under the seed within it."""
    share = STEP_SIZE // len(sources)
    rows: list[Row] = []
    for step in range(steps):
        own = [row for source in sources for row in source[step * share : (step + 1) * share]]
        random.Random(f"{seed}:{step}").shuffle(own)
        rows += own
    return rows


def openai_row(conversation: Conversation) -> dict[str, object]:
    """Return messages and tools in OpenAI's layout, which is what the trainers document; nothing else."""
    row = conversation.to_dict()
    return {"messages": row["messages"], "tools": row.get("tools") or []}
