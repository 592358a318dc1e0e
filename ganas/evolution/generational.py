"""The textbook genetic algorithm: tournament, crossover, mutation, elitism, one generation after the other."""

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
class Generational:
    """Breeds each generation from the one before, and keeps its best.

    Attributes:
        tournament: how many individuals, drawn with replacement, compete to be a parent.
        elite: how many of the best survive unchanged, in place of the worst children.
        crossover, mutation, mutation_rate: see :class:`Variation`.
    """

    tournament: int = 3
    elite: int = 1
    crossover: float = 0.75
    mutation: str = "rate"
    mutation_rate: float = 0.1
    is_steady: ClassVar[bool] = False

    def __post_init__(self) -> None:
        Variation(self.crossover, self.mutation, self.mutation_rate)  # refuses what is out of range
        for name, low in (("tournament", 1), ("elite", 0)):
            if getattr(self, name) < low:
                raise ConfigError(f"[evolution] {name}: must be at least {low}, got {getattr(self, name)}")

    def initial(self, space: SearchSpace, size: int, rng: np.random.Generator) -> list[Genome]:
        """Returns ``size`` genomes drawn from the space."""
        return [space.sample(rng) for _ in range(size)]

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Makes ``count`` children of tournament winners."""
        rng, variation = situation.rng, Variation(self.crossover, self.mutation, self.mutation_rate)
        with drawing_from(rng):
            parents = tools.selTournament(situation.population, 2 * count, self.tournament)
        pairs = zip(parents[::2], parents[1::2], strict=True)
        return [vary(situation.space, mother, father, rng, variation) for mother, father in pairs]

    def survive(self, population: list[Individual], offspring: list[Individual], size: int) -> list[Individual]:
        """Returns the elite and the best children; where children failed, more of the old population."""
        parents: list[Individual] = tools.selBest(population, size)
        children: list[Individual] = tools.selBest(offspring, size)
        elite = parents[: min(self.elite, size)]
        kept = elite + children[: size - len(elite)]
        return kept + parents[len(elite) : len(elite) + size - len(kept)]
