"""Tied autoencoder weights: a decoder layer that multiplies with the transposed kernel of its encoder layer.

Only training needs the tie. What is exported is the plain network of the same function (``untied``), because a file
that opens in Keras' safe mode may hold built-in layers only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from ganas.errors import SpaceError
from ganas.search.activations import parse_activation
from ganas.search.plan import DenseLayer, NetworkPlan
from ganas.training.contract import FloatArray


class TiedDense(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """A dense layer whose kernel is the transposed kernel of ``source``, a built ``Dense``; only the bias is its own."""

    def __init__(self, source: Any, **options: Any) -> None:
        super().__init__(**options)
        # behind a function, so that Keras does not track the encoder's layer a second time
        self._shared_kernel: Callable[[], Any] = lambda: source.kernel

    def build(self, input_shape: Any) -> None:
        """Makes the bias, one number per column of the shared kernel's transpose."""
        units = self._shared_kernel().shape[0]
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Maps (rows, code units) to (rows, units)."""
        return keras.ops.matmul(inputs, keras.ops.transpose(self._shared_kernel())) + self.bias


def mirror(plan: NetworkPlan, inputs: int) -> dict[int, int]:
    """Returns, for each decoder layer of a tied plan, the encoder layer whose kernel it shares (the head is the last).

    Raises:
        SpaceError: the plan is tied but its widths are not the same forwards and backwards around the bottleneck.
    """
    if not plan.tied:
        return {}
    widths = plan.units(inputs)
    if plan.bottleneck is None or len(widths) != 2 * plan.bottleneck + 3 or widths != widths[::-1]:
        raise SpaceError(
            f"tied: widths must mirror around the bottleneck, got {widths} with bottleneck {plan.bottleneck}; "
            "untie the weights or mirror the layers"
        )
    last = len(plan.layers)
    return {layer: last - layer for layer in range(plan.bottleneck + 1, last + 1)}


def untied(plan: NetworkPlan, weights: Sequence[FloatArray]) -> tuple[NetworkPlan, tuple[FloatArray, ...]]:
    """Returns the untied plan of the same function and its weights in Keras' order, each decoder kernel written out."""
    inputs = weights[0].shape[0]
    sources = mirror(plan, inputs)
    remaining = iter(weights)
    kernels: list[FloatArray] = []
    result: list[FloatArray] = []
    for index, layer in enumerate(dense_layers(plan)):
        shared = sources.get(index)
        kernels.append(next(remaining) if shared is None else np.ascontiguousarray(kernels[shared].T))
        others = 1 + (parse_activation(layer.activation).name == "prelu") + 4 * layer.batch_normalization
        result += [kernels[-1], *(next(remaining) for _ in range(others))]
    return dataclasses.replace(plan, tied=False), tuple(result)


def dense_layers(plan: NetworkPlan) -> tuple[DenseLayer, ...]:
    """Returns the hidden layers and, as one more of them but with a linear activation, the head; the plan must be complete."""
    if plan.head is None:
        raise SpaceError("the plan has no head yet: complete it with its task first")
    return (*plan.layers, DenseLayer(plan.head.units, "linear", plan.head.batch_normalization))
