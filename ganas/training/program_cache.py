"""Compiled programs on disk: what one worker has compiled, another or the next run reads in a fraction of the time.

TensorFlow writes and reads them by itself once its flag names a directory; it looks at the flag when it is first
imported. Machine code is of one version and one kind of processor, so that each has a directory of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

KEPT_DAYS = 30
"""Programs that were not read for so long are removed."""

KEPT_PROGRAMS = 500
"""At about 1.5 MB each; beyond, those that were not read for longest are removed."""

FLAG = "--tf_xla_persistent_cache_directory"

ROOT = "GANAS_CACHE"
"""The environment variable that names another place; empty: keep no programs on disk."""


def use_program_cache() -> None:
    """Tells TensorFlow, which must not be loaded yet, where compiled programs are kept; does nothing where it cannot."""
    root = os.environ.get(ROOT, str(Path.home() / ".cache" / "ganas"))
    if not root or "tensorflow" in sys.modules or FLAG in os.environ.get("TF_XLA_FLAGS", ""):
        return
    folder = Path(root) / "programs" / _machine()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _prune(folder)
        flags = f"{FLAG}={folder} --tf_xla_persistent_cache_prefix=ganas"
        os.environ["TF_XLA_FLAGS"] = f"{os.environ.get('TF_XLA_FLAGS', '')} {flags}".strip()


def forget_programs() -> bool:
    """Removes this machine's programs, because one may be damaged; returns whether there were any."""
    _, _, rest = os.environ.get("TF_XLA_FLAGS", "").partition(f"{FLAG}=")
    folder = Path(rest.split(" ")[0]) if rest else None
    found = list(folder.glob("*.pb")) if folder else []
    for path in found:
        path.unlink(missing_ok=True)
    return bool(found)


def _machine() -> str:
    """Returns a name for what machine code depends on: TensorFlow's version and the processor's abilities."""
    told = [version("tensorflow"), platform.machine(), os.environ.get("XLA_FLAGS", "")]
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        told += [next((line for line in lines if line.startswith(key)), "") for key in ("model name", "flags")]
    return hashlib.blake2b("\n".join(told).encode(), digest_size=8).hexdigest()


def _prune(folder: Path) -> None:
    """Removes programs that are old, or the oldest of too many; another worker may be doing the same."""
    read = {}
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            read[path] = path.stat().st_atime
    newest_first = sorted(read, key=lambda path: -read[path])
    for place, path in enumerate(newest_first):
        if place >= KEPT_PROGRAMS or time.time() - read[path] > KEPT_DAYS * 86_400:
            path.unlink(missing_ok=True)
