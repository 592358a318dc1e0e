"""A kernel over genomes: how much the results of two genomes have to do with each other, whatever their depths.

A genome becomes a row of numbers whose Euclidean distances mean something: an ordered gene (or a choice of numbers) is
its place in [0, 1], an unordered one a corner of a simplex (so that two values differ by 1, whichever they are:
Hamming). Of a group of layers, the depth, what its genes sum up to and, with less weight, how they change with relative
depth are compared. Each of these has a length of its own, and the whole is a Matérn kernel of smoothness 5/2. Where a space has
no layers, the places of its genes are warped first; beside layers that predicts errors no better, and finds no better networks.

Sums were measured to predict the errors of networks of 1-6 layers better than means over the layers, and these better
than layers compared one by one, by input or by relative depth (docs/benchmarks/kernel.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.search.genes import Gene
from ganas.search.space import Genome, LayerGroup, SearchSpace

Floats = NDArray[np.float64]

SLOTS = 4
"""At how many relative depths a group of layers is looked at, at most."""
MIDDLE = 0.5
"""Where an ordered gene that is not expressed is put, before it is warped: as far from one end as from the other."""


class GenomeEncoding:
    """Turns genomes of a space into rows of numbers.

    Attributes:
        names: what each length is of.
        length_of: (columns,) int: which length each column is measured in; a gene is one length, however many columns.
        warped: (warped,) int: the columns that are places of genes with more than two values; of a space with layers none.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._flat = {name: _GeneColumns(gene) for name, gene in space.flat.items() if gene.size > 1}
        self._groups = {name: _GroupColumns(group) for name, group in space.groups.items()}
        names: list[str] = []
        length_of: list[NDArray[np.intp]] = []
        for name, gene in self._flat.items():
            length_of.append(np.full(gene.width, len(names)))
            names.append(name)
        for name, group in self._groups.items():
            length_of.append(group.length_of + len(names))
            names += [f"{name} {part}" for part in group.names]
        self.names = tuple(names)
        self.length_of = np.concatenate(length_of)
        flat = [gene.is_warped and not self._groups for gene in self._flat.values() for _ in range(gene.width)]
        self.warped = np.flatnonzero(flat)
        # A search encodes what it was told at every ask.
        self._remembered = lru_cache(maxsize=4096)(self._row)

    def encode(self, genomes: Iterable[Genome]) -> Floats:
        """Returns one row per genome, (genomes, columns) float64."""
        rows = [self._remembered(genome) for genome in genomes]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.length_of))

    def _row(self, genome: Genome) -> Floats:
        row: list[float] = []
        for name, gene in self._flat.items():
            row += gene.columns(genome[name]) if name in genome else gene.absent
        for name, group in self._groups.items():
            row += group.columns(genome[name])
        return np.array(row)


@lru_cache(maxsize=8)
def encoding_of(space: SearchSpace) -> GenomeEncoding:
    """Returns the encoding of ``space``, the same one each time."""
    return GenomeEncoding(space)


class _GeneColumns:
    """The columns of one gene: its place if its values lie on a line, else a corner of a simplex.

    Numbers lie on a line even where nobody said so, as in ``Choice([16, 32, 64])``: then the place is the rank.
    """

    def __init__(self, gene: Gene) -> None:
        self._gene = gene
        self._ranked = _ranked_numbers(gene)
        self._is_line = gene.is_ordered or bool(self._ranked)
        self.is_warped = self._is_line and gene.size > 2
        self.width = 1 if self._is_line else int(gene.size)
        self.absent = [MIDDLE] if self._is_line else [0.0] * self.width
        self.columns = lru_cache(maxsize=1024)(self._columns)

    def _columns(self, value: Any) -> list[float]:
        if self._ranked:
            return [self._ranked.index(value) / (len(self._ranked) - 1)]
        unit = min(max(self._gene.to_unit(value), 0.0), 1.0)  # rounding may lead beyond the ends
        if self._is_line:
            return [unit]
        corner = [0.0] * self.width
        corner[round(unit * (self.width - 1))] = math.sqrt(0.5)
        return corner


def _ranked_numbers(gene: Gene) -> list[Any]:
    """Returns the values of an unordered choice of more than two numbers in order; nothing for any other gene."""
    if gene.is_ordered or gene.size <= 2:  # the values of an ordered gene may be a billion
        return []
    is_numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in gene.values)
    return sorted(gene.values) if is_numeric else []


