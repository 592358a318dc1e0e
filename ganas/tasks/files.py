"""From a file to a table: CSV and TSV (gzipped too), Parquet, NPZ."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError, MissingExtraError, did_you_mean, first_line
from ganas.npz import UnreadableNpz, open_npz
from ganas.tasks.frames import plain_names, table_of_arrays, table_of_frame, target_values
from ganas.tasks.settings import DataSettings
from ganas.tasks.table import Source, Table
from ganas.tasks.text import (
    MISSING,
    SUFFIXES,
    blank_ends,
    cells_of,
    encoding_of,
    is_file_name,
    looks_like_header,
    read_text,
    separator_of,
)

if TYPE_CHECKING:
    import pandas as pd

TARGET_NAMES = ("target", "class", "label")
"""A column called so is the target if none is given."""
FILE_SETTINGS = ("target", "test", "header")
"""What settings say of how a table is read; arrays and data sets by name have all that of their own."""
NPZ_LAYOUTS: tuple[tuple[str, ...], ...] = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("X_train", "y_train", "X_test", "y_test"),
    ("X", "y"),
    ("x", "y"),
)


def default_names(width: int) -> list[str]:
    """Returns ``column_0``, ``column_1``, ...: the names of columns in a file without header."""
    return [f"column_{index}" for index in range(width)]


def read_table(path: Path, settings: DataSettings) -> Table:
    """Reads a file, and the file of test rows if the settings name one.

    Raises:
        DataError: a file cannot be read, is empty, is text of a single column, or lacks the target or a column.
        MissingExtraError: Parquet needs a package that is not installed.
    """
    name = path.name.split(".")[0]
    if path.suffix.lower() == ".npz":
        refuse_file_settings(settings, path.name)
        return read_images(path, name)
    frame, has_header = read_frame(path, header=settings.header)
    if len(frame.columns) == 1 and path.suffix.lower() != ".parquet":
        raise DataError(
            f"{path}: found one column ({frame.columns[0][:40]!r}); expected several, separated by comma, tab, semicolon or |"
        )
    target = resolve_target(settings.target, list(frame.columns), path.name)
    test_rows = 0
    if settings.test is not None:
        import pandas as pd

        test, _ = read_frame(Path(settings.test), header=has_header, texts=_text_columns(frame))
        missing = [column for column in frame.columns if column not in test.columns]
        if missing:
            raise DataError(
                f"{settings.test}: columns {', '.join(missing)} are missing; it must have those of {path.name}"
            )
        frame, test_rows = pd.concat([frame, test[frame.columns]], ignore_index=True), len(test)
    source = Source(has_header, tuple(frame.columns), target or "")
    if target is None:
        return table_of_frame(frame, None, name, test_rows=test_rows, source=source)
    features, labels = frame.drop(columns=target), target_values(frame[target])
    return table_of_frame(features, labels, name, test_rows=test_rows, source=source)


def refuse_file_settings(settings: DataSettings, name: str) -> None:
    """Refuses what is said of reading a table where ``name``, an NPZ file or a data set, has it of its own.

    The last column may be said to be the target, because a data set does end with its target.

    Raises:
        DataError: a target, a file of test rows or a header is said.
    """
    words = {
        "target": "comes with its target",
        "test": "can have test rows only as x_test and y_test of an NPZ file",
        "header": "has no header line",
    }
    for setting in FILE_SETTINGS:
        value = getattr(settings, setting)
        if value is not None and not (setting == "target" and str(value) == "-1"):
            raise DataError(
                f"[data] {setting}: is for CSV, TSV and Parquet files, and {name} {words[setting]}; got {value!r}, leave it out"
            )


def read_frame(
    path: Path,
    *,
    header: bool | None = None,
    texts: tuple[str, ...] = (),
    name_columns: Callable[[int], list[str]] = default_names,
) -> tuple[pd.DataFrame, bool]:
    """Reads a text or Parquet file into a frame with plain column names; the columns named in ``texts`` are kept as written.

    Args:
        path: the file.
        header: whether its first line names the columns; None: look.
        texts: columns never to read as numbers.
        name_columns: gives so many columns their names where there is no header.

    Returns:
        The frame, and whether there was a header.

    Raises:
        DataError: the file cannot be read, is empty, or has rows with more fields than columns.
        MissingExtraError: Parquet needs a package that is not installed.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if not is_file_name(path.name):
        raise DataError(f"{path}: unknown kind of file; expected one of {', '.join(SUFFIXES)}")
    if path.suffix.lower() == ".parquet":
        frame, has_header = _read_parquet(path), True
    else:
        text = read_text(path)
        separator = separator_of(text)
        has_header = looks_like_header(text, separator) if header is None else header
        cells = cells_of(text, separator)
        names = None if has_header else name_columns(len(cells[0]))
        surplus = [cell for row in cells for cell in row[len(cells[0]) :]]
        is_tail_empty = bool(surplus) and not any(cell.strip() for cell in surplus)
        frame = _parse(path, separator, names, texts, is_tail_empty=is_tail_empty, is_single=len(cells[0]) == 1)
    if frame.empty:
        raise DataError(f"{path}: holds no rows")
    frame = frame.set_axis(plain_names(frame.columns), axis=1)
    return (frame if path.suffix.lower() == ".parquet" else _without_blanks(frame, texts)), has_header


