"""What a model learns from: results of every kind as scores, standard normal by rank, small is good.

Ranks make the unit and the tail of an objective irrelevant. A failure ranks behind everything, so that the search keeps
away from where networks diverge. A candidate that was stopped early ranks by its score there, as if further training would
have changed nothing, but never in the better half of those that were not stopped: it was behind when it was.
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
    """Returns where each result stands among those that were trained, from 0 on; failures at infinity."""
    places = np.full(len(results), math.inf)
    trained = [index for index, result in enumerate(results) if result.objectives is not None]
    values = np.array([_value(results[index], objective) for index in trained])
    places[trained] = np.searchsorted(np.sort(values), values, side="left")
    middle = np.median([places[index] for index in trained if results[index].is_complete])
    stopped = [index for index in trained if not results[index].is_complete]
    places[stopped] = np.maximum(places[stopped], middle)
    return places


def _value(result: Result, objective: int) -> float:
    if result.objectives is None:
        raise AssertionError("a failure has no objectives to compare")
    return result.objectives[objective]
