"""The draws both trainers share: the batch order and the seeds of initial weights, each a function of the member's seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.seeds import derive_seed, stream


def batch_order(seed: int, epoch: int, rows: int, drawn: NDArray[np.integer[Any]] | None = None) -> NDArray[np.int32]:
    """Returns the (rows,) order in which ``epoch`` (from 0) visits the training rows; the last batch may be smaller.

    Args:
        drawn: the (rows,) training rows to visit; None: each once.
    """
    order = stream(seed, "batch order", epoch).permutation(rows)
    return (order if drawn is None else drawn[order]).astype(np.int32)


def kernel_seed(seed: int, layer: int) -> int:
    """Returns the Keras initializer seed (below 2**31) of the kernel of dense layer ``layer`` (the head is the last)."""
    return derive_seed(seed, "kernel", layer) % 2**31


def mutation_key(seed: int, draw: str, layer: int = 0) -> int:
    """Returns the Philox key (below 2**31) of one draw of the weight mutation; its counter begins at the step.

    A draw is thus a function of (seed, step, layer): ``"coin"`` (one per step, for all layers; Keras' callback draws those of a
    block of steps at once, and its counter begins at the block), and per mutated layer, in the order of the network from 0,
    ``"count"`` (settles the fraction), ``"place"`` and ``"size"``.
    """
    return derive_seed(seed, "mutation", draw, layer) % 2**31
