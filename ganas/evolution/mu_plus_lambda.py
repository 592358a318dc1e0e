"""(mu + lambda): parents and children compete, and the best of both survive (Beyer & Schwefel 2002).

Source: https://doi.org/10.1023/A:1015059928466. Selection acts on survival only: parents are drawn uniformly.
"""

from __future__ import annotations

from dataclasses import dataclass

from deap import tools

from ganas.evolution.breeder import Breeder
from ganas.evolution.drawing import drawing_from
from ganas.evolution.engine import Situation
from ganas.evolution.individual import Child, Individual


@dataclass(frozen=True, kw_only=True)
class MuPlusLambda(Breeder):
    """Keeps the best of parents and children; lambda, the children per generation, is the population size.

    Attributes:
        survivors: mu, how many survive; 0: as many as the population size.
    """

    survivors: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("survivors", 0)

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Makes ``count`` children of parents drawn uniformly."""
        with drawing_from(situation.rng):
            parents = tools.selRandom(situation.population, 2 * count)
        return self._children(situation.space, parents, situation.rng)

    def survive(self, population: list[Individual], offspring: list[Individual], size: int) -> list[Individual]:
        """Returns the best of both."""
        best: list[Individual] = tools.selBest(population + offspring, min(size, self.survivors or size))
        return best
