"""Look-up tables of trained networks: search landscapes that cost nothing to query.

Two families, both free (the folder ``search_tables`` under ``GANAS_DATA``):

- ``hpobench_nn``: 8 data sets × 30,000 settings of scikit-learn's MLP, each trained with 5 seeds. One look-up is one of
  the 5, drawn at random; regret is judged on their mean.
- ``lcbench``: 34 data sets; a surrogate fitted to real learning curves answers any setting at any epoch, without noise.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from ganas import Choice, FloatRange, IntegerRange, SearchSpace

EPOCHS = 52
"""Of a complete training in ``lcbench``."""
SAMPLE = 20_000
"""Random settings from which the median of an ``lcbench`` table is taken."""

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A search landscape.

    Attributes:
        look: values and a generator → the error of one training, noisy where the table has repetitions.
        truth: values → the error that the search is judged on.
        error_at: values and a number of epochs → the error after so many; None where the table knows no epochs.
        best, median: of the table's true errors; regret is 0 at the best and 1 at the median.
    """

    family: str
    name: str
    space: SearchSpace
    look: Callable[[Values, np.random.Generator], float]
    truth: Callable[[Values], float]
    best: float
    median: float
    error_at: Callable[[Values, int], float] | None = None


@cache
def load_tables() -> dict[str, Table]:
    """Loads every table under ``GANAS_DATA``, by name; once per process."""
    folder = Path(os.environ.get("GANAS_DATA", "")) / "search_tables"
    if not folder.is_dir():
        raise SystemExit(
            "GANAS_DATA: expected a folder that holds search_tables, found none; see docs/benchmarks/README.md"
        )
    tables = [*_load_hpobench(folder / "hpobench_nn"), *_load_lcbench(folder / "lcbench")]
    return {table.name: table for table in tables}


def _load_hpobench(folder: Path) -> list[Table]:
    axes = json.loads((folder / "space.json").read_text())["space"]
    space = SearchSpace({name: Choice(values, ordered=True) for name, values in axes.items()})
    tables = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as archive:
            errors = 1.0 - archive["values"].astype(float)
        mean = errors.mean(-1)

        def place(values: Values) -> tuple[int, ...]:
            return tuple(axes[name].index(values[name]) for name in axes)

        def look(values: Values, rng: np.random.Generator, errors: Any = errors) -> float:
            return float(errors[place(values)][rng.integers(errors.shape[-1])])

        def truth(values: Values, mean: Any = mean) -> float:
            return float(mean[place(values)])

        name, best, median = path.stem, float(mean.min()), float(np.median(mean))
        tables.append(Table("hpobench_nn", name, space, look, truth, best, median))
    return tables


LCBENCH_SPACE = SearchSpace(
    {
        "batch_size": IntegerRange(16, 512, log=True),
        "learning_rate": FloatRange(1e-4, 0.1, log=True),
        "momentum": FloatRange(0.1, 0.99),
        "weight_decay": FloatRange(1e-5, 0.1),
        "num_layers": IntegerRange(1, 5),
        "max_units": IntegerRange(64, 1024, log=True),
        "max_dropout": FloatRange(0.0, 1.0),
    }
)
"""The published space; the model takes its values after the epoch, in this order."""


def _load_lcbench(folder: Path) -> list[Table]:
    try:
        import onnxruntime  # only these tables need it
    except ImportError:
        raise SystemExit("lcbench: onnxruntime is missing; pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
    codes = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"]

    def errors(task: str, rows: np.ndarray) -> np.ndarray:
        fed = {"x_cat": np.full((len(rows), 1), codes[task], np.int32), "x_cont": rows.astype(np.float32)}
        return 1.0 - session.run(None, fed)[0][:, 1].astype(float) / 100.0

    def error_at(task: str, values: Values, epochs: int) -> float:
        return float(errors(task, np.array([[epochs, *(values[name] for name in LCBENCH_SPACE.genes)]]))[0])

    def truth(task: str, values: Values) -> float:
        return error_at(task, values, EPOCHS)

    def look(task: str, values: Values, _: np.random.Generator) -> float:
        return error_at(task, values, EPOCHS)

    rng = np.random.default_rng(0)
    sample = [LCBENCH_SPACE.sample(rng) for _ in range(SAMPLE)]
    rows = np.array([[EPOCHS, *(values[name] for name in LCBENCH_SPACE.genes)] for values in sample])
    with (folder / "lcbench_reference.csv").open() as file:
        references = {row["instance"]: 1.0 - float(row["here_best_of_100k"]) / 100.0 for row in csv.DictReader(file)}
    return [
        Table(
            "lcbench",
            task,
            LCBENCH_SPACE,
            partial(look, task),
            partial(truth, task),
            reference,
            float(np.median(errors(task, rows))),
            partial(error_at, task),
        )
        for task, reference in sorted(references.items())
    ]
