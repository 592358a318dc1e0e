"""Splits keep rows apart, keep strata in their shares, and depend on the seed alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganas.errors import DataError
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import hold_out, make_splits

STRATA = np.repeat([0, 1, 2], [60, 30, 10])


@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    seed=st.integers(0, 5),
    folds=st.integers(1, 4),
    test_fraction=st.sampled_from([0.0, 0.2, 0.4]),
)
def test_every_row_trains_validates_or_tests_and_never_two_of_these(
    sizes: list[int], seed: int, folds: int, test_fraction: float
) -> None:
    strata = np.repeat(np.arange(len(sizes)), [size + 4 for size in sizes])
    splits = make_splits(strata, 0, DataSettings(seed=seed, folds=folds, test_fraction=test_fraction))
    for training, validation in splits.folds:
        together = np.concatenate([training, validation, splits.test])
        assert sorted(together.tolist()) == list(range(len(strata)))
    if folds > 1:
        validated = np.concatenate([validation for _, validation in splits.folds])
        assert sorted([*validated.tolist(), *splits.test.tolist()]) == list(range(len(strata)))


@given(seed=st.integers(0, 20), share=st.floats(0.05, 0.5))
def test_each_stratum_gives_its_share_give_or_take_a_row(seed: int, share: float) -> None:
    count = round(share * len(STRATA))
    drawn = hold_out(STRATA, count, np.random.default_rng(seed))
    assert len(set(drawn.tolist())) == count
    for stratum, size in enumerate((60, 30, 10)):
        assert abs((STRATA[drawn] == stratum).sum() - count * size / 100) <= 1


def test_the_only_row_of_a_class_always_trains() -> None:
    strata = np.array([0] * 20 + [1])
    for seed in range(20):
        splits = make_splits(strata, 0, DataSettings(seed=seed))
        assert 20 in splits.folds[0][0]


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    same = [make_splits(STRATA, 0, DataSettings(seed=3)).digest() for _ in range(2)]
    assert same[0] == same[1] != make_splits(STRATA, 0, DataSettings(seed=4)).digest()


def test_official_test_rows_are_the_test_rows() -> None:
    splits = make_splits(STRATA, 25, DataSettings())
    assert splits.test.tolist() == list(range(75, 100))
    assert sum(map(len, splits.folds[0])) == 75


def test_validation_may_be_nothing_a_number_of_rows_or_the_test_rows() -> None:
    assert len(make_splits(STRATA, 0, DataSettings(validation=0)).folds[0][1]) == 0
    assert len(make_splits(STRATA, 0, DataSettings(validation=12)).folds[0][1]) == 12
    on_test = make_splits(STRATA, 0, DataSettings(validation="test"))
    assert on_test.folds[0][1].tolist() == on_test.test.tolist()
    assert len(on_test.folds[0][0]) == 80


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (DataSettings(folds=9, test_fraction=0.5), "9 folds of 6 rows"),
        (DataSettings(validation=20), "20 rows of 10 would leave none"),
        (DataSettings(validation="test", test_fraction=0), "needs test rows"),
    ],
)
def test_too_few_rows_are_one_clear_line(settings: DataSettings, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_splits(np.zeros(12, int), 0, settings)
