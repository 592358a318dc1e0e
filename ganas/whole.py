"""Files that are there whole or not at all, whatever ends the process or the machine that writes them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ganas.errors import RunError


@contextlib.contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """Gives a name beside ``path`` to write to, and that file its place once the disk has it; until then the old one stays.

    Raises:
        RunError: the file cannot be written; nothing of it is left.
    """
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # without it, a power cut may leave the new name with no contents
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Waits until the disk has the names in a folder, or a database that speaks of a file may survive a power cut without it."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    with contextlib.suppress(OSError):  # not every file system can; the file is there
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
