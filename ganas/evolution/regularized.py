"""Regularized (aging) evolution: the oldest dies, not the worst; children are mutants of tournament winners (Real et al. 2019).

Source: https://arxiv.org/abs/1802.01548. Every result changes the population, so it fits asking one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ganas.errors import ConfigError
from ganas.evolution.engine import Situation
from ganas.evolution.individual import Birth, Child, Individual
from ganas.evolution.variation import mutate
from ganas.search.space import Genome, SearchSpace


@dataclass(frozen=True)
class Regularized:
    """Mutates one gene of the best of a sample of the population, which is the newest results.

    Attributes:
        sample: how many different individuals compete to be the parent.
    """

    sample: int = 8
    is_steady: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.sample < 1:
            raise ConfigError(f"[evolution] sample: must be at least 1, got {self.sample}")

    def initial(self, space: SearchSpace, size: int, rng: np.random.Generator) -> list[Genome]:
        """Returns ``size`` genomes drawn from the space."""
        return [space.sample(rng) for _ in range(size)]

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Makes ``count`` mutants, each of its own tournament's winner."""
        return [self._mutant(situation) for _ in range(count)]

    def _mutant(self, situation: Situation) -> Child:
        population, rng = situation.population, situation.rng
        picked = rng.choice(len(population), size=min(self.sample, len(population)), replace=False)
        parent = max((population[index] for index in picked), key=lambda individual: individual.fitness)
        genome, operators = mutate(situation.space, parent.genome, rng, number=1)
        return Child(genome, Birth(", ".join(operators), (parent.genome.digest,)))

    def survive(self, population: list[Individual], offspring: list[Individual], size: int) -> list[Individual]:
        """Returns the newest ``size`` of both, in order of age."""
        return (population + offspring)[-size:]
