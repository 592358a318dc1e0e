"""How should networks of different depth be compared? Ways to encode them, measured by how well a model predicts errors.

python benchmarks/kernel.py              # from docs/benchmarks/kernel.csv; writes docs/benchmarks/kernel.md
python benchmarks/kernel.py --train 600  # trains 600 random networks on digits first (a few minutes)
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from ganas import Evaluator, SearchSpace, TrainingBudget, load_task
from ganas.evolution.kernel import SLOTS, encoding_of
from ganas.evolution.scores import standard_scores
from ganas.evolution.surrogate import UNWARPED, Surrogate, fit_kernel
from ganas.search.mlp import mlp_space
from ganas.search.space import Genome

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
WORDS: dict[str, Any] = {
    "layers": [1, 6],
    "units": {"range": [8, 128], "log": True},
    "activation": ["relu", "tanh", "elu", "sigmoid"],
    "dropout": [0.0, 0.2, 0.5],
    "learning_rate": {"range": [1e-4, 3e-2], "log": True},
}
EPOCHS = 8
KNOWN = (15, 30, 60, 120)
"""How many networks the model is told of; it predicts the others."""
SPLITS = 20

Blocks = list[np.ndarray]
"""Per length of the kernel, the columns measured in it."""


def depth_only(layers: Blocks, most: int) -> Blocks:
    return []


def by_input(layers: Blocks, most: int) -> Blocks:
    """The first layer with the first one, and so on; a layer that is not there is 0."""
    return [np.pad(gene, ((0, most - len(gene)), (0, 0))).ravel() / np.sqrt(most) for gene in layers]


def by_relative_depth(layers: Blocks, most: int) -> Blocks:
    return [
        gene[((np.arange(SLOTS) + 0.5) / SLOTS * len(gene)).astype(int)].ravel() / np.sqrt(SLOTS) for gene in layers
    ]


def means(layers: Blocks, most: int) -> Blocks:
    return [gene.mean(0) for gene in layers]


def totals(layers: Blocks, most: int) -> Blocks:
    return [gene.sum(0) / most for gene in layers]


ENCODINGS: dict[str, Callable[[Blocks, int], Blocks]] = {
    "depth and learning rate only": depth_only,
    "layers by place from the input": by_input,
    "layers by relative depth": by_relative_depth,
    "means over the layers": means,
    "totals over the layers": totals,
}
USED = "totals, and changes with relative depth (used)"
WARPED = "the same, learning rate warped"


def encode(space: SearchSpace, genomes: Sequence[Genome], way: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns a row per genome, and which length of the kernel each column is measured in."""
    if way in (USED, WARPED):
        return encoding_of(space).encode(genomes), encoding_of(space).length_of
    group = space.groups["layers"]
    rows, length_of = [], []
    for genome in genomes:
        layers = [np.array([_columns(gene, row[key]) for row in genome["layers"]]) for key, gene in group.genes.items()]
        flat = [np.array([gene.to_unit(genome[name])]) for name, gene in space.flat.items()]
        depth = np.array([group.count.to_unit(len(genome["layers"]))])
        blocks = [*flat, depth, *ENCODINGS[way](layers, group.count.high)]
        rows.append(np.concatenate(blocks))
        length_of = [number for number, block in enumerate(blocks) for _ in block]
    return np.array(rows), np.array(length_of)


def _columns(gene: Any, value: Any) -> list[float]:
    if gene.is_ordered:
        return [gene.to_unit(value)]
    return [np.sqrt(0.5) * (value == one) for one in gene.values]


def measure(x: np.ndarray, length_of: np.ndarray, warped: np.ndarray, errors: np.ndarray, known: int) -> float:
    """Returns the mean rank correlation of predicted and measured errors of the networks the model was not told of."""
    found = []
    for split in range(SPLITS):
        order = np.random.default_rng(split).permutation(len(errors))
        told, others = order[:known], order[known:]
        scores = standard_scores(errors[told])
        mean, _ = Surrogate(fit_kernel(length_of, x[told], scores, warped), x[told], scores).predict(x[others])
        found.append(spearmanr(mean, errors[others])[0])
    return float(np.mean(found))


def train(space: SearchSpace, count: int, path: Path) -> None:
    """Trains ``count`` random networks on digits and writes their errors to ``path``."""
    rng = np.random.default_rng(5)
    genomes = list({space.sample(rng): None for _ in range(count)})
    with Evaluator(load_task("digits"), budget=TrainingBudget(epochs=EPOCHS)) as evaluator:
        evaluations = evaluator.evaluate([space.decode(genome) for genome in genomes])
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["genome", "error"])
        kept = [(one, answer.error) for one, answer in zip(genomes, evaluations, strict=True) if answer.is_ok]
        writer.writerows([genome.key, f"{error:.6g}"] for genome, error in kept)


def main(argv: Sequence[str] | None = None) -> None:
    """Trains if asked to, measures every encoding, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=int, metavar="COUNT", help="train so many random networks first")
    given = parser.parse_args(argv)
    space, path = mlp_space(WORDS), DOCS / "kernel.csv"
    if given.train:
        train(space, given.train, path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    genomes = [Genome(json.loads(row["genome"])) for row in rows]
    errors = np.array([float(row["error"]) for row in rows])
    lines = [
        "# Kernel: how to compare networks of different depth",
        "",
        f"{len(rows)} random networks (1-6 layers, 8-128 units, four activations, dropout, learning rate), each trained for "
        f"{EPOCHS} epochs on digits. The model of the engine `surrogate_assisted` is told of some and ranks the others: "
        f"mean rank correlation of predicted and measured errors over {SPLITS} random splits. One data set only.",
        "",
        "Remake it: `python benchmarks/kernel.py`; the networks and their errors are in [kernel.csv](kernel.csv).",
        "",
        "| encoding | " + " | ".join(f"told of {known}" for known in KNOWN) + " |",
        "|---|" + "---|" * len(KNOWN),
    ]
    for way in (*ENCODINGS, USED, WARPED):
        x, length_of = encode(space, genomes, way)
        names = np.array(encoding_of(space).names)
        warped = np.flatnonzero(names[length_of] == "learning_rate") if way == WARPED else UNWARPED
        cells = [f"{measure(x, length_of, warped, errors, known):.3f}" for known in KNOWN]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
        print(lines[-1])
    (DOCS / "kernel.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
