"""A space-filling first generation: a Latin hypercube over the genes, stratified over depth.

Source: McKay, Beckman & Conover 1979 (https://doi.org/10.2307/1268522): every gene, the number of layers included,
takes one value from each of ``count`` equal shares of its distribution, in an order of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ganas.search.space import Genome, LayerGroup, SearchSpace


def latin_hypercube(space: SearchSpace, count: int, rng: np.random.Generator) -> list[Genome]:
    """Returns ``count`` genomes spread evenly over every gene's values (in log space where the gene says so)."""

    def column() -> Any:
        return (rng.permutation(count) + rng.random(count)) / max(1, count)

    designs: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, gene in space.genes.items():
        if not isinstance(gene, LayerGroup):
            for design, share in zip(designs, column(), strict=True):
                design[name] = gene.quantile(share)
            continue
        for design, share in zip(designs, column(), strict=True):
            design[name] = [{} for _ in range(gene.count.quantile(share))]
        for layer in range(gene.count.high):
            for key, one in gene.genes.items():
                for design, share in zip(designs, column(), strict=True):
                    if layer < len(design[name]):
                        design[name][layer][key] = one.quantile(share)
    # Genes whose condition does not hold are dropped; none is missing, so nothing more is drawn.
    return [space.express(design, rng) for design in designs]
