"""Weights that a network takes over from a parent: it begins as the same function, and wider or deeper.

Net2Net (Chen, Goodfellow & Shlens 2016, https://arxiv.org/abs/1511.05641): a unit that is added is a copy of another,
and what follows divides its weights among the copies, unevenly, so that they grow apart; a layer that is added passes on
what comes in. To rounding, the child answers as its parent did before its own training begins. NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganas.errors import RunError
from ganas.evaluation import Evaluation
from ganas.search.activations import parse_activation
from ganas.search.plan import DenseLayer, NetworkPlan
from ganas.seeds import stream
from ganas.training.contract import FloatArray
from ganas.weights import load_weights, save_weights

Weights = Sequence[FloatArray]
"""One network's, in Keras' order."""

POSITIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid", "softplus")
"""Activations whose values are never negative."""
PASSING = ("relu", "leaky_relu", "elu")
"""Activations that leave such values as they are."""
LEAVING = ("ok", "stopped")
"""Statuses of evaluations whose networks leave something."""


def inherit(
    parent: NetworkPlan, weights: Weights, child: NetworkPlan, rng: np.random.Generator
) -> tuple[FloatArray, ...] | None:
    """Returns weights with which ``child`` answers, in inference, as ``parent`` does with ``weights``.

    None where there are none: a layer is narrower, gone, or of another activation or normalisation, a new one cannot pass on
    what comes in, the heads differ, or one of the two is an autoencoder.

    Args:
        parent, child: complete plans for the same inputs.
        weights: of the parent.
        rng: draws which units are copied, and how what follows is divided among the copies.
    """
    if parent.head != child.head or parent.normalization != child.normalization:
        return None
    if any(plan.bottleneck is not None or plan.tied for plan in (parent, child)):
        return None
    sources = _sources(parent.layers, child.layers, child.normalization == "before_activation")
    if sources is None:
        return None
    *hidden, head = _by_layer(parent, weights)
    made: list[FloatArray] = []
    # which unit of the parent each input of the next layer stands for, and its share of that unit
    unit = np.arange((hidden or [head])[0][0].shape[0])
    share = np.ones(len(unit))
    for source, layer in zip(sources, child.layers, strict=True):
        kernel, *vectors = (np.eye(len(unit)), np.zeros(len(unit))) if source is None else hidden[source]
        width = kernel.shape[1]
        copied = np.concatenate([np.arange(width), rng.integers(0, width, layer.units - width)])
        parts = rng.uniform(0.5, 1.5, layer.units)
        parts /= np.bincount(copied, parts)[copied]
        rows = kernel if source is None else kernel[unit] * share[:, None]
        made += [rows[:, copied], *(vector[copied] for vector in vectors)]
        unit, share = (unit[copied], share[copied] * parts) if source is None else (copied, parts)
    kernel, *vectors = head
    made += [kernel[unit] * share[:, None], *vectors]
    return tuple(array.astype(weights[0].dtype) for array in made)


def _by_layer(plan: NetworkPlan, weights: Weights) -> list[Weights]:
    """Returns each layer's kernel and then its vectors, one number per unit each; the head's last."""
    assert plan.head is not None
    slopes = [parse_activation(layer.activation).name == "prelu" for layer in plan.layers]
    normalized = [layer.batch_normalization for layer in plan.layers]
    counts = [2 + slope + 4 * norm for slope, norm in zip(slopes, normalized, strict=True)]
    counts.append(2 + 4 * plan.head.batch_normalization)
    ends = np.cumsum(counts)
    return [weights[end - count : end] for count, end in zip(counts, ends, strict=True)]


def _sources(
    old: Sequence[DenseLayer], new: Sequence[DenseLayer], normalizes_first: bool, before: DenseLayer | None = None
) -> tuple[int | None, ...] | None:
    """Returns which old layer each new one comes from (None: from none, it passes on what comes in), in order; or None."""
    if not new:
        return None if old else ()
    first, *others = new
    if old and _holds(first, old[0]) and (rest := _sources(old[1:], others, normalizes_first, first)) is not None:
        return (0, *(None if source is None else source + 1 for source in rest))
    if before is not None and _passes(before, first, normalizes_first):
        rest = _sources(old, others, normalizes_first, first)
        return None if rest is None else (None, *rest)
    return None


def _holds(layer: DenseLayer, old: DenseLayer) -> bool:
    """Returns whether ``layer`` is ``old``, or a wider one; dropout may differ."""
    same = parse_activation(layer.activation) == parse_activation(old.activation)
    return same and layer.batch_normalization == old.batch_normalization and layer.units >= old.units


def _passes(before: DenseLayer, layer: DenseLayer, normalizes_first: bool) -> bool:
    """Returns whether ``layer`` can pass on what the one before it gives."""
    if layer.batch_normalization or layer.units < before.units:
        return False
    name = parse_activation(layer.activation).name
    is_positive = parse_activation(before.activation).name in POSITIVE
    is_positive = is_positive and (normalizes_first or not before.batch_normalization)
    return name == "linear" or (name in PASSING and is_positive)


@dataclass(frozen=True)
class Heirloom:
    """What a plan begins with: the weights of each of its trainings, and the sum of the epochs behind them."""

    weights: tuple[tuple[FloatArray, ...], ...]
    epochs: float


class Estate:
    """What trained networks leave to their children, in a folder: the weights of every training of a plan."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def leave(self, evaluation: Evaluation, trainings: Sequence[Weights]) -> None:
        """Keeps the weights of a plan's trainings, its folds and repeats in order, if they came to something.

        Raises:
            RunError: they cannot be written.
        """
        if evaluation.status in LEAVING:
            try:
                self._folder.mkdir(exist_ok=True)  # not its parents: the folder of a run that was deleted stays deleted
            except OSError as error:
                raise RunError(f"{self._folder}: cannot be written ({error.strerror})") from None
            save_weights(self._path(evaluation.plan), [array for weights in trainings for array in weights])

    def heirloom(self, plan: NetworkPlan, parents: Iterable[Evaluation], seeds: Sequence[int]) -> Heirloom | None:
        """Returns what the trainings of ``plan``, one per seed, begin with: from the first parent that fits; None: nothing."""
        for parent in parents:
            if parent.status not in LEAVING:
                continue
            pairs = zip(self.of(parent.plan, len(seeds)), seeds, strict=True)
            grown = [inherit(parent.plan, weights, plan, stream(seed, "inheritance")) for weights, seed in pairs]
            fitting = tuple(weights for weights in grown if weights is not None)
            if fitting:
                return Heirloom(fitting, parent.epochs + parent.measures.get("inherited_epochs", 0))
        return None

    def of(self, plan: NetworkPlan, trainings: int) -> list[Weights]:
        """Returns what so many ``trainings`` of ``plan`` left.

        Raises:
            RunError: there is nothing of it in the folder, or it is damaged.
        """
        if not self._path(plan).exists():
            raise RunError(f"{self._path(plan)}: no weights of {plan.in_words()}, which a candidate inherits")
        arrays = load_weights(self._path(plan))
        if not arrays or len(arrays) % trainings:
            raise RunError(
                f"{self._path(plan)}: damaged ({len(arrays)} arrays, of {trainings} trainings); put a whole copy of it back, "
                "or start a new run"
            )
        size = len(arrays) // trainings
        return [arrays[start : start + size] for start in range(0, len(arrays), size)]

    def _path(self, plan: NetworkPlan) -> Path:
        return self._folder / f"{plan.digest()}.npz"
