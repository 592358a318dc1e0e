"""Printed scripts: they run as printed and build the network that the plan says."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ganas.config import RunConfig, make_config
from ganas.report.code import code_of, network_lines
from ganas.report.data_code import data_part
from ganas.search.activations import ELEMENTWISE
from ganas.search.plan import Corruption, DenseLayer, Head, Mutation, NetworkPlan, Optimizer
from ganas.settings import make_task

INPUTS = 7
PLANS = [
    NetworkPlan((), Head(3, "softmax"), "categorical_crossentropy"),
    NetworkPlan(tuple(DenseLayer(4 + i, name) for i, name in enumerate(ELEMENTWISE)), Head(1), "mean_squared_error"),
    NetworkPlan(
        (DenseLayer(8, "prelu", True, 0.2), DenseLayer(4, "leaky_relu(0.2)", True), DenseLayer(5, "elu(0.5)")),
        Head(3, "softmax", batch_normalization=True),
        "kl_divergence",
        Optimizer("adamw", 1e-3, 1e-4),
        normalization="before_activation",
        l2=1e-4,
    ),
    NetworkPlan(
        (DenseLayer(8, "celu(2.0)"),),
        Head(INPUTS, "sigmoid"),
        "binary_crossentropy",
        corruption=Corruption("mask", 0.2),
    ),
]


def run_script(text: str, folder: Path) -> str:
    """Runs a script in an interpreter of its own, as a reader would, and returns what it printed."""
    path = folder / "script.py"
    path.write_text(text)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [sys.executable, str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def run_data_part(config: RunConfig) -> dict:
    """Runs the data part of the script of a run with ``config`` in this process; returns its variables."""
    run = SimpleNamespace(config=config, facts={"pipeline": make_task(config).pipeline(), "from_arrays": False})
    script = data_part(run)
    variables: dict = {"parts": script.parts}
    exec("\n".join([*sorted(script.imports), *script.lines]), variables)
    return variables


def check_parts(variables: dict, rows: int, units: int) -> None:
    """Checks that every part is finite float32, of one width, and that all rows are somewhere."""
    widths = set()
    for part in variables["parts"]:
        x, t = variables[f"x_{part}"], variables[f"t_{part}"]
        assert x.dtype == t.dtype == np.float32
        assert np.isfinite(x).all()
        assert np.isfinite(t).all()
        assert t.shape == (len(x), units)
        widths.add(x.shape[1])
    assert len(widths) == 1
    assert sum(len(variables[f"x_{part}"]) for part in variables["parts"]) == rows


def write_table(path: Path, rows: int = 80, *, header: bool = True) -> Path:
    """Writes a table with a hole in every column, an identifier, a constant, numbers, texts and two targets."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "constant": 1,
            "width": rng.normal(5, 2, rows),
            "count": rng.integers(0, 9, rows).astype(float),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "price": rng.normal(100, 20, rows),
            "kind": rng.choice(["yes", "no"], rows),
        }
    )
    for place, name in enumerate(("width", "count", "colour", "kind")):
        frame.loc[place, name] = None
    frame.to_csv(path, index=False, header=header, na_rep="?")
    return path


def test_the_script_of_a_run_runs_as_printed(make_run, tmp_path):
    run = make_run(training={"epochs": 2})
    extras = {"corruption": Corruption("mask", 0.2), "mutation": Mutation(0.5, 0.1)}
    plan = dataclasses.replace(run.hall_of_fame[0].plan, **extras)
    printed = run_script(code_of(plan, run), tmp_path)
    assert "Epoch 2/2" in printed
    assert 0.05 < float(printed.split("test accuracy:")[1]) <= 1


def test_the_script_of_a_plain_network_needs_no_ganas(make_run):
    text = make_run().member(1).code()
    compile(text, "script.py", "exec")
    assert "import ganas" not in text
    assert max(map(len, text.splitlines())) <= 140


