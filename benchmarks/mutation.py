"""What does the weight mutation cost per step? Against no regularizer and dropout, in plain Keras and in a cohort.

    python benchmarks/mutation.py                      # writes docs/benchmarks/mutation.{csv,md}; half an hour
    python benchmarks/mutation.py --laps 3 --out DIR   # a look at whether it runs

All variants of a network are compiled first, each several times: of equal programs one is often slower than the next for as long
as it lives. Then all take turns, a few steps each. A variant's quickest turn is divided by the plain network's quickest: other
load on the machine can only slow a turn down. Beside it stands the median of the ratios within a lap, which says how noisy the
machine was. Rows are made up: what they hold does not change how long a step takes.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from ganas.evaluation import TrainingBudget
from ganas.machine import available_cores
from ganas.search.plan import Head, Mutation, NetworkPlan, mlp_plan
from ganas.training.contract import Member, TrainingData

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
PROBABILITY, RATIO = 0.1, 1e-4
BUILDS = 3
"""How often a variant is compiled."""
CORES = available_cores()

Row = dict[str, Any]
Train = Callable[[], Any]
"""Takes ``Network.steps`` steps."""


@dataclass(frozen=True)
class Network:
    """A network to be timed: ``inputs``, hidden ``units``, rows of a batch, steps of a turn, members of its cohort."""

    inputs: int
    units: tuple[int, ...]
    optimizer: str
    batch: int
    steps: int
    members: int

    @property
    def rows(self) -> int:
        """The rows of a turn."""
        return self.batch * self.steps

    def plans(self) -> dict[str, NetworkPlan]:
        """Returns the variants by name, the plain network first."""
        layers = [(units, "relu") for units in self.units]
        plain = mlp_plan(
            layers=layers,
            head=Head(10, "softmax"),
            loss="categorical_crossentropy",
            optimizer=self.optimizer,
            learning_rate=0.001,
            batch_size=self.batch,
        )
        dropped = replace(plain, layers=tuple(replace(layer, dropout=0.5) for layer in plain.layers))
        mutated = {
            f"mutation, {method}": replace(plain, mutation=Mutation(PROBABILITY, RATIO, method))
            for method in ("magnitude", "random", "smallest")
        }
        return {"plain": plain, "dropout": dropped, **mutated}


NETWORKS = {
    "digits-sized, 64-64-32-10, Adam, batch 32": Network(64, (64, 32), "adam", 32, 200, 16),
    "medium, 784-256-256-10, Adam, batch 128": Network(784, (256, 256), "adam", 128, 60, 4),
    "the paper's, 784-1024-1024-1024-10, SGD, batch 128": Network(784, (1024, 1024, 1024), "sgd", 128, 30, 1),
    "the paper's, batch 32": Network(784, (1024, 1024, 1024), "sgd", 32, 60, 1),
}


def in_keras(
    network: Network, plan: NetworkPlan, data: TrainingData, *, jit_compile: bool = False, steps_per_execution: int = 1
) -> Train:
    """Returns what takes a turn of ``Model.fit``."""
    import tensorflow as tf

    from ganas.training.build import build
    from ganas.training.weight_mutation import WeightMutation

    model = build(plan, network.inputs)
    model.jit_compile = jit_compile
    model.steps_per_execution = steps_per_execution
    rows = tf.data.Dataset.from_tensor_slices((data.x_train, data.y_train)).batch(network.batch, drop_remainder=True)
    rows = rows.cache().prefetch(2)
    if plan.mutation is None:
        model.make_train_function()
    else:
        # what `fit` does with a callback, once: in a `fit` per turn the step would be compiled in every turn
        callback = WeightMutation(plan.mutation.probability, plan.mutation.ratio, plan.mutation.method)
        callback.set_model(model)
        callback.on_train_begin()

    def turn() -> Any:
        batches = iter(rows)
        for _ in range(network.steps // steps_per_execution):
            logs = model.train_function(batches)
        return logs

    return turn


def in_cohort(network: Network, plan: NetworkPlan, data: TrainingData) -> Train:
    """Returns what takes a turn of the cohort trainer with all its members, compiled in the first."""
    from ganas.training.cohort import train

    budget = TrainingBudget(epochs=1, patience=None)
    members = [Member(plan, seed) for seed in range(network.members)]

    def turn() -> Any:
        (outcome, *_) = train(members, data, budget)
        if outcome.status != "ok":
            raise RuntimeError(outcome.message)

    return turn


def time_network(name: str, network: Network, laps: int) -> list[Row]:
    """Times all variants of a network in all modes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(network.rows, network.inputs)).astype(np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(10, size=network.rows)]
    data = TrainingData(x, y, x[:0], y[:0])
    modes: dict[str, Callable[[NetworkPlan], Train]] = {
        "graph": lambda plan: in_keras(network, plan, data),
        "graph, one execution": lambda plan: in_keras(network, plan, data, steps_per_execution=network.steps),
        "XLA": lambda plan: in_keras(network, plan, data, jit_compile=True),
        f"cohort of {network.members}": lambda plan: in_cohort(network, plan, data),
    }
    rows = []
    for mode, make in modes.items():
        plans = network.plans()
        turns = [make(plan) for _ in range(BUILDS) for plan in plans.values()]
        # a row per lap and build, a column per variant
        seconds = _take_turns(turns, laps).reshape(laps * BUILDS, len(plans))
        steps = network.steps * (network.members if "cohort" in mode else 1)
        for variant, own in zip(plans, seconds.T, strict=True):
            ratios = own / seconds[:, 0]
            low, high = np.percentile(ratios, [25, 75])
            row = {
                "network": name,
                "mode": mode,
                "variant": variant,
                "milliseconds": 1000 * float(own.min()) / steps,
                "ratio": float(own.min() / seconds[:, 0].min()),
                "median": float(np.median(ratios)),
                "low": float(low),
                "high": float(high),
                "laps": laps,
            }
            print(f"{name:52} {mode:20} {variant:20} {row['milliseconds']:8.3f} ms {row['ratio']:.3f}", flush=True)
            rows.append(row)
    return rows


