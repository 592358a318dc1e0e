"""The forward pass of all lanes at once: stacked dense layers whose depth, widths and activations are data.

``(lanes, rows, units)`` goes through each layer; a lane that is less deep passes through the rest unchanged, and what a
padded unit puts out is zero. It does what the layers of ``ganas.training.build`` do, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from ganas.cohorts import Bucket
from ganas.training.cohort.activations import mixture
from ganas.training.cohort.layout import HEAD, name_of, tied_source
from ganas.training.cohort.noise import key_of, normal, uniform

MOMENTUM, EPSILON = 0.99, 1e-3
"""Those of Keras' ``BatchNormalization``."""

CORRUPTION_DRAW = 0
"""The noise on the inputs; the dropout of layer k draws k + 1."""

Tensors = Mapping[str, Any]


@dataclass(frozen=True)
class Training:
    """What a forward pass needs to know of a training step.

    Attributes:
        is_row: (lanes, rows, 1), 1 where a row belongs to the batch, 0 where it only fills it up.
        counts: (lanes, 1, 1), rows that belong.
        steps: (lanes,), steps done so far.
    """

    is_row: Any
    counts: Any
    steps: Any


@dataclass
class Pass:
    """A forward pass: the layers' outputs, and the moving statistics as a training step leaves them."""

    bucket: Bucket
    weights: Tensors
    settings: Tensors
    training: Training | None
    statistics: dict[str, Any]

    def into_layers(self, x: Any) -> list[Any]:
        """Returns what goes into each layer, the head last, for ``x`` (lanes, rows, inputs) or, for shared rows, (rows, inputs)."""
        if self.training is not None and "corruption" in self.bucket.features:
            x = self._corrupted(x)
        flow = [x]
        for layer, width in enumerate(self.bucket.widths):
            flow.append(self._layer(flow[-1], layer, width))
        return flow

    def head(self, x: Any) -> Any:
        """Returns the network's outputs (lanes, rows, units) from what goes into the head; Keras knows their logits."""
        y = keras.activations.get(self.bucket.head_activation)(self._dense(x, len(self.bucket.widths)))
        return self._normalized(y, HEAD) if "head_normalization" in self.bucket.features else y

    def _layer(self, x: Any, layer: int, width: int) -> Any:
        features, settings = self.bucket.features, self.settings
        z = self._dense(x, layer)
        is_unit = tf.range(width)[None, None] < settings["units"][:, layer, None, None]
        has_normalization = settings["has_normalization"][:, layer, None, None]
        y = z
        if "normalization_first" in features:
            y = tf.where(has_normalization, self._normalized(y, layer), y)
        slopes = self.weights[name_of("slope", layer)] if "prelu" in features else None
        y = mixture(y, settings["activations"][:, layer], slopes, "rare_activations" in features)
        if "normalization" in features and "normalization_first" not in features:
            y = tf.where(has_normalization, self._normalized(y, layer), y)
        if "dropout" in features and self.training is not None:
            y = self._dropped(y, settings["dropout"][:, layer], layer + 1)
        y = tf.where(is_unit, y, 0.0)
        is_deep = settings["units"][:, layer, None, None] > 0
        # only buckets of uniform widths hold plans of several depths
        return tf.where(is_deep, y, x) if layer > 0 and y.shape == x.shape else y

    def _dense(self, x: Any, place: int) -> Any:
        layer = HEAD if place == len(self.bucket.widths) else place
        source = tied_source(self.bucket, place)
        if source is None:
            product = tf.matmul(x, self.weights[name_of("kernel", layer)])
        else:
            product = tf.matmul(x, self.weights[name_of("kernel", source)], transpose_b=True)
        return product + self.weights[name_of("bias", layer)]

    def _normalized(self, x: Any, layer: int) -> Any:
        names = {kind: name_of(kind, layer) for kind in ("gamma", "beta", "mean", "variance")}
        if self.training is None:
            mean, variance = self.statistics[names["mean"]], self.statistics[names["variance"]]
        else:
            is_row, counts = self.training.is_row, self.training.counts
            mean = tf.reduce_sum(x * is_row, 1, keepdims=True) / counts
            variance = tf.reduce_sum(tf.square(x - mean) * is_row, 1, keepdims=True) / counts
            for kind, value in (("mean", mean), ("variance", variance)):
                moving = self.statistics[names[kind]]
                self.statistics[names[kind]] = moving * MOMENTUM + tf.stop_gradient(value) * (1 - MOMENTUM)
        scale = tf.math.rsqrt(variance + EPSILON) * self.weights[names["gamma"]]
        return (x - mean) * scale + self.weights[names["beta"]]

    def _dropped(self, x: Any, rates: Any, draw: int) -> Any:
        is_kept = self._uniform(x, draw) >= rates[:, None, None]
        return tf.where(is_kept, x / (1.0 - rates[:, None, None]), 0.0)

    def _corrupted(self, x: Any) -> Any:
        rates = self.settings["corruption_rate"]
        kind = self.settings["corruption_kind"][:, None, None]
        assert self.training is not None
        keys = key_of(self.settings["seed"], self.training.steps, CORRUPTION_DRAW)
        is_kept = uniform(keys, x.shape[1], x.shape[2], self.bucket.precision) >= rates[:, None, None]
        masked = tf.where(is_kept, x, 0.0)
        noisy = x + rates[:, None, None] * normal(keys, x.shape[1], x.shape[2], self.bucket.precision)
        scale = tf.where(kind == 2, 1.0 - rates[:, None, None], 1.0)
        return tf.where(kind == 1, noisy, masked / scale)

    def _uniform(self, x: Any, draw: int) -> Any:
        assert self.training is not None
        keys = key_of(self.settings["seed"], self.training.steps, draw)
        return uniform(keys, x.shape[1], x.shape[2], self.bucket.precision)
