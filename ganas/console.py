"""Lines and tables on a terminal; the same, plain and unwrapped, where the output is none."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO, cast

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from ganas.log import LOGGER
from ganas.report.words import number_in_words

WIDTH_WITHOUT_TERMINAL = 120


def make_console(*, stderr: bool = False) -> Console:
    """Makes a console that takes text as it is: no markup, no colouring of numbers, no wrapping of piped lines."""
    return _console_on(sys.stderr if stderr else sys.stdout)


def make_lasting_console() -> Console:
    """Makes a console for work that must not end because nobody reads on: see :class:`LastingStream`."""
    return _console_on(cast(TextIO, LastingStream(sys.stdout)))


def _console_on(stream: TextIO) -> Console:
    is_free = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(file=stream, highlight=False, markup=False, width=WIDTH_WITHOUT_TERMINAL if is_free else None)


class LastingStream:
    """A text stream that falls silent, with a word in the log, when it cannot be written any more.

    Such as when the reader of a pipe has seen enough, the terminal was closed, or the disk under a redirection is full.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_gone = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes text, or nothing."""
        if not self._is_gone:
            try:
                self._stream.write(text)
            except OSError as error:
                self._fall_silent(error)
        return len(text)

    def flush(self) -> None:
        """Hands on what was written, or nothing."""
        if not self._is_gone:
            try:
                self._stream.flush()
            except OSError as error:
                self._fall_silent(error)

    def _fall_silent(self, error: OSError) -> None:
        self._is_gone = True
        silence(self._stream)
        LOGGER.warning("the output cannot be written any more (%s); going on without it", error.strerror)


def silence(stream: TextIO) -> None:
    """Lets what is still to be written to a stream go nowhere, so that Python does not complain of it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
    with contextlib.suppress(OSError, ValueError):
        stream.flush()


def print_lines(console: Console, lines: Iterable[str], *, indent: int = 2) -> None:
    """Prints lines with an indent, wrapped on a terminal and whole elsewhere."""
    for line in lines:
        if console.is_terminal:
            console.print(Padding(line, (0, 0, 0, indent)))
        else:
            console.print(" " * indent + line, soft_wrap=True)


def print_heading(console: Console, text: str) -> None:
    """Prints an empty line and a heading."""
    console.print()
    console.print(text, style="bold", soft_wrap=True)


def print_table(console: Console, columns: Sequence[tuple[str, str]], rows: Iterable[Mapping[str, Any]]) -> None:
    """Prints rows under ``(key, heading)`` columns; numbers are right-aligned, text wraps."""
    rows = list(rows)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for key, heading in columns:
        is_number = any(isinstance(row.get(key), int | float) for row in rows)
        table.add_column(heading, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for row in rows:
        table.add_row(*[_cell(row.get(key)) for key, _ in columns])
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else number_in_words(value)
