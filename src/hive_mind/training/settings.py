"""The training stage's settings: default, help and bounds in one place. The defaults are the reference recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hive_mind.config import Settings, setting

Count = Annotated[int, Field(ge=1)]

RECIPE = (
    "epochs", "step_size", "learning_rate", "warmup_share", "weight_decay", "betas", "eps", "max_grad_norm",
    "lora_r", "lora_alpha", "lora_dropout", "max_length", "max_steps", "seed", "dtype",
)  # fmt: skip
"""What decides the mathematics of a run; a resumed run must agree in all of it, in the rest it may differ."""


class TrainingSettings(Settings):
    """How an adapter is trained."""

    epochs: Count = setting(3, "passes over the dataset")
    batch_size: Count | Literal["auto"] = setting(
        2,
        "examples in a micro-batch; `auto` fills the memory that is free. It changes speed and memory, not the result",
    )
    grad_accum: Count = setting(8, "micro-batches added up to one step; not used with batch_size=auto")
    examples_per_step: Count = setting(16, "examples in one step with batch_size=auto; else batch_size x grad_accum")
    learning_rate: float = setting(2e-4, "peak learning rate", gt=0)
    warmup_share: float = setting(0.03, "share of all steps over which the learning rate rises to its peak", ge=0, lt=1)
    weight_decay: float = setting(0.0, "AdamW's weight decay", ge=0)
    betas: tuple[float, float] = setting((0.9, 0.999), "AdamW's decay rates of gradient and squared gradient")
    eps: float = setting(1e-8, "AdamW's epsilon", gt=0)
    max_grad_norm: float = setting(1.0, "gradients longer than this are scaled down to it", gt=0)
    lora_r: Count = setting(16, "rank of the adapter")
    lora_alpha: float = setting(32, "the adapter's output is scaled by lora_alpha / lora_r", gt=0)
    lora_dropout: float = setting(0.0, "share of the adapters' inputs that is dropped while training", ge=0, lt=1)
    max_length: int = setting(2048, "examples with more tokens are left out and counted, never cut", ge=8)
    max_steps: Count | None = setting(None, "stop after so many steps; the learning rate falls to 0 by then")
    seed: int = setting(42, "seed of the adapter's first values and of the order of the examples", ge=0)
    device: Literal["auto", "cpu", "cuda"] = setting("auto", "where to train; auto takes a GPU if torch sees one")
    dtype: Literal["auto", "bf16", "fp32"] = setting(
        "auto", "format of the base and of the products; auto is bf16 where the device multiplies it in hardware"
    )
    side_by_side: Count | Literal["auto"] = setting(
        "auto",
        "micro-batches computed at once on a CPU, each on its share of the cores; auto: as measured for the base",
    )
    compile: bool | Literal["auto"] = setting(
        "auto", "compile the element-wise kernels; auto: for bases wide enough to gain, where there is a C++ compiler"
    )
    loss_chunk: Count | Literal["auto"] = setting(
        "auto", "labelled tokens whose logits are held at a time; auto keeps them near 256 MB"
    )
    validate_every: float | None = setting(
        1.0, "epochs between validation losses (0.5: twice an epoch); null measures none", gt=0
    )
    validation_examples: Count = setting(512, "at most so many rows of the validation file are measured")
    checkpoint_every_steps: Count = setting(200, "steps between checkpoints")
    checkpoint_every_minutes: float = setting(10.0, "minutes between checkpoints, if that comes sooner", gt=0)
    keep_checkpoints: Count = setting(2, "how many checkpoints are kept; all are removed when the run is done")
    max_bad_steps: Count = setting(
        3,
        "stop after so many steps in a row whose loss or gradient is not finite, or after a tenth of all steps if that "
        "is more",
    )
    supervise: bool = setting(
        True,
        "train in a process of its own, which is started again from the last checkpoint if it dies or stands still",
    )
    max_restarts: int = setting(15, "restarts of one run before it is given up", ge=0)
    restart_pause: float = setting(2.0, "seconds before the first restart; each pause is twice the one before", ge=0)
    hang_minutes: float = setting(
        10.0, "minutes without a computed micro-batch after which the process is taken to stand still", gt=0
    )
    max_quarantined: int = setting(3, "examples that may be left out because they kill the training process", ge=0)
    allow_cpu: bool = setting(False, "go on with the CPU when the GPU fails whatever is tried")

    @property
    def step_size(self) -> int:
        """Examples in one step, however they are split into micro-batches."""
        return self.examples_per_step if self.batch_size == "auto" else self.batch_size * self.grad_accum

    def recipe(self) -> dict[str, object]:
        """Return the settings that decide the result, as plain JSON values."""
        return {name: _plain(getattr(self, name)) for name in RECIPE}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
