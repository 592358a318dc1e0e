"""Intervals against their definition: how often they hold what they promise."""

from statistics import fmean

import numpy as np
import pytest

from ganas.statistics import (
    confidence_half_width,
    is_clearly_worse,
    is_within_one_standard_error,
    prediction_half_width,
    standard_deviation,
)


def test_mean_and_deviation_agree_with_numpy():
    values = [0.2, 0.5, 0.9, 0.1]
    assert fmean(values) == pytest.approx(np.mean(values))
    assert standard_deviation(values) == pytest.approx(np.std(values, ddof=1))


def test_a_single_value_has_no_spread_and_an_interval_without_end():
    assert standard_deviation([1.0]) == 0.0
    assert prediction_half_width([1.0]) == float("inf")
    assert confidence_half_width([1.0]) == float("inf")


def test_intervals_hold_what_they_promise_95_times_in_100():
    rng = np.random.default_rng(0)
    draws = rng.normal(3.0, 2.0, (2000, 6))
    new = sum(abs(row[5] - fmean(row[:5])) <= prediction_half_width(row[:5]) for row in draws)
    true = sum(abs(3.0 - fmean(row[:5])) <= confidence_half_width(row[:5]) for row in draws)
    assert 0.93 < new / 2000 < 0.97
    assert 0.93 < true / 2000 < 0.97


def test_worse_beyond_chance_is_told_from_worse_by_chance():
    assert is_clearly_worse([0.30, 0.31, 0.29], [0.10, 0.11, 0.12])
    assert not is_clearly_worse([0.12, 0.30, 0.05], [0.10, 0.31, 0.04])
    assert not is_clearly_worse([0.1], [0.0])


def test_values_that_vary_together_are_told_apart_by_their_differences():
    best = [0.1, 0.4, 0.7, 0.2]
    worse = [0.121, 0.42, 0.72, 0.219]
    assert not is_clearly_worse(worse, best)
    assert is_clearly_worse(worse, best, paired=True)
    assert is_clearly_worse([0.5, 0.75], [0.25, 0.5], paired=True)
    assert not is_clearly_worse(best, best, paired=True)
    assert not is_clearly_worse([0.0, 0.5, 0.9, 0.1], best, paired=True)
    assert is_within_one_standard_error(worse, best)
    assert not is_within_one_standard_error(worse, best, paired=True)
    assert is_within_one_standard_error([0.0, 0.51, 0.7, 0.2], best, paired=True)


def test_one_standard_error_is_of_the_best_ones_mean():
    best = [0.1, 0.2, 0.3, 0.4]  # mean .25, standard error .0645
    assert is_within_one_standard_error([0.31, 0.31], best)
    assert not is_within_one_standard_error([0.32, 0.32], best)
    assert is_within_one_standard_error(best, best)
