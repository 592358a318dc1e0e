"""Crossover and mutation of genomes. Every operator has a name, so that a birth says what made it.

Flat genes are crossed gene by gene; layer groups layer by layer, aligned by relative depth, so that early layers meet
early ones in networks of different depth. A mutation inserts, removes or duplicates a layer, or moves single genes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import ConfigError
from ganas.evolution.individual import Birth, Child, Individual
from ganas.search.genes import Gene
from ganas.search.space import Genome, LayerGroup, SearchSpace

Floats = NDArray[np.float64]
Site = tuple[str, int | None, str | None]
"""Where a mutation can act: (flat gene, None, None), (group, layer, gene), or (group, None, None) for its layers."""


@dataclass(frozen=True)
class Variation:
    """How children are made.

    Attributes:
        crossover: probability that a child has two parents.
        mutation: how many genes are mutated, a name in ``MUTATION_NUMBERS``.
        mutation_rate: probability per gene, for ``mutation = "rate"``.
    """

    crossover: float = 0.75
    mutation: str = "rate"
    mutation_rate: float = 0.1

    def __post_init__(self) -> None:
        for name in ("crossover", "mutation_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"[evolution] {name}: must be in [0, 1], got {getattr(self, name)}")
        if self.mutation not in MUTATION_NUMBERS:
            known = ", ".join(MUTATION_NUMBERS)
            raise ConfigError(f"[evolution] mutation: must be one of {known}, got {self.mutation!r}")


def vary(
    space: SearchSpace, mother: Individual, father: Individual, rng: np.random.Generator, variation: Variation
) -> Child:
    """Makes a child of ``mother``: perhaps crossed with ``father``, perhaps mutated; surely if not yet different."""
    genome, operators = mother.genome, list[str]()
    parents: tuple[str, ...] = (mother.genome.digest,)
    if father.genome != mother.genome and rng.random() < variation.crossover:
        genome = crossover(space, mother.genome, father.genome, rng)
        operators, parents = ["crossover"], (mother.genome.digest, father.genome.digest)
    number = MUTATION_NUMBERS[variation.mutation](len(sites(space, genome)), rng, variation.mutation_rate)
    if number == 0 and genome in (mother.genome, father.genome):
        number = 1
    genome, mutations = mutate(space, genome, rng, number=number)
    if genome == mother.genome:  # mutations undid what crossover did
        genome, more = mutate(space, genome, rng, number=1)
        mutations += more
    return Child(genome, Birth(", ".join([*operators, *mutations]), parents))


def crossover(space: SearchSpace, a: Genome, b: Genome, rng: np.random.Generator) -> Genome:
    """Makes a child of two parents: each flat gene from either, layers aligned by relative depth, each from either.

    The child has as many layers as one of its parents or any number between.
    """
    values: dict[str, Any] = {}
    for name, gene in space.genes.items():
        if isinstance(gene, LayerGroup):
            values[name] = _cross_layers(gene, a[name], b[name], rng)
        elif name in a and name in b:
            values[name] = (a if rng.random() < 0.5 else b)[name]
        elif name in a or name in b:
            values[name] = (a if name in a else b)[name]
    return space.express(values, rng)


def _cross_layers(group: LayerGroup, a: Any, b: Any, rng: np.random.Generator) -> list[Any]:
    low, high = sorted((len(a), len(b)))
    count = int(rng.choice([number for number in range(low, high + 1) if group.count.contains(number)]))
    rows = []
    for index in range(count):
        parent = (a or b) if rng.random() < 0.5 else (b or a)
        rows.append(parent[int((index + 0.5) / count * len(parent))])
    return rows


def sites(space: SearchSpace, genome: Genome) -> tuple[Site, ...]:
    """Lists where ``genome`` can be mutated: genes with another value, and groups whose number of layers can change."""
    return _sites(space, genome.shape)


# A search makes hundreds of mutants per training, of a few shapes. What is remembered keeps its space alive, so it is little.
@lru_cache(maxsize=64)
def _sites(space: SearchSpace, shape: tuple[tuple[str, int | None], ...]) -> tuple[Site, ...]:
    found: list[Site] = []
    expressed = dict(shape)
    for name, gene in space.genes.items():
        if isinstance(gene, LayerGroup):
            found += [(name, None, None)] if gene.count.size > 1 else []
            found += [(name, index, key) for index in range(expressed[name] or 0) for key in gene.varying]
        elif name in expressed and gene.size > 1:
            found.append((name, None, None))
    return tuple(found)


def mutate(space: SearchSpace, genome: Genome, rng: np.random.Generator, *, number: int) -> tuple[Genome, list[str]]:
    """Mutates ``number`` different sites (or all, if fewer); returns the genome and the names of what was done.

    With ``number`` > 0 the genome differs from the given one, unless the space holds no other.
    """
    values = genome.to_json()
    operators, resized = [], []
    for name, layer, key in _pick(sites(space, genome), number, rng):
        gene = space.genes[name]
        if not isinstance(gene, LayerGroup):
            values[name] = gene.move(values[name], rng)
            operators.append(_verb(gene) + name)
        elif layer is not None and key is not None:
            row = values[name][layer]
            row[key] = gene.genes[key].move(row[key], rng)
            operators.append(_verb(gene.genes[key]) + key)
        else:
            resized.append(name)
    # Layers come and go last: the sites of single genes name layers by index.
    for name in resized:
        group = space.groups[name]
        operator = _resize(group, values[name], rng)
        operators.append(operator)
    return space.express(values, rng), operators


def _pick(available: Sequence[Site], number: int, rng: np.random.Generator) -> list[Site]:
    """Draws ``number`` different sites (or all, if fewer), and returns them in the order in which they were listed."""
    if not available or number == 0:
        return []
    if number == 1:  # what ``choice`` draws too, in a fifth of the time
        return [available[int(rng.integers(len(available)))]]
    picked = rng.choice(len(available), size=min(number, len(available)), replace=False)
    return [available[index] for index in sorted(picked)]


def _verb(gene: Gene) -> str:
    return "step " if gene.is_ordered else "swap "


def _resize(group: LayerGroup, rows: list[Any], rng: np.random.Generator) -> str:
    """Inserts, removes or duplicates ``count.step`` layers of ``rows`` in place; returns the operator's name."""
    step = group.count.step
    operators = ["insert layer", "duplicate layer"] * group.count.contains(len(rows) + step)
    # Removing is as likely as growing, so that depth does not drift.
    operators += ["remove layer"] * (2 if operators else 1) * group.count.contains(len(rows) - step)
    operator = operators[int(rng.integers(len(operators)))]
    for _ in range(step):
        if operator == "remove layer":
            del rows[int(rng.integers(len(rows)))]
        elif operator == "duplicate layer" and rows:
            index = int(rng.integers(len(rows)))
            rows.insert(index, dict(rows[index]))
        else:
            rows.insert(int(rng.integers(len(rows) + 1)), group.sample_row(rng))
    return operator


def rate_number(genes: int, rng: np.random.Generator, rate: float) -> int:
    """Draws how many of ``genes`` mutate if each does with probability ``rate``: the textbook's way; may be none."""
    return int(rng.binomial(genes, rate))


def heavy_tailed_number(genes: int, rng: np.random.Generator, rate: float) -> int:
    """Draws k <= ``genes`` with probability ~ k^-1.5 (Doerr et al. 2017, https://arxiv.org/abs/1703.03334)."""
    if genes == 0:
        return 0
    return 1 + int(np.searchsorted(_heavy_tail(genes), rng.random(), side="right"))


@cache
def _heavy_tail(genes: int) -> Floats:
    """Returns the probabilities that at most 1, 2, ... ``genes`` mutate; the last is infinite, safe from rounding."""
    weights = np.arange(1, genes + 1) ** -1.5
    cumulative: Floats = np.append(weights.cumsum()[:-1] / weights.sum(), np.inf)
    return cumulative


MUTATION_NUMBERS: dict[str, Callable[[int, np.random.Generator, float], int]] = {
    "rate": rate_number,
    "heavy_tailed": heavy_tailed_number,
}
"""How many of a genome's genes a mutation changes."""
