"""The data part of a printed script: load, split, preprocess and encode as the run did, with scikit-learn and pandas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganas.npz import UnreadableNpz, open_npz
from ganas.tasks.datasets import DATASETS, KERAS, OPENML, SCIKIT_LEARN, find_file
from ganas.tasks.files import NPZ_LAYOUTS
from ganas.tasks.text import encoding_of, has_blanks_at_ends, is_file_name, read_text, separator_of

if TYPE_CHECKING:
    from ganas.history import Run

PARTS = ("train", "validation", "test")
OFFICIAL = "(the official ones)"
"""What a run says of test rows that came apart, see ``Splits.in_words``."""
WHOLE = "; 0 missing values"
"""What a run says of data without holes in any row, see ``Table.in_words``."""


@dataclass
class DataScript:
    """The lines of a script that leave ``x_<part>`` and ``t_<part>``, float32, for every part in ``parts``.

    Attributes:
        name: of the data.
        kind: of the task.
        anomaly: the label of rows that are not to be learnt; "": all are.
        imports, lines: what the script imports, and the lines before the model.
        ending: the lines after the training.
        parts: of ``train``, ``validation``, ``test``, those that there are.
    """

    name: str
    kind: str
    anomaly: str = ""
    imports: set[str] = field(default_factory=lambda: {"import numpy as np"})
    lines: list[str] = field(default_factory=list)
    ending: list[str] = field(default_factory=list)
    parts: tuple[str, ...] = PARTS

    @property
    def has_target(self) -> bool:
        """Whether the network predicts a target; else it reconstructs its input."""
        return self.kind in ("classification", "regression")

    @property
    def needs_target(self) -> bool:
        """Whether the script looks at a target, to predict it or to leave out the anomalies."""
        return self.has_target or bool(self.anomaly)


def data_part(run: Run) -> DataScript:
    """Returns the data part of a script for the data, splits and preprocessing of ``run``."""
    pipeline = run.facts["pipeline"]
    known, data = run.facts["fingerprint"]["data"], run.config.data
    anomaly = known["problem"]["anomaly"] if pipeline["task"] == "anomaly" else ""
    script = DataScript(
        str(pipeline["data"]), str(pipeline["task"]), anomaly if run.config.task.train_on == "normal" else ""
    )
    has_test_rows = _load(script, run, pipeline)
    if script.kind == "classification" and _has_named_classes(script, pipeline):
        names = ("y_train", "y_test") if has_test_rows else ("y",)
        script.lines += [f"{name} = np.char.strip(np.asarray({name}).astype(str))" for name in names]
    _split(script, data, has_test_rows=has_test_rows)
    _leave_out_anomalies(script)
    has_holes = not any(WHOLE in line for line in run.facts.get("data", []))
    _prepare(script, data, pipeline["preprocessing"], known["preprocessing"]["pixels"], has_holes=has_holes)
    _encode(script, pipeline, is_weighted=run.config.task.class_weights)
    _judge(script)
    return script


def _load(script: DataScript, run: Run, pipeline: dict[str, Any]) -> bool:
    """Adds the loading; returns whether the test rows came apart, as ``x_test`` and ``y_test``."""
    source = run.config.data.source
    if run.facts.get("from_arrays"):
        script.lines += ["# the run's data were arrays; save yours as X (rows, columns) and y (rows,)"]
        return _load_npz(script, "arrays.npz", ("X", "y"))
    path = _file_of(source, is_table=bool(pipeline["source"]["columns"]))
    if path is not None and path.suffix.lower() == ".npz":
        return _load_npz(script, str(path), _names_in(path) or _documented_names(script, run))
    if path is not None:
        return _load_table(script, run, path, pipeline)
    if source.startswith(OPENML):
        script.imports.add("from sklearn.datasets import fetch_openml")
        script.lines.append(
            f"x, y = fetch_openml(data_id={source.removeprefix(OPENML)}, return_X_y=True, as_frame=True)"
        )
        return False
    return OF_LIBRARIES[DATASETS[source].library](script, source, pipeline)


def _load_of_keras(script: DataScript, source: str, pipeline: dict[str, Any]) -> bool:
    script.lines.append(f"(x_train, y_train), (x_test, y_test) = keras.datasets.{source}.load_data()")
    return True


def _load_of_scikit_learn(script: DataScript, source: str, pipeline: dict[str, Any]) -> bool:
    function = f"{'load' if DATASETS[source].is_bundled else 'fetch'}_{source}"
    script.imports.add(f"from sklearn.datasets import {function}")
    if _has_named_classes(script, pipeline):
        script.lines += [f"data = {function}()", "x, y = data.data, data.target_names[data.target]"]
    else:
        script.lines.append(f"x, y = {function}(return_X_y=True)")
    return False


OF_LIBRARIES: dict[str, Callable[[DataScript, str, dict[str, Any]], bool]] = {
    KERAS: _load_of_keras,
    SCIKIT_LEARN: _load_of_scikit_learn,
}
"""By the library of a data set: adds the loading; returns whether the test rows came apart."""


def _has_named_classes(script: DataScript, pipeline: dict[str, Any]) -> bool:
    """Whether the target is to be read as words: class names, or the label of anomalies."""
    labels = pipeline["output"].get("labels") or [script.anomaly or None]
    return isinstance(labels[0], str)


def _file_of(source: str, *, is_table: bool) -> Path | None:
    """Returns the file of a source, whether it is there now or not; None: it is a data set that the script can have by name."""
    if source in DATASETS and DATASETS[source].is_bundled:
        return None
    here = Path(source) if is_file_name(source) and Path(source).exists() else find_file(source)
    if here is not None or is_file_name(source):
        return (here or Path(source)).resolve()
    if source in DATASETS or source.startswith(OPENML):
        return None
    return Path(f"{source}.csv" if is_table else f"{source}.npz")


def _names_in(path: Path) -> tuple[str, ...]:
    """Returns the names of the arrays in an NPZ file; none if it cannot be read (any more)."""
    try:
        with open_npz(path) as archive:
            return tuple(archive)
    except UnreadableNpz:
        return ()


def _documented_names(script: DataScript, run: Run) -> tuple[str, ...]:
    """Returns what arrays are called in a file such as the run's, and says in the script that this is not certain."""
    script.lines.append(
        "# the file could not be read when this was printed: if its arrays have other names, say so here"
    )
    has_test_rows = any(OFFICIAL in line for line in run.facts.get("data", []))
    features, target, *tests = NPZ_LAYOUTS[0] if has_test_rows else NPZ_LAYOUTS[2]
    return (features, target, *tests) if tests or script.needs_target else (features,)


