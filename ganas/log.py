"""``log.txt`` of a run folder: what was said and what went wrong, with tracebacks, as long as a run is worked on."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

LOGGER = logging.getLogger("ganas")


@contextlib.contextmanager
def logging_to(folder: Path) -> Iterator[None]:
    """Appends what the logger ``ganas`` is told to ``log.txt`` in ``folder``, with the traceback of what ends the work."""
    handler = logging.FileHandler(folder / "log.txt", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    except Exception:
        LOGGER.exception("ended by an error")
        raise
    finally:
        LOGGER.setLevel(level)
        LOGGER.removeHandler(handler)
        handler.close()
