"""Does the reported 95 % interval hold a further training 95 times in 100? Winners of small searches, trained again.

    python benchmarks/interval.py            # writes docs/benchmarks/interval.{csv,md}
    python benchmarks/interval.py --runs 1   # one search per data set: a look at whether it runs

A run is a search with its final assessment; its winner is then trained with further seeds on the same rows. The share of
their errors inside the interval that the run reported is its coverage. What the CSV holds already is not run again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rows import Row, append_rows, read_rows

import ganas
from ganas.config import make_config
from ganas.seeds import derive_seed
from ganas.settings import make_budget, make_task

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
SETS = ("iris", "wine", "breast_cancer", "diabetes", "digits")
RUNS = 4
"""Searches per data set; each has splits of its own too."""
FURTHER = 20
"""Trainings of each winner with seeds that neither its search nor its assessment has used."""
SETTINGS: dict[str, Any] = {
    "evolution": {"population": 8, "generations": 3},
    "final": {"candidates": 3, "repeats": 5},
}


def measure(dataset: str, seed: int) -> Row:
    """Searches, trains the winner again, and returns a row of the CSV."""
    with tempfile.TemporaryDirectory() as folder:
        config = make_config({**SETTINGS, "run": {"seed": seed}, "data": {"source": dataset, "seed": seed}}, dataset)
        run = ganas.evolve(config, runs_dir=folder)
        result, config = run.result, run.config
    assert result is not None
    plan = ganas.NetworkPlan.from_json(result["winner"]["plan"])
    seeds = [derive_seed(seed, "coverage", dataset, lap) for lap in range(FURTHER)]
    with ganas.Evaluator(make_task(config), budget=make_budget(config)) as evaluator:
        trained = evaluator.retrain([(plan, one) for one in seeds])
        rows = len(evaluator.task.fold(0).data.x_validation)
    low, high = result["validation"]["interval"]
    further = [one.measures["error"] for one in trained if one.outcome.status == "ok"]
    return {
        "dataset": dataset,
        "seed": seed,
        "validation_rows": rows,
        "winner": result["winner"]["in_words"],
        "reported": _in_text(result["validation"]["values"]),
        "low": low,
        "high": high,
        "further": _in_text(further),
    }


def covered(row: Row) -> tuple[int, int]:
    """Returns how many of the further errors lie in the reported interval, and how many there are."""
    errors = _numbers(row["further"])
    # an error exactly one row away may lie beyond the interval's end by its last bit
    slack = 1e-9 * max(abs(float(row["high"])), 1e-9)
    inside = (errors >= float(row["low"]) - slack) & (errors <= float(row["high"]) + slack)
    return int(inside.sum()), len(errors)


def run_missing(path: Path, runs: int) -> list[Row]:
    """Measures what ``path`` does not hold yet, appends each row as it ends, and returns all rows."""
    wanted = [(dataset, seed) for seed in range(runs) for dataset in SETS]
    done = {(row["dataset"], int(row["seed"])) for row in read_rows(path)}
    for dataset, seed in (one for one in wanted if one not in done):
        row = measure(dataset, seed)
        append_rows([row], path)
        print(f"{dataset} seed {seed}: {row['low']:.4g} to {row['high']:.4g} holds %d of %d" % covered(row), flush=True)
    return read_rows(path)


def write(rows: Sequence[Row], path: Path) -> None:
    """Writes the page."""
    counts = {dataset: [covered(row) for row in rows if row["dataset"] == dataset] for dataset in SETS}
    every = [one for each in counts.values() for one in each]
    shares = [inside / number for inside, number in every]
    spread = [row for row in rows if len(set(_numbers(row["reported"]))) > 1]
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    lines = [
        "# Coverage: does the 95 % interval hold a further training?",
        "",
        f"{len(rows)} searches of {SETTINGS['evolution']['population'] * SETTINGS['evolution']['generations']} networks, "
        f"{len(rows) // len(SETS)} per data set, each with splits of its own; everything else as it is without a config.",
        "The interval is the one that a run reports for one further training of its winner,",
        f"made of {SETTINGS['final']['repeats']} trainings. Then the winner was trained {FURTHER} times more, "
        "with fresh seeds, on the same rows.",
        "Where the reported trainings do not differ, the interval is a row wide on either side.",
        "",
        "Remake it: `python benchmarks/interval.py`; every run is a row of [interval.csv](interval.csv).",
        "",
        "| data | validation rows | runs | further trainings | inside | coverage | lowest of a run | runs with no spread |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for dataset, each in counts.items():
        mine = [row for row in rows if row["dataset"] == dataset]
        lines.append(_line(dataset, mine[0]["validation_rows"], mine, each))
    lines += [
        _line("**all**", "", list(rows), every),
        _line("**those with a spread**", "", spread, [covered(row) for row in spread]),
        "",
        f"Mean coverage of the {len(rows)} runs: {100 * np.mean(shares):.1f} %, standard error {100 * error:.1f} (trainings of one "
        "run share their interval, so runs are what counts).",
    ]
    path.write_text("\n".join(lines) + "\n")


def _line(name: str, validation_rows: Any, rows: Sequence[Row], counts: Sequence[tuple[int, int]]) -> str:
    inside, number = (sum(column) for column in zip(*counts, strict=True))
    lowest = min(part / whole for part, whole in counts)
    flat = sum(len(set(_numbers(row["reported"]))) == 1 for row in rows)
    cells = [
        name, validation_rows, len(rows), number, inside,
        f"{100 * inside / number:.1f} %", f"{100 * lowest:.0f} %", flat,
    ]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def _in_text(errors: Sequence[float]) -> str:
    return " ".join(map(repr, errors))


def _numbers(text: str) -> np.ndarray:
    return np.array(text.split(), float)


def main() -> None:
    """Runs what is missing, then writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=RUNS, help="searches per data set")
    parser.add_argument("--out", type=Path, default=DOCS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    write(run_missing(given.out / "interval.csv", given.runs), given.out / "interval.md")


if __name__ == "__main__":
    main()
