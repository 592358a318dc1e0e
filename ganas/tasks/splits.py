"""Which rows train, validate and test: drawn by seed, stratified, and the test rows never among the others.

Rows are shuffled, sorted by stratum (class, or decile of a number to predict) and then taken at equal distances. So
every part has each stratum in its share, give or take one row, whatever the sizes; a class's only row always trains.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError
from ganas.seeds import stream
from ganas.tasks.settings import VALIDATION_ON_TEST, DataSettings

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Splits:
    """Row numbers: ``folds`` of (training rows, validation rows), and ``test`` rows; all sorted."""

    folds: tuple[tuple[Rows, Rows], ...]
    test: Rows
    is_test_official: bool = False
    validates_on_test: bool = False

    def digest(self) -> str:
        """Returns a hash of every part."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (*(rows for fold in self.folds for rows in fold), self.test):
            digest.update(np.asarray([len(part), *part], np.int64).data)
        return digest.hexdigest()

    def in_words(self) -> str:
        """Describes the split in one line."""
        official = " (the official ones)" if self.is_test_official else ""
        test = f"{len(self.test):,} test{official or ' (drawn)'}" if len(self.test) else "no rows for a test"
        train, validation = self.folds[0]
        if len(self.folds) > 1:
            return f"rows: {len(train) + len(validation):,} in {len(self.folds)} folds, {test}"
        if self.validates_on_test:
            return f"rows: {len(train):,} train; the {len(self.test):,} test rows{official} validate"
        return f"rows: {len(train):,} train, {len(validation):,} validate, {test}"


def make_splits(strata: NDArray[Any], official_test_rows: int, settings: DataSettings) -> Splits:
    """Draws the splits of (rows,) ``strata``, of which the last ``official_test_rows`` are the test rows.

    Raises:
        DataError: there are too few rows.
    """
    rows = np.arange(len(strata))
    if official_test_rows:
        others, test = rows[:-official_test_rows], rows[-official_test_rows:]
    elif settings.test_fraction:
        test = hold_out(
            strata, _count(settings.test_fraction, len(rows), "test_fraction"), stream(settings.seed, "test rows")
        )
        others = np.setdiff1d(rows, test)
    else:
        others, test = rows, rows[:0]
    validates_on_test = settings.folds == 1 and settings.validation == VALIDATION_ON_TEST
    folds = [(_drawn(strata, train, settings), held_out) for train, held_out in _folds(strata, others, test, settings)]
    return Splits(tuple(folds), test, bool(official_test_rows), validates_on_test)


def hold_out(strata: NDArray[Any], count: int, rng: np.random.Generator) -> Rows:
    """Draws ``count`` of the rows so that every stratum gives its share; sorted. The only row of a stratum is never drawn."""
    order = _by_stratum(strata, rng)
    _, codes, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    several = order[sizes[codes[order]] > 1]
    if count > len(several):
        raise DataError(f"rows: cannot hold out {count} of {len(strata)}; give more rows or a smaller share")
    places = ((np.arange(count) + 0.5) * len(several) / count).astype(np.intp) if count else np.arange(0)
    return np.sort(several[places])


def _folds(strata: NDArray[Any], others: Rows, test: Rows, settings: DataSettings) -> list[tuple[Rows, Rows]]:
    if settings.folds > 1:
        if settings.folds > len(others):
            raise DataError(
                f"[data] folds: {settings.folds} folds of {len(others)} rows; give more rows or fewer folds"
            )
        order = others[_by_stratum(strata[others], stream(settings.seed, "folds"))]
        parts = [np.sort(order[index :: settings.folds]) for index in range(settings.folds)]
        return [(np.setdiff1d(others, part), part) for part in parts]
    if settings.validation == VALIDATION_ON_TEST:
        if not len(test):
            raise DataError('[data] validation: "test" needs test rows, and there are none')
        return [(others, test)]
    share = float(settings.validation)
    count = _count(share, len(others), "validation") if share else 0
    validation = others[hold_out(strata[others], count, stream(settings.seed, "validation rows"))]
    return [(np.setdiff1d(others, validation), validation)]


def _drawn(strata: NDArray[Any], train: Rows, settings: DataSettings) -> Rows:
    """Returns as many of the training rows as the settings ask for, every stratum in its share."""
    if settings.train_rows is None or settings.train_rows == len(train):
        return train
    if settings.train_rows > len(train):
        raise DataError(f"[data] train_rows: there are only {len(train)} rows to train on, got {settings.train_rows}")
    return train[hold_out(strata[train], settings.train_rows, stream(settings.seed, "training rows"))]


def _count(share: float, rows: int, name: str) -> int:
    """Returns how many rows a share, or a number, stands for."""
    count = int(share) if share >= 1 else max(1, round(share * rows))
    if count >= rows:
        raise DataError(
            f"[data] {name}: {count} rows of {rows} would leave none to train on; give more rows or a smaller share"
        )
    return count


def _by_stratum(strata: NDArray[Any], rng: np.random.Generator) -> Rows:
    order = rng.permutation(len(strata))
    return order[np.argsort(strata[order], kind="stable")]