def _load_npz(script: DataScript, path: str, names: tuple[str, ...]) -> bool:
    script.lines.append(f"data = np.load({path!r})")
    by_name = {name.lower(): name for name in names}
    if "x_test" in by_name:
        for part in ("train", "test"):
            script.lines.append(f'x_{part}, y_{part} = data["{by_name[f"x_{part}"]}"], data["{by_name[f"y_{part}"]}"]')
        return True
    x, y = by_name.get("x", by_name.get("x_train", "X")), by_name.get("y", by_name.get("y_train"))
    script.lines.append(f'x = data["{x}"]')
    script.lines += [f'y = data["{y}"]'] * (y is not None)
    return False


def _load_table(script: DataScript, run: Run, path: Path, pipeline: dict[str, Any]) -> bool:
    script.imports.add("import pandas as pd")
    source, test = pipeline["source"], run.config.data.test
    target, prepared = source["target"], pipeline["preprocessing"]
    names = ["table"]
    texts = [part["name"] for part in prepared["categories"]]
    texts += [target] if script.needs_target and _has_named_classes(script, pipeline) else []
    # as a whole: pandas may take a part of a large column of words for numbers
    _read(script, "table", path, source, ", low_memory=False" if texts else "")
    if test:
        # numbers there are words where they are in the main table
        names.append("test_table")
        _read(
            script,
            "test_table",
            Path(test).resolve(),
            source,
            f", dtype={dict.fromkeys(texts, 'str')!r}" if texts else "",
        )
    used = [*prepared["numbers"]["names"], *(part["name"] for part in prepared["categories"])]
    useless = [name for name in source["columns"] if name not in used and name != target]
    dropped = [target, *useless] if target else useless
    for name, suffix in zip(names, ["_train", "_test"] if test else [""], strict=True):
        if target and script.needs_target:
            script.lines.append(f"{name} = {name}.dropna(subset=[{target!r}])")
            script.lines.append(f"y{suffix} = {name}[{target!r}]")
        numbers = "" if prepared["categories"] else '.apply(pd.to_numeric, errors="coerce").astype("float64")'
        without = f".drop(columns={dropped!r})" if dropped else ""
        script.lines.append(f"x{suffix} = {name}{without}{numbers}")
    return test is not None


