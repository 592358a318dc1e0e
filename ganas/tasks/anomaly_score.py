"""How unusual a row is: four views of it, each a penalty per column, brought to one scale and averaged.

- ``reconstruction``: squared error of the autoencoder, each column in units of its own error on training rows.
- ``rarity``: how seldom the column's value is, by a histogram (Goldstein & Dengel 2012, HBOS).
- ``distance``: how far the value lies from the column's median, in robust units, in the logarithm.
- ``neighbours``: squared distance to the nearest training rows (Ramaswamy, Rastogi & Shim 2000,
  https://doi.org/10.1145/342009.335437).

The autoencoder sees what breaks the columns' relations, and is blind to a value that is rare but easy to reproduce; rarity
and distance see just that, and neighbours see the gaps between clusters. docs/benchmarks/anomaly.md measures each alone and
together. A view's sum over the columns becomes a surprise: minus the logarithm of the share of reference rows that
are at least as unusual, with an exponential tail beyond them. Surprises of different views can be averaged, and so
can those of several networks.

It runs in worker processes and in the caller's, loads no TensorFlow, and its parameters are plain arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.seeds import stream
from ganas.training.contract import FloatArray

Doubles = NDArray[np.float64]

BINS = 10
EMPTY_BIN = 0.1
"""What is added to the share of a bin (the fullest one has 1), so that an empty one has a finite penalty."""
ROUNDING = 1e-9
"""Widths of a bin by which a value may miss its bin or the training range, because quotients are rounded."""
NEIGHBOURS = 20
MOST_NEIGHBOUR_ROWS = 3000
TAIL = 0.05
"""Share of the reference rows whose mean excess gives the exponential tail."""
NORMAL_QUARTILES = 1.349
"""Interquartile range of a standard normal distribution."""
SMALLEST = 1e-12


@dataclass(frozen=True)
class Rarity:
    """Histograms of the columns: ``low`` and ``width`` of the first bin, (columns,); ``penalties``, (columns, bins)."""

    low: Doubles
    width: Doubles
    penalties: Doubles

    @classmethod
    def fit(cls, x: FloatArray) -> Rarity:
        """Counts (rows, columns) training values in bins of equal width."""
        low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
        width = np.where(high > low, (high - low) / BINS, 1.0)
        places = np.clip(((x - low) / width).astype(np.intp), 0, BINS - 1)
        counts = np.stack([np.bincount(column, minlength=BINS) for column in places.T])
        return cls(low, width, -np.log(counts / counts.max(axis=1, keepdims=True) + EMPTY_BIN))

    def columns(self, x: FloatArray) -> Doubles:
        """Returns (rows, columns) penalties, from about 0 to 2.3; values outside the training range count as an empty bin."""
        # in place, because this is most of the time that a wide table takes
        places = x - self.low
        places /= self.width
        places += ROUNDING
        is_outside = (places < 0) | (places > BINS + 2 * ROUNDING)
        np.floor(places, out=places)
        np.clip(places, 0, BINS - 1, out=places)
        inside = places.astype(np.int32)
        inside += np.arange(0, BINS * x.shape[1], BINS, dtype=np.int32)
        penalties: Doubles = self.penalties.ravel().take(inside)
        penalties[is_outside] = -np.log(EMPTY_BIN)
        return penalties


@dataclass(frozen=True)
class Distance:
    """The columns' medians and robust spreads, both (columns,)."""

    median: Doubles
    spread: Doubles

    @classmethod
    def fit(cls, x: FloatArray) -> Distance:
        """Takes medians and interquartile ranges of (rows, columns); the standard deviation where half the values are equal."""
        low, median, high = np.percentile(x.astype(np.float64), [25, 50, 75], axis=0)
        deviation = x.std(axis=0, dtype=np.float64)
        spread = np.where(high > low, (high - low) / NORMAL_QUARTILES, deviation)
        return cls(median, np.where(spread > SMALLEST, spread, 1.0))

    def columns(self, x: FloatArray) -> Doubles:
        """Returns (rows, columns) penalties: log(1 + z²)."""
        return np.log1p(((x - self.median) / self.spread) ** 2)


