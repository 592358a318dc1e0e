"""What a model learns from: results of every kind as scores with mean 0 and deviation 1, small is good.

By how much one result beats another counts, as a ratio where an objective has no negative values (what halves an error is
worth as much at .2 as at .02), and only near the best: whatever is far behind is equally far, so that a diverged training
does not drown the differences that matter. A failure counts as the worst that can be. A candidate that was stopped early
counts with its score there, as if further training would have changed nothing, but never as better than the worst quarter
of those that were not stopped: it was behind when it was.

Ranks, which know no unit and no tail, were measured to lose against it where results are not mostly noise
(docs/benchmarks/targets.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganas.evolution.individual import Result
from ganas.evolution.kernel import Floats

REACH = 2.0
"""What is this many times as far behind the median as the median is behind the best, or more, is equally far behind."""
STOPPED = 0.75
"""A candidate that was stopped is taken to be no better than this share of those that were trained to the end."""


def score_results(results: Sequence[Result]) -> Floats:
    """Returns a score per result and objective, (results, objectives) float64; at least one result must be complete."""
    objectives = max(len(result.objectives) for result in results if result.objectives is not None)
    return np.stack([standard_scores(_values(results, objective)) for objective in range(objectives)], axis=1)


def standard_scores(values: Floats) -> Floats:
    """Returns scores of ``values`` (n,), infinite for failures, at least one finite: mean 0, deviation 1.

    They are the logarithms, or the values themselves where one is negative, in the same order but for what is far behind the
    median: it is cut off (``REACH``), and all of it is equal.
    """
    trained = np.isfinite(values)
    heights = _logarithms(values) if values.min() >= 0.0 and values[trained].max() > 0.0 else values
    heights = np.minimum(heights, _cut(heights[trained]))
    spread = float(heights.std())
    # Equal values differ by rounding.
    is_flat = spread <= 1e-12 * float(np.abs(heights).max())
    scores: Floats = np.zeros_like(heights) if is_flat else (heights - heights.mean()) / spread
    return scores


def _cut(heights: Floats) -> float:
    """Returns from where on what is behind is equally far behind."""
    best = float(heights.min())
    behind = heights[heights > best]
    if not len(behind):
        return best + 1.0  # failures alone are worse
    # Where most are as good as the best, the median says nothing.
    middle = max(float(np.median(heights)), float(behind.min()))
    return middle + REACH * (middle - best)


def _logarithms(values: Floats) -> Floats:
    """Returns the logarithms of ``values`` >= 0, of which one is positive; 0 counts as half of the smallest positive."""
    logarithms: Floats = np.log(np.maximum(values, values[values > 0.0].min() / 2.0))
    return logarithms


def _values(results: Sequence[Result], objective: int) -> Floats:
    """Returns what each result counts as; failures are infinite."""
    values = np.array([np.inf if result.objectives is None else result.objectives[objective] for result in results])
    is_complete = np.array([result.is_complete for result in results])
    is_stopped = ~is_complete & np.isfinite(values)
    values[is_stopped] = np.maximum(values[is_stopped], np.quantile(values[is_complete], STOPPED))
    return values
