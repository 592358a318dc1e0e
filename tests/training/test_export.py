"""An exported network takes raw rows, opens in Keras' safe mode, and answers as the evaluator's own preprocessing does."""

import errno
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from ganas.errors import DataError, RunError
from ganas.predict import predict_file, read_pipeline
from ganas.search.plan import DenseLayer, mlp_plan
from ganas.tasks import load_task, task_from_arrays
from ganas.tasks.inputs import input_names, read_inputs
from ganas.training.build import build
from ganas.training.export import answer, answer_scaled, export

PLAN = mlp_plan([DenseLayer(8, "prelu", batch_normalization=True, dropout=0.2), (6, "leaky_relu(0.2)")])


def make_rows(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "capital gain": rng.normal(1e6, 3e4, rows),
            "od280/od315": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(0, 1e-11, rows)),
            "town": rng.choice(["Köln", "", "Bonn, west", "Ulm"], rows),
            "is old": rng.random(rows) < 0.5,
            "grade": rng.choice(["1", "2", "A"], rows),
        }
    )
    return frame.assign(
        town=frame["town"].replace("", None), price=rng.normal(2e5, 5e4, rows), label=rng.choice(["no", "yes"], rows)
    )


def write_run(folder: Path, task: object) -> types.SimpleNamespace:
    """Writes what ``predict`` reads of a run, with an untrained network; returns it with the network."""
    plan = task.complete(PLAN)
    network = build(plan, task.inputs, seed=1)
    pipeline = json.loads(json.dumps(task.pipeline()))
    export(plan, network.get_weights(), pipeline, str(folder / "best.keras"))
    (folder / "pipeline.json").write_text(json.dumps(pipeline))
    return types.SimpleNamespace(folder=folder, network=network, pipeline=pipeline)


def own_answer(task: object, run: types.SimpleNamespace) -> np.ndarray:
    outputs = run.network.predict(task.preprocessing.transform(task.table.features), verbose=0)
    outputs = outputs.astype(np.float64)
    output = run.pipeline["output"]
    return outputs * output["scale"] + output["mean"] if "scale" in output else outputs