class _GroupColumns:
    """The columns of a group of layers: its depth, each gene's total, and how each gene differs from its mean by slot."""

    def __init__(self, group: LayerGroup) -> None:
        self._count = group.count
        self._genes = {key: _GeneColumns(gene) for key, gene in group.genes.items() if gene.size > 1}
        self._slots = min(SLOTS, group.count.high)
        widths = [gene.width for gene in self._genes.values()]
        self.names = ["depth", *(f"{key} total" for key in self._genes), *(f"{key} profile" for key in self._genes)]
        totals = np.repeat(np.arange(len(widths)), widths)
        profile = np.tile(totals + len(widths), self._slots)
        self.length_of = np.concatenate([[0], 1 + totals, 1 + profile]).astype(np.intp)
        self._none = [0.0] * sum(widths)
        # A mutant differs from another in one layer: what the others are is remembered.
        self._places = lru_cache(maxsize=4096)(self._places_of)

    def columns(self, rows: Sequence[Any]) -> list[float]:
        # The arrays are so small that Python's own numbers are faster.
        layers = [self._places(tuple([row[key] for key in self._genes])) for row in rows] or [self._none]
        depth, most, scale = len(layers), max(1, self._count.high), 2 * self._slots
        totals = [reduce(add, column) for column in zip(*layers, strict=True)]  # sum() rounds as Python's version does
        means = [total / depth for total in totals]
        columns = [self._count.to_unit(len(rows)), *[total / most for total in totals]]
        for slot in range(self._slots):
            layer = layers[int((slot + 0.5) / self._slots * depth)]
            columns += [(place - mean) / scale for place, mean in zip(layer, means, strict=True)]
        return columns

    def _places_of(self, values: tuple[Any, ...]) -> list[float]:
        """Returns the places of the genes of one layer, one after the other."""
        return [
            place for gene, value in zip(self._genes.values(), values, strict=True) for place in gene.columns(value)
        ]


@dataclass(frozen=True)
class Warp:
    """Stretches [0, 1] where results change fast and shrinks it where they do not, column by column; both ends stay.

    A place x goes to ``1 - (1 - x**a)**b``, Kumaraswamy's distribution function; with a = b = 1 it stays.
    Source: Snoek et al. 2014, https://arxiv.org/abs/1402.0929, with this function in the place of the beta distribution's.

    Attributes:
        columns: (warped,) int: what is warped; other columns stay as they are.
        a, b: (warped,) the exponents of each.
    """

    columns: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    a: Floats = field(default_factory=lambda: np.zeros(0))
    b: Floats = field(default_factory=lambda: np.zeros(0))

    def __call__(self, x: Floats) -> Floats:
        """Warps rows ``x`` (n, columns)."""
        warped = x.copy()
        warped[:, self.columns] = 1.0 - (1.0 - x[:, self.columns] ** self.a) ** self.b
        return warped

    def slopes(self, x: Floats) -> tuple[Floats, Floats]:
        """Returns by how much the warped places of rows ``x`` grow with log a and with log b, each (n, warped)."""
        places = x[:, self.columns]
        is_inside = (places > 0.0) & (places < 1.0)
        logarithms = np.log(np.where(is_inside, places, 0.5))
        rest = -np.expm1(self.a * logarithms)
        by_a = self.a * self.b * rest ** (self.b - 1.0) * (1.0 - rest) * logarithms
        by_b = -self.b * rest**self.b * np.log(rest)
        return np.where(is_inside, by_a, 0.0), np.where(is_inside, by_b, 0.0)


@dataclass(frozen=True)
class Kernel:
    """A Matérn kernel of smoothness 5/2 with a length per gene, and the variance of the noise on top of it.

    Attributes:
        lengths: (columns,) the length each column is measured in: far apart is a few of them.
        signal: the variance of what is modelled.
        noise: the variance from one training to the next.
        warp: what is done to rows before distances are taken.
    """

    lengths: Floats
    signal: float
    noise: float
    warp: Warp = Warp()

    def __call__(self, a: Floats, b: Floats) -> Floats:
        """Returns the covariance of rows ``a`` (n, columns) with rows ``b`` (m, columns), (n, m), without the noise."""
        return self.between(self.place(a), self.place(b))

    def place(self, x: Floats) -> Floats:
        """Returns where rows ``x`` (n, columns) lie: warped, and measured in lengths."""
        return self.warp(x) / self.lengths

    def between(self, a: Floats, b: Floats) -> Floats:
        """Returns the covariance as a call does, of rows that were placed before."""
        return self.signal * matern52(squared_distances(a, b))


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Returns the squared Euclidean distances of rows ``a`` (n, columns) and ``b`` (m, columns), (n, m)."""
    distances: Floats = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2.0 * a @ b.T
    return np.maximum(distances, 0.0)


def matern52(squared: Floats) -> Floats:
    """Returns Matérn's correlation of smoothness 5/2 at ``squared`` distances.

    Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, equation 4.17
    (https://gaussianprocess.org/gpml/).
    """
    distance = np.sqrt(5.0 * squared)
    correlation: Floats = (1.0 + distance + distance * distance / 3.0) * np.exp(-distance)
    return correlation
