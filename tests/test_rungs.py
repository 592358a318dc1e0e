"""Early stopping across candidates: who goes on from a rung."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganas.errors import ConfigError
from ganas.rungs import RUNGS, Rungs

scores = st.dictionaries(st.integers(0, 50), st.floats(0, 1), min_size=1, max_size=20)


def test_the_better_half_of_a_first_batch_goes_on():
    assert Rungs().survivors({0: 0.4, 1: 0.1, 2: 0.3, 3: 0.2}, []) == {1, 3}


def test_a_batch_worse_than_the_last_twenty_stops_altogether():
    assert Rungs().survivors({0: 0.9, 1: 0.8}, [0.1] * 18) == set()


def test_only_the_last_results_of_the_window_count():
    old = [0.0] * 100 + [1.0] * 18
    assert Rungs(window=20).survivors({0: 0.5, 1: 0.6}, old) == {0, 1}


@given(scores, st.lists(st.floats(0, 1), max_size=40))
def test_whoever_is_at_least_as_good_as_a_survivor_survives(batch, earlier):
    alive = Rungs().survivors(batch, earlier)
    assert all(index in alive for index in batch for other in alive if batch[index] <= batch[other])


def test_rungs_that_fall_on_the_end_or_together_are_dropped():
    assert Rungs((0.1, 0.25, 0.5)).epochs(2) == (1,)
    assert Rungs((0.25,)).epochs(20) == (5,)
    assert Rungs((0.25,)).epochs(1) == ()


@pytest.mark.parametrize("options", [{"fractions": (0.5, 0.25)}, {"fractions": (1.0,)}, {"keep": 1.0}, {"window": 1}])
def test_rungs_that_make_no_sense_are_refused_in_one_line(options):
    with pytest.raises(ConfigError, match=r"^\[budget\] "):
        Rungs(**options)


def test_every_named_schedule_has_brackets():
    assert all(brackets for brackets in RUNGS.values())
