"""Differences between variants that were trained with the same seeds: their size, and whether chance explains them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from scipy import stats

from ganas.statistics import confidence_half_width


@dataclass(frozen=True)
class PairedDifference:
    """``mean`` of own minus base over the ``seeds`` both have, the half width of its 95 % interval, and the p-value."""

    mean: float
    half_width: float
    p: float
    seeds: int


def paired_difference(own: Mapping[int, float], base: Mapping[int, float], test: str = "t") -> PairedDifference | None:
    """Compares two variants by seed → error; None with fewer than two seeds in common.

    Args:
        own: of the variant; seeds whose training failed are left out.
        base: of the base.
        test: ``"t"``: Student's paired t-test; ``"wilcoxon"``: the signed-rank test (Wilcoxon 1945,
            https://doi.org/10.2307/3001968), whose smallest p-value with 5 seeds is .0625.
    """
    differences = [own[seed] - base[seed] for seed in sorted(own.keys() & base.keys())]
    if len(differences) < 2:
        return None
    p = TESTS[test](differences)
    return PairedDifference(fmean(differences), confidence_half_width(differences), p, len(differences))


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for their number by the step-down method of Holm 1979 (https://www.jstor.org/stable/4615733)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def _student(differences: Sequence[float]) -> float:
    if all(difference == differences[0] for difference in differences):
        return 1.0 if differences[0] == 0 else 0.0
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def _wilcoxon(differences: Sequence[float]) -> float:
    if not any(differences):
        return 1.0
    p = float(stats.wilcoxon(differences).pvalue)
    return 1.0 if math.isnan(p) else p


TESTS = {"t": _student, "wilcoxon": _wilcoxon}
"""Tests of "no difference" by name, on paired differences."""
