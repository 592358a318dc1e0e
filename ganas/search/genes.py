"""Genes: one named decision each. A gene knows its values, samples one, moves one, and places one in [0, 1].

Genes are frozen values with pure methods; whatever draws takes its ``rng``. A gene's values are JSON scalars.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ganas.errors import SpaceError
from ganas.search.values import plain

Value = str | int | float | bool | None

DIGITS = 6
"""A number of a continuum has so many significant digits, so that it prints as it is."""
LARGEST = 1e300
"""Ends and steps are at most this, for places between them are computed in floats; more values or genomes count as infinite."""


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

    def __init__(self, values: Iterable[Value], *, ordered: bool = False) -> None:
        # The order of a set of texts differs from process to process, and searches would not repeat.
        if not isinstance(values, Iterable) or isinstance(values, str | bytes | Mapping | set | frozenset):
            raise SpaceError(f"a choice is of a list of values, got {values!r}")
        object.__setattr__(self, "values", tuple(map(plain, values)))
        for value in self.values:
            if not isinstance(value, Value):
                raise SpaceError(
                    f"a choice is of texts, numbers, true, false or None, got {value!r}; name each by a text"
                )
            if isinstance(value, float) and not math.isfinite(value):
                raise SpaceError(f"a choice is of finite numbers, got {value}; name it by a text")
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
        is_value = isinstance(value, Value)  # what is none, such as an array, may have no truth when compared
        return is_value and any(
            value == one and isinstance(value, bool) == isinstance(one, bool) for one in self.values
        )

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
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, operator.index(value))
            except TypeError:
                raise SpaceError(f"a range of integers needs a whole number as {name}, got {value!r}") from None
            if abs(getattr(self, name)) > LARGEST:
                raise SpaceError(f"a range's {name} must be at most 1e300 in size, got one beyond")
        if self.high < self.low:
            raise SpaceError(f"a range needs low <= high, got {self.low} > {self.high}")
        if self.step < 1:
            raise SpaceError(f"a range's step must be at least 1, got {self.step}")
        if self.log and self.low < 1:
            raise SpaceError(f"a range in log space needs low >= 1, got {self.low}")

    @property
    def size(self) -> float:
        """The number of integers."""
        return self._count

    @property
    def _count(self) -> int:
        # len() of a range refuses what is beyond 2**63.
        return (self.high - self.low) // self.step + 1

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
            return self.values[min(int(share * self._count), self._count - 1)]
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
        return self.values[min(max(round((raw - self.low) / self.step), 0), self._count - 1)]

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
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if value is not None or name != "step":
                object.__setattr__(self, name, _read_float(name, value))
        if not self.high >= self.low or math.inf in (-self.low, self.high):
            raise SpaceError(f"a range needs low <= high, got {self.low} > {self.high}")
        if max(abs(self.low), abs(self.high)) > LARGEST:
            raise SpaceError("a range's ends must be at most 1e300 in size, got one beyond")
        if self.step is not None and not 0 < self.step <= LARGEST:
            raise SpaceError(f"a range's step must be above 0, got {self.step}")
        if self.log and not self.low > 0:
            raise SpaceError(f"a range in log space needs low > 0, got {self.low}")
        if self.step is not None and self.low < self.high and self.step < self._rounding:
            raise SpaceError(f"a range's step must be at least {self._rounding:.1g} next to its ends, got {self.step}")

    @property
    def size(self) -> float:
        """The number of steps, ``math.inf`` for a continuum (1 where the ends meet)."""
        if self.low == self.high:
            return 1
        if self.step is None:
            return math.inf
        slack = 1e-9 + min(self._rounding / self.step, 1e-3)
        return math.floor((self.high - self.low) / self.step + slack) + 1

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
        if self.log or math.isinf(self.size):
            return self.from_unit(share)
        return self._nth(min(int(share * self.size), int(self.size) - 1))

    def move(self, value: Value, rng: np.random.Generator, scale: float = 0.1) -> Value:
        """Draws a near number other than ``value``."""
        return _stepped(self, value, rng, scale)

    def contains(self, value: Value) -> bool:
        """Tells whether ``value`` is a number of the range (steps are not checked: :meth:`nearest` rounds to them)."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        slack = 1e-9 * (self.step or 0.0)  # .1 + .2 is the .3 of a range by .1
        return self.low - slack <= value <= self.high + slack

    def nearest(self, value: float) -> float:
        """Returns the number of the range nearest to ``value``; of a continuum, ``value`` itself between the ends."""
        if self.step is None:
            return min(max(float(value), self.low), self.high) + 0.0  # -0.0 is 0.0
        return self._nth(min(max(round((value - self.low) / self.step), 0), int(self.size) - 1))

    def to_unit(self, value: Value) -> float:
        """Returns the place of ``value`` between the ends."""
        return _unit(float(value), self.low, self.high, self.log)  # type: ignore[arg-type]

    def from_unit(self, unit: float) -> float:
        """Returns the number at ``unit``, with ``DIGITS`` significant digits (of a narrow range: more)."""
        raw = _from_unit(unit, self.low, self.high, self.log)
        return self.nearest(float(f"{raw:.{self._digits}g}") if self.step is None else raw)

    def _nth(self, index: int) -> float:
        step = self.step or 1.0  # without a step the ends meet
        return min(max(round(self.low + index * step, self._decimals), self.low), self.high) + 0.0

    @cached_property
    def _decimals(self) -> int:
        """As many as ``DIGITS`` of the step, and as the low end prints with."""
        of_low = -int(Decimal(repr(self.low)).normalize().as_tuple().exponent)
        return max(DIGITS - 1 - _exponent(self.step or 1.0), of_low, 0)

    @property
    def _rounding(self) -> float:
        """By how much the ends may be off, as floats are."""
        return 4 * sys.float_info.epsilon * max(abs(self.low), abs(self.high))

    @cached_property
    def _digits(self) -> int:
        """``DIGITS``, unless they leave fewer than three numbers: then as many as give the width that many."""
        width, size = self.high - self.low, max(abs(self.low), abs(self.high))
        if width == 0 or width >= (2 - 1e-9) * 10.0 ** (_exponent(size) - DIGITS + 1):
            return DIGITS
        return min(_exponent(size) - _exponent(width) + DIGITS, sys.float_info.dig + 2)

    def in_words(self) -> str:
        """Says the ends."""
        step = f" by {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{step}" + (" (log)" if self.log else "")


def fixed(value: Value) -> Choice:
    """Returns the gene that has one value."""
    return Choice((value,))


def _read_float(name: str, value: Any) -> float:
    try:
        return float(+plain(value)) + 0.0  # a text that is a number is none
    except TypeError:
        raise SpaceError(f"a range needs a number as {name}, got {value!r}") from None
    except OverflowError:
        raise SpaceError(f"a range's {name} must be at most 1e300 in size, got one beyond") from None


def _exponent(number: float) -> int:
    return math.floor(math.log10(number))


def _unit(value: float, low: float, high: float, log: bool) -> float:
    if high == low or (log and math.log(high) == math.log(low)):
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
