"""What a run's records say, as rows."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ganas.report import tables


@pytest.fixture
def run(make_run):
    return make_run()


def test_the_best_so_far_never_rises_and_failures_never_enter_it(run):
    rows = tables.progress_rows(run.records)
    assert [row["evaluation"] for row in rows] == list(range(1, 61))
    best = [row["best"] for row in rows if row["best"] is not None]
    assert best == sorted(best, reverse=True)
    failed = [row for row in rows if row["status"] != "ok"]
    assert failed
    assert all(row["error"] is None for row in failed)


def test_the_last_best_is_the_head_of_the_hall_of_fame(run):
    assert tables.progress_rows(run.records)[-1]["best"] == tables.hall_rows(run.hall_of_fame)[0]["error"]


def test_a_front_member_is_beaten_by_no_smaller_network(run):
    front = tables.size_front(run.records)
    rows = tables.size_rows(run.records, front)
    assert 0 < sum(row["on_front"] for row in rows) == len(front)
    for row in rows:
        beaten = any(o["parameters"] <= row["parameters"] and o["error"] < row["error"] for o in rows)
        if row["on_front"]:
            assert not beaten
        else:
            assert any(
                o["parameters"] <= row["parameters"] and o["error"] <= row["error"] for o in rows if o["on_front"]
            )


def test_activation_shares_of_a_generation_add_up_to_one(run):
    rows = tables.architecture_rows(run.records)
    assert [row["generation"] for row in rows] == [1, 2, 3, 4, 5, 6]
    for row in rows:
        assert sum(row["activations"].values()) == pytest.approx(1.0)
        assert row["depth"][0] <= row["depth"][1] <= row["depth"][2] <= 4


def test_rare_activations_are_put_together(run):
    rows = tables.architecture_rows(run.records, most=2)
    names = {name for row in rows for name in row["activations"]}
    assert len(names) == 2
    assert "other" in names


def test_learning_rows_count_epochs_from_one(run):
    evaluation = run.hall_of_fame[0].evaluation
    (rows,) = tables.learning_rows(evaluation)
    assert [row["epoch"] for row in rows] == list(range(1, evaluation.epochs + 1))
    assert rows[0]["val_loss"] == evaluation.curves[0]["val_loss"][0]


def test_failures_are_counted_by_status_with_an_example(run):
    (row,) = tables.failure_rows(run.records)
    assert row["status"] == "diverged"
    assert row["example"] == "the loss became NaN"
    assert row["count"] == sum(not record.is_ok for record in run.records)


def test_an_operator_is_judged_against_the_better_parent(run):
    (row,) = tables.operator_rows(run.records)
    assert row["operator"] == "crossover"
    errors = {r.number: r.evaluation.error for r in run.records}
    children = [r for r in run.records if any(errors[parent] is not None for parent in r.parents)]
    better = [
        r.number
        for r in children
        if errors[r.number] is not None
        and errors[r.number] < min(errors[parent] for parent in r.parents if errors[parent] is not None)
    ]
    assert row["children"] == len(children)
    assert row["better"] == len(better) / len(children)


def test_a_child_counts_once_for_each_operator_that_had_a_part_in_it(run):
    parent, *others = [record for record in run.records if record.is_ok]
    made_by = ("crossover", "crossover, step units, step units", "step units")
    children = [
        dataclasses.replace(record, parents=(parent.number,), operator=operator)
        for record, operator in zip(others, made_by, strict=False)
    ]
    counts = {row["operator"]: row["children"] for row in tables.operator_rows([parent, *children])}
    assert counts == {"crossover": 2, "step units": 2}


def test_candidate_rows_are_plain_data(run):
    rows = tables.candidate_rows(run.records)
    assert len(rows) == 60
    json.dumps(rows)
    assert rows[0]["network"].endswith("softmax 10")


def test_a_run_without_results_has_no_rows():
    assert tables.progress_rows([]) == []
    assert tables.architecture_rows([]) == []
    assert tables.size_front([]) == []
    assert tables.failure_rows([]) == []
