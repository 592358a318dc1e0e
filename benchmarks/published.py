"""Does one command reach what others have published for tuned multilayer perceptrons?

    GANAS_DATA=DIR python benchmarks/published.py                    # writes docs/benchmarks/published.{csv,md}; 50 minutes
    GANAS_DATA=DIR python benchmarks/published.py --only 537_houses  # one data set

Each data set is searched for a stated time, its final assessment included; the test rows are read once, at the end. What the
CSV holds already is not run again.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rows import Row, append_rows, read_rows

import ganas
from ganas.config import make_config
from ganas.machine import available_cores

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs" / "benchmarks"


@dataclass(frozen=True)
class Published:
    """A published result.

    Attributes:
        source: a data set's name, or a file in the folder ``GANAS_DATA``.
        metric: the test measure.
        value: what was published.
        network: what it was published for.
        minutes: of the search against it.
        config: a file in ``configs`` that the search starts from; None: what ``ganas evolve --data`` does by itself.
    """

    source: str
    metric: str
    value: float
    network: str
    minutes: float
    config: str | None = None

    def settings(self) -> dict[str, Any]:
        """Returns the sections of the search's config."""
        sections = tomllib.loads((ROOT / "configs" / self.config).read_text()) if self.config else {}
        file = Path(os.environ["GANAS_DATA"], self.source)
        data = {"source": str(file), "target": "target"} if file.is_file() else {"source": self.source}
        return {
            **sections,
            "run": {**sections.get("run", {}), "minutes": self.minutes},
            "data": {**sections.get("data", {}), **data},
        }


PMLB = "an MLP, tuned, in the comparison of the data's collection"
RESULTS = {
    "537_houses": Published("pmlb/537_houses.tsv.gz", "r2", 0.769, PMLB, 9),
    "197_cpu_act": Published("pmlb/197_cpu_act.tsv.gz", "r2", 0.980, PMLB, 9),
    "564_fried": Published("pmlb/564_fried.tsv.gz", "r2", 0.958, PMLB, 9),
    "fashion_mnist": Published("fashion_mnist", "accuracy", 0.8833, "256-128-100", 15, "mnist.toml"),
}


def measure(name: str) -> Row:
    """Searches, and returns a row of the CSV."""
    published = RESULTS[name]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        run = ganas.evolve(make_config(published.settings(), name), runs_dir=folder)
        result, networks = run.result, len(run.evaluated)
    assert result is not None
    test = result["test_measures"][published.metric]
    return {
        "dataset": name,
        "metric": published.metric,
        "published": published.value,
        "mean": test["mean"],
        "sd": test["sd"],
        "trainings": len(test["values"]),
        "winner": result["winner"]["in_words"],
        "networks": networks,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "cores": available_cores(),
    }


def write(rows: Sequence[Row], path: Path) -> None:
    """Writes the page."""
    lines = [
        "# Published results of multilayer perceptrons",
        "",
        "One search per data set, seed 0; minutes are by the clock, all included. The test figure is the mean ± standard deviation",
        "of fresh trainings of the winner, on rows that chose nothing: the official test images of Fashion-MNIST, a fifth of the",
        "rows of the others (drawn here; the published splits are others).",
        "",
        "Remake it: `GANAS_DATA=DIR python benchmarks/published.py`; every row is in [published.csv](published.csv).",
        "",
        "| data | measure | published | ganas | fresh trainings | networks searched | minutes | cores | winner |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        published = RESULTS[row["dataset"]]
        mean, sd = float(row["mean"]), float(row["sd"])
        lines.append(
            f"| {row['dataset']} | {row['metric']} | {published.value:.4g} ({published.network}) | {mean:.4f} ± {sd:.4f} "
            f"| {row['trainings']} | {row['networks']} | {row['minutes']} | {row['cores']} | {row['winner']} |"
        )
    reached = sum(float(row["mean"]) >= float(row["published"]) for row in rows)
    lines += ["", f"Reached on {reached} of {len(rows)}."]
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(RESULTS), help="data sets")
    parser.add_argument("--out", type=Path, default=DOCS)
    arguments = parser.parse_args()
    if "GANAS_DATA" not in os.environ:
        parser.error("GANAS_DATA must name the folder that holds pmlb/ and fashion_mnist.npz")
    path = arguments.out / "published.csv"
    done = {row["dataset"] for row in read_rows(path)}
    for name in arguments.only or RESULTS:
        if name not in done:
            row = measure(name)
            append_rows([row], path)
            print(f"{name}: {row['metric']} {row['mean']:.4f}, published {row['published']}", flush=True)
    write(read_rows(path), path.with_suffix(".md"))


if __name__ == "__main__":
    main()
