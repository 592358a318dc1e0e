"""The hypervolume of a front: one number for how much several objectives have been pushed down together."""

from __future__ import annotations

from collections.abc import Sequence

from deap.benchmarks import tools

from ganas.errors import SpaceError
from ganas.evolution.individual import Individual


def hypervolume(front: Sequence[Individual], reference: Sequence[float]) -> float:
    """Returns the volume between the ``front`` and a ``reference`` point, larger is better.

    Individuals that are not better than the reference in every objective add nothing. Source: Zitzler & Thiele 1998
    (https://doi.org/10.1007/BFb0056872).

    Raises:
        SpaceError: the reference has not one number per objective.
    """
    for one in front:
        if len(one.objectives) != len(reference):
            found = f"{len(reference)} for {len(one.objectives)} objectives"
            raise SpaceError(f"hypervolume: expected a reference of one number per objective, got {found}")
    inside = [one for one in front if all(a < b for a, b in zip(one.objectives, reference, strict=True))]
    return float(tools.hypervolume(inside, list(reference))) if inside else 0.0
