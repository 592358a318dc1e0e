"""Predictions from the command line, without a network: what goes wrong around it."""

import json
import types

import numpy as np
import pytest

from ganas.cli import main
from ganas.errors import DataError
from ganas.predict import PREDICTIONS, predict_file
from ganas.tasks import load_task, task_from_arrays
from ganas.tasks.inputs import read_inputs


@pytest.mark.parametrize(("place", "reason"), [("missing/p.csv", "non-existent directory"), ("", "Is a directory")])
def test_an_output_that_cannot_be_written_is_one_line_with_the_reason(
    place, reason, make_run, tmp_path, monkeypatch, capsys
):
    run = make_run()
    pipeline = run.facts["pipeline"]
    (run.folder / "pipeline.json").write_text(json.dumps(pipeline))
    (run.folder / "best.keras").write_bytes(b"")
    names = pipeline["preprocessing"]["numbers"]["names"]
    rows = tmp_path / "rows.csv"
    rows.write_text("\n".join([",".join(names), ",".join("0" for _ in names)]))
    monkeypatch.setitem(PREDICTIONS, "classification", lambda run, pipeline, inputs: {"prediction": np.zeros(1)})
    assert main(["predict", str(run.folder), str(rows), "-o", str(tmp_path / place)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"ganas: {tmp_path / place}: cannot be written (")
    assert reason in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("text", ["x\n0.5\n1.5\n", "y,x\n0,0.5\n1,1.5\n"])
def test_a_table_of_one_feature_is_predicted_without_its_target_and_with_it(text, tmp_path, monkeypatch):
    (tmp_path / "train.csv").write_text("x,y\n" + "".join(f"{row / 8},{row % 2}\n" for row in range(40)))
    pipeline = load_task(tmp_path / "train.csv", target="y").pipeline()
    assert predicted(pipeline, text, tmp_path, monkeypatch) == [{"x": [0.5, 1.5]}]


def test_an_array_of_one_column_is_predicted_from_a_text_of_one(tmp_path, monkeypatch):
    pipeline = task_from_arrays(np.arange(40.0)[:, None], np.arange(40) % 2).pipeline()
    assert predicted(pipeline, "0.5\n1.5\n", tmp_path, monkeypatch) == [{"features": [[0.5], [1.5]]}]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (np.array([[1, np.inf, -1], [1e300, 2, np.nan]]), [[1, np.nan, -1], [np.nan, 2, np.nan]]),
        (np.eye(2, 3, dtype=np.uint8), np.eye(2, 3)),
        (np.eye(2, 3, dtype=bool), np.eye(2, 3)),
    ],
)
def test_the_rows_of_arrays_are_read_as_those_of_training_were(rows, expected, tmp_path):
    task = task_from_arrays(np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2)
    np.savez(tmp_path / "rows.npz", X=rows)
    inputs, _ = read_inputs(tmp_path / "rows.npz", task.pipeline())
    assert inputs["features"].dtype == np.float32
    np.testing.assert_array_equal(inputs["features"], expected)


@pytest.mark.parametrize(
    "rows",
    [np.zeros((0, 3)), np.zeros((3, 0)), np.array(3.0), np.full((2, 3), "a"), np.zeros((2, 3), complex)],
    ids=str,
)
def test_arrays_that_are_no_rows_of_numbers_are_one_line(rows, tmp_path):
    np.savez(tmp_path / "rows.npz", X=rows)
    pipeline = task_from_arrays(np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2).pipeline()
    with pytest.raises(DataError, match=r"rows\.npz: expected rows of numbers, got .* of shape \("):
        read_inputs(tmp_path / "rows.npz", pipeline)


def test_a_stray_word_counts_as_missing_in_a_row_of_its_own_as_it_does_among_others(tmp_path):
    (tmp_path / "train.csv").write_text("x,z,y\n" + "".join(f"{row / 8},{row % 7},{row % 2}\n" for row in range(40)))
    pipeline = load_task(tmp_path / "train.csv", target="y").pipeline()
    for rows in ("x,z\nmuch,3\n", "x,z\nmuch,3\n0.5,2\n"):
        (tmp_path / "rows.csv").write_text(rows)
        inputs, notes = read_inputs(tmp_path / "rows.csv", pipeline)
        assert np.isnan(inputs["x"][0])
        assert inputs["z"][0] == 3
        assert notes == [f"{tmp_path / 'rows.csv'}: column 'x': 1 values that are no numbers count as missing"]


def predicted(pipeline, text, folder, monkeypatch):
    """Predicts rows written as ``text``; returns the inputs that the network would have been given."""
    given = []

    def predict(run, pipeline, inputs):
        given.append({name: values.tolist() for name, values in inputs.items()})
        return {"prediction": np.zeros(2)}

    (folder / "pipeline.json").write_text(json.dumps(pipeline))
    (folder / "best.keras").write_bytes(b"")
    (folder / "rows.csv").write_text(text)
    monkeypatch.setitem(PREDICTIONS, "classification", predict)
    predict_file(types.SimpleNamespace(folder=folder), folder / "rows.csv", folder / "out.csv")
    return given
