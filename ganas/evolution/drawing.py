"""DEAP's drawing operators, fed from our generator: DEAP draws from the global ``random``, and takes no generator."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def drawing_from(rng: np.random.Generator) -> Iterator[None]:
    """Seeds the global ``random`` from ``rng`` for a ``with`` block, then puts the caller's state back."""
    before = random.getstate()
    random.seed(int(rng.integers(2**63)))
    try:
        yield
    finally:
        random.setstate(before)
