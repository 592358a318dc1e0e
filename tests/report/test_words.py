"""Numbers and scores as a person writes them."""

from __future__ import annotations

import math

import pytest

from ganas.report.score import score_lines, spread_in_words
from ganas.report.words import count_in_words, number_in_words, seconds_in_words, share_in_words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0277777, "0.0278"),
        (0.0, "0.0000"),
        (1.23456, "1.235"),
        (123.456, "123.5"),
        (98765.4, "98765"),
        (1.2e-5, "1.20e-05"),
        (-0.5, "-0.5000"),
        (4757, "4,757"),
        (math.inf, "∞"),
        (None, "–"),
    ],
)
def test_a_measure_is_written_with_four_digits(value, words):
    assert number_in_words(value) == words


def test_a_count_without_an_end_says_so():
    assert count_in_words(math.inf) == "infinite"
    assert count_in_words(12345) == "12,345"
    assert count_in_words(3.21e14) == "3.2e+14"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (12.3, "12 s"), (59.7, "1 min 0 s"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (None, "–")],
)
def test_a_duration_is_written_in_two_units(seconds, words):
    assert seconds_in_words(seconds) == words


def test_a_share_is_written_in_percent():
    assert share_in_words(0.973) == "97.3 %"


def test_the_score_says_how_much_the_search_flattered_its_winner(make_run):
    lines = score_lines(make_run().result)
    assert any(line.startswith("validation: 0.0310 ± 0.0010, 3 trainings") for line in lines)
    assert any("the search had said" in line and "too low" in line for line in lines)
    assert any(line.startswith("test: 0.0330 ± 0.0010; accuracy 0.9670") for line in lines)
    assert lines[-1] == "best.keras is the first of these trainings: validation 0.0300, test 0.0320"


def test_a_second_reading_of_the_test_rows_is_marked(make_run):
    result = {**make_run().result, "reading": 2, "first_test": {"mean": 0.04, "values": [0.04]}}
    assert "this was reading 2 of the test rows; the first said 0.0400" in score_lines(result)


def test_a_score_without_test_rows_or_repeats_says_only_what_is_known(make_run):
    result = make_run().result
    single = {"values": [0.03], "mean": 0.03, "sd": 0.0, "interval": None}
    lines = score_lines({**result, "test": None, "validation": single, "tied_with": [3, 4]})
    assert not any(line.startswith("test") for line in lines)
    assert any(line.startswith("validation: 0.0300, one training") for line in lines)
    assert any(line.startswith("2 other finalists could not be told apart") for line in lines)
    assert spread_in_words(single) == "0.0300"
