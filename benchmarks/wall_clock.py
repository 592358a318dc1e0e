"""What does a search find in a minute on one machine? ganas against Optuna and KerasTuner, which train with `Model.fit`.

    GANAS_DATA=DIR python benchmarks/wall_clock.py    # writes docs/benchmarks/wall_clock.{csv,md,svg}; 3 hours
    python benchmarks/wall_clock.py --seeds 1         # without GANAS_DATA: digits alone

Every search is a process that is killed when its time is over: imports, worker start and compilations are in it. All search
the same space, on the same rows, with the same epochs and early stopping. The best network of each, by its own validation
error, is then trained on all rows that are not test rows, with fresh seeds, and asked about the test rows. Patience watches
the test rows there, for all alike, so these errors compare searches and are no estimate of what a network reaches. What the
CSV holds is not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from real_search import judge
from rows import Row, append_rows, read_rows
from scipy.stats import wilcoxon
from search_report import holm
from timed_searches import SEARCHES

from ganas.config import make_config
from ganas.machine import available_cores
from ganas.search.plan import mlp_plan

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
CONTESTANTS = Path(__file__).with_name("timed_searches.py")
OURS = "ganas"
SECONDS = 60
MARKS = (SECONDS // 4, SECONDS // 2, SECONDS)
FRESH = 5
"""Trainings that judge a network."""

Found = tuple[float, int, float]
"""A network that was better than all before: seconds, how many networks had been trained, its validation error."""


def sections(dataset: str, seed: int, **data: Any) -> dict[str, Any]:
    """Returns what a search is given: data and splits, the same for all of a seed."""
    if dataset == "fashion_mnist":
        data = {"train_rows": 10_000, "validation": 2500, **data}
    if dataset in ("phoneme", "satimage"):
        data |= {"target": "target"}
        source = str(Path(os.environ["GANAS_DATA"]) / "pmlb" / f"{dataset}.tsv.gz")
    else:
        source = dataset
    return {
        "run": {"seed": seed},
        "data": {"source": source, "seed": seed, **data},
        "task": {"kind": "classification"},
        "training": {"epochs": 40, "patience": 8},
    }


def search(dataset: str, searcher: str, seed: int) -> tuple[int, list[Found], dict[str, Any]]:
    """Lets one search run for its time; returns how many networks it trained, what it found when, and its best candidate.

    Raises:
        SystemExit: it ended by itself, or trained no network.
    """
    lines: list[tuple[float, dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "errors").open("w+") as complaints:
        path = Path(folder) / "job.json"
        path.write_text(json.dumps(sections(dataset, seed)))
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(CONTESTANTS), searcher, str(path)],
            env={**os.environ, "GANAS_CACHE": str(Path(folder) / "cache"), "TMPDIR": folder},
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,  # its workers end with it
        )
        ender = threading.Timer(SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        ender.start()
        assert process.stdout is not None
        lines.extend((time.monotonic() - started, json.loads(line)) for line in process.stdout if line.startswith("{"))
        ender.cancel()
        if process.wait() != -signal.SIGKILL or not lines:
            complaints.seek(0)
            raise SystemExit(
                f"{dataset}, {searcher}: ended with {process.returncode}, {len(lines)} networks\n{complaints.read()[-2000:]}"
            )
    found: list[Found] = []
    best: dict[str, Any] = {}
    for number, (seconds, candidate) in enumerate(lines, 1):
        if not found or candidate["error"] < found[-1][2]:
            found.append((round(seconds, 2), number, candidate["error"]))
            best = candidate
    return len(lines), found, best


def run_missing(path: Path, datasets: Sequence[str], seeds: int) -> list[Row]:
    """Measures what ``path`` does not hold yet, appends rows as all searches of a seed end, and returns all rows."""
    done = {(row["dataset"], row["searcher"], int(row["seed"])) for row in read_rows(path)}
    for dataset, seed in [(dataset, seed) for seed in range(seeds) for dataset in datasets]:
        searched = {name: search(dataset, name, seed) for name in SEARCHES if (dataset, name, seed) not in done}
        if not searched:
            continue
        judging = make_config(sections(dataset, seed, validation="test"), "wall_clock")
        plans = [
            mlp_plan([tuple(layer) for layer in best["layers"]], learning_rate=best["rate"])
            for *_, best in searched.values()
        ]
        rows = [
            {
                "dataset": dataset,
                "searcher": name,
                "seed": seed,
                "networks": networks,
                "search_error": found[-1][2],
                "fresh_error": float(np.mean(errors)),
                "fresh_sd": float(np.std(errors, ddof=1)),
                "network": plan.in_words(),
                "found": json.dumps(found),
                "cores": available_cores(),
            }
            for (name, (networks, found, _)), plan, errors in zip(
                searched.items(), plans, judge(judging, plans, FRESH), strict=True
            )
        ]
        append_rows(rows, path)
        for row in rows:
            print(*(row[name] for name in ("dataset", "seed", "searcher", "networks", "search_error", "fresh_error")))
        sys.stdout.flush()
    return read_rows(path)


def write(rows: Sequence[Row], path: Path) -> None:
    """Writes the page and the figure."""
    frame = pd.DataFrame(rows).astype({"seed": int, "networks": int, "search_error": float, "fresh_error": float})
    frame["found"] = frame["found"].map(json.loads)
    for mark in MARKS:
        frame[str(mark)] = frame["found"].map(lambda found, mark=mark: best_by(found, 0, mark))
    lines = [
        f"# Real training: {SECONDS} seconds",
        "",
        f"Each search has {SECONDS} seconds of wall-clock, from the start of its process, and {frame['cores'].iloc[0]} core(s).",
        "*After ... s*: the lowest validation error seen, which flatters whoever has trained more networks. *Test*: the",
        f"error on the test rows of the best network found, mean of {FRESH} fresh trainings. All are means ± standard errors over",
        "seeds; each seed has splits of its own, the same for all. *ganas* is its default engine, without the retrainings of the",
        "best few that end `ganas evolve`: as for the others, the lowest validation error wins. Optuna prunes by the median, its",
        "default; KerasTuner's Hyperband trains most networks for few epochs, and each of these trainings is counted as a network.",
        "",
        f"Remake it: `GANAS_DATA=DIR python benchmarks/wall_clock.py --seeds {frame['seed'].nunique()}`;",
        "every row is in [wall_clock.csv](wall_clock.csv).",
    ]
    for dataset, part in frame.groupby("dataset", sort=False):
        marks = " | ".join(f"after {mark} s" for mark in MARKS)
        lines += ["", f"## {dataset}, {part['seed'].nunique()} seeds", "", f"| search | networks | {marks} | test |"]
        lines.append("|---|---|" + "---|" * len(MARKS) + "---|")
        for name in [name for name in SEARCHES if name in set(part["searcher"])]:
            own = part[part["searcher"] == name]
            cells = [_spread(own[str(mark)]) for mark in MARKS] + [_spread(own["fresh_error"])]
            lines.append(f"| {name} | {own['networks'].mean():.0f} | {' | '.join(cells)} |")
    lines += ["", *_compare(frame), "", f"![Lowest validation error over seconds and networks]({path.stem}.svg)"]
    path.write_text("\n".join(lines) + "\n")
    _draw(frame, path.with_suffix(".svg"))


def best_by(found: Sequence[Found], axis: int, mark: float) -> float:
    """Returns the lowest validation error by so many seconds (``axis`` 0) or networks (1); NaN: none was trained yet."""
    errors = [one[2] for one in found if one[axis] <= mark]
    return errors[-1] if errors else float("nan")


def _compare(frame: pd.DataFrame) -> list[str]:
    """Returns the mean ranks and, paired by data set and seed, whether the difference to ganas is more than chance."""
    columns = {"search_error": "validation", "fresh_error": "test"}
    tables = {column: frame.pivot(index=["dataset", "seed"], columns="searcher", values=column) for column in columns}
    others = [name for name in SEARCHES if name != OURS]
    cells: Mapping[str, list[str]] = {name: [] for name in SEARCHES}
    for table in tables.values():
        p = holm(np.array([_p_of(table[name] - table[OURS]) for name in others]))
        ranks = table.rank(axis=1).mean()
        cells[OURS].extend([f"{ranks[OURS]:.2f}", "–", "–", "–"])
        for name, each in zip(others, p, strict=True):
            better, worse = (table[name] < table[OURS]).sum(), (table[name] > table[OURS]).sum()
            cells[name].extend(
                [f"{ranks[name]:.2f}", str(better), str(worse), "< 0.0001" if each < 1e-4 else f"{each:.4f}"]
            )
    return [
        f"## Ranks, and the difference to {OURS}",
        "",
        f"{len(tables['fresh_error'])} pairs of data set and seed. For the validation error at the end and for the test error: the",
        f"mean rank, how often a search is better or worse than {OURS}, and the p-value of Wilcoxon's test, corrected by Holm.",
        "",
        "| search | " + " | ".join(f"rank, {word} | better | worse | p (Holm)" for word in columns.values()) + " |",
        "|---|" + "---|" * 4 * len(columns),
        *(f"| {name} | {' | '.join(own)} |" for name, own in cells.items()),
    ]


def _p_of(differences: pd.Series) -> float:
    return float(wilcoxon(differences).pvalue) if differences.any() else 1.0


def _spread(errors: pd.Series) -> str:
    """Says mean ± standard error of those that have a network by then."""
    kept = errors.dropna()
    some = f" ({len(kept)} of {len(errors)})" if 0 < len(kept) < len(errors) else ""
    if kept.empty:
        return "none yet"
    return f"{kept.mean():.4f}" + (f" ± {kept.sem():.4f}" if len(kept) > 1 else "") + some


def _draw(frame: pd.DataFrame, path: Path) -> None:
    datasets = list(dict.fromkeys(frame["dataset"]))
    figure = Figure(figsize=(4 * len(datasets), 6.5), layout="constrained")
    panels = figure.subplots(2, len(datasets), squeeze=False)
    for column, dataset in enumerate(datasets):
        part = frame[frame["dataset"] == dataset]
        grids = np.linspace(0, SECONDS, 241), np.arange(1, part["networks"].max() + 1)
        for axis, (panel, grid) in enumerate(zip(panels[:, column], grids, strict=True)):
            for place, name in enumerate(SEARCHES):
                own = part[part["searcher"] == name]
                ends = grid if axis == 0 else grid[: own["networks"].min()]
                curves = np.array([[best_by(found, axis, mark) for mark in ends] for found in own["found"]])
                panel.plot(ends, curves.mean(0), color=f"C{place}", label=name)  # from where all seeds have a network
            panel.set(xlabel=("seconds", "networks trained")[axis])
        panels[1, column].set_xscale("log")
        panels[0, column].set_title(dataset)
        panels[0, 0].set_ylabel("lowest validation error")
        panels[1, 0].set_ylabel("lowest validation error")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(SEARCHES))
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="searches per data set and searcher")
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    chosen = ("digits", "phoneme", "satimage", "fashion_mnist") if "GANAS_DATA" in os.environ else ("digits",)
    write(run_missing(options.out / "wall_clock.csv", chosen, options.seeds), options.out / "wall_clock.md")
