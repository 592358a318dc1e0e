"""How many trained epochs does the default search save against random search, when the networks are really trained?

    GANAS_DATA=DIR python benchmarks/real_search.py    # writes docs/benchmarks/real_search.{csv,md}
    python benchmarks/real_search.py --seeds 1         # without GANAS_DATA: digits and breast_cancer alone

Random search gets four times the epochs. The best network of each search, by the search's own validation error, at one, two
and four times the epochs, is then trained on all rows that are not test rows, with fresh seeds, and asked about the test rows:
the lowest of many validation errors flatters whoever has drawn more of them. Patience watches the test rows there, for all
alike, so the errors compare searches and are no estimate of what a network reaches. What the CSV holds is not run again.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rows import Row, append_rows, read_rows

import ganas
from ganas.config import RunConfig, make_config
from ganas.evaluation import Evaluation
from ganas.search.plan import NetworkPlan
from ganas.seeds import derive_seed
from ganas.settings import make_budget, make_task

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
BUNDLED = ("digits", "breast_cancer")
TABLES = {
    "phoneme": ("pmlb/phoneme.tsv.gz", "target"),
    "satimage": ("pmlb/satimage.tsv.gz", "target"),
    "segmentation": ("pmlb/segmentation.tsv.gz", "target"),
    "vehicle": ("mlbench/vehicle.csv", "Class"),
    "dna": ("mlbench/dna.csv", "Class"),
    "letter": ("mlbench/letter.csv", "lettr"),
}
"""By name: the file under GANAS_DATA and its target. docs/benchmarks/README.md says where they are from."""
EPOCHS = 800
"""What the engine may train: about 25 networks, or 75 with rungs."""
SHARES = (1, 2, 4)
OURS = {"engine": "surrogate_assisted"}
SEARCHERS: dict[str, dict[str, Any]] = {
    "surrogate_assisted": {"evolution": OURS, "budget": {"epochs": EPOCHS, "rungs": []}},
    "surrogate_assisted, rungs": {"evolution": OURS, "budget": {"epochs": EPOCHS, "rungs": "successive_halving"}},
    "surrogate_assisted, inheriting": {
        "evolution": OURS,
        "budget": {"epochs": EPOCHS, "rungs": []},
        "training": {"inherit": True},
    },
    "random, rungs": {
        "evolution": {"engine": "random"},
        "budget": {"epochs": EPOCHS, "rungs": "successive_halving"},
    },
    "random": {"evolution": {"engine": "random"}, "budget": {"epochs": EPOCHS * SHARES[-1]}},
}
"""By name: the sections of a config that are a search's own."""
FRESH = 10
"""Trainings that judge a network."""


def config_of(dataset: str, searcher: str, seed: int, **data: Any) -> RunConfig:
    """Returns the settings of a search, ``data`` in its section; what is not said is as without a config."""
    section: dict[str, Any] = {"source": dataset, "seed": seed}
    if dataset in TABLES:
        section.update(source=str(file_of(dataset)), target=TABLES[dataset][1])
    own = SEARCHERS[searcher]
    return make_config(
        {
            **own,
            "run": {"seed": seed},
            "data": {**section, **data},
            "task": {"kind": "classification"},
            "evolution": {**own["evolution"], "population": 20, "generations": 100, "ask": 8},
            "final": {"candidates": 1, "repeats": 2},
        },
        dataset,
    )


def is_here(dataset: str) -> bool:
    """Says whether the data can be read."""
    return dataset in BUNDLED or ("GANAS_DATA" in os.environ and file_of(dataset).is_file())


def file_of(dataset: str) -> Path:
    """Returns where a table lies."""
    return Path(os.environ.get("GANAS_DATA", "")) / TABLES[dataset][0]


def measure(dataset: str, searcher: str, seed: int) -> list[Row]:
    """Searches, judges the best networks after each share of the epochs, and returns a row of the CSV for each."""
    config = config_of(dataset, searcher, seed)
    with tempfile.TemporaryDirectory() as folder:
        run = ganas.evolve(config, runs_dir=folder)
        if run.status == "interrupted":
            raise KeyboardInterrupt
        told = [one.evaluation for one in run.evaluated if one.evaluation is not None]
        bests = list(_bests(told, config.budget.epochs or 0))
    judging = config_of(dataset, searcher, seed, validation="test")
    errors = judge(judging, [best.plan for *_, best in bests], FRESH)
    return [
        {
            "dataset": dataset,
            "searcher": searcher,
            "seed": seed,
            "epochs": epochs,
            "networks": networks,
            "search_error": best.error,
            "fresh_error": float(np.mean(own)),
            "fresh_sd": float(np.std(own, ddof=1)),
            "network": best.plan.in_words(),
        }
        for (epochs, networks, best), own in zip(bests, errors, strict=True)
    ]


def judge(config: RunConfig, plans: Sequence[NetworkPlan], laps: int) -> list[list[float]]:
    """Returns the errors of ``laps`` fresh trainings of each plan, without those that failed, on the config's data."""
    seeds = [derive_seed(config.run.seed, "judged", lap) for lap in range(laps)]
    with ganas.Evaluator(make_task(config), budget=make_budget(config)) as evaluator:
        trained = evaluator.retrain([(plan, one) for plan in plans for one in seeds])
    groups = [trained[place : place + laps] for place in range(0, len(trained), laps)]
    return [[one.measures["error"] for one in group if one.outcome.status == "ok"] for group in groups]


