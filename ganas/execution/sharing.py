"""What many jobs read: written once, and mapped from disk by every worker."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import joblib


def publish(value: Any, path: Path) -> None:
    """Writes ``value`` so that workers can :func:`fetch` it, its arrays mapped from disk and shared among them."""
    joblib.dump(value, path)


@functools.lru_cache(maxsize=8)
def fetch(path: str) -> Any:
    """Reads what :func:`publish` wrote; arrays come as memory maps (copy-on-write, so that they can be lent without a copy)."""
    return joblib.load(path, mmap_mode="c")
