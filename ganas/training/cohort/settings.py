"""What differs between the members of a cohort, as arrays over the lanes: depth, widths, activations, rates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganas.cohorts import Bucket
from ganas.search.activations import parse_activation
from ganas.search.plan import NetworkPlan
from ganas.seeds import derive_seed
from ganas.training.cohort.activations import coefficients
from ganas.training.cohort.mutation import METHODS
from ganas.training.contract import FloatArray

CORRUPTIONS = ("mask", "gaussian", "dropout")

Settings = dict[str, FloatArray]


def lane_settings(bucket: Bucket, plan: NetworkPlan, seed: int) -> Settings:
    """Returns the settings of one lane; lists over layers are padded to the bucket's depth."""
    depth = len(bucket.widths)
    layers = plan.layers
    rest = depth - len(layers)
    linear = coefficients(parse_activation("linear"))
    rows = [coefficients(parse_activation(layer.activation)) for layer in layers]
    rates = [layer.dropout for layer in layers]
    corruption = plan.corruption
    return {
        "learning_rate": np.asarray(plan.optimizer.learning_rate),
        "weight_decay": np.asarray(plan.optimizer.weight_decay),
        "l1": np.asarray(plan.l1),
        "l2": np.asarray(plan.l2),
        "seed": np.asarray(derive_seed(seed, "noise") % 2**32, np.uint32),
        "units": np.array([layer.units for layer in layers] + [0] * rest, np.int32),
        "activations": np.array(rows + [linear] * rest).reshape(depth, len(linear)),
        "dropout": np.array(rates + [0.0] * rest),
        "has_normalization": np.array([layer.batch_normalization for layer in layers] + [False] * rest, bool),
        "corruption_kind": np.asarray(CORRUPTIONS.index(corruption.kind) if corruption else 0, np.int32),
        "corruption_rate": np.asarray(corruption.rate if corruption else 0.0),
        "bottleneck": np.asarray(-1 if plan.bottleneck is None else plan.bottleneck, np.int32),
        **_mutation_settings(bucket, plan),
    }


def resting(settings: Settings) -> Settings:
    """Returns the settings of a lane without a member, shaped like another lane's."""
    return {name: np.zeros_like(array) for name, array in settings.items()}


def stack_settings(bucket: Bucket, lanes: Sequence[Settings]) -> Settings:
    """Returns settings (lanes, ...) in the bucket's precision, the lane first."""
    stacked = {name: np.stack([lane[name] for lane in lanes]) for name in lanes[0]}
    return {
        name: array.astype(bucket.precision) if array.dtype == np.float64 else array for name, array in stacked.items()
    }


def _mutation_settings(bucket: Bucket, plan: NetworkPlan) -> Settings:
    """Returns those of the weight mutation, by layer with the head last, or nothing."""
    mutation = plan.mutation
    if mutation is None:
        return {}
    depth = len(bucket.widths)
    rest = depth - len(plan.layers)
    widths = plan.units(bucket.inputs)
    last = depth if mutation.layers == "all" or plan.bottleneck is None else plan.bottleneck
    return {
        "mutation_probability": np.asarray(mutation.probability),
        "mutation_ratio": np.asarray(mutation.ratio),
        "mutation_method": np.asarray(METHODS.index(mutation.method), np.int32),
        "mutation_layers": np.arange(depth + 1) <= last,
        "kernel_rows": np.array([*widths[:-2], *[0] * rest, widths[-2]], np.int32),
        "kernel_columns": np.array([*widths[1:-1], *[0] * rest, widths[-1]], np.int32),
    }