def read_images(path: Path, name: str) -> Table:
    """Reads an NPZ file of arrays ``X, y`` or ``x_train, y_train, x_test, y_test`` (the test rows are the official ones).

    Raises:
        DataError: it cannot be read, or lacks the arrays.
    """
    arrays = read_arrays(path)
    layout = next((names for names in NPZ_LAYOUTS if names[0] in arrays), None)
    if layout is None:
        expected = " or ".join(", ".join(names) for names in NPZ_LAYOUTS[::2])
        raise DataError(f"{path}: has arrays {', '.join(arrays) or 'none'}; expected {expected}")
    features, target, *tests = (arrays.get(key) for key in layout)
    assert features is not None
    given = [array for array in tests if array is not None]
    if not given:
        return table_of_arrays(features, target, name)
    if target is None or len(given) == 1 or features.shape[1:] != given[0].shape[1:]:
        raise DataError(f"{path}: expected all of {', '.join(layout)}, rows of {layout[0]} and {layout[2]} alike")
    both = np.concatenate([features, given[0]]), np.concatenate([target, given[1]])
    return table_of_arrays(*both, name, test_rows=len(given[0]))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Reads the arrays of an NPZ file; none may hold objects, because those could run foreign code.

    Raises:
        DataError: it cannot be read.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        with open_npz(path) as archive:
            return dict(archive)
    except UnreadableNpz as reason:
        raise DataError(f"{path}: cannot be read as NPZ of plain arrays ({reason}); is it complete?") from None


def resolve_target(target: str | int | None, columns: list[str], place: str) -> str | None:
    """Returns the target column's name: by name, by position (a number, or a text of one), or by being called so.

    Raises:
        DataError: there is no such column.
    """
    if target is None:
        called = [column for column in columns if column.strip().lower() in TARGET_NAMES]
        return called[0] if len(called) == 1 else None
    for name in (str(target), str(target).strip()):
        if name in columns:
            return name
    try:
        position = int(target)
    except ValueError:
        hint = did_you_mean(str(target), columns)
        shown = ", ".join(columns[:12]) + (", ..." if len(columns) > 12 else "")
        raise DataError(f"[data] target: {place} has no column {target!r}{hint} (it has {shown})") from None
    if not -len(columns) <= position < len(columns):
        raise DataError(f"[data] target: {place} has {len(columns)} columns, so there is no position {position}")
    return columns[position]


def _parse(
    path: Path,
    separator: str,
    names: list[str] | None,
    texts: tuple[str, ...],
    *,
    is_tail_empty: bool,
    is_single: bool,
) -> pd.DataFrame:
    """Parses a text file; its names come as they are written.

    Args:
        path: the file.
        separator: of its columns.
        names: of its columns where it has no header.
        texts: columns never to read as numbers, by their plain names.
        is_tail_empty: its rows end in empty fields.
        is_single: it has one column, so that an empty line is a missing value, unless it is at the beginning or the end.
    """
    import pandas as pd

    above, below = blank_ends(path) if is_single else (0, 0)
    options: dict[str, Any] = {
        "sep": separator,
        "header": "infer" if names is None else None,
        "names": names,
        "index_col": False,
        "na_values": list(MISSING),
        "keep_default_na": False,
        "skipinitialspace": True,
        "low_memory": False,
        "encoding": encoding_of(path),
        "skip_blank_lines": not is_single,
        "skiprows": above,
    }
    try:
        with warnings.catch_warnings():
            # pandas only warns where it gives fields the names of their neighbours; empty fields at the end are no such case.
            warnings.simplefilter("ignore" if is_tail_empty else "error", pd.errors.ParserWarning)
            written = _or_unreadable(path, lambda: pd.read_csv(path, nrows=0, **options)).columns
            kept = [name for name, plain in zip(written, plain_names(written), strict=True) if plain in texts]
            frame = _or_unreadable(path, lambda: pd.read_csv(path, dtype=dict.fromkeys(kept, str), **options))
            return frame.iloc[: len(frame) - below]
    except pd.errors.ParserWarning:
        raise DataError(
            f"{path}: rows have more fields than there are column names; expected a name for each: name a column of row names too"
        ) from None


def _without_blanks(frame: pd.DataFrame, texts: tuple[str, ...]) -> pd.DataFrame:
    """Takes away the blanks at the ends of cells, where pandas leaves them, and reads anew what is missing or a number then."""
    import pandas as pd

    for name in frame.columns:
        column = frame[name]
        if pd.api.types.infer_dtype(column, skipna=True) != "string":
            continue
        words = column.str.strip()
        if words.equals(column):
            continue
        words = words.mask(words.isin(MISSING))
        numbers = pd.to_numeric(words, errors="coerce")
        is_number = name not in texts and bool((numbers.notna() == words.notna()).all())
        frame[name] = numbers if is_number else words
    return frame


def _text_columns(frame: pd.DataFrame) -> tuple[str, ...]:
    """Returns the columns of words, which test rows are to hold as written even if all of theirs look like numbers."""
    import pandas as pd

    kinds = {name: pd.api.types.infer_dtype(frame[name], skipna=True) for name in frame.columns}
    return tuple(name for name, kind in kinds.items() if kind in ("string", "categorical"))


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        import pyarrow  # noqa: F401 - only whether it is there
    except ImportError:
        raise MissingExtraError(
            f'{path.name}: reading Parquet needs pyarrow; install it with pip install "ganas[parquet]"'
        ) from None
    return _or_unreadable(path, lambda: pd.read_parquet(path))


def _or_unreadable(path: Path, read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Reads, and says in one line what is wrong; a parser's errors are ValueErrors, pyarrow's and gzip's OSErrors or EOFErrors."""
    try:
        return read()
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({first_line(error)}); is it complete?") from None
