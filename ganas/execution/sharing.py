"""What many jobs read: written once, and mapped from disk by every worker."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import joblib

from ganas.errors import RunError


def publish(value: Any, path: Path) -> None:
    """Writes ``value`` so that workers can :func:`fetch` it, its arrays mapped from disk and shared among them.

    Raises:
        RunError: there is no room for it, or no folder.
    """
    try:
        joblib.dump(value, path)
    except OSError as error:
        raise RunError(
            f"{path}: the rows for the workers cannot be written ({error.strerror or error}); make room there, or let TMPDIR "
            "name another folder"
        ) from None


@functools.lru_cache(maxsize=8)
def fetch(path: str) -> Any:
    """Reads what :func:`publish` wrote; arrays come as memory maps (copy-on-write, so that they can be lent without a copy)."""
    return joblib.load(path, mmap_mode="c")
