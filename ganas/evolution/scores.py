"""What a model learns from: results of every kind as scores, standard normal by rank, small is good.

Ranks make the unit and the tail of an objective irrelevant. A failure ranks behind everything, so that the search keeps
away from where networks diverge. A candidate that was stopped early was in the worse half at its rung, so it ranks in
the worse half of those that were not, behind those stopped at a later rung.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ganas.evolution.individual import Result
from ganas.evolution.kernel import Floats
from ganas.evolution.surrogate import normal_scores


def score_results(results: Sequence[Result]) -> Floats:
    """Returns a score per result and objective, (results, objectives) float64; at least one result must be complete."""
    objectives = max(len(result.objectives) for result in results if result.objectives is not None)
    return np.stack([normal_scores(_places(results, objective)) for objective in range(objectives)], axis=1)


def _places(results: Sequence[Result], objective: int) -> Floats:
    """Returns where each result stands among the complete ones, from 0 on; failures at infinity."""
    places = np.full(len(results), math.inf)
    complete = [index for index, result in enumerate(results) if result.is_complete]
    for place, index in enumerate(complete):
        places[index] = place
    values = np.array([_value(results[index], objective) for index in complete])
    places[complete] = np.searchsorted(np.sort(values), values, side="left")
    stopped = [index for index, result in enumerate(results) if result.rung is not None and result.objectives]
    stopped.sort(key=lambda index: (-(results[index].rung or 0), _value(results[index], objective)))
    for place, index in enumerate(stopped):
        places[index] = (len(complete) - 1) * (0.5 + 0.5 * (place + 0.5) / len(stopped))
    return places


def _value(result: Result, objective: int) -> float:
    if result.objectives is None:
        raise AssertionError("a failure has no objectives to compare")
    return result.objectives[objective]
