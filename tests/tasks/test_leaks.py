"""Columns that are the target in other words are named, and others are not."""

import numpy as np
import pandas as pd
import pytest

from ganas import task_from_arrays
from ganas.tasks.columns import columns_of_frame
from ganas.tasks.leaks import columns_that_tell_classes, columns_that_tell_numbers

ROWS = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 3))
CODES = np.arange(ROWS) % 3
VALUES = 1e4 + 30 * RNG.normal(size=ROWS)
HOLES = np.where(np.arange(ROWS) % 4 == 0, np.nan, 1.0)


def columns(told):
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(told=told)
    return columns_of_frame(frame, ROWS)[0]


@pytest.mark.parametrize(
    ("told", "is_target"),
    [
        (CODES, True),
        (np.array([5.5, -1, 2])[CODES], True),
        (np.array(["x", "y", "z"], object)[CODES], True),
        (np.array(["x", "", "z"], object)[CODES], False),
        (np.where(np.isnan(HOLES), None, np.array(["x", "y", "z"], object)[CODES]), True),
        (HOLES * CODES, True),
        (np.where(np.arange(ROWS) < 90, np.nan, CODES), True),
        (CODES == 1, False),
        (CODES + (np.arange(ROWS) == 7), False),
        (np.arange(ROWS), False),
        (CODES + 0.1 * X[:, 0], False),
    ],
)
def test_a_column_tells_classes_if_it_has_one_value_for_each(told, is_target):
    assert columns_that_tell_classes(columns(told), CODES) == ["told"] * is_target


@pytest.mark.parametrize(
    ("told", "is_target"),
    [
        (VALUES, True),
        (-0.3 * VALUES + 100, True),
        (HOLES * VALUES, True),
        (np.where(np.arange(ROWS) < 90, np.nan, VALUES), False),
        (VALUES + np.where(np.arange(ROWS) == 7, 30, 0), False),
        (VALUES.round(-1), False),
        (np.log(VALUES), False),
        (np.arange(ROWS), False),
    ],
)
def test_a_column_tells_numbers_if_it_is_them_but_for_unit_and_zero(told, is_target):
    assert columns_that_tell_numbers(columns(told), VALUES) == ["told"] * is_target


@pytest.mark.parametrize(("target", "kind"), [(CODES, "classification"), (VALUES, "regression")])
def test_a_task_warns_of_its_target_among_the_features(target, kind):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    assert not any("warning" in line for line in task_from_arrays(frame, target, kind=kind).in_words())
    told = task_from_arrays(frame.assign(again=target), target, kind=kind)
    assert told.in_words()[-1].startswith("warning: column 'again' is the target in other words; leave it out")
