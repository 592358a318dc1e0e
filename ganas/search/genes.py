"""Genes: one named decision each. A gene knows its values, samples one, moves one, and places one in [0, 1].

Genes are frozen values with pure methods; whatever draws takes its ``rng``. A gene's values are JSON scalars.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ganas.errors import SpaceError

Value = str | int | float | bool | None


@runtime_checkable
class Gene(Protocol):
    """One decision: its values, and how to draw them."""

    @property
    def size(self) -> float:
        """The number of values, ``math.inf`` for a continuum."""

    @property
    def values(self) -> Sequence[Value]:
        """All values in order; empty for a continuum."""

    @property
    def is_ordered(self) -> bool:
        """Whether values lie on a line, so that :meth:`to_unit` measures distance."""

    def sample(self, rng: np.random.Generator) -> Value:
        """Draws a value uniformly (in log space where the gene says so)."""

    def quantile(self, share: float) -> Value:
        """Returns the value below which ``share`` in [0, 1) of the samples lie: even shares give even samples."""

    def move(self, value: Value, rng: np.random.Generator, scale: float = 0.1) -> Value:
        """Draws another value: a Cauchy step of ``scale`` in unit space if ordered, any other value if not."""

    def contains(self, value: Value) -> bool:
        """Tells whether ``value`` is one of the gene's values."""

    def to_unit(self, value: Value) -> float:
        """Returns where ``value`` lies in [0, 1] (for an unordered choice: its index over the last index)."""

    def from_unit(self, unit: float) -> Value:
        """Returns the value nearest to ``unit`` in [0, 1]."""

    def in_words(self) -> str:
        """Describes the values for a reader, such as ``8 to 128 (log)``."""


@dataclass(frozen=True)
class Choice:
    """One of a list of values; ``ordered`` says that neighbours in the list resemble each other."""

    values: tuple[Value, ...]
    ordered: bool = False

    def __init__(self, values: Sequence[Value], *, ordered: bool = False) -> None:
        plain = (value.item() if isinstance(value, np.generic) else value for value in values)
        object.__setattr__(self, "values", tuple(plain))
        object.__setattr__(self, "ordered", ordered)
        if not self.values:
            raise SpaceError("a choice needs at least one value, got none")
        # True equals 1 and 1.0: as keys of a genome they would be three values, as values one.
        if len(set(self.values)) != len(self.values):
            raise SpaceError(f"a choice must not name a value twice, got {list(self.values)}")

    @property
    def size(self) -> float:
        """The number of values."""
        return len(self.values)

    @property
    def is_ordered(self) -> bool:
        """Whether neighbours in the list resemble each other."""
        return self.ordered

    def sample(self, rng: np.random.Generator) -> Value:
        """Draws any value."""
        return self.values[int(rng.integers(len(self.values)))]

    def quantile(self, share: float) -> Value:
        """Returns the value whose share of [0, 1) holds ``share``."""
        return self.from_unit(share)

    def move(self, value: Value, rng: np.random.Generator, scale: float = 0.1) -> Value:
        """Draws another value: a near one if ordered."""
        if len(self.values) == 1:
            return value
        if self.ordered:
            return _stepped(self, value, rng, scale)
        others = [other for other in self.values if other != value]
        return others[int(rng.integers(len(others)))]

    def contains(self, value: Value) -> bool:
        """Tells whether ``value`` is listed; True is not 1 here."""
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in self.values)

    def to_unit(self, value: Value) -> float:
        """Returns the index of ``value`` over the last index."""
        return self.values.index(value) / max(1, len(self.values) - 1)

    def from_unit(self, unit: float) -> Value:
        """Returns the value whose share of [0, 1] holds ``unit``."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def in_words(self) -> str:
        """Lists the values."""
        return " | ".join(str(value) for value in self.values)


@dataclass(frozen=True)
class IntegerRange:
    """The integers ``low, low + step, ... <= high``; ``log`` spreads samples and distances evenly in the logarithm."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        if self.high < self.low:
            raise SpaceError(f"a range needs low <= high, got {self.low} > {self.high}")
        if self.step < 1:
            raise SpaceError(f"a range's step must be at least 1, got {self.step}")
        if self.log and self.low < 1:
            raise SpaceError(f"a range in log space needs low >= 1, got {self.low}")

    @property
    def size(self) -> float:
        """The number of integers."""
        return len(self.values)

    @property
    def values(self) -> range:
        """All integers of the range."""
        return range(self.low, self.high + 1, self.step)

    @property
    def is_ordered(self) -> bool:
        """True: integers lie on a line."""
        return True

    def sample(self, rng: np.random.Generator) -> int:
        """Draws one integer, in log space if ``log``."""
        return self.quantile(float(rng.random()))

    def quantile(self, share: float) -> int:
        """Returns the integer whose share of [0, 1) holds ``share``; the ends' shares are as whole as the others'."""
        if not self.log:
            return self.values[int(share * self.size)]
        half = self.step / 2
        return self._nearest(_from_unit(share, max(self.low - half, 0.5), self.values[-1] + half, True))

    def move(self, value: Value, rng: np.random.Generator, scale: float = 0.1) -> Value:
        """Draws a near integer other than ``value``."""
        return _stepped(self, value, rng, scale)

    def contains(self, value: Value) -> bool:
        """Tells whether ``value`` is an integer of the range."""
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        return is_integer and self.low <= value <= self.high and (value - self.low) % self.step == 0  # type: ignore[operator]

    def to_unit(self, value: Value) -> float:
        """Returns the place of ``value`` between the ends."""
        return _unit(float(value), self.low, self.high, self.log)  # type: ignore[arg-type]

    def from_unit(self, unit: float) -> int:
        """Returns the integer of the range nearest to ``unit``."""
        return self._nearest(_from_unit(unit, self.low, self.high, self.log))

    def _nearest(self, raw: float) -> int:
        return self.values[min(max(round((raw - self.low) / self.step), 0), len(self.values) - 1)]

    def in_words(self) -> str:
        """Says the ends."""
        step = f" by {self.step}" if self.step > 1 else ""
        return f"{self.low} to {self.high}{step}" + (" (log)" if self.log else "") if self.size > 1 else f"{self.low}"


