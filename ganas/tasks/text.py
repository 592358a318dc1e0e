"""Text files of tables as people have them: which separator, which encoding, and is the first line a header?"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from pathlib import Path
from typing import Any, TextIO

from ganas.errors import DataError

TEXT_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".data")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet", ".npz")
"""Of every file that a table is read from; here, where no NumPy is loaded, because names of data sets are looked up by them."""

MISSING = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None", "<NA>")
"""What stands for a missing value."""
SEPARATORS = (",", "\t", ";", "|")
FEWEST_COUNTED_COLUMNS = 5
SAMPLE_BYTES = 100_000
SAMPLE_LINES = 200
LONGEST_CELL = 2**31 - 1


def is_file_name(source: str) -> bool:
    """Whether ``source`` ends like a file that can be read."""
    return source.lower().endswith(SUFFIXES)


def read_text(path: Path) -> list[str]:
    """Returns the first complete lines of a text file (gzipped or not), empty lines left out.

    Raises:
        DataError: it is empty, truncated or no text.
    """
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
            # Lines may be longer than the sample: the line more gives such a header one to be compared with.
            sample = b"".join([*file.readlines(SAMPLE_BYTES), file.readline()])
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); is it complete?") from None
    if b"\0" in sample:
        raise DataError(f"{path}: is no text; expected a table of rows and separators")
    text = sample.decode("utf-8-sig", errors="ignore")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{path}: is empty")
    return lines[:SAMPLE_LINES]


def encoding_of(path: Path) -> str:
    """Returns ``utf-8-sig`` (with or without its mark), or ``latin-1`` for a file that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
        try:
            for block in iter(lambda: file.read(SAMPLE_BYTES), b""):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path}: cannot be read ({error}); is it complete?") from None
    return "utf-8-sig"


def blank_ends(path: Path) -> tuple[int, int]:
    """Returns how many lines at the beginning and at the end of a text file are blank."""
    first, last, lines = -1, -1, 0
    with _open(path) as file:
        for line in file:
            if line.strip():
                first, last = lines if first < 0 else first, lines
            lines += 1
    return max(first, 0), lines - 1 - last


def has_blanks_at_ends(path: Path, separator: str) -> bool:
    """Whether a cell or a name in a text file has blanks at an end where pandas keeps them: behind it, or between quotes."""
    blank = rf"(?!{re.escape(separator)})\s"
    pattern = re.compile(rf'{blank}"?({re.escape(separator)}|$)|"{blank}')
    with _open(path) as file:
        return any(pattern.search(line.rstrip("\n")) for line in file)


def _open(path: Path) -> TextIO:
    """Opens a text file, gzipped or not, in its encoding."""
    encoding = encoding_of(path)
    return gzip.open(path, "rt", encoding=encoding) if path.suffix.lower() == ".gz" else path.open(encoding=encoding)


def separator_of(lines: list[str]) -> str:
    """Returns the separator that cuts the most lines into the same number of columns, more than one; a comma if none does."""
    best, best_score = SEPARATORS[0], 0.0
    for separator in SEPARATORS:
        widths = [len(row) for row in cells_of(lines, separator)]
        usual = max(set(widths), key=widths.count)
        score = widths.count(usual) / len(widths) + min(usual, 1000) * 1e-6
        if usual > 1 and score > best_score:
            best, best_score = separator, score
    return best


def cells_of(lines: list[str], separator: str) -> list[list[str]]:
    """Cuts lines into cells of any length; the csv module's own limit is the whole process's, so it is put back."""
    limit = csv.field_size_limit(LONGEST_CELL)
    try:
        return list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
    finally:
        csv.field_size_limit(limit)


def looks_like_header(lines: list[str], separator: str) -> bool:
    """Whether the first line names columns.

    It does if it has a word above a column of numbers, or counts 0, 1, 2, ... as nameless columns are written. Where
    all columns are of words, it does if its words all differ and none comes again in its column. A first column without a
    name, such as the row numbers that R and pandas write, tells nothing.
    """
    rows = [[cell.strip() for cell in row] for row in cells_of(lines, separator)]
    first, rest = rows[0], rows[1:]
    if not rest or "" in first[1:]:
        return not rest and not any(is_number(cell) for cell in first)
    begin = int(first[0] == "" and len(first) > 1)
    columns = [
        [row[place] for row in rest if place < len(row) and row[place] not in MISSING]
        for place in range(begin, len(first))
    ]
    first = first[begin:]
    of_numbers = [bool(column) and all(is_number(cell) for cell in column) for column in columns]
    if len(first) >= FEWEST_COUNTED_COLUMNS and first == [str(place) for place in range(len(first))]:
        return True
    if any(of_numbers):
        return any(
            numeric and not is_number(cell) and cell not in MISSING
            for cell, numeric in zip(first, of_numbers, strict=True)
        )
    comes_again = any(cell in column for cell, column in zip(first, columns, strict=True))
    is_no_name = any(cell in MISSING or is_number(cell) for cell in first)
    return len(set(first)) == len(first) and not comes_again and not is_no_name


def is_number(cell: Any) -> bool:
    """Whether a cell can be read as a number; Python would take an underscore between digits for none."""
    try:
        float(cell)
    except (TypeError, ValueError, OverflowError):
        return False
    return "_" not in str(cell)