def _read(script: DataScript, name: str, path: Path, source: dict[str, Any], kinds: str) -> None:
    """Adds the reading of a file as ``name``, without blanks at the ends of names and cells.

    pandas keeps such blanks; where a text file has some, what is left without them is read once more. ``kinds``: further
    arguments of ``read_csv``, which say what the columns hold.
    """
    are_plain = all(column == column.strip() for column in source["columns"])
    plain = ".rename(columns=str.strip)" if are_plain else ""
    if path.suffix.lower() == ".parquet":
        script.lines.append(f"{name} = pd.read_parquet({str(path)!r}).rename(columns=str){plain}")
        return
    is_there = path.is_file()
    separator = separator_of(read_text(path)) if is_there else "\t" if ".tsv" in path.name else ","
    options = f"{str(path)!r}, sep={separator!r}, index_col=False, skipinitialspace=True"
    options += "" if source["has_header"] else f", names=[f'column_{{i}}' for i in range({len(source['columns'])})]"
    options += ', encoding="latin-1"' if is_there and encoding_of(path) == "latin-1" else ""
    kinds = 'na_values=["?"]' + kinds
    if not (is_there and has_blanks_at_ends(path, separator)):
        script.lines.append(f"{name} = pd.read_csv({options}, {kinds})")
        return
    script.imports.add("import io")
    script.lines += [
        f"{name} = pd.read_csv({options}, dtype=str, keep_default_na=False)",
        f"{name} = {name}{plain}.apply(lambda column: column.str.strip())",
        f"{name} = pd.read_csv(io.StringIO({name}.to_csv(index=False)), {kinds})",
    ]


def _split(script: DataScript, data: Any, *, has_test_rows: bool) -> None:
    """Adds random splits of the run's shares."""
    names = "xy" if script.needs_target else "x"
    has_test = has_test_rows or data.test_fraction > 0
    validation = 0.2 if data.folds > 1 else data.validation
    draws = (not has_test_rows and has_test) + (validation != "test" and bool(validation))
    if draws:
        script.imports.add("from sklearn.model_selection import train_test_split")
    if not has_test_rows:
        if has_test:
            script.lines.append(_drawn(names, "", "train", "test", data.test_fraction))
        else:
            script.lines += [f"{name}_train = {name}" for name in names]
    if validation == "test":
        script.lines += [f"{name}_validation = {name}_test" for name in names]
    elif validation:
        size = int(validation) if validation >= 1 else validation
        script.lines.append(_drawn(names, "_train", "train", "validation", size))
    script.parts = tuple(part for part, there in zip(PARTS, (True, bool(validation), has_test), strict=True) if there)


def _drawn(names: str, source: str, first: str, second: str, size: float) -> str:
    targets = ", ".join(f"{name}_{part}" for name in names for part in (first, second))
    given = ", ".join(f"{name}{source}" for name in names)
    return f"{targets} = train_test_split({given}, test_size={size:g}, random_state=0)"


def _leave_out_anomalies(script: DataScript) -> None:
    """Keeps only normal rows where the network learns or is watched, as the run did; the test rows stay as they are."""
    if not script.anomaly:
        return
    # whole numbers are floats to pandas where the column has holes
    spellings = [script.anomaly, *[f"{script.anomaly}.0"] * script.anomaly.lstrip("-").isdigit()]
    for part in script.parts:
        if part != "test":
            labels = f"np.char.strip(np.asarray(y_{part}).astype(str).ravel())"
            script.lines.append(f"x_{part} = x_{part}[~np.isin({labels}, {spellings!r})]")


def _prepare(script: DataScript, data: Any, prepared: dict[str, Any], pixels: float | None, *, has_holes: bool) -> None:
    """Adds the preprocessing, fitted on the training rows; ``pixels``: the largest value of one, None if there are none.

    Holes anywhere in the data are filled, because the script draws rows of its own to train on.
    """
    categories = prepared["categories"]
    steps = []
    if pixels is not None:
        shape = ".reshape(len(x_{part}), -1)" if prepared["is_matrix"] else ""
        for part in script.parts:
            reshaped = shape.format(part=part)
            script.lines.append(f'x_{part} = np.asarray(x_{part}, "float32"){reshaped} / {pixels:g}')
    elif categories:
        steps.append(_mixed(script, data, categories))
    else:
        script.lines += [
            f'x_{part} = np.asarray(x_{part}, "float32").reshape(len(x_{part}), -1)' for part in script.parts
        ]
        if has_holes:
            script.lines += [f"x_{part} = np.where(np.isfinite(x_{part}), x_{part}, np.nan)" for part in script.parts]
        steps += _number_steps(script, data, has_holes=has_holes)
    if data.pca is not None:
        script.imports.add("from sklearn.decomposition import PCA")
        steps.append(f"PCA({data.pca})")
    if steps:
        script.imports.add("from sklearn.pipeline import make_pipeline")
        script.lines.append(f"prepare = make_pipeline({', '.join(steps)}).fit(x_train)")
        script.lines += [f'x_{part} = prepare.transform(x_{part}).astype("float32")' for part in script.parts]


