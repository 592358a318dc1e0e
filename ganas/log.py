"""``log.txt`` of a run folder: what was said and what went wrong, with tracebacks, as long as a run is worked on."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from ganas.errors import RunError

LOGGER = logging.getLogger("ganas")


class LogFile(logging.FileHandler):
    """A log that is incomplete where it cannot be written: nothing is said of that, or it would hide what went wrong first."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Says nothing."""

    def close(self) -> None:
        """Closes the file."""
        with contextlib.suppress(OSError):
            super().close()


@contextlib.contextmanager
def logging_to(folder: Path) -> Iterator[None]:
    """Appends what the logger ``ganas`` is told to ``log.txt`` in ``folder``, with the traceback of what ends the work.

    Raises:
        RunError: the file cannot be opened.
    """
    try:
        handler = LogFile(folder / "log.txt", encoding="utf-8")
    except OSError as error:
        raise RunError(f"{folder / 'log.txt'}: cannot be written ({error.strerror})") from None
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
