"""Random search: the same number of trainings, no selection; the honest yardstick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ganas.evolution.engine import Situation
from ganas.evolution.individual import Birth, Child, Individual
from ganas.search.space import Genome, SearchSpace


@dataclass(frozen=True)
class RandomSearch:
    """Draws every genome from the space, whatever it was told."""

    is_steady: ClassVar[bool] = False

    def initial(self, space: SearchSpace, size: int, rng: np.random.Generator) -> list[Genome]:
        """Returns ``size`` genomes drawn from the space."""
        return [space.sample(rng) for _ in range(size)]

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Draws ``count`` genomes."""
        return [Child(situation.space.sample(situation.rng), Birth("random")) for _ in range(count)]

    def survive(self, population: list[Individual], offspring: list[Individual], size: int) -> list[Individual]:
        """Returns the newest ``size`` individuals: a generation is a sample."""
        return offspring[-size:]
