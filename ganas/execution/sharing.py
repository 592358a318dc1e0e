"""What many jobs read: written once, and mapped from disk by every worker."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import joblib
from joblib.externals.loky.backend import resource_tracker

from ganas.errors import RunError


class SharedFolder:
    """A temporary folder whose files workers map from disk.

    It goes with :meth:`close`, with its owner, and where this process is killed: loky's resource tracker outlives that.

    Raises:
        RunError: there is no place for it.
    """

    def __init__(self) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="ganas-"))
            self._finalizer = weakref.finalize(self, _remove, str(self.path), os.getpid())
            resource_tracker.register(str(self.path), "folder")
        except OSError as error:
            raise RunError(
                f"no temporary folder can be made ({error.strerror or error}); let TMPDIR name another one"
            ) from None

    def publish(self, name: str, value: Any) -> str:
        """Writes ``value`` so that workers can :func:`fetch` it from the path that is returned, its arrays shared among them.

        Raises:
            RunError: there is no room for it, or no folder.
        """
        path = self.path / name
        try:
            joblib.dump(value, path)
        except OSError as error:
            raise RunError(
                f"{path}: the rows for the workers cannot be written ({error.strerror or error}); make room there, or let TMPDIR "
                "name another folder"
            ) from None
        return str(path)

    def close(self) -> None:
        """Removes the folder."""
        self._finalizer()


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:  # not a fork of it that ends
        shutil.rmtree(path, ignore_errors=True)
        resource_tracker.unregister(path, "folder")


@functools.lru_cache(maxsize=8)
def fetch(path: str) -> Any:
    """Reads what :meth:`SharedFolder.publish` wrote; arrays come as memory maps, copy-on-write: they can be lent without a copy."""
    return joblib.load(path, mmap_mode="c")
