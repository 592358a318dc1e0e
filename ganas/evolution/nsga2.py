"""NSGA-II: several objectives at once, by non-dominated rank, then by crowding distance (Deb et al. 2002).

Source: https://doi.org/10.1109/4235.996017. With one objective it is a (mu + lambda) with binary tournaments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from deap import tools

from ganas.evolution.drawing import drawing_from
from ganas.evolution.engine import Situation
from ganas.evolution.individual import Child, Individual
from ganas.evolution.variation import Variation, vary
from ganas.search.space import Genome, SearchSpace


@dataclass(frozen=True)
class Nsga2:
    """Spreads the population along the Pareto front; ``crossover``, ``mutation``, ``mutation_rate``: see ``Variation``."""

    crossover: float = 0.75
    mutation: str = "rate"
    mutation_rate: float = 0.1
    is_steady: ClassVar[bool] = False

    def __post_init__(self) -> None:
        Variation(self.crossover, self.mutation, self.mutation_rate)  # refuses what is out of range

    def initial(self, space: SearchSpace, size: int, rng: np.random.Generator) -> list[Genome]:
        """Returns ``size`` genomes drawn from the space."""
        return [space.sample(rng) for _ in range(size)]

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Makes ``count`` children of winners of binary tournaments by dominance, then crowding."""
        rng, variation = situation.rng, Variation(self.crossover, self.mutation, self.mutation_rate)
        children = []
        for _ in range(count):
            mother, father = _select_parents(list(situation.population), rng)
            children.append(vary(situation.space, mother, father, rng, variation))
        return children

    def survive(self, population: list[Individual], offspring: list[Individual], size: int) -> list[Individual]:
        """Returns the best fronts of both, the last one thinned where it is crowded."""
        both = population + offspring
        survivors: list[Individual] = tools.selNSGA2(both, min(size, len(both)))
        return survivors


def _select_parents(population: list[Individual], rng: np.random.Generator) -> list[Individual]:
    with drawing_from(rng):
        # DEAP's tournament plays in fours.
        parents = tools.selRandom(population, 2) if len(population) < 4 else tools.selTournamentDCD(population, 4)
    chosen: list[Individual] = parents[:2]
    return chosen
