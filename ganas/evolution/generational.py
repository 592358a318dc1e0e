"""The textbook genetic algorithm: tournament, crossover, mutation, elitism, one generation after the other."""

from __future__ import annotations

from dataclasses import dataclass

from deap import tools

from ganas.evolution.breeder import Breeder
from ganas.evolution.drawing import drawing_from
from ganas.evolution.engine import Situation
from ganas.evolution.individual import Child, Individual


@dataclass(frozen=True, kw_only=True)
class Generational(Breeder):
    """Breeds each generation from the one before, and keeps its best.

    Attributes:
        tournament: how many individuals, drawn with replacement, compete to be a parent.
        elite: how many of the best survive unchanged, in place of the worst children.
    """

    tournament: int = 3
    elite: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("tournament", 1)
        self._require("elite", 0)

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Makes ``count`` children of tournament winners."""
        with drawing_from(situation.rng):
            parents = tools.selTournament(situation.population, 2 * count, self.tournament)
        return self._children(situation.space, parents, situation.rng)

    def survive(self, population: list[Individual], offspring: list[Individual], size: int) -> list[Individual]:
        """Returns the elite and the best children; where children failed, more of the old population."""
        parents: list[Individual] = tools.selBest(population, size)
        children: list[Individual] = tools.selBest(offspring, size)
        elite = parents[: min(self.elite, size)]
        kept = elite + children[: size - len(elite)]
        return kept + parents[len(elite) : len(elite) + size - len(kept)]
