"""NSGA-II: several objectives at once, by non-dominated rank, then by crowding distance (Deb et al. 2002).

Source: https://doi.org/10.1109/4235.996017. With one objective it is a (mu + lambda) with binary tournaments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from deap import tools

from ganas.evolution.breeder import Breeder
from ganas.evolution.drawing import drawing_from
from ganas.evolution.engine import Situation
from ganas.evolution.individual import Child, Individual


@dataclass(frozen=True, kw_only=True)
class Nsga2(Breeder):
    """Spreads the population along the Pareto front."""

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Makes ``count`` children of winners of binary tournaments by dominance, then crowding."""
        parents: list[Individual] = []
        for _ in range(count):
            parents += _select_parents(list(situation.population), situation.rng)
        return self._children(situation.space, parents, situation.rng)

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