def _number_steps(script: DataScript, data: Any, *, has_holes: bool) -> list[str]:
    scaler = "MinMaxScaler" if data.scaling == "min_max" else "StandardScaler"
    script.imports.add(f"from sklearn.preprocessing import {scaler}")
    if not has_holes:
        return [f"{scaler}()"]
    script.imports.add("from sklearn.impute import SimpleImputer")
    return ['SimpleImputer(strategy="median", add_indicator=True)', f"{scaler}()"]


def _mixed(script: DataScript, data: Any, categories: list[dict[str, Any]]) -> str:
    """Returns a column transformer for columns of numbers and of texts, and adds the lines that sort them."""
    script.imports |= {
        "from sklearn.compose import ColumnTransformer",
        "from sklearn.preprocessing import OneHotEncoder",
    }
    script.imports |= {"import pandas as pd", "from sklearn.pipeline import make_pipeline"}
    texts = [part["name"] for part in categories]
    script.lines += [f"texts = {texts!r}", "numbers = [name for name in x_train.columns if name not in texts]"]
    for part in script.parts:
        script.lines.append(
            f'x_{part} = x_{part}.astype({{name: "object" for name in texts}}).fillna(dict.fromkeys(texts, ""))'
        )
        script.lines.append(f"x_{part} = x_{part}.astype(dict.fromkeys(texts, str))")
        script.lines.append(f"x_{part}[texts] = x_{part}[texts].apply(lambda column: column.str.strip())")
        script.lines.append(
            f'x_{part}[numbers] = x_{part}[numbers].apply(pd.to_numeric, errors="coerce").astype("float64")'
            ".replace([np.inf, -np.inf], np.nan)"
        )
    scaled = f"make_pipeline({', '.join(_number_steps(script, data, has_holes=True))})"
    encoder = 'OneHotEncoder(handle_unknown="ignore", min_frequency=2, max_categories=50, sparse_output=False)'
    return f'ColumnTransformer([("numbers", {scaled}, numbers), ("texts", {encoder}, texts)])'


def _encode(script: DataScript, pipeline: dict[str, Any], *, is_weighted: bool) -> None:
    """Adds the targets ``t_<part>``: one-hot, standardised, or the inputs themselves."""
    parts = script.parts
    if not script.has_target:
        script.lines.append(", ".join(f"t_{part}" for part in parts) + " = " + ", ".join(f"x_{part}" for part in parts))
        return
    if script.kind == "regression":
        script.lines.append("mean, sd = np.mean(y_train), np.std(y_train)")
        script.lines += [
            f't_{part} = ((np.asarray(y_{part}, "float64") - mean) / sd).astype("float32").reshape(-1, 1)'
            for part in parts
        ]
        return
    labels = pipeline["output"]["labels"]
    script.lines.append(f"labels = np.array({labels!r})")
    for part in parts:
        script.lines.append(f't_{part} = (np.asarray(y_{part}).reshape(-1, 1) == labels).astype("float32")')
    if is_weighted:
        script.lines.append("counts = np.maximum(t_train.sum(axis=0), 1)")
        script.lines.append(
            "class_weight = {i: len(t_train) / (len(labels) * count) for i, count in enumerate(counts)}"
        )


def _judge(script: DataScript) -> None:
    """Adds the score of the trained model on the last part there is."""
    part = script.parts[-1]
    if script.kind == "classification":
        script.ending = [f'print("{part} accuracy:", model.evaluate(x_{part}, t_{part}, verbose=0)[1])']
    elif script.kind == "regression":
        difference = f"model.predict(x_{part}, verbose=0) - t_{part}"
        script.ending = [f'print("{part} RMSE:", sd * np.sqrt(np.mean(({difference}) ** 2)))']
    else:
        difference = f"model.predict(x_{part}, verbose=0) - x_{part}"
        script.ending = [f'print("{part} reconstruction error (MSE):", np.mean(({difference}) ** 2))']
