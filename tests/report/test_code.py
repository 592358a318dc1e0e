"""Printed scripts: they run as printed and build the network that the plan says."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ganas.cli import main
from ganas.config import RunConfig, make_config
from ganas.report.code import MASK, TIED, code_of, network_lines
from ganas.report.data_code import OF_LIBRARIES, OFFICIAL, WHOLE, data_part
from ganas.search.activations import ELEMENTWISE
from ganas.search.plan import Corruption, DenseLayer, Head, Mutation, NetworkPlan, Optimizer
from ganas.settings import make_task
from ganas.store import RunStore
from ganas.tasks import DATASETS, task_from_arrays
from ganas.tasks.splits import Splits
from ganas.training.build import build
from ganas.training.fit import mutation_callback
from ganas.training.session import prepare_session

INPUTS = 7
ACTIVATIONS = [name for name in ELEMENTWISE if name != "threshold"]  # which needs arguments that a plan cannot give
PLANS = [
    NetworkPlan((), Head(3, "softmax"), "categorical_crossentropy"),
    NetworkPlan(tuple(DenseLayer(4 + i, name) for i, name in enumerate(ACTIVATIONS)), Head(1), "mean_squared_error"),
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
    NetworkPlan((DenseLayer(4, "prelu(1.0)"), DenseLayer(5, "leaky_relu(1.0)")), Head(2), "mean_squared_error"),
    NetworkPlan((DenseLayer(6, "linear", True),), Head(2), "huber", normalization="before_activation"),
]
TIED_PLAN = NetworkPlan(
    (DenseLayer(5, "tanh", True, 0.1), DenseLayer(2, "prelu"), DenseLayer(5, "leaky_relu(0.2)", True)),
    Head(INPUTS, "sigmoid"),
    "mean_squared_error",
    l2=1e-4,
    mutation=Mutation(0.5, 0.1, layers="encoder"),
    bottleneck=1,
    tied=True,
)
PLANS += [TIED_PLAN, dataclasses.replace(TIED_PLAN, tied=False)]


@pytest.fixture(autouse=True, scope="module")
def session():
    """TensorFlow as the trainers want it, before anything else starts it."""
    prepare_session(1)


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


def facts_of(config: RunConfig) -> SimpleNamespace:
    """Returns what a script is printed of: a run with ``config`` that has trained nothing."""
    task = make_task(config)
    facts = {
        "pipeline": task.pipeline(),
        "from_arrays": False,
        "data": task.in_words(),
        "fingerprint": {"data": task.fingerprint()},
    }
    return SimpleNamespace(config=config, facts=facts, is_comparison=False)


def run_data_part(config: RunConfig) -> dict:
    """Runs the data part of the script of a run with ``config`` in this process; returns its variables."""
    script = data_part(facts_of(config))
    variables: dict = {"parts": script.parts, "text": "\n".join(script.lines)}
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


def test_a_script_knows_the_library_of_every_named_data_set():
    assert {known.library for known in DATASETS.values()} <= set(OF_LIBRARIES)


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


@pytest.mark.parametrize("plan", PLANS)
def test_the_printed_layers_are_the_network_that_the_search_built(plan):
    lines = ["import keras", "from keras import layers", MASK, TIED, "model = keras.Sequential(["]
    names: dict = {"x_train": np.zeros((1, INPUTS))}
    exec("\n".join([*lines, *(f"    {line}," for line in network_lines(plan)), "])"]), names)
    printed, built = names["model"], build(plan, INPUTS)
    assert printed.count_params() == plan.parameters(INPUTS)
    rng = np.random.default_rng(0)
    shapes = [weight.shape for weight in built.get_weights()]
    # variances must be above 0
    weights = [rng.normal(0, 0.5, shape) if len(shape) > 1 else rng.uniform(0.2, 1.5, shape) for shape in shapes]
    x = rng.normal(size=(9, INPUTS)).astype(np.float32)
    for model in (printed, built):
        model.set_weights(weights)
    np.testing.assert_allclose(printed(x), built(x), rtol=1e-4, atol=1e-6)
    assert sum(map(float, printed.losses)) == pytest.approx(sum(map(float, built.losses)))


@pytest.mark.parametrize(("tied", "mutated"), [(True, "encoder"), (False, "all")])
def test_the_script_of_an_autoencoder_trains_and_mutates_the_layers_of_the_search(tied, mutated, capsys):
    sections = {"task": {"kind": "reconstruction"}, "training": {"epochs": 1}}
    layers = (DenseLayer(5, "tanh"), DenseLayer(2), DenseLayer(5, "tanh"))
    settings = {"mutation": Mutation(0.5, 0.1, layers=mutated), "bottleneck": 1, "tied": tied, "batch_size": 500}
    plan = NetworkPlan(layers, Head(64, "sigmoid"), "mean_squared_error", **settings)
    text = code_of(plan, facts_of(make_config(sections, "test")))
    names: dict = {}
    exec(text, names)
    assert "test reconstruction error" in capsys.readouterr().out
    callback = eval(re.search(r"ganas\.WeightMutation\(.*\)(?=\])", text)[0], names)
    expected = mutation_callback(plan, plan.mutation, 0).selected(build(plan, 64))
    assert [v.shape for v in callback.selected(names["model"])] == [v.shape for v in expected]


def test_the_last_layer_of_an_autoencoder_is_as_wide_as_the_rows_that_the_script_draws():
    # as of a run whose own training rows had two words or holes more
    plan = NetworkPlan((DenseLayer(2),), bottleneck=0, head=Head(15, "linear"), loss="mean_squared_error")
    sections = {"data": {"source": "wine"}, "task": {"kind": "reconstruction"}, "training": {"epochs": 1}}
    names: dict = {}
    exec(code_of(plan, facts_of(make_config(sections, "test"))), names)
    assert names["model"].output_shape == (None, 13)


def test_a_comparison_has_no_script_and_says_so_in_one_line(make_run, capsys):
    store = RunStore.open(make_run().folder)
    store.put(kind="comparison")
    store.close()
    assert main(["show", str(store.folder), "--code"]) == 2
    assert "is a comparison, and scripts are printed of searches" in capsys.readouterr().err


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


@pytest.mark.parametrize(
    "loss",
    [Path.unlink, lambda path: path.write_text("no archive"), lambda path: path.write_bytes(b"")],
    ids=["gone", "damaged", "empty"],
)
@pytest.mark.parametrize(
    ("arrays", "data"),
    [
        ({"X": 40, "y": 40}, {}),
        ({"X": 40, "y": 40}, {"validation": "test"}),
        ({"x_train": 30, "y_train": 30, "x_test": 12, "y_test": 12}, {}),
        ({"x_train": 30, "y_train": 30, "x_test": 12, "y_test": 12}, {"validation": "test"}),
    ],
)
def test_a_script_is_printed_without_the_file_of_its_data(arrays, data, loss, tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "images.npz"
    both = {
        name: rng.integers(0, 256, (rows, 4, 4)).astype(np.uint8) if name[0] in "xX" else np.arange(rows) % 3
        for name, rows in arrays.items()
    }
    np.savez(path, **both)
    run = facts_of(make_config({"data": {"source": str(path), **data}}, "test"))
    before = data_part(run).lines
    loss(path)
    first, *after = data_part(run).lines
    assert first.startswith("# the file could not be read")
    assert after == before


def test_a_run_says_of_official_test_rows_what_a_script_looks_for():
    assert OFFICIAL in Splits(((np.arange(3), np.arange(0)),), np.arange(2), is_test_official=True).in_words()


@pytest.mark.parametrize(("holes", "is_whole"), [(0, True), (1, False), (10, False)])
def test_a_run_says_of_data_without_holes_what_a_script_looks_for(holes, is_whole):
    features = np.random.default_rng(0).normal(size=(30, 2))
    features[:holes, 0] = np.nan
    lines = task_from_arrays(features, np.arange(30) % 2).in_words()
    assert any(WHOLE in line for line in lines) is is_whole


@pytest.mark.parametrize("place", [0, 1], ids=["validation", "test"])
@pytest.mark.parametrize("hole", ["", "inf"])
@pytest.mark.parametrize("data", [{}, {"pca": 2}, {"words": True}], ids=str)
def test_a_script_fills_holes_that_the_run_did_not_learn_from(data, hole, place, tmp_path):
    path, words = tmp_path / "table.csv", data.get("words", False)
    config = make_config({"data": {"source": str(path), "target": "kind", "pca": data.get("pca")}}, "test")

    def write(holed):
        rows = [f"{row % 9}.5,{row % 7}.25,{row % 5},{'pqr'[row % 3] if words else 1},{row % 2}" for row in range(200)]
        if holed is not None:
            rows[holed] = f"{hole}{rows[holed][3:]}"
        path.write_text("\n".join(["width,height,depth,word,kind", *rows]))
        return make_task(config).splits

    splits = write(None)
    write((splits.folds[0][1], splits.test)[place][0])
    check_parts(run_data_part(config), rows=200, units=2)


def test_a_script_of_data_without_holes_fills_none():
    assert "SimpleImputer" not in run_data_part(make_config({"data": {"source": "wine"}}, "test"))["text"]


@pytest.mark.parametrize("is_apart", [False, True], ids=["one file", "test file"])
def test_a_table_that_is_not_utf8_is_opened_as_it_was(is_apart, tmp_path):
    rows = [f"{'Besançon' if row % 3 else 'Köln'},{row % 7},{row % 2}" for row in range(60)]
    text = "\n".join(["town,size,kind", *rows])
    (tmp_path / "table.csv").write_text(text, encoding="utf-8" if is_apart else "latin-1")
    (tmp_path / "test.csv").write_text(text, encoding="latin-1")
    data = {"source": str(tmp_path / "table.csv"), "target": "kind"}
    data |= {"test": str(tmp_path / "test.csv")} if is_apart else {}
    check_parts(run_data_part(make_config({"data": data}, "test")), rows=120 if is_apart else 60, units=2)


@pytest.mark.parametrize(
    ("labels", "anomaly"),
    [(["0", "1"], 1), (["0", "1", *["0"] * 7, ""], 1), (["fine ", "attack"], "attack"), (["False", "True"], True)],
    ids=["numbers", "with holes", "words", "truth"],
)
@pytest.mark.parametrize("train_on", ["normal", "all"])
def test_the_script_of_an_anomaly_detector_learns_what_the_run_learnt(labels, anomaly, train_on, tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{labels[row % len(labels)]}" for row, (a, b) in enumerate(rng.normal(size=(300, 2)))]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,label", *rows]))
    variables = check_anomalies({"source": str(tmp_path / "table.csv"), "target": "label"}, train_on, anomaly)
    assert variables["x_train"].shape[1] == 2


@pytest.mark.parametrize("train_on", ["normal", "all"])
def test_the_script_of_an_anomaly_detector_knows_the_names_of_classes(train_on):
    check_anomalies({"source": "breast_cancer"}, train_on, "malignant")


@pytest.mark.parametrize("shape", [(200,), (200, 1)])
def test_the_script_of_an_anomaly_detector_reads_the_labels_of_arrays(shape, tmp_path):
    labels = (np.arange(200) % 8 == 0).reshape(shape)
    np.savez(tmp_path / "t.npz", X=np.random.default_rng(0).normal(size=(200, 3)), y=labels)
    check_anomalies({"source": str(tmp_path / "t.npz")}, "normal", True)


def test_a_script_reads_the_words_of_a_test_table_as_the_run_did(tmp_path):
    rows = [f"{('01', '02', 'A')[row % 3]},{row * 7 % 10},{('1', '2', 'other')[row % 3]}" for row in range(90)]
    (tmp_path / "table.csv").write_text("\n".join(["code,a,y", *rows]))
    tests = [f"{('01', '02')[row % 2]},{row},{('1', '2')[row % 2]}" for row in range(10)]
    (tmp_path / "test.csv").write_text("\n".join(["code,a,y", *tests, "01,3,"]))
    data = {"source": str(tmp_path / "table.csv"), "target": "y", "test": str(tmp_path / "test.csv")}
    variables = run_data_part(make_config({"data": data}, "test"))
    np.testing.assert_array_equal(variables["t_test"], [[row % 2 == 0, row % 2 == 1, False] for row in range(10)])
    assert (variables["x_test"][:, 1:].sum(axis=1) == 1).all()


BLANKS = {
    "behind cells of a table without header": ("", "{a} ,{b},{word} ,{flag}, {y}", "{a},{b} ,{word},{flag},{y} "),
    "behind names of the test table": ("a,b,word,flag,y", "{a},{b},{word},{flag},{y}", "{a},{b},{word},{flag},{y}"),
    "everywhere": (" a , b,word ,flag\t,y ", "{a} ,{b}\t,{word} ,{flag} ,{y} ", '{a},"{b} ",{word}, {flag},{y}'),
    "between quotes": ('" a","b","word","flag","y "', '{a},{b}," {word}",{flag},"{y} "', '{a},{b},"{word}",{flag},{y}'),
    "nowhere, but names that differ in them": ("a,a ,word,flag,y", "{a},{b},{word},{flag},{y}", None),
    "in the fields behind the last": ("a,b,word,flag,y", "{a},{b},{word},{flag},{y},", "{a},{b},{word},{flag},{y}, "),
}


@pytest.mark.parametrize(("header", "row", "other"), BLANKS.values(), ids=BLANKS)
@pytest.mark.parametrize("words", [("u", "v", "?"), ("01", "02", "x")], ids=["words", "numbers among words"])
@pytest.mark.parametrize("labels", [("p", "q"), (1, 2), (True, False)], ids=str)
@pytest.mark.filterwarnings("ignore:Length of header or names does not match length of data")
def test_the_rows_of_a_script_are_those_of_the_run_wherever_blanks_are(header, row, other, words, labels, tmp_path):
    rng = np.random.default_rng(0)

    def write(name, header, row, words):
        numbers = rng.normal(size=(60, 2)).round(3)
        rows = [
            row.format(
                a=a, b=b if place % 9 else "?", word=words[place % len(words)], flag=place % 7 > 3, y=labels[place % 2]
            )
            for place, (a, b) in enumerate(numbers)
        ]
        (tmp_path / name).write_text("\n".join([*[header] * bool(header), *rows]) + "\n")

    write("table.csv", header, row, words)
    write("test.csv", header.replace("b,", "b ,"), other or row, words[:2])
    data = {
        "source": str(tmp_path / "table.csv"),
        "test": str(tmp_path / "test.csv"),
        "target": -1,
        "validation": "test",
    }
    check_rows(make_config({"data": data}, "test"))


def test_the_rows_of_a_script_are_those_of_the_run_where_pandas_would_read_a_table_in_parts(tmp_path):
    rng = np.random.default_rng(0)
    for name, rows in (("table.csv", 300_000), ("test.csv", 60)):
        words = np.where(np.arange(rows) < 0.9 * rows, "01", "2A")
        numbers = np.where(np.arange(rows) % 9, rng.normal(size=rows), np.nan)
        frame = pd.DataFrame({"a": numbers, "word": words, "y": np.arange(rows) % 2})
        frame.to_csv(tmp_path / name, index=False)
    data = {"source": str(tmp_path / "table.csv"), "test": str(tmp_path / "test.csv"), "target": "y"}
    check_rows(make_config({"data": {**data, "validation": "test"}}, "test"))


def test_the_rows_of_a_script_are_those_of_the_run_also_in_parquet_files(tmp_path):
    pytest.importorskip("pyarrow", reason="Parquet needs the extra")
    frame = pd.DataFrame(
        {
            "a ": pd.array([1, None, 3, 4] * 15, dtype="Int64"),
            "flag": pd.array([True, None, False] * 20, dtype="boolean"),
            "word": pd.array(["u ", "v", None, " u"] * 15, dtype="string"),
            "y": ["p ", "q"] * 30,
        }
    )
    frame.to_parquet(tmp_path / "table.parquet")
    frame.to_parquet(tmp_path / "test.parquet")
    data = {"source": str(tmp_path / "table.parquet"), "test": str(tmp_path / "test.parquet"), "target": "y"}
    check_rows(make_config({"data": {**data, "validation": "test"}}, "test"))


def check_rows(config):
    """Checks that a script has the values of the run's table row by row; the test rows validate too, so that none is drawn."""
    task = make_task(config)
    script = data_part(facts_of(config))
    variables: dict = {}
    lines = [line for line in script.lines if "prepare" not in line]
    exec("\n".join([*sorted(script.imports), *lines]), variables)
    frame = pd.concat([variables["x_train"], variables["x_test"]])
    columns = task.table.features
    assert frame[list(columns.text_names)].to_numpy(object).tolist() == columns.texts.tolist()
    np.testing.assert_array_equal(frame[list(columns.number_names)].to_numpy(np.float32), columns.numbers)
    fold = task.fold(0).data
    np.testing.assert_array_equal(variables["t_train"], fold.y_train)
    np.testing.assert_array_equal(variables["t_test"], fold.y_validation)