@dataclass(frozen=True)
class FloatRange:
    """The numbers of [low, high], a continuum or ``low + k * step``; ``log`` spreads them evenly in the logarithm."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        if not (self.high >= self.low and math.isfinite(self.low) and math.isfinite(self.high)):
            raise SpaceError(f"a range needs low <= high, got {self.low} > {self.high}")
        if self.step is not None and not self.step > 0:
            raise SpaceError(f"a range's step must be above 0, got {self.step}")
        if self.log and not self.low > 0:
            raise SpaceError(f"a range in log space needs low > 0, got {self.low}")

    @property
    def size(self) -> float:
        """The number of steps, ``math.inf`` for a continuum (1 where the ends meet)."""
        if self.low == self.high:
            return 1
        return math.inf if self.step is None else math.floor((self.high - self.low) / self.step + 1e-9) + 1

    @property
    def values(self) -> Sequence[float]:
        """The numbers of a range with a step (of one whose ends meet, that end); empty for a continuum."""
        return () if math.isinf(self.size) else tuple(map(self._nth, range(int(self.size))))

    @property
    def is_ordered(self) -> bool:
        """True: numbers lie on a line."""
        return True

    def sample(self, rng: np.random.Generator) -> float:
        """Draws one number, in log space if ``log``."""
        return self.quantile(float(rng.random()))

    def quantile(self, share: float) -> float:
        """Returns the number below which ``share`` of the samples lie."""
        return self.from_unit(share) if self.log or math.isinf(self.size) else self._nth(int(share * self.size))

    def move(self, value: Value, rng: np.random.Generator, scale: float = 0.1) -> Value:
        """Draws a near number other than ``value``."""
        return _stepped(self, value, rng, scale)

    def contains(self, value: Value) -> bool:
        """Tells whether ``value`` is a number of the range (steps are not checked: they are rounded)."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high  # type: ignore[operator]

    def to_unit(self, value: Value) -> float:
        """Returns the place of ``value`` between the ends."""
        return _unit(float(value), self.low, self.high, self.log)  # type: ignore[arg-type]

    def from_unit(self, unit: float) -> float:
        """Returns the number at ``unit``, with 6 significant digits so that it prints as it is."""
        raw = _from_unit(unit, self.low, self.high, self.log)
        if self.step is None:
            return self._printed(raw)
        return self._nth(min(round((raw - self.low) / self.step), int(self.size) - 1))

    def _nth(self, index: int) -> float:
        return self._printed(self.low + index * (self.step or 0))

    def _printed(self, raw: float) -> float:
        return min(max(float(f"{raw:.6g}"), self.low), self.high)

    def in_words(self) -> str:
        """Says the ends."""
        step = f" by {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{step}" + (" (log)" if self.log else "")


def fixed(value: Value) -> Choice:
    """Returns the gene that has one value."""
    return Choice((value,))


def _unit(value: float, low: float, high: float, log: bool) -> float:
    if high == low:
        return 0.0
    if log:
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return (value - low) / (high - low)


def _from_unit(unit: float, low: float, high: float, log: bool) -> float:
    if log:
        return math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
    return low + unit * (high - low)


def _stepped(gene: Choice | IntegerRange | FloatRange, value: Value, rng: np.random.Generator, scale: float) -> Value:
    """Steps from ``value`` by a Cauchy draw, reflected at the ends; again while nothing moved, at last at random."""
    if gene.size == 1:
        return value
    start = gene.to_unit(value)
    for attempt in range(16):
        unit = start + scale * (1 + attempt / 4) * float(rng.standard_cauchy())
        unit = abs(unit % 2.0)
        moved = gene.from_unit(min(unit, 2.0 - unit))
        if moved != value:
            return moved
    others = [other for other in gene.values if other != value]
    return others[int(rng.integers(len(others)))] if others else gene.sample(rng)
