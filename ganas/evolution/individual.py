"""What an evolution keeps: individuals (genome + DEAP fitness), how each was born, and what was told of it.

The classes are plain and at module level; ``deap.creator`` would write classes into a module, and individuals that
come back from another process would be of other classes. A failed network never becomes an individual: with NaN as
fitness it is never dominated, and can evict the best from a hall of fame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deap import base

from ganas.search.space import Genome


class Fitness(base.Fitness):  # type: ignore[misc]  # DEAP ships no types
    """Objectives, all minimised; as many as it is given."""

    weights: tuple[float, ...] = ()

    def __init__(self, values: Sequence[float]) -> None:
        self.weights = (-1.0,) * len(values)
        super().__init__(tuple(values))


@dataclass(frozen=True)
class Birth:
    """How a genome came to be: the operators that made it, and the digests of its parents (none for a first one)."""

    operator: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Child:
    """A genome that an engine proposes, and its birth."""

    genome: Genome
    birth: Birth


@dataclass(frozen=True)
class Stopped:
    """Tells an evolution that a candidate was ended early, at ``rung`` (from 0), with these objectives there."""

    objectives: Sequence[float]
    rung: int


@dataclass(frozen=True)
class Result:
    """What was told of a genome.

    Attributes:
        objectives: one number per objective; None if it failed.
        rung: where it was stopped early; None if it was not.
    """

    genome: Genome
    birth: Birth
    objectives: tuple[float, ...] | None
    rung: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether it neither failed nor was stopped, so that it may become an individual."""
        return self.objectives is not None and self.rung is None


class Individual:
    """A genome that was evaluated to its end, with its fitness. It never changes, so that copies of it are itself."""

    __slots__ = ("birth", "fitness", "genome")

    def __init__(self, genome: Genome, objectives: Sequence[float], birth: Birth) -> None:
        self.genome = genome
        self.fitness = Fitness(objectives)
        self.birth = birth

    @property
    def objectives(self) -> tuple[float, ...]:
        """The objectives as they were told; the first is the error."""
        return tuple(self.fitness.values)

    def __deepcopy__(self, memo: dict[int, Any]) -> Individual:
        return self

    def __repr__(self) -> str:
        return f"Individual({self.genome!r}, {list(self.objectives)})"