def check_anomalies(data, train_on, anomaly):
    """Checks that a script trains and validates on normal rows only, or on all of them; returns its variables."""
    config = make_config({"data": data, "task": {"kind": "anomaly", "train_on": train_on}}, "test")
    variables = run_data_part(config)
    if train_on == "all":
        assert sum(len(variables[f"x_{part}"]) for part in variables["parts"]) >= len(make_task(config).table)
        return variables
    for part in ("train", "validation"):
        normal = np.char.strip(np.asarray(variables[f"y_{part}"]).astype(str)) != str(anomaly)
        if isinstance(anomaly, int) and not isinstance(anomaly, bool):
            normal = np.asarray(variables[f"y_{part}"]).astype(float) != anomaly
        assert 0 < normal.sum() < len(normal)
        assert len(variables[f"x_{part}"]) == len(variables[f"t_{part}"]) == normal.sum()
    assert len(variables["x_test"]) == len(variables["y_test"])
    return variables


def test_columns_that_begin_at_0_are_no_pixels(tmp_path):
    rng = np.random.default_rng(0)
    columns = {f"to_{top}": rng.integers(0, top + 1, 200) for top in (4, 9, 91)}
    pd.DataFrame({**columns, "kind": rng.choice(["a", "b"], 200)}).to_csv(tmp_path / "table.csv", index=False)
    data = {"source": str(tmp_path / "table.csv"), "target": "kind", "scaling": "min_max"}
    variables = run_data_part(make_config({"data": data}, "test"))
    assert variables["x_train"].max(axis=0).tolist() == [1, 1, 1]
    assert "MinMaxScaler" in variables["text"]


def test_class_weights_make_every_class_count_the_same(tmp_path):
    config = make_config({"data": {"source": "wine"}, "task": {"class_weights": True}}, "test")
    variables = run_data_part(config)
    counts = variables["t_train"].sum(axis=0)
    assert np.ptp([counts[i] * weight for i, weight in variables["class_weight"].items()]) < 1e-3