@pytest.mark.parametrize("pca", [None, 3])
@pytest.mark.parametrize("target", ["price", "label"])
def test_an_exported_network_answers_raw_rows_as_the_evaluator_does(
    tmp_path: Path, target: str, pca: int | None
) -> None:
    frame = make_rows()
    task = task_from_arrays(frame.drop(columns=["price", "label"]), frame[target], pca=pca)
    run = write_run(tmp_path, task)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    inputs, _ = read_inputs(tmp_path / "rows.csv", run.pipeline)
    np.testing.assert_allclose(answer(tmp_path / "best.keras", inputs), own_answer(task, run), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("offset", [0.0, 1e9, 1e12])
def test_targets_far_from_0_are_answered_as_they_are_judged(tmp_path: Path, offset: float) -> None:
    frame = make_rows()
    frame["price"] = offset + 1e-4 * frame["price"]
    task = task_from_arrays(frame.drop(columns=["price", "label"]), frame["price"])
    run = write_run(tmp_path, task)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    inputs, _ = read_inputs(tmp_path / "rows.csv", run.pipeline)
    found, right = answer(tmp_path / "best.keras", inputs), own_answer(task, run)
    assert len(np.unique(found)) > 100
    np.testing.assert_allclose(found - offset, right - offset, rtol=1e-3, atol=1e-3)


def test_an_exported_network_opens_without_ganas_and_holds_only_what_keras_has(tmp_path: Path) -> None:
    frame = make_rows()
    task = task_from_arrays(frame.drop(columns=["price", "label"]), frame["label"])
    run = write_run(tmp_path, task)
    code = f"""
import sys, numpy as np, keras
model = keras.models.load_model({str(tmp_path / "best.keras")!r}, safe_mode=True)
row = {{"capital gain": np.array([1e6, np.nan]), "od280_od315": np.array([np.nan, 0.0]), "is old": np.array([1, 0]),
       "town": np.array(["Ulm", ""], object), "grade": np.array(["A", "never seen"], object)}}
assert np.isfinite(model.predict(row, verbose=0)).all()
np.testing.assert_allclose(model.predict(row, verbose=0), model(row), atol=1e-6)
parts = [model, model.get_layer("preprocessing"), model.get_layer("network")]
modules = {{type(operation).__module__.split(".")[0] for part in parts for operation in part._operations}}
print(modules, "ganas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout.strip() == "{'keras'} False", done.stderr
    assert set(run.pipeline["source"]["columns"]) == set(frame.columns) - {"price", "label"}


@pytest.mark.parametrize("content", [None, b"", b"PK\3\4 not all of it"])
def test_a_damaged_network_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "best.keras").write_bytes(content)
    with pytest.raises(RunError, match=r"best\.keras: cannot be opened .*; delete it and resume") as caught:
        answer(tmp_path / "best.keras", {"a": np.zeros(2, np.float32)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("place", "name"), [(keras.Model, "save"), (os, "fsync")])
def test_a_network_that_cannot_be_written_leaves_the_one_before(
    place: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = make_rows()
    task = task_from_arrays(frame.drop(columns=["price", "label"]), frame["label"])
    write_run(tmp_path, task)
    before = (tmp_path / "best.keras").read_bytes()

    def fill_the_disk(what: object, path: Path | None = None) -> None:
        if path is not None:
            path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(place, name, fill_the_disk)
    with pytest.raises(RunError, match=r"best\.keras: cannot be written \(No space left on device\)"):
        write_run(tmp_path, task)
    assert (tmp_path / "best.keras").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"best.keras", "pipeline.json"}


@pytest.mark.parametrize("text", ["[1]", '{"task": "classification"}', "no JSON"])
def test_a_damaged_pipeline_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "best.keras").touch()
    (tmp_path / "pipeline.json").write_text(text)
    with pytest.raises(RunError, match=r"pipeline\.json: is no pipeline .*; delete it and resume"):
        read_pipeline(tmp_path)


def test_pictures_go_in_as_one_matrix(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 5, 5)).astype(np.uint8)
    task = task_from_arrays(images, np.arange(40) % 2)
    run = write_run(tmp_path, task)
    np.savez(tmp_path / "rows.npz", X=images)
    pd.DataFrame(images.reshape(40, 25)).to_csv(tmp_path / "rows.csv", index=False)
    for name in ("rows.npz", "rows.csv"):
        inputs, _ = read_inputs(tmp_path / name, run.pipeline)
        assert list(inputs) == ["features"]
        np.testing.assert_allclose(answer(tmp_path / "best.keras", inputs), own_answer(task, run), atol=1e-6)
    pd.DataFrame(images.reshape(40, 25)[:, :9]).to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(DataError, match="has 9 columns; expected the 25"):
        read_inputs(tmp_path / "few.csv", run.pipeline)


def test_a_matrix_with_holes_goes_in_as_one_matrix(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[::5, 1] = np.nan
    task = task_from_arrays(x, np.arange(40) % 2)
    run = write_run(tmp_path, task)
    answers = answer(tmp_path / "best.keras", {"features": x.astype(np.float32)})
    np.testing.assert_allclose(answers, own_answer(task, run), atol=1e-6)


@pytest.mark.parametrize("pca", [None, 3])
@pytest.mark.parametrize(
    "names",
    [
        ("network", "network_", "features"),
        ("numbers", "target_units", "principal_components"),
        ("isnan", "cast", "string_lookup"),
        ("where", "take", "get_item"),
        ("preprocessing", "subtract", "true_divide"),
    ],
)
def test_columns_may_be_called_as_layers_are(tmp_path: Path, names: tuple[str, str, str], pca: int | None) -> None:
    keras.backend.clear_session()  # Keras counts the names that it gives: "cast", then "cast_1"
    frame = make_rows()
    columns = dict(zip(["od280/od315", "capital gain", "town"], names, strict=True))
    task = task_from_arrays(frame[list(columns)].rename(columns=columns), frame["price"], pca=pca)
    run = write_run(tmp_path, task)
    frame.rename(columns=columns).to_csv(tmp_path / "rows.csv", index=False)
    inputs, _ = read_inputs(tmp_path / "rows.csv", run.pipeline)
    assert set(inputs) == set(names)
    np.testing.assert_allclose(answer(tmp_path / "best.keras", inputs), own_answer(task, run), rtol=1e-6, atol=1e-6)
    x = task.preprocessing.transform(task.table.features)
    np.testing.assert_allclose(answer_scaled(tmp_path / "best.keras", x), run.network(x), atol=1e-6)


def test_texts_that_all_differ_are_all_unknown(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(18.0), "name": [f"n{index}" for index in range(18)]})
    task = task_from_arrays(frame, np.arange(18) % 2)
    assert task.preprocessing.categories[0].vocabulary == ()
    run = write_run(tmp_path, task)
    inputs = {"a": np.arange(18, dtype=np.float32), "name": np.array(["new", "", *frame["name"][2:]], object)}
    np.testing.assert_allclose(answer(tmp_path / "best.keras", inputs), own_answer(task, run), atol=1e-6)


def test_a_word_may_be_what_keras_calls_the_unknown(tmp_path: Path) -> None:
    words = ["[UNK]", "[UNK]_", "common"] * 6
    task = task_from_arrays(pd.DataFrame({"a": np.arange(18.0), "name": words}), np.arange(18) % 2)
    run = write_run(tmp_path, task)
    inputs = {"a": np.arange(18, dtype=np.float32), "name": np.array(words, object)}
    np.testing.assert_allclose(answer(tmp_path / "best.keras", inputs), own_answer(task, run), atol=1e-6)


def test_predictions_are_original_labels_with_their_probabilities(tmp_path: Path) -> None:
    frame = make_rows()
    run = write_run(tmp_path, task_from_arrays(frame.drop(columns=["price", "label"]), frame["label"]))
    frame.drop(columns=["label"]).to_csv(tmp_path / "rows.csv", index=False)
    said: list[str] = []
    predict_file(run, tmp_path / "rows.csv", tmp_path / "out.csv", say=said.append)
    out = pd.read_csv(tmp_path / "out.csv")
    assert out.columns.tolist() == ["prediction", "probability_no", "probability_yes"]
    assert len(out) == len(frame)
    np.testing.assert_array_equal(out["prediction"] == "yes", out["probability_yes"] > out["probability_no"])
    assert any("columns price are ignored" in line for line in said)


def test_a_file_without_header_is_read_as_the_training_file_was_with_or_without_its_target(tmp_path: Path) -> None:
    frame = make_rows()[["capital gain", "label", "grade", "price"]]
    frame.to_csv(tmp_path / "train.csv", index=False, header=False)
    task = load_task(tmp_path / "train.csv", target=1)
    run = write_run(tmp_path, task)
    frame.drop(columns="label").to_csv(tmp_path / "rows.csv", index=False, header=False)
    answers = [
        answer(tmp_path / "best.keras", read_inputs(tmp_path / f, run.pipeline)[0]) for f in ("train.csv", "rows.csv")
    ]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_allclose(answers[0], own_answer(task, run), atol=1e-6)


def test_missing_columns_are_one_clear_line(tmp_path: Path) -> None:
    frame = make_rows()
    run = write_run(tmp_path, task_from_arrays(frame[["capital gain", "town"]], frame["label"]))
    frame[["town"]].assign(other=1).to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(DataError, match="columns capital gain are missing"):
        predict_file(run, tmp_path / "rows.csv", tmp_path / "out.csv")
    frame[["capital gain", "town"]].assign(**{"capital gain": "much"}).to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(DataError, match="column 'capital gain' must hold numbers, got 'much'"):
        predict_file(run, tmp_path / "rows.csv", tmp_path / "out.csv")


def test_an_unfinished_run_predicts_nothing_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="finish the run first"):
        predict_file(types.SimpleNamespace(folder=tmp_path), tmp_path / "rows.csv", tmp_path / "out.csv")


def test_tied_weights_are_written_out(tmp_path: Path) -> None:
    task = task_from_arrays(np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 2)
    pipeline = {**task.pipeline(), "output": {}}
    from ganas.search.plan import Head

    plan = mlp_plan([3, 2, 3], loss="mean_squared_error", head=Head(4), bottleneck=1, tied=True)
    network = build(plan, 4, seed=2)
    export(plan, network.get_weights(), pipeline, str(tmp_path / "best.keras"))
    model = keras.models.load_model(tmp_path / "best.keras", safe_mode=True)
    rows = task.table.features.numbers
    np.testing.assert_allclose(
        model({"features": rows}), network(task.preprocessing.transform(task.table.features)), atol=1e-6
    )


def test_names_of_inputs_are_what_keras_takes_and_differ() -> None:
    assert input_names(["a/b", "a_b", "", "c"]) == {"a/b": "a_b", "a_b": "a_b_", "": "_", "c": "c"}
