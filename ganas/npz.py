"""NPZ files of plain arrays: opened, or in one line why not."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from ganas.errors import first_line

UNREADABLE = (
    OSError,
    EOFError,
    MemoryError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What comes of a file that is no archive of arrays, or not a whole one; encryption and unknown compression are RuntimeErrors,
absurd shapes MemoryErrors."""


class UnreadableNpz(Exception):
    """A file is no NPZ file of plain arrays, or not a whole one; the message is the reason, one line."""


@contextlib.contextmanager
def open_npz(path: str | Path) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Opens an NPZ file; each array is read when it is asked for. None may hold objects, because those could run foreign code.

    Raises:
        UnreadableNpz: it cannot be opened, or an array in it cannot be read.
    """
    try:
        with Path(path).open("rb") as file, NpzFile(file, allow_pickle=False) as archive:
            yield archive
    except UNREADABLE as error:
        raise UnreadableNpz(getattr(error, "strerror", None) or first_line(error)) from None