def _bests(told: Sequence[Evaluation], limit: int) -> Iterator[tuple[int, int, Evaluation]]:
    """Yields epochs, networks so far and the best complete one of them, for each share of the epochs up to ``limit``."""
    spent = np.cumsum([one.epochs for one in told])
    for share in SHARES:
        epochs = share * EPOCHS
        if epochs > limit:
            return
        # the network that passes the limit counts, whoever searches
        count = min(int(np.searchsorted(spent, epochs)) + 1, len(told))
        complete = [one for one in told[:count] if one.is_ok]
        if complete:
            yield epochs, count, min(complete, key=lambda one: math.inf if one.error is None else one.error)


def run_missing(path: Path, datasets: Sequence[str], seeds: int) -> list[Row]:
    """Measures what ``path`` does not hold yet, appends rows as each search ends, and returns all rows."""
    done = {(row["dataset"], row["searcher"], int(row["seed"])) for row in read_rows(path)}
    wanted = [(dataset, searcher, seed) for seed in range(seeds) for dataset in datasets for searcher in SEARCHERS]
    for one in wanted:
        if one in done:
            continue
        rows = measure(*one)
        if not rows:
            print(*one, "trained no network to its end")
            continue
        append_rows(rows, path)
        for row in rows:
            print(
                *one, f"{row['epochs']} epochs: {row['search_error']:.4f}, fresh {row['fresh_error']:.4f}", flush=True
            )
    return read_rows(path)


def write(rows: Sequence[Row], path: Path) -> None:
    """Writes the page."""
    contestants = [(name, EPOCHS) for name in SEARCHERS if name != "random"]
    contestants += [("random", share * EPOCHS) for share in SHARES]
    lines = [
        "# Real training: epochs against random search",
        "",
        f"Searches of the default space (population 20, 8 asked at once) that end after {EPOCHS} trained epochs; random",
        f"search goes on to {SHARES[-1]} times as many. A cell is the mean error on the test rows of the best network found, of",
        f"{FRESH} fresh trainings each, ± the standard error over the seeds of the search; each seed has splits of its own,",
        "the same for all searchers. Rungs are the default where this engine searches within so many trained epochs, and plain",
        "random search has none. Inheriting, children that only widen or deepen a parent begin with its weights; epochs are those",
        "trained in the search.",
        "",
        f"Remake it: `GANAS_DATA=DIR python benchmarks/real_search.py --seeds {len({row['seed'] for row in rows})}`;",
        "every row is in [real_search.csv](real_search.csv).",
        "",
        "| data | seeds | " + " | ".join(f"{name}, {epochs} epochs" for name, epochs in contestants) + " |",
        "|---|---|" + "---|" * len(contestants),
    ]
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    fresh = {dataset: _by_contestant(rows, dataset, "fresh_error", contestants) for dataset in datasets}
    for dataset, errors in fresh.items():
        seeds = len(errors[contestants[0]])
        lines.append(f"| {dataset} | {seeds} | " + " | ".join(map(_spread, errors.values())) + " |")
    own = {dataset: _by_contestant(rows, dataset, "search_error", contestants) for dataset in datasets}
    lines += [
        "",
        f"At most the error of random search with {SHARES[-1]} times the epochs, by the means alone: {_reached(fresh)}; by the "
        f"validation errors that the searches themselves saw: {_reached(own)}.",
    ]
    path.write_text("\n".join(lines) + "\n")


def _by_contestant(
    rows: Sequence[Row], dataset: str, column: str, contestants: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], np.ndarray]:
    """Returns the errors of each (searcher, epochs) on a data set, (seeds,): of the seeds, and so splits, that all have."""
    errors = {
        (row["searcher"], int(row["epochs"]), row["seed"]): float(row[column])
        for row in rows
        if row["dataset"] == dataset
    }
    seeds = [seed for *_, seed in errors if all((*one, seed) in errors for one in contestants)]
    return {one: np.array([errors[*one, seed] for seed in dict.fromkeys(seeds)]) for one in contestants}


def _reached(errors: Mapping[str, Mapping[tuple[str, int], np.ndarray]]) -> str:
    """Says on how many data sets each searcher comes at least as far as random search with the most epochs."""
    most = ("random", SHARES[-1] * EPOCHS)
    judged = [each for each in errors.values() if len(each[most])]
    counts = {
        # means of as many mistakes may differ by rounding
        name: sum(each[name, EPOCHS].mean() <= each[most].mean() + 1e-9 for each in judged)
        for name in SEARCHERS
        if name != "random"
    }
    return ", ".join(f"{name} on {count} of {len(judged)}" for name, count in counts.items())


def _spread(errors: np.ndarray) -> str:
    if len(errors) < 2:
        return ", ".join(f"{error:.4f}" for error in errors)
    return f"{errors.mean():.4f} ± {errors.std(ddof=1) / np.sqrt(len(errors)):.4f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="searches per data set and searcher")
    parser.add_argument("--data", action="append", choices=[*BUNDLED, *TABLES], help="this set only (may be repeated)")
    options = parser.parse_args()
    asked_for = options.data or [*BUNDLED, *TABLES]
    chosen = [name for name in asked_for if is_here(name)]
    for name in asked_for:
        if name not in chosen:
            print(f"left out: {name} (there is no {TABLES[name][0]} in GANAS_DATA)")
    write(run_missing(DOCS / "real_search.csv", chosen, options.seeds), DOCS / "real_search.md")
