"""The hypervolume against rectangles that can be counted."""

import pytest

from ganas.errors import SpaceError
from ganas.evolution.hypervolume import hypervolume
from ganas.evolution.individual import Birth, Individual
from ganas.search.space import Genome


def individual(*objectives):
    return Individual(Genome({"x": objectives[0]}), objectives, Birth("initial"))


def test_a_front_of_two_covers_the_union_of_their_rectangles():
    assert hypervolume([individual(1.0, 3.0), individual(2.0, 1.0)], (4.0, 4.0)) == pytest.approx(3 * 1 + 2 * 3 - 2 * 1)


def test_an_individual_beyond_the_reference_adds_nothing():
    assert hypervolume([individual(5.0, 0.0)], (4.0, 4.0)) == 0.0
    assert hypervolume([individual(1.0, 1.0), individual(0.0, 9.0)], (4.0, 4.0)) == pytest.approx(9.0)


def test_an_empty_front_has_no_volume():
    assert hypervolume([], (1.0, 1.0)) == 0.0


def test_a_reference_of_too_few_numbers_is_refused_in_one_line():
    with pytest.raises(SpaceError, match="one number per objective, got 1 for 2 objectives"):
        hypervolume([individual(1.0, 3.0)], [3.0])
