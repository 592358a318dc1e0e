"""Means and intervals of a few repeated trainings."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from statistics import fmean

from scipy import stats


def standard_deviation(values: Sequence[float]) -> float:
    """Returns the sample standard deviation (n - 1); 0 for a single value."""
    if len(values) < 2:
        return 0.0
    centre = fmean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def confidence_half_width(values: Sequence[float], level: float = 0.95) -> float:
    """Returns the half width of Student's interval for the mean; infinite for a single value."""
    n = len(values)
    if n < 2:
        return math.inf
    return float(stats.t.ppf((1 + level) / 2, n - 1)) * standard_deviation(values) / math.sqrt(n)


def prediction_half_width(values: Sequence[float], level: float = 0.95) -> float:
    """Returns the half width of Student's interval for one further value; infinite for a single value."""
    n = len(values)
    if n < 2:
        return math.inf
    return float(stats.t.ppf((1 + level) / 2, n - 1)) * standard_deviation(values) * math.sqrt(1 + 1 / n)


def is_clearly_worse(
    values: Sequence[float], best: Sequence[float], level: float = 0.95, *, paired: bool = False
) -> bool:
    """Tells whether the mean of ``values`` is above that of ``best`` beyond chance: one-sided t-test, Welch's or ``paired``."""
    if len(values) < 2 or len(best) < 2:
        return False
    noisy = _differences(values, best) if paired else values
    if standard_deviation(noisy) == 0.0 and (paired or standard_deviation(best) == 0.0):
        return fmean(values) > fmean(best)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # errors that are nearly equal, as of a few validation rows
        if paired:
            return bool(stats.ttest_rel(values, best, alternative="greater").pvalue < 1 - level)
        return bool(stats.ttest_ind(values, best, equal_var=False, alternative="greater").pvalue < 1 - level)


def is_within_one_standard_error(values: Sequence[float], best: Sequence[float], *, paired: bool = False) -> bool:
    """Tells whether the mean of ``values`` is at most one standard error above that of ``best``: of ``best``'s mean, or, of
    ``paired`` values, of the mean difference.

    Source: the one-standard-error rule of Breiman, Friedman, Olshen & Stone 1984, Classification and Regression Trees.
    """
    noisy = _differences(values, best) if paired else best
    return fmean(values) <= fmean(best) + standard_deviation(noisy) / math.sqrt(len(best))


def _differences(values: Sequence[float], others: Sequence[float]) -> list[float]:
    return [value - other for value, other in zip(values, others, strict=True)]
