"""The score in sentences."""

from __future__ import annotations

import pytest

from ganas.report.score import component_lines, score_lines


def test_a_code_is_held_against_as_many_principal_components():
    plan = {"layers": [{"units": 64}, {"units": 8}, {"units": 64}], "bottleneck": 1}
    result = {
        "winner": {"plan": plan},
        "test": {"mean": 0.015},
        "principal_components": {"test": {"8": 0.03, "16": 0.02}},
    }
    (line,) = component_lines(result)
    assert line.startswith("principal components, 8 of them")
    assert line.endswith("0.50 times that")
    plan["layers"][1]["units"] = 9
    assert component_lines(result) == []
    assert component_lines({"winner": {"plan": plan}, "test": {"mean": 1.0}}) == []


def test_the_winner_has_its_rank_in_the_search():
    result = {
        "winner": {"in_words": "8 relu"},
        "rank": 3,
        "parameters": 9,
        "error_in_words": "RMSE",
        "validation": {"values": [0.2], "mean": 0.2, "sd": 0.0},
        "optimism": 0.0,
        "search_error": 0.2,
    }
    assert score_lines(result)[0] == "winner: 8 relu (9 parameters), rank 3 in the search"


@pytest.mark.parametrize(
    ("error", "end"),
    [("1 - accuracy on 40 rows", "1.000"), ("1 - R2 on 40 rows", "1.400"), ("RMSE on 40 rows", "1.400")],
)
def test_an_interval_ends_where_errors_do(error, end):
    validation = {"values": [0.2, 0.8], "mean": 0.5, "sd": 0.42, "interval": [-0.4, 1.4]}
    result = {"winner": {"in_words": "4 relu"}, "parameters": 9, "error_in_words": error, "validation": validation}
    lines = score_lines({**result, "optimism": 0.1, "search_error": 0.4})
    assert f"one more training falls in 0.0000 to {end} (95 %)" in lines
