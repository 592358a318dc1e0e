"""Searches of autoencoders from the command line's side: no identity network is kept, and new rows are answered."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import ganas
from ganas.cli import main
from ganas.compare import compare
from ganas.comparison.config import make_comparison
from ganas.config import make_config
from ganas.execution import make_executor
from ganas.predict import predict_file
from ganas.report.pictures import exported_kernel
from ganas.run import evolve
from ganas.search.plan import DenseLayer, NetworkPlan
from ganas.settings import make_task
from ganas.tasks.anomaly import average_precision

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(300, 2))
NUMBERS = CODES @ RNG.normal(size=(2, 5)) + 0.05 * RNG.normal(size=(300, 5))
KINDS = ("reconstruction", "features", "anomaly")


def make_table() -> pd.DataFrame:
    """Returns numbers with holes, a text column, and a label: "odd" rows break the relations of the others."""
    frame = pd.DataFrame(NUMBERS.copy(), columns=["a", "b", "c", "d", "error"])
    frame.loc[:20, ["a", "b"]] = RNG.normal(size=(21, 2)) * 3
    frame["town"] = np.where(CODES[:, 0] > 0, "Ulm", "Bonn")
    frame.loc[30:40, "c"] = np.nan
    frame["kind"] = np.where(np.arange(300) <= 20, "odd", "usual")
    return frame


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A tiny finished run of each kind, which began with a network of one's own; read only."""
    folder = tmp_path_factory.mktemp("autoencoders")
    make_table().to_csv(folder / "rows.csv", index=False)

    def finished(kind):
        sections = {
            "run": {"executor": "in_process", "name": kind},
            "data": {"source": str(folder / "rows.csv"), "target": "kind"},
            "task": {"kind": kind, **({"anomaly": "odd"} if kind == "anomaly" else {})},
            "search": {"layers": 0, "bottleneck": [2, 3], "batch_size": 32, "learning_rate": [1e-2, 3e-2]}
            | {"start": [{"bottleneck": 3, "learning_rate": 3e-2}]},
            "evolution": {"engine": "generational", "population": 2, "generations": 1},
            "training": {"epochs": 3},
            "final": {"candidates": 1, "repeats": 2},
        }
        return evolve(make_config(sections, "test"), runs_dir=folder / "runs")

    return folder, {kind: finished(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_begins_with_the_network_it_was_given(runs, kind):
    first = runs[1][kind].records[0]
    assert first.operator == "start"
    assert first.genome == {"bottleneck": 3, "learning_rate": 3e-2}


def predicted(runs, kind):
    folder, by_kind = runs
    said = []
    predict_file(by_kind[kind], folder / "rows.csv", folder / f"{kind}.csv", say=said.append)
    assert said[-1].endswith("300 predictions")
    return pd.read_csv(folder / f"{kind}.csv")


def test_reconstruction_predicts_columns_in_their_units_and_the_error_of_each_row(runs):
    out = predicted(runs, "reconstruction")
    names = ["a", "b", "c", "d", "error", "town"]
    assert out.columns.tolist() == ["error", *(f"reconstructed_{name}" for name in names)]
    assert set(out["reconstructed_town"]) <= {"Ulm", "Bonn"}
    assert (out["error"] > 0).all()
    assert np.corrcoef(out["reconstructed_d"], NUMBERS[:, 3])[0, 1] > 0.8


def test_features_predict_the_code_of_each_row(runs):
    out = predicted(runs, "features")
    width = runs[1]["features"].result["winner"]["plan"]["layers"][0]["units"]
    assert out.columns.tolist() == [f"feature_{place + 1}" for place in range(width)]
    assert (out.std() > 0).all()


def test_anomalies_are_scored_flagged_and_explained(runs):
    out = predicted(runs, "anomaly")
    assert out.columns.tolist() == ["prediction", "score", "columns"]
    assert set(out["prediction"]) <= {0, 1}
    assert out["score"][:21].mean() > out["score"][41:].mean()


@pytest.mark.parametrize(("score", "validation"), [("reconstruction", 0.2), ("combined", 0.2), ("combined", 0)])
def test_new_rows_are_flagged_by_the_score_and_threshold_that_the_test_rows_were_judged_by(score, validation, tmp_path):
    make_table().to_csv(tmp_path / "rows.csv", index=False)
    sections = {
        "run": {"executor": "in_process"},
        "data": {
            "source": str(tmp_path / "rows.csv"),
            "target": "kind",
            "test_fraction": 0.4,
            "validation": validation,
        },
        "task": {"kind": "anomaly", "score": score, "false_alarm_rate": 0.05},
        "search": {"layers": 0, "bottleneck": [2, 3]},
        "evolution": {"engine": "generational", "population": 2, "generations": 1},
        "training": {"epochs": 3},
        "final": {"candidates": 1, "repeats": 2},
    }
    run = evolve(make_config(sections, "test"), runs_dir=tmp_path / "runs")
    predict_file(run, tmp_path / "rows.csv", tmp_path / "out.csv")
    rows = make_task(run.config).splits.test
    out, labels = pd.read_csv(tmp_path / "out.csv").iloc[rows], make_table()["kind"].to_numpy()[rows] == "odd"
    reported = {name: summary["values"][0] for name, summary in run.result["test_measures"].items()}
    assert out["prediction"].mean() == pytest.approx(reported["flagged"])
    assert (out["prediction"][~labels] == 1).sum() == reported["false_positives"]
    assert average_precision(out["score"].to_numpy(), labels) == pytest.approx(reported["average_precision"])


@pytest.mark.parametrize("metric", ["perturbed", "roc_auc"])
def test_an_identity_network_is_recorded_with_its_reason_and_never_kept(metric):
    """Linear layers as wide as the input learn to copy it within a few epochs."""
    x = RNG.normal(size=(400, 4)).astype(np.float32)
    labels = np.arange(400) < 40
    x[labels] *= 6
    task = ganas.task_from_arrays(x, labels, kind="anomaly", metric=metric, train_on="all", score="combined")
    optimizer = dataclasses.replace(NetworkPlan(()).optimizer, learning_rate=0.02)
    wide, narrow = (
        NetworkPlan((DenseLayer(units, "linear"),), bottleneck=0, optimizer=optimizer, batch_size=16)
        for units in (4, 2)
    )
    with ganas.Evaluator(
        task, budget=ganas.TrainingBudget(epochs=40), executor=make_executor("in_process", 1)
    ) as evaluator:
        copying, learning = evaluator.evaluate([wide, narrow])
    assert copying.status == "failed"
    assert "identity" in copying.message
    assert copying.error is None
    assert learning.is_ok


@pytest.mark.parametrize(
    ("kind", "columns", "settings", "message"),
    [
        ("anomaly", ["a", "b"], {"task.anomaly": "none"}, "[task] anomaly: no row is labelled 'none'"),
        ("anomaly", ["a"], {}, "an autoencoder needs at least two columns, got 1"),
        ("reconstruction", ["a"], {}, "an autoencoder needs at least two columns, got 1"),
        ("reconstruction", ["a", "b"], {"data.pca": 3}, "[data] pca: 3 components of 2 inputs"),
        ("anomaly", ["a", "b", "again"], {}, "column 'again' is the label in other words"),
        ("anomaly", ["one", "two"], {}, "no column is left (one: is 1 in every row; two: is 2 in every row)"),
        ("reconstruction", ["one", "two"], {}, "no column is left (one: is 1 in every row; two: is 2 in every row)"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, kind, columns, settings, message):
    frame = make_table().dropna()
    frame = frame.assign(one=1.0, two=2.0, again=(frame["kind"] == "odd").astype(int))
    frame[[*columns, "kind"]].to_csv(tmp_path / "rows.csv", index=False)
    words = {"task.kind": kind, "data.target": "kind", **settings}
    asked = [part for key, value in words.items() for part in ("--set", f"{key}={value}")]
    code = main(["evolve", "--data", str(tmp_path / "rows.csv"), *asked, "--runs-dir", str(tmp_path / "runs")])
    captured = capsys.readouterr()
    assert code == 2
    assert message in captured.err.replace("\n", " ")
    assert "Traceback" not in captured.err


def test_rows_that_are_all_anomalies_are_one_line(tmp_path, capsys):
    make_table().assign(kind="anomaly").to_csv(tmp_path / "rows.csv", index=False)
    words = ["--set", "task.kind=anomaly", "--set", "data.target=kind"]
    assert main(["evolve", "--data", str(tmp_path / "rows.csv"), *words, "--runs-dir", str(tmp_path / "runs")]) == 2
    assert "there must be normal rows to learn from" in capsys.readouterr().err.replace("\n", " ")


def test_a_search_warns_of_a_threshold_that_few_rows_support(runs):
    words = runs[1]["anomaly"].facts["data"]
    assert any(line.startswith("warning: only 45 held-out normal rows support the threshold") for line in words)


PICTURES = {
    "run": {"executor": "in_process"},
    "data": {"source": "digits", "train_rows": 200},
    "task": {"kind": "features"},
    "training": {"epochs": 1},
}


def test_the_first_layer_of_a_network_that_looks_at_images_is_drawn(tmp_path):
    search = {"layers": 0, "bottleneck": [4, 20], "learning_rate": 0.01}
    small = {"evolution": {"population": 2, "generations": 1}, "final": {"candidates": 1, "repeats": 2}}
    run = evolve(make_config({**PICTURES, "search": search, **small}, "test"), runs_dir=tmp_path)
    units = run.result["winner"]["plan"]["layers"][0]["units"]
    assert exported_kernel(run.folder / "best.keras", 64).shape == (64, units)
    assert (run.folder / "figures" / "first_layer.png").is_file()
    assert "first_layer.png" in (run.folder / "report.md").read_text(encoding="utf-8")


def test_a_comparison_draws_the_first_layer_of_each_variant_and_keeps_no_other_weights(tmp_path):
    sections = {
        **PICTURES,
        "title": "Tiny",
        "compare": {"seeds": 2},
        "base": {"layers": [5], "bottleneck": 0},
        "variant": [{"name": "plain"}, {"name": "noisy, 50 %", "corruption": {"kind": "mask", "rate": 0.5}}],
    }
    run = compare(make_comparison(sections, "test"), runs_dir=tmp_path)
    with np.load(run.folder / "first_layers.npz") as kernels:
        assert {name: kernels[name].shape for name in kernels} == {"variant_0": (64, 5), "variant_1": (64, 5)}
    assert not (run.folder / "weights").exists()
    assert (run.folder / "figures" / "first_layer.png").is_file()
    assert "mean activation" in (run.folder / "report.md").read_text(encoding="utf-8")


def test_rows_that_are_no_images_have_no_pictures(runs):
    assert not (runs[1]["features"].folder / "figures" / "first_layer.png").exists()
