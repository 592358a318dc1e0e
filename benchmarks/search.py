"""Which search finds good networks in few trainings? ganas' engines against other libraries, on free look-up tables.

    GANAS_DATA=DIR python benchmarks/search.py            # 20 seeds, fewer where slow; writes docs/benchmarks/search.{md,svg,csv}
    GANAS_DATA=DIR python benchmarks/search.py --quick    # one seed, five tables, nothing slow: a look at whether it runs

Every run is a row of the CSV; a second call goes on with what is missing. Optuna's GP sampler needs torch.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

# One thread each: searches run side by side, and their arithmetic is small.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3")

import search_report
from rows import Row, append_rows, read_rows
from search_tables import Table, load_tables
from searchers import (
    CHECKPOINTS,
    TRAININGS,
    Curve,
    Ganas,
    KerasTuner,
    Optuna,
    search_complete,
    search_hyperband,
    search_with_rung,
)

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
QUICK_TABLES = ("australian", "phoneme", "segment", "3945", "7593")


@dataclass(frozen=True)
class Contestant:
    """A searcher under a name.

    Attributes:
        needs: modules without which it is left out.
        slow_seeds: a search takes half a minute and more, so there are so many seeds; None: all of them.
        families: the tables it can be run on.
    """

    run: Callable[[Table, int], Curve]
    needs: Sequence[str] = ()
    slow_seeds: int | None = None
    families: Sequence[str] = ("hpobench_nn", "lcbench")


def _complete(make: Any, batch: int = 1) -> Callable[[Table, int], Curve]:
    return partial(search_complete, make, batch=batch)


WITH_EPOCHS = ("lcbench",)
CONTESTANTS = {
    "ganas surrogate_assisted": Contestant(_complete(partial(Ganas, "surrogate_assisted"))),
    "ganas surrogate_assisted, 8 at once": Contestant(_complete(partial(Ganas, "surrogate_assisted"), batch=8)),
    "ganas surrogate_assisted, 20 at once": Contestant(_complete(partial(Ganas, "surrogate_assisted"), batch=20)),
    "ganas surrogate_assisted, 8 at once, rung": Contestant(
        partial(search_with_rung, partial(Ganas, "surrogate_assisted")), families=WITH_EPOCHS
    ),
    "ganas generational": Contestant(_complete(partial(Ganas, "generational"))),
    "ganas mu_plus_lambda": Contestant(_complete(partial(Ganas, "mu_plus_lambda"))),
    "ganas regularized": Contestant(_complete(partial(Ganas, "regularized"))),
    "ganas random": Contestant(_complete(partial(Ganas, "random"))),
    "ganas random, 8 at once, rung": Contestant(
        partial(search_with_rung, partial(Ganas, "random")), families=WITH_EPOCHS
    ),
    "Optuna TPE": Contestant(_complete(partial(Optuna, "TPESampler")), needs=("optuna",)),
    "Optuna GP": Contestant(_complete(partial(Optuna, "GPSampler")), needs=("optuna", "torch"), slow_seeds=20),
    "KerasTuner Bayesian": Contestant(
        _complete(partial(KerasTuner, "BayesianOptimizationOracle", max_trials=TRAININGS)),
        needs=("keras_tuner",),
        slow_seeds=1,
    ),
    "KerasTuner Hyperband": Contestant(
        partial(search_hyperband, partial(KerasTuner, "HyperbandOracle", max_epochs=52, hyperband_iterations=100)),
        needs=("keras_tuner",),
        families=WITH_EPOCHS,
    ),
}
OURS = "ganas surrogate_assisted"


def run_search(name: str, table: str, seed: int) -> list[float]:
    """Runs one search in a worker process; returns the true errors at the checkpoints."""
    warnings.filterwarnings("ignore")
    return CONTESTANTS[name].run(load_tables()[table], seed).at_checkpoints()


def main(argv: Sequence[str] | None = None) -> None:
    """Runs what is missing, then writes the table, the figure and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="searches per table of each searcher")
    parser.add_argument("--thorough", action="store_true", help="as many of the slow searchers: days")
    parser.add_argument("--without", action="append", default=[], choices=CONTESTANTS, help="leave a searcher out")
    parser.add_argument("--quick", action="store_true", help="one seed, five tables, nothing slow")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=DOCS)
    given = parser.parse_args(argv)
    seeds, thorough = (1, False) if given.quick else (given.seeds, given.thorough)
    missing = {
        name: one for name, each in CONTESTANTS.items() for one in each.needs if not importlib.util.find_spec(one)
    }
    for name, module in missing.items():
        print(f"left out: {name} ({module} is not installed)")
    left_out = {*missing, *given.without}
    tables = [table for table in load_tables().values() if not given.quick or table.name in QUICK_TABLES]
    wanted = [
        (name, table.name, seed)
        for seed in range(seeds)
        for name, contestant in CONTESTANTS.items()
        for table in tables
        if name not in left_out
        and table.family in contestant.families
        and (contestant.slow_seeds is None or thorough or (not given.quick and seed < contestant.slow_seeds))
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / "search.csv"
    rows = run_missing(wanted, path, given.jobs)
    absent = [name for name in CONTESTANTS if name not in {row["searcher"] for row in rows}]
    options = shlex.join(sys.argv[1:] if argv is None else argv)
    search_report.write(rows, load_tables(), OURS, given.out, absent=absent, options=options)
    print(f"wrote {given.out / 'search.md'}")


def run_missing(wanted: Sequence[tuple[str, str, int]], path: Path, jobs: int) -> list[Row]:
    """Runs the searches that ``path`` does not hold yet, appends each as it ends, and returns the rows of all wanted."""
    done = {_identity(row) for row in read_rows(path)}
    left = [search for search in wanted if search not in done]
    with ProcessPoolExecutor(jobs) as pool:
        found = pool.map(run_search, *zip(*left, strict=True)) if left else iter(())
        for (searcher, table, seed), errors in zip(left, found, strict=True):
            told = {f"error_at_{mark}": f"{error:.6g}" for mark, error in zip(CHECKPOINTS, errors, strict=True)}
            append_rows([{"searcher": searcher, "table": table, "seed": seed, **told}], path)
            print(searcher, table, seed, *told.values(), file=sys.stderr)
    asked_for = set(wanted)
    return [row for row in read_rows(path) if _identity(row) in asked_for]


def _identity(row: Row) -> tuple[str, str, int]:
    return row["searcher"], row["table"], int(row["seed"])


if __name__ == "__main__":
    main()
