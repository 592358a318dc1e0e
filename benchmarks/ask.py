"""How long does the default engine think? CPU time of one ask after 1,000 results, on flat and layered genomes.

    python benchmarks/ask.py        # writes docs/benchmarks/ask.md; half a minute

CPU time, since a busy machine stretches the clock; it stretches CPU time, too, but less. One thread.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np

from ganas import Choice, Evolution, FloatRange, IntegerRange, SearchSpace
from ganas.search.space import Genome, LayerGroup

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
RESULTS, ASKS = 1_000, 70
"""How many results are told first, and how many asks are timed: more than lie between two fits of the kernel (64)."""

UNITS, DROPOUT = [16, 32, 64, 128, 256, 512], [0.0, 0.3, 0.6]
FLAT = SearchSpace(
    {
        "learning_rate": Choice([5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1], ordered=True),
        "batch_size": Choice([8, 16, 32, 64], ordered=True),
        "schedule": Choice(["cosine", "constant"]),
        **{f"activation_{layer}": Choice(["relu", "tanh"]) for layer in (1, 2)},
        **{f"units_{layer}": Choice(UNITS, ordered=True) for layer in (1, 2)},
        **{f"dropout_{layer}": Choice(DROPOUT, ordered=True) for layer in (1, 2)},
    }
)
LAYERED = SearchSpace(
    {
        "layers": LayerGroup(
            IntegerRange(1, 6),
            {
                "units": IntegerRange(8, 512, log=True),
                "activation": Choice(["relu", "tanh", "elu", "selu"]),
                "dropout": FloatRange(0.0, 0.6),
            },
        ),
        "learning_rate": FloatRange(1e-4, 1e-1, log=True),
        "batch_size": Choice([16, 32, 64, 128], ordered=True),
        "optimizer": Choice(["adam", "sgd"]),
    }
)


def objectives(genome: Genome, rng: np.random.Generator) -> list[float]:
    """Returns a made-up noisy error, and a size that has to be paid for it."""
    if "layers" in genome:
        size = sum(float(np.log2(layer["units"])) for layer in genome["layers"])
        harm = sum(layer["dropout"] for layer in genome["layers"])
    else:
        size = float(np.log2(genome["units_1"]) + np.log2(genome["units_2"]))
        harm = genome["dropout_1"] + genome["dropout_2"]
    error = abs(np.log10(genome["learning_rate"]) + 2.6) + harm + 20.0 / (5.0 + size)
    return [float(error + 0.05 * rng.normal()), size]


def time_asks(space: SearchSpace, count: int) -> dict[str, float]:
    """Returns mean, median and longest CPU milliseconds of one ask, with ``count`` objectives told."""
    rng, evolution = np.random.default_rng(0), Evolution(space, seed=0)
    first = evolution.ask(9)
    others = {space.sample(rng): None for _ in range(RESULTS - len(first))}
    told = [*first, *(genome for genome in others if genome not in first)]
    evolution.tell(told, [objectives(genome, rng)[:count] for genome in told])
    milliseconds = []
    for _ in range(ASKS):
        start = time.process_time()
        genomes = evolution.ask(1)
        milliseconds.append(1000 * (time.process_time() - start))
        evolution.tell(genomes, [objectives(genome, rng)[:count] for genome in genomes])
    return {
        "mean": float(np.mean(milliseconds)),
        "median": float(np.median(milliseconds)),
        "longest": max(milliseconds),
    }


def main() -> None:
    """Times every case, then writes the page."""
    rows: list[tuple[Any, ...]] = []
    for name, space in (("flat, 9 genes", FLAT), ("layered, up to 6 layers", LAYERED)):
        for count in (1, 2):
            timed = time_asks(space, count)
            rows.append((name, count, *(f"{timed[key]:.0f}" for key in ("mean", "median", "longest"))))
            print(*rows[-1], sep=" | ")
    lines = [
        "# Ask: how long the default engine thinks",
        "",
        f"CPU milliseconds of one ask with {RESULTS:,} results told, over {ASKS} asks, one thread. The longest are those that "
        "learn the kernel anew, once in 64 results. The figures are of one machine with nothing else to do; "
        "beside other work they were up to a third higher.",
        "",
        "Remake it: `python benchmarks/ask.py`.",
        "",
        "| genomes | objectives | mean | median | longest |",
        "|---|---|---|---|---|",
        *("| " + " | ".join(map(str, row)) + " |" for row in rows),
    ]
    (DOCS / "ask.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
