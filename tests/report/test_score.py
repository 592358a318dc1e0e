"""The score in sentences."""

from __future__ import annotations

from ganas.report.score import component_lines


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