def test_the_layers_make_as_many_parameters_as_the_plan_counts(tmp_path):
    from ganas.report.code import MASK

    lines = ["import keras, numpy as np", "from keras import layers", MASK, f"x_train = np.zeros((1, {INPUTS}))"]
    for plan in PLANS:
        lines += ["print(keras.Sequential([", *(f"    {line}," for line in network_lines(plan)), "]).count_params())"]
    counted = run_script("\n".join(lines), tmp_path).split()
    assert [int(count) for count in counted] == [plan.parameters(INPUTS) for plan in PLANS]


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer"])
def test_the_data_part_of_a_named_set_is_ready_for_a_classifier(name):
    config = make_config({"data": {"source": name}}, "test")
    task = make_task(config)
    check_parts(run_data_part(config), rows=len(task.table), units=task.head.units)


def test_the_data_part_of_a_regression_set_is_standardised():
    variables = run_data_part(make_config({"data": {"source": "diabetes"}}, "test"))
    check_parts(variables, rows=442, units=1)
    assert abs(variables["t_train"].mean()) < 1e-3


@pytest.mark.parametrize(
    ("data", "units", "rows"),
    [
        ({"target": "kind"}, 2, 79),
        ({"target": "kind", "pca": 3}, 2, 79),
        ({"target": "price", "folds": 4}, 1, 80),
        ({"target": "price", "validation": 10, "scaling": "min_max"}, 1, 80),
        ({"target": "kind", "validation": 0}, 2, 79),
        ({"target": "kind", "test_fraction": 0}, 2, 79),
    ],
)
def test_the_data_part_of_a_table_copes_with_holes_and_texts(tmp_path, data, units, rows):
    source = str(write_table(tmp_path / "table.csv"))
    check_parts(run_data_part(make_config({"data": {"source": source, **data}}, "test")), rows, units)


def test_a_stray_word_among_numbers_counts_as_missing(tmp_path):
    rows = [f"{i * 0.5},{i % 7}.25,{'ab'[i % 2]}" for i in range(60)]
    rows[3] = "unknown,1.25,a"
    (tmp_path / "table.csv").write_text("\n".join(["width,height,kind", *rows]))
    config = make_config({"data": {"source": str(tmp_path / "table.csv"), "target": "kind"}}, "test")
    check_parts(run_data_part(config), rows=60, units=2)


def test_the_data_part_of_a_table_without_a_header_names_columns_as_the_run_did(tmp_path):
    source = str(write_table(tmp_path / "table.csv", header=False))
    check_parts(run_data_part(make_config({"data": {"source": source, "target": -1}}, "test")), rows=79, units=2)


def test_test_rows_of_ones_own_stay_test_rows(tmp_path):
    source, test = write_table(tmp_path / "table.csv"), write_table(tmp_path / "test.csv", rows=30)
    variables = run_data_part(
        make_config({"data": {"source": str(source), "test": str(test), "target": "kind"}}, "test")
    )
    check_parts(variables, rows=79 + 29, units=2)
    assert len(variables["x_test"]) == 29


def test_official_test_images_stay_test_images(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        f"{name}_{part}": rng.integers(0, 256, (rows, 4, 4)).astype(np.uint8) if name == "x" else np.arange(rows) % 3
        for part, rows in (("train", 30), ("test", 12))
        for name in "xy"
    }
    np.savez(tmp_path / "images.npz", **arrays)
    variables = run_data_part(make_config({"data": {"source": str(tmp_path / "images.npz")}}, "test"))
    check_parts(variables, rows=42, units=3)
    assert len(variables["x_test"]) == 12
    assert variables["x_train"].max() <= 1


def test_class_weights_make_every_class_count_the_same(tmp_path):
    config = make_config({"data": {"source": "wine"}, "task": {"class_weights": True}}, "test")
    variables = run_data_part(config)
    counts = variables["t_train"].sum(axis=0)
    assert np.ptp([counts[i] * weight for i, weight in variables["class_weight"].items()]) < 1e-3
