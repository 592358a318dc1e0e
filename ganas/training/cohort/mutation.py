"""The weight mutation of all lanes: the operator of ``ganas.training.mutation`` with settings per lane.

Probability, ratio, method and the layers are data. Which weights a lane's layer gives up is the top of a score per weight
(its magnitude, minus that, or a counter-based draw), padding last; how many is ``ratio`` of its own size, its fraction
settled by a draw. Draws depend on the member's seed, its step, the layer and the unpadded place, see ``noise``; so they
are those of the callback in distribution, not in number. Source: Jeon & Moon 2017, see ``ganas.WeightMutation``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from ganas.cohorts import Bucket
from ganas.training.cohort.layout import HEAD
from ganas.training.cohort.noise import key_of, uniform

METHODS = ("magnitude", "random", "smallest")
"""The numbers of the methods in a lane's settings are their places here."""

FIRST_DRAW = 2**16
"""Draws of the mutation are numbered from here; dropout's are below."""


def mutate(bucket: Bucket, kernels: Mapping[int, Any], settings: Mapping[str, Any], steps: Any, is_active: Any) -> None:
    """Mutates in place the ``kernels`` (lanes, rows, columns) by layer, of the lanes whose coin says so in this step."""
    coin = uniform(_key(settings, steps, 0), 1, 1, bucket.precision)[:, 0, 0]
    is_due = is_active & (coin < settings["mutation_probability"])

    def mutate_all() -> Any:
        for layer, kernel in kernels.items():
            kernel.assign(_mutated(bucket, kernel, layer, settings, steps, is_due))
        return tf.constant(True)

    tf.cond(tf.reduce_any(is_due), mutate_all, lambda: tf.constant(False))


def _mutated(bucket: Bucket, kernel: Any, layer: int, settings: Mapping[str, Any], steps: Any, is_due: Any) -> Any:
    lanes, rows, columns = kernel.shape
    place = len(bucket.widths) if layer == HEAD else layer
    own_rows, own_columns = settings["kernel_rows"][:, place], settings["kernel_columns"][:, place]
    is_own = (tf.range(rows)[None, :, None] < own_rows[:, None, None]) & (
        tf.range(columns)[None, None] < own_columns[:, None, None]
    )
    expected = settings["mutation_ratio"] * tf.cast(own_rows * own_columns, bucket.precision)
    # a ratio such as 0.1 is not exact in binary: 0.1 · 30 must be 3 weights, not 2 and a fraction
    whole = tf.floor(expected + 1e-4)
    extra = uniform(_key(settings, steps, 3 * place + 1), 1, 1, bucket.precision)[:, 0, 0] < expected - whole
    is_mutated = is_due & settings["mutation_layers"][:, place]
    count = tf.where(is_mutated, tf.cast(whole, tf.int32) + tf.cast(extra, tf.int32), 0)
    magnitudes = tf.abs(tf.convert_to_tensor(kernel))
    draws = uniform(_key(settings, steps, 3 * place + 2), rows, columns, bucket.precision)
    method = settings["mutation_method"][:, None, None]
    scores = tf.where(method == 0, magnitudes, tf.where(method == 1, draws, -magnitudes))
    scores = tf.reshape(tf.where(is_own, scores, -math.inf), (lanes, rows * columns))
    most = min(rows * columns, math.ceil(bucket.mutation * rows * columns))
    places = tf.math.top_k(scores, most).indices
    # 1 minus a draw: a weight keeps its sign and never becomes 0
    shrink = 1.0 - uniform(_key(settings, steps, 3 * place + 3), 1, most, bucket.precision)[:, 0]
    shrink = tf.where(tf.range(most)[None] < count[:, None], shrink, 1.0)
    flat = tf.reshape(tf.convert_to_tensor(kernel), (lanes, rows * columns))
    new = tf.gather(flat, places, batch_dims=1) * shrink
    lane = tf.broadcast_to(tf.range(lanes)[:, None], (lanes, most))
    flat = tf.tensor_scatter_nd_update(flat, tf.stack([lane, places], -1), new)
    return tf.reshape(flat, (lanes, rows, columns))


def _key(settings: Mapping[str, Any], steps: Any, draw: int) -> Any:
    return key_of(settings["seed"], steps, FIRST_DRAW + draw)
