"""The features of a table as networks need them: a block of numbers and a block of texts, both with their holes.

Numbers are rounded to float32 first of all, because that is what Keras hands to a model: what is trained on and what an
exported model computes from raw rows is then the same to the last digits.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

NUMBERS_SHARE = 0.95
"""A column is of numbers if at least this share of its values are; the others count as missing."""
IDENTIFIER_SHARE = 0.9
"""Texts that differ in more than this share of the rows are an identifier."""
FEWEST_ROWS_OF_IDENTIFIERS = 20
NUMBERS_IN_DISGUISE = {
    r"[-+]?\d+,\d+": "if these are numbers, write 3.14, not 3,14",
    r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?": "if these are dates, give numbers instead, such as days since one of them",
}


@dataclass(frozen=True)
class Columns:
    """The features of some rows.

    Attributes:
        numbers: (rows, n) float32 with NaN where missing, or uint8.
        texts: (rows, m) Python strings, "" where missing.
        number_names, text_names: their columns' names.
        is_matrix: whether the numbers came as one array without names; a model then takes them as one input.
    """

    numbers: NDArray[Any]
    texts: NDArray[np.object_]
    number_names: tuple[str, ...]
    text_names: tuple[str, ...]
    is_matrix: bool = False

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: NDArray[np.intp]) -> Columns:
        """Returns the given rows, in their order."""
        return Columns(self.numbers[rows], self.texts[rows], self.number_names, self.text_names, self.is_matrix)

    def digest(self) -> str:
        """Returns a hash of every value and name."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update("\x1f".join((*self.number_names, "\x1e", *self.text_names)).encode())
        digest.update(str((self.numbers.shape, self.numbers.dtype.str)).encode())
        digest.update(np.ascontiguousarray(self.numbers).data)
        digest.update("\x1f".join(self.texts.ravel()).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Dropped:
    """A column that is not used, and why."""

    name: str
    reason: str


def columns_of_matrix(matrix: NDArray[Any]) -> Columns:
    """Makes columns of a (rows, n) array of numbers; every column is kept.

    Raises:
        DataError: it holds no rows or no columns.
    """
    if 0 in matrix.shape:
        raise DataError(f"features: expected rows and columns, got an array of shape {matrix.shape}")
    numbers = matrix if matrix.dtype == np.uint8 else _finite(matrix)
    names = tuple(f"column_{index}" for index in range(matrix.shape[1]))
    return Columns(numbers, _no_texts(len(matrix)), names, (), is_matrix=True)


def columns_of_frame(frame: pd.DataFrame, known_rows: int) -> tuple[Columns, list[Dropped], list[str]]:
    """Sorts a frame's columns into numbers and texts and leaves out what cannot help.

    Args:
        frame: the features.
        known_rows: so many first rows decide what is what (the others are test rows).

    Returns:
        The columns, those left out, and a line about each column that was read in a particular way.

    Raises:
        DataError: no column is left.
    """
    numbers: dict[str, NDArray[np.float32]] = {}
    texts: dict[str, NDArray[np.object_]] = {}
    dropped: list[Dropped] = []
    notes: list[str] = []
    for name in frame.columns:
        series = frame[name]
        reason = _unreadable(series)
        if reason is None:
            values = as_numbers(series) if is_of_numbers(series.iloc[:known_rows]) else None
            if values is not None:
                reason = _useless_numbers(str(name), series.iloc[:known_rows], values[:known_rows])
                numbers[str(name)] = values
                strays = int(np.isnan(values).sum() - series.isna().sum())
                notes += [f"column {name!r}: {strays} values that are no (finite) numbers count as missing"] * (
                    strays > 0
                )
            else:
                words = as_texts(series)
                reason = _useless_texts(words[:known_rows])
                texts[str(name)] = words
        if reason is not None:
            dropped.append(Dropped(str(name), reason))
            numbers.pop(str(name), None)
            texts.pop(str(name), None)
    if not numbers and not texts:
        reasons = "; ".join(f"{column.name}: {column.reason}" for column in dropped[:3])
        raise DataError(
            f"features: no column is left ({reasons or 'there is only the target'}); give at least one that varies"
        )
    return _stack(numbers, texts, len(frame)), dropped, notes


def columns_by_name(frame: pd.DataFrame, number_names: tuple[str, ...], text_names: tuple[str, ...]) -> Columns:
    """Reads the named columns of a frame, whatever else it holds."""
    numbers = {name: as_numbers(frame[name]) for name in number_names}
    texts = {name: as_texts(frame[name]) for name in text_names}
    return _stack(numbers, texts, len(frame))


def is_of_numbers(series: pd.Series) -> bool:
    """Whether (nearly) all values present are numbers or truth values."""
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        return False
    if pd.api.types.is_numeric_dtype(series.dtype):
        return True
    present = series.dropna()
    return len(present) == 0 or bool(_parse(present).notna().mean() >= NUMBERS_SHARE)


def as_numbers(series: pd.Series) -> NDArray[np.float32]:
    """Returns (rows,) numbers; NaN where missing, infinite or no number. True is 1."""
    return _finite(_doubles(series))


def as_texts(series: pd.Series) -> NDArray[np.object_]:
    """Returns (rows,) stripped strings; "" where missing."""
    return np.array(
        ["" if missing else str(value).strip() for value, missing in zip(series, series.isna(), strict=True)], object
    )


def _doubles(series: pd.Series) -> NDArray[np.float64]:
    import pandas as pd

    numbers = series if pd.api.types.is_numeric_dtype(series.dtype) else _parse(series)
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def _parse(series: pd.Series) -> pd.Series:
    import pandas as pd

    words = series.astype(str).str.strip()
    return pd.to_numeric(words.replace({"True": "1", "False": "0", "true": "1", "false": "0"}), errors="coerce")


def _finite(values: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)
    return np.where(np.isfinite(numbers), numbers, np.float32(np.nan))


def _unreadable(series: pd.Series) -> str | None:
    import pandas as pd

    if series.isna().all():
        return "has no values"
    if pd.api.types.is_datetime64_any_dtype(series.dtype) or pd.api.types.is_timedelta64_dtype(series.dtype):
        return "holds dates, which are neither numbers nor categories"
    return None


def _useless_numbers(name: str, series: pd.Series, rounded: NDArray[np.float32]) -> str | None:
    """Says why numbers cannot help; it looks at them as they were given, because float32 rounds large identifiers."""
    exact = _exact(series)
    present = exact[~np.isnan(rounded)]
    if len(present) == 0:
        return "has no values"
    if len(present) < len(exact):
        return None
    low, high = present.min().item(), present.max().item()
    if low == high:
        return f"is {low:g} in every row"
    is_whole = bool((present == np.round(present)).all())
    if is_whole and len(present) >= FEWEST_ROWS_OF_IDENTIFIERS and len(np.unique(present)) == len(present):
        is_called_so = name.lower().replace("_", " ").split()[-1:] in (["id"], ["index"], ["key"])
        if high - low == len(present) - 1 or is_called_so:
            return "numbers the rows: an identifier"
    if rounded.min() == rounded.max():
        return f"goes from {low:.17g} to {high:.17g}, which is one number in float32"
    return None


def _exact(series: pd.Series) -> NDArray[Any]:
    """Returns (rows,) whole numbers as integers of 64 bits where the series is one of them, else doubles."""
    kind = series.dtype.kind
    return series.to_numpy(dtype=f"{kind}8") if kind in "iu" and not series.isna().any() else _doubles(series)


def _useless_texts(words: NDArray[np.object_]) -> str | None:
    present = words[words != ""]
    distinct = len(set(present))
    if distinct == 0:
        return "has no values"
    if distinct == 1 and len(present) == len(words):
        return f"is {present[0]!r} in every row"
    if len(words) >= FEWEST_ROWS_OF_IDENTIFIERS and distinct > IDENTIFIER_SHARE * len(words):
        return f"has {distinct} different texts in {len(words)} rows: an identifier{_as_numbers_hint(present)}"
    return None


def _as_numbers_hint(words: NDArray[np.object_]) -> str:
    """Says how texts that all look like numbers or dates could be given as numbers."""
    for pattern, hint in NUMBERS_IN_DISGUISE.items():
        if all(re.fullmatch(pattern, str(word).strip()) for word in words):
            return f"; {hint}"
    return ""


def _stack(numbers: dict[str, NDArray[np.float32]], texts: dict[str, NDArray[np.object_]], rows: int) -> Columns:
    block = np.stack(list(numbers.values()), axis=1) if numbers else np.empty((rows, 0), np.float32)
    words = np.stack(list(texts.values()), axis=1) if texts else _no_texts(rows)
    return Columns(block, words, tuple(numbers), tuple(texts))


def _no_texts(rows: int) -> NDArray[np.object_]:
    return np.empty((rows, 0), object)
