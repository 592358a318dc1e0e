"""What the genetic engines share: how children are made of parents, and a first generation drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ganas.errors import ConfigError
from ganas.evolution.individual import Child, Individual
from ganas.evolution.variation import Variation, vary
from ganas.search.space import Genome, SearchSpace


@dataclass(frozen=True, kw_only=True)
class Breeder:
    """A base of engines; ``crossover``, ``mutation``, ``mutation_rate``: see :class:`Variation`.

    Raises:
        ConfigError: a setting is out of range.
    """

    crossover: float = 0.75
    mutation: str = "rate"
    mutation_rate: float = 0.1
    is_steady: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _ = self.variation  # refuses what is out of range

    @property
    def variation(self) -> Variation:
        """The operators children are made with."""
        return Variation(self.crossover, self.mutation, self.mutation_rate)

    def initial(self, space: SearchSpace, size: int, rng: np.random.Generator) -> list[Genome]:
        """Returns ``size`` genomes drawn from the space."""
        return [space.sample(rng) for _ in range(size)]

    def _children(self, space: SearchSpace, parents: list[Individual], rng: np.random.Generator) -> list[Child]:
        """Makes a child of each two ``parents`` that follow one another."""
        pairs = zip(parents[::2], parents[1::2], strict=True)
        return [vary(space, mother, father, rng, self.variation) for mother, father in pairs]

    def _require(self, name: str, low: int) -> None:
        """Refuses a setting below ``low``."""
        if getattr(self, name) < low:
            raise ConfigError(f"[evolution] {name}: must be at least {low}, got {getattr(self, name)}")
