"""What a run reports of its winner's further trainings."""

import pytest

from ganas.final import summary


def test_trainings_that_err_on_as_many_rows_have_an_interval_of_a_row_each_way():
    assert summary([0.1] * 5, step=1 / 50)["interval"] == pytest.approx([0.08, 0.12])


def test_trainings_that_differ_by_a_row_have_the_interval_of_their_spread():
    values = [0.1, 0.1, 0.12, 0.1, 0.1]
    assert summary(values, step=1 / 50)["interval"] == summary(values)["interval"]


def test_one_training_has_no_interval():
    assert summary([0.1], step=1 / 50)["interval"] is None
