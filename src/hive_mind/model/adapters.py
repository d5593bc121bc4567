"""Several LoRA adapters over one base in memory: every row of a pass goes through its own adapter, or through none.

The adapters of a layer lie side by side, as one low-rank product of all their ranks together. What is not a row's own
is zeroed between the two products, so a mixed batch costs two products a layer however many adapters are in it. The
idea of unmerged adapters in one batch is that of S-LoRA (arXiv 2311.03285); this is for a handful of adapters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hive_mind.model.lora import TARGETS, AdapterFile, check_fit, linears
from hive_mind.model.packed import pack_forward, packed_linear
from hive_mind.model.qwen2 import Qwen2


@dataclass
class Selection:
    """Which adapters the next pass goes through; all layers share one.

    columns: the low-rank columns in use, None for the plain base; foreign: (T, columns) bool, true where a column is
    not of the token's own adapter, None where all are its own.
    """

    columns: slice | None = None
    foreign: Tensor | None = None


class AdaptedLinear(nn.Module):
    """A frozen linear layer with the low-rank products of all adapters; x (T, in) -> (T, out)."""

    def __init__(self, base: nn.Linear, selection: Selection) -> None:
        super().__init__()
        self.packed = pack_forward(base.weight)
        self.weight: Tensor | None = base.weight if self.packed is None else None
        self.shape = base.weight.shape
        self.bias = base.bias
        self.selection = selection
        self.a = torch.empty(0, base.in_features, dtype=base.weight.dtype, device=base.weight.device)
        self.b = torch.empty(0, base.out_features, dtype=base.weight.dtype, device=base.weight.device)

    def forward(self, x: Tensor) -> Tensor:
        if self.packed is not None:
            out = packed_linear(x, self.packed, self.bias)
        else:
            assert self.weight is not None
            out = F.linear(x, self.weight, self.bias)
        columns, foreign = self.selection.columns, self.selection.foreign
        if columns is None:
            return out
        low = F.linear(x, self.a[columns])
        if foreign is not None:  # filled, not multiplied: a number that is none must not reach other rows
            low = low.masked_fill(foreign, 0)
        return out.addmm_(low, self.b[columns])


class Adapters:
    """The adapters over a base, by name. Puts itself into the model's linear layers when it is made.

    A CPU's bf16 weights are laid out for its products on the way (model.packed). At first every row goes through the
    plain base.
    """

    def __init__(self, model: Qwen2) -> None:
        model.requires_grad_(False)
        self.model = model
        self.selection = Selection()
        self.layers: dict[str, AdaptedLinear] = {}
        for name, parent, attribute, linear in linears(model, TARGETS):
            self.layers[name] = AdaptedLinear(linear, self.selection)
            setattr(parent, attribute, self.layers[name])
        model.pack_output()
        self.columns: dict[str, slice] = {}
        self.serials: dict[str | None, int] = {None: 0}
        """A number for each adapter that no other one ever had: it changes when a name is loaded anew."""
        self._count = count(1)

    def add(self, name: str, adapter: AdapterFile) -> None:
        """Take an adapter in under a name, replacing any of that name.

        Raises HiveMindError if it does not fit the base.
        """
        check_fit(adapter, {layer: tuple(linear.shape) for layer, linear in self.layers.items()})
        self.drop(name)
        begin = sum(taken.stop - taken.start for taken in self.columns.values())
        for layer_name, layer in self.layers.items():
            a, b = adapter.factors(layer_name, tuple(layer.shape))
            layer.a = torch.cat([layer.a, a.to(layer.a)])
            layer.b = torch.cat([layer.b, (b.float().t() * adapter.scale).to(layer.b)])
        self.columns[name] = slice(begin, begin + adapter.r)
        self.serials[name] = next(self._count)

    def drop(self, name: str) -> None:
        """Let an adapter go, if there is one of that name."""
        gone = self.columns.pop(name, None)
        if gone is None:
            return
        del self.serials[name]
        width = gone.stop - gone.start
        for layer in self.layers.values():
            layer.a = torch.cat([layer.a[: gone.start], layer.a[gone.stop :]])
            layer.b = torch.cat([layer.b[: gone.start], layer.b[gone.stop :]])
        for other, columns in self.columns.items():
            if columns.start > gone.start:
                self.columns[other] = slice(columns.start - width, columns.stop - width)
        self.use(None)

    def use(self, name: str | None) -> None:
        """Have every row go through this adapter from now on, or through the plain base."""
        self.selection.columns = None if name is None else self.columns[name]
        self.selection.foreign = None

    @contextmanager
    def rows(self, names: Sequence[str | None], counts: Sequence[int]) -> Iterator[None]:
        """Within the block, `counts[i]` tokens of a pass go through adapter `names[i]` (None: the base), and so on."""
        before = self.selection.columns, self.selection.foreign
        try:
            self._choose(names, counts)
            yield
        finally:
            self.selection.columns, self.selection.foreign = before

    def _choose(self, names: Sequence[str | None], counts: Sequence[int]) -> None:
        if len(set(names)) == 1:
            self.use(names[0])
            return
        wanted = [self.columns[name] for name in set(names) if name is not None]
        begin, end = min(part.start for part in wanted), max(part.stop for part in wanted)
        foreign = torch.ones(len(names), end - begin, dtype=torch.bool)
        for row, name in enumerate(names):
            if name is not None:
                own = self.columns[name]
                foreign[row, own.start - begin : own.stop - begin] = False
        device = next(iter(self.layers.values())).a.device
        self.selection.columns = slice(begin, end)
        self.selection.foreign = foreign.repeat_interleave(torch.tensor(counts), 0).to(device)
