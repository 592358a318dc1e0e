"""Which variables a bucket's program has, and how a member's own weights are padded into a lane and cut out of it again.

A lane's variable is (rows, columns); padding is zero, and stays zero while training, because everything a padded unit
puts out is masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ganas.cohorts import Bucket
from ganas.search.activations import parse_activation
from ganas.search.plan import NetworkPlan
from ganas.training.contract import FloatArray
from ganas.training.objective import make_initializer
from ganas.training.streams import kernel_seed

HEAD = -1
"""The index that stands for the head in the names of variables: it is the last layer whatever a member's depth."""

STATISTICS = ("mean", "variance")
"""The kinds of variables that are not trained: the moving statistics of batch normalisation."""


@dataclass(frozen=True)
class Variable:
    """A variable of each lane: ``kernel``, ``bias``, ``slope``, ``gamma``, ``beta``, ``mean`` or ``variance`` of a layer."""

    kind: str
    layer: int
    shape: tuple[int, int]

    @property
    def name(self) -> str:
        """Its name in the program."""
        return name_of(self.kind, self.layer)


def name_of(kind: str, layer: int) -> str:
    """Returns the name of a layer's variable; the head is layer ``HEAD``."""
    return f"{kind}_{'head' if layer == HEAD else layer}"


def variables_of(bucket: Bucket) -> tuple[Variable, ...]:
    """Lists the variables of a bucket's program, from the input on."""
    widths = (bucket.inputs, *bucket.widths, bucket.outputs)
    depth = len(bucket.widths)
    made: list[Variable] = []
    for place in range(depth + 1):
        layer = HEAD if place == depth else place
        rows, columns = widths[place], widths[place + 1]
        if tied_source(bucket, place) is None:
            made.append(Variable("kernel", layer, (rows, columns)))
        kinds = ["bias"]
        kinds += ["slope"] * (layer != HEAD and "prelu" in bucket.features)
        normalized = "head_normalization" if layer == HEAD else "normalization"
        kinds += ["gamma", "beta", *STATISTICS] * (normalized in bucket.features)
        made += [Variable(kind, layer, (1, columns)) for kind in kinds]
    return tuple(made)


def tied_source(bucket: Bucket, place: int) -> int | None:
    """Returns the layer whose transposed kernel layer ``place`` (the head is the last) uses; None: it has its own."""
    depth = len(bucket.widths)
    return depth - place if "tied" in bucket.features and place > depth - place else None


def own_weights(plan: NetworkPlan, inputs: int) -> Iterator[tuple[Variable, float | None]]:
    """Lists a plan's own weights, unpadded, in Keras' order, each with the constant it begins with (kernels: None)."""
    assert plan.head is not None
    widths = plan.units(inputs)
    depth = len(plan.layers)
    normalization = [("gamma", 1.0), ("beta", 0.0), ("mean", 0.0), ("variance", 1.0)]
    for place in range(depth + 1):
        layer = HEAD if place == depth else place
        columns = widths[place + 1]
        if not (plan.tied and place > depth - place):
            yield Variable("kernel", layer, (widths[place], columns)), None
        yield Variable("bias", layer, (1, columns)), 0.0
        followers: list[tuple[str, float]] = []
        if layer == HEAD:
            followers = normalization if plan.head.batch_normalization else []
        else:
            activation = parse_activation(plan.layers[place].activation)
            slope = [("slope", float(activation.parameter or 0.0))] * (activation.name == "prelu")
            normalized = normalization if plan.layers[place].batch_normalization else []
            is_first = plan.normalization == "before_activation"
            followers = [*normalized, *slope] if is_first else [*slope, *normalized]
        for kind, value in followers:
            yield Variable(kind, layer, (1, columns)), value


def initial_weights(plan: NetworkPlan, inputs: int, seed: int, dtype: str) -> list[FloatArray]:
    """Returns the weights, in Keras' order, that ``build(plan, inputs, seed)`` begins with."""
    depth = len(plan.layers)
    made = []
    for variable, value in own_weights(plan, inputs):
        if value is None:
            layer = depth if variable.layer == HEAD else variable.layer
            initializer = make_initializer(plan.kernel_initializer, kernel_seed(seed, layer))
            made.append(np.asarray(initializer(variable.shape, dtype=dtype)))
        else:
            made.append(np.full(variable.shape[1:], value, dtype))
    return made


def pad(bucket: Bucket, plan: NetworkPlan, weights: Sequence[FloatArray]) -> dict[str, FloatArray]:
    """Returns one lane's variables by name, (rows, columns) each, from weights in Keras' order."""
    own = {variable.name: array for (variable, _), array in zip(own_weights(plan, bucket.inputs), weights, strict=True)}
    lane = {}
    for variable in variables_of(bucket):
        lane[variable.name] = padded = np.zeros(variable.shape, bucket.precision)
        if variable.name in own:
            array = np.atleast_2d(own[variable.name])
            padded[: array.shape[0], : array.shape[1]] = array
    return lane


def cut(bucket: Bucket, plan: NetworkPlan, lane: Mapping[str, FloatArray]) -> tuple[FloatArray, ...]:
    """Returns weights in Keras' order from one lane's variables by name."""
    made = []
    for variable, _ in own_weights(plan, bucket.inputs):
        rows, columns = variable.shape
        array = np.array(lane[variable.name][:rows, :columns])
        made.append(array if variable.kind == "kernel" else array[0])
    return tuple(made)
