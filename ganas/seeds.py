"""Named random streams: every draw in ganas comes from a generator whose key is a seed and a path of names.

A stream depends on its names and on nothing else, so an answer never depends on the order of work, on the number
of workers or on the company a candidate is trained in. Seed 0 is a seed like any other.
"""

from __future__ import annotations

import hashlib

import numpy as np

SEED_BITS = 48
"""Derived seeds are below 2**48: exact in JSON readers that know only doubles, and 2**24 of them before a collision."""


def derive_seed(seed: int, *names: str | int) -> int:
    """Returns a seed in [0, 2**48) that is a hash of ``seed`` and a path of ``names``."""
    text = "\x1f".join([str(int(seed)), *(f"{type(name).__name__}:{name}" for name in names)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - SEED_BITS)


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Returns the counter-based (Philox) generator of the stream named by ``seed`` and ``names``."""
    return np.random.Generator(np.random.Philox(key=derive_seed(seed, *names)))