@dataclass(frozen=True)
class Neighbours:
    """Training rows to be near to: (rows, columns) float64, at most ``MOST_NEIGHBOUR_ROWS`` drawn ones."""

    rows: Doubles

    @classmethod
    def fit(cls, x: FloatArray, seed: int) -> Neighbours:
        """Draws training rows."""
        if len(x) > MOST_NEIGHBOUR_ROWS:
            x = x[np.sort(stream(seed, "neighbour rows").choice(len(x), MOST_NEIGHBOUR_ROWS, replace=False))]
        return cls(np.ascontiguousarray(x, np.float64))

    def columns(self, x: FloatArray) -> Doubles:
        """Returns (rows, columns): the mean squared difference from the nearest rows; a row is not its own neighbour."""
        values = x.astype(np.float64)
        chosen = self._nearest(values)[0]
        total = np.zeros_like(values)
        for place in range(chosen.shape[1]):
            total += (values - self.rows[chosen[:, place]]) ** 2
        return np.asarray(total / chosen.shape[1])

    def sums(self, x: FloatArray) -> Doubles:
        """Returns what the columns of each row add up to, (rows,), in less time and memory."""
        return np.asarray(self._nearest(x.astype(np.float64))[1].mean(axis=1))

    def _nearest(self, x: Doubles) -> tuple[NDArray[np.intp], Doubles]:
        """Returns the places of the nearest rows and their squared distances, (rows, neighbours) each."""
        from sklearn.neighbors import NearestNeighbors

        count = min(NEIGHBOURS, len(self.rows) // 2)
        if not len(x):
            return np.zeros((0, count), np.intp), np.zeros((0, count))
        index = NearestNeighbors(n_neighbors=count + 1, algorithm="brute", metric="sqeuclidean").fit(self.rows)
        distances, nearest = index.kneighbors(x)
        is_itself = (x == self.rows[nearest[:, 0]]).all(axis=1)[:, None]
        # with itself among the neighbours, a training row would look nearer to them than a new row does
        without = [np.where(is_itself, given[:, 1:], given[:, :-1]) for given in (nearest, distances)]
        return without[0], without[1]


@dataclass(frozen=True)
class Surprise:
    """The scale of one view: its sorted values on reference rows, (rows,)."""

    reference: Doubles

    @classmethod
    def fit(cls, values: Doubles) -> Surprise:
        """Sorts the (rows,) values of reference rows."""
        return cls(np.sort(values))

    def of(self, values: Doubles) -> Doubles:
        """Returns -log of the share of reference rows with at least the value; exponential beyond the last of them."""
        count = len(self.reference)
        middle = (
            np.searchsorted(self.reference, values, "left") + np.searchsorted(self.reference, values, "right")
        ) / 2
        inside = -np.log1p(-np.minimum(middle, count - 0.5) / count)
        tail = self.reference[-max(2, int(np.ceil(TAIL * count))) :]
        beyond = np.maximum(values - tail[-1], 0) / max(float((tail - tail[0]).mean()), SMALLEST)
        return np.asarray(inside + np.log1p(beyond))


@dataclass(frozen=True)
class AnomalyScore:
    """The views fitted on training rows, without any network: what a network adds comes as its errors.

    Attributes:
        views: names in :data:`VIEWS` that are averaged.
    """

    views: tuple[str, ...]
    rarity: Rarity
    distance: Distance
    neighbours: Neighbours

    @classmethod
    def fit(cls, x: FloatArray, *, views: Sequence[str], seed: int) -> AnomalyScore:
        """Fits the views on (rows, columns) training inputs."""
        return cls(tuple(views), Rarity.fit(x), Distance.fit(x), Neighbours.fit(x, seed))

    def columns(self, x: FloatArray) -> dict[str, Doubles]:
        """Returns the (rows, columns) penalties of every view but reconstruction."""
        parts: dict[str, Any] = {"rarity": self.rarity, "distance": self.distance, "neighbours": self.neighbours}
        return {name: part.columns(x) for name, part in parts.items() if name in self.views}

    def sums(self, x: FloatArray) -> dict[str, Doubles]:
        """Returns what each view's columns add up to, (rows,) by name."""
        parts: dict[str, Any] = {"rarity": self.rarity, "distance": self.distance}
        sums = {name: part.columns(x).sum(axis=1) for name, part in parts.items() if name in self.views}
        return {**sums, "neighbours": self.neighbours.sums(x)} if "neighbours" in self.views else sums


def reconstruction_columns(x: FloatArray, outputs: FloatArray, scale: Doubles) -> Doubles:
    """Returns (rows, columns) squared errors of reconstruction in units of ``scale``, the columns' errors on training rows."""
    return np.asarray((x.astype(np.float64) - outputs) ** 2 / scale)


def error_scale(x: FloatArray, outputs: FloatArray) -> Doubles:
    """Returns the (columns,) mean squared errors on training rows, none smaller than a thousandth of the column's variance.

    The floor keeps a column that is reproduced almost without error from drowning the others.
    """
    values = x.astype(np.float64)
    errors: Doubles = ((values - outputs) ** 2).mean(axis=0)
    return np.asarray(np.maximum(errors, np.maximum(1e-3 * values.var(axis=0), SMALLEST)))


VIEWS = ("reconstruction", "rarity", "distance", "neighbours")
"""The views that an anomaly score may average."""
