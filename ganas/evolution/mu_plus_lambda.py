"""(mu + lambda): parents and children compete, and the best of both survive (Beyer & Schwefel 2002).

Source: https://doi.org/10.1023/A:1015059928466. Selection acts on survival only: parents are drawn uniformly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from deap import tools

from ganas.errors import ConfigError
from ganas.evolution.drawing import drawing_from
from ganas.evolution.engine import Situation
from ganas.evolution.individual import Child, Individual
from ganas.evolution.variation import Variation, vary
from ganas.search.space import Genome, SearchSpace


@dataclass(frozen=True)
class MuPlusLambda:
    """Keeps the best of parents and children; lambda, the children per generation, is the population size.

    Attributes:
        survivors: mu, how many survive; 0: as many as the population size.
        crossover, mutation, mutation_rate: see :class:`Variation`.
    """

    survivors: int = 0
    crossover: float = 0.75
    mutation: str = "rate"
    mutation_rate: float = 0.1
    is_steady: ClassVar[bool] = False

    def __post_init__(self) -> None:
        Variation(self.crossover, self.mutation, self.mutation_rate)  # refuses what is out of range
        if self.survivors < 0:
            raise ConfigError(f"[evolution] survivors: must be at least 0, got {self.survivors}")

    def initial(self, space: SearchSpace, size: int, rng: np.random.Generator) -> list[Genome]:
        """Returns ``size`` genomes drawn from the space."""
        return [space.sample(rng) for _ in range(size)]

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Makes ``count`` children of parents drawn uniformly."""
        rng, variation = situation.rng, Variation(self.crossover, self.mutation, self.mutation_rate)
        with drawing_from(rng):
            parents = tools.selRandom(situation.population, 2 * count)
        pairs = zip(parents[::2], parents[1::2], strict=True)
        return [vary(situation.space, mother, father, rng, variation) for mother, father in pairs]

    def survive(self, population: list[Individual], offspring: list[Individual], size: int) -> list[Individual]:
        """Returns the best of both."""
        best: list[Individual] = tools.selBest(population + offspring, min(size, self.survivors or size))
        return best
