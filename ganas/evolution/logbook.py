"""One row per generation: how good and how different the survivors are, and what became of the children."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from deap import tools

from ganas.evolution.individual import Individual, Result

HEADER = ["generation", "evaluations", "best", "mean", "spread", "unique", "failures", "stopped"]


class Logbook(tools.Logbook):  # type: ignore[misc]  # DEAP ships no types
    """DEAP's logbook of one row per generation; before the first one it prints as its header, where DEAP's raises."""

    def __init__(self) -> None:
        super().__init__()
        self.header = HEADER

    def __str__(self, startindex: int = 0) -> str:  # its property stream gives the index
        return super().__str__(startindex) if len(self) else "\t".join(HEADER)


def describe_generation(population: Sequence[Individual], results: Sequence[Result]) -> dict[str, Any]:
    """Returns one row of a DEAP ``Logbook``.

    ``best``, ``mean`` and ``spread`` (standard deviation) are of the first objective of the survivors, None where
    there are none; ``unique`` counts their genomes; ``failures`` and ``stopped`` count the generation's ``results``.
    """
    row: dict[str, Any] = dict.fromkeys(("best", "mean", "spread")) | {"unique": 0}
    if population:
        row = _error_statistics().compile(population) | {"unique": len({one.genome for one in population})}
    return {
        **row,
        "failures": sum(result.objectives is None for result in results),
        "stopped": sum(result.rung is not None for result in results),
    }


def _error_statistics() -> tools.Statistics:
    statistics = tools.Statistics(key=_error)
    for name, measure in (("best", np.min), ("mean", np.mean), ("spread", np.std)):
        statistics.register(name, _as_float, measure)
    return statistics


def _error(individual: Individual) -> float:
    return individual.objectives[0]


def _as_float(measure: Any, errors: Sequence[float]) -> float:
    return float(measure(errors))
