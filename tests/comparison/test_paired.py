"""Paired differences and their p-values, against theory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ganas.comparison.paired import holm, paired_difference

A = {0: 0.10, 1: 0.12, 2: 0.11, 3: 0.15}
B = {0: 0.09, 1: 0.10, 2: 0.11, 3: 0.11}


def test_equal_variants_do_not_differ():
    difference = paired_difference(A, A)
    assert (difference.mean, difference.half_width, difference.p) == (0.0, 0.0, 1.0)
    assert paired_difference(A, A, "wilcoxon").p == 1.0


def test_the_p_value_is_that_of_the_paired_test():
    difference = paired_difference(A, B)
    assert difference.mean == pytest.approx(0.0175)
    assert difference.p == pytest.approx(stats.ttest_rel(list(A.values()), list(B.values())).pvalue)


def test_seeds_that_failed_on_either_side_are_left_out():
    assert paired_difference({**A, 9: 1.0}, {**B, 8: 1.0}) == paired_difference(A, B)
    assert paired_difference({0: 0.1}, B) is None
    assert paired_difference({}, B) is None


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_corrected_p_values_are_no_smaller_and_keep_their_order(p_values):
    corrected = holm(p_values)
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    assert all(c >= p for p, c in zip(p_values, corrected, strict=True))
    assert [corrected[index] for index in order] == sorted(corrected)