def _take_turns(turns: Sequence[Train], laps: int) -> np.ndarray:
    """Returns (laps, turns) seconds; every other lap goes backwards, so that no variant always follows the same one."""
    for turn in turns * 2:
        turn()
    seconds = np.empty((laps, len(turns)))
    for lap in range(laps):
        places = range(len(turns)) if lap % 2 == 0 else reversed(range(len(turns)))
        for place in places:
            started = time.perf_counter()
            turns[place]()
            seconds[lap, place] = time.perf_counter() - started
    return seconds


def write(rows: Sequence[Row], path: Path) -> None:
    """Writes the CSV and the page."""
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    lines = [
        "# What the weight mutation costs per step",
        "",
        f"Probability {PROBABILITY}, ratio {RATIO}, all kernels; dropout .5 after each hidden layer. Seconds of a training step",
        f"over those of the plain network, the quickest of {rows[0]['laps']} laps of {BUILDS} compiled programs each; beside it",
        f"median and quartiles of the ratios within a lap, which other load on the machine moves. Cores: {CORES}.",
        "*graph* and *XLA* are Keras' own training function without and with `jit_compile`, all cores, a call per step as in",
        "`fit`; *one execution* has all steps in one call (`steps_per_execution`). A cohort runs on one thread; its milliseconds",
        "are per step and member, and hold the start and the end of a training too (weights drawn, moved and copied).",
        "",
        "Remake it: `python benchmarks/mutation.py`; its figures are [mutation.csv](mutation.csv).",
    ]
    for name in dict.fromkeys(row["network"] for row in rows):
        lines += [
            "",
            f"## {name[0].upper()}{name[1:]}",
            "",
            "| mode | variant | ms per step | over plain | median | quartiles |",
        ]
        lines += ["|---|---|---|---|---|---|"]
        lines += [
            f"| {row['mode']} | {row['variant']} | {row['milliseconds']:.3f} | {row['ratio']:.3f} | {row['median']:.3f} "
            f"| {row['low']:.3f} – {row['high']:.3f} |"
            for row in rows
            if row["network"] == name
        ]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--laps", type=int, default=8, help="turns of each compiled variant")
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    rows = [row for name, one in NETWORKS.items() for row in time_network(name, one, options.laps)]
    write(rows, options.out / "mutation.md")
