"""What an engine is: a frozen set of options with three methods. All memory is the evolution's, none is the engine's.

So an evolution's state is what it was told and where its generator stands, and every engine goes on exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from ganas.evolution.individual import Child, Individual, Result
from ganas.search.space import Genome, SearchSpace


@dataclass(frozen=True)
class Situation:
    """What an engine may look at when it breeds.

    Attributes:
        size: the population size asked for.
        population: the survivors of the last complete generation (of an engine that ``is_steady``: of the last result);
            empty before the first one, and where all failed.
        results: everything told so far, in order, with failures, stopped ones and what the user told unasked.
        pending: genomes asked and not told yet, in order, those of the batch being asked included.
        known: genomes that may not be asked again: those of ``results`` and ``pending``.
        rng: the evolution's generator; the only source of chance.
    """

    space: SearchSpace
    size: int
    population: Sequence[Individual]
    results: Sequence[Result]
    pending: Collection[Genome]
    known: Collection[Genome]
    rng: np.random.Generator


class Engine(Protocol):
    """Decides what is tried first, what is tried next, and who survives."""

    is_steady: ClassVar[bool]
    """Whether survivors are chosen after every result, not after every generation of ``size`` results."""

    def initial(self, space: SearchSpace, size: int, rng: np.random.Generator) -> list[Genome]:
        """Returns the genomes to ask first; repeated ones are dropped."""

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Returns about ``count`` children, at least one; ``known`` ones are dropped, and more are asked for."""

    def survive(self, population: list[Individual], offspring: list[Individual], size: int) -> list[Individual]:
        """Returns the next population, at most ``size`` of both, which may be empty (all failed). Draws nothing: it is replayed."""
