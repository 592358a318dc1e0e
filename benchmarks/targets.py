"""What should the default engine's model learn from: ranks, errors or their logarithms? Measured on free look-up tables.

    GANAS_DATA=DIR python benchmarks/targets.py --jobs 2    # writes docs/benchmarks/targets.{csv,md}

Every search is a row of the CSV; a second call goes on with what is missing.
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from unittest import mock

# One thread each: searches run side by side, and their arithmetic is small.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
from rows import Row, append_rows, read_rows
from scipy.special import ndtri
from scipy.stats import rankdata
from search_tables import Table, load_tables
from searchers import CHECKPOINTS, Ganas, search_complete

from ganas.evolution.scores import REACH, standard_scores

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
EVERY = 3
"""Which tables: every so-manieth."""


def ranks(values: np.ndarray) -> np.ndarray:
    """Normal scores: whatever the unit and however heavy the tail, the order decides."""
    return ndtri((rankdata(values) - 0.5) / len(values))


def cut(heights: np.ndarray, reach: float = 1e9) -> np.ndarray:
    """Heights that end ``reach`` times as far behind the median as the best is before it, with mean 0 and deviation 1."""
    middle = np.median(heights)
    heights = np.minimum(heights, middle + reach * (middle - heights.min()))
    return (heights - heights.mean()) / (heights.std() or 1.0)


def logarithms(values: np.ndarray) -> np.ndarray:
    """Logarithms of errors; one of 0 is a very good one."""
    return np.log(np.maximum(values, 1e-9))


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ranks": ranks,
    "errors, not cut off": cut,
    f"errors, cut off at {REACH:g}": partial(cut, reach=REACH),
    "logarithms, not cut off": lambda values: cut(logarithms(values)),
    "logarithms, cut off at 1": lambda values: cut(logarithms(values), 1.0),
    f"logarithms, cut off at {REACH:g} (used)": standard_scores,
}


def run_search(way: str, table: str, seed: int) -> list[float]:
    """Runs one search in a worker process; returns its regrets × 1000 at the checkpoints."""
    one = load_tables()[table]
    with mock.patch("ganas.evolution.scores.standard_scores", WAYS[way]):
        errors = search_complete(partial(Ganas, "surrogate_assisted"), one, seed).at_checkpoints()
    return [1000.0 * (error - one.best) / (one.median - one.best) for error in errors]


def tables() -> dict[str, Table]:
    """Returns the tables that are searched, by name."""
    return dict(list(load_tables().items())[::EVERY])


def run_missing(path: Path, seeds: int, jobs: int) -> list[Row]:
    """Runs the searches that ``path`` does not hold yet, appends each as it ends, and returns the rows of all."""
    done = {(row["way"], row["table"], int(row["seed"])) for row in read_rows(path)}
    wanted = [one for one in itertools.product(WAYS, tables(), range(seeds)) if one not in done]
    with ProcessPoolExecutor(jobs) as pool:
        found = pool.map(run_search, *zip(*wanted, strict=True)) if wanted else iter(())
        for (way, table, seed), regrets in zip(wanted, found, strict=True):
            told = {f"regret_at_{mark}": f"{regret:.5g}" for mark, regret in zip(CHECKPOINTS, regrets, strict=True)}
            append_rows([{"way": way, "table": table, "seed": seed, **told}], path)
    return read_rows(path)


def write(rows: Sequence[Row], path: Path) -> None:
    """Writes the page."""
    seeds = len({row["seed"] for row in rows})
    lines = [
        "# Targets: what the model learns from",
        "",
        f"The engine `surrogate_assisted` is shown its results in different ways, on every {EVERY}rd table of",
        f"[search](search.md), one training at a time, {seeds} seeds. A cell is the mean regret × 1000 ± the standard",
        "error over tables and seeds, after so many trainings. 1000 is a table's median, 0 its best, of lcbench the best of a",
        "random search of 100,000 settings, which these searches pass: so there are negative numbers, and they do not compare",
        "with those of *search*, where 0 is the best that any search found. A cut at 2 makes all",
        "equal that is at least twice as far behind the median as the median is behind the best. What that page warns of,",
        "these tables being smooth and of one family, holds here too.",
        "",
        f"Remake it: `GANAS_DATA=DIR python benchmarks/targets.py --seeds {seeds}`;",
        "every search is a row of [targets.csv](targets.csv).",
    ]
    for family in dict.fromkeys(table.family for table in tables().values()):
        names = {table.name for table in tables().values() if table.family == family}
        lines += [
            "",
            f"## {family}: {len(names)} tables",
            "",
            "| learned from | " + " | ".join(map(str, CHECKPOINTS)) + " |",
        ]
        lines.append("|---|" + "---|" * len(CHECKPOINTS))
        for way in WAYS:
            own = [row for row in rows if row["way"] == way and row["table"] in names]
            regrets = np.array([[float(row[f"regret_at_{mark}"]) for mark in CHECKPOINTS] for row in own])
            errors = regrets.std(0, ddof=1) / np.sqrt(len(regrets))
            cells = [f"{mean:.0f} ± {error:.0f}" for mean, error in zip(regrets.mean(0), errors, strict=True)]
            lines.append(f"| {way} | " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="searches per table and way")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    write(run_missing(DOCS / "targets.csv", options.seeds, options.jobs), DOCS / "targets.md")
