"""Lines and tables on a terminal; the same, plain and unwrapped, where the output is none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from ganas.report.words import number_in_words

WIDTH_WITHOUT_TERMINAL = 120


def make_console(*, stderr: bool = False) -> Console:
    """Makes a console that takes text as it is: no markup, no colouring of numbers, no wrapping of piped lines."""
    stream = sys.stderr if stderr else sys.stdout
    is_free = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(file=stream, highlight=False, markup=False, width=WIDTH_WITHOUT_TERMINAL if is_free else None)


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
