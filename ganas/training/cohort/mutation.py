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
from ganas.training.cohort.noise import keys_of, uniform
from ganas.training.mutation import top_places

METHODS = ("magnitude", "random", "smallest")
"""The numbers of the methods in a lane's settings are their places here."""

NEEDED = (
    "kernel_rows", "kernel_columns", "mutation_ratio", "mutation_method", "mutation_layers",
)  # fmt: skip
"""The settings of a lane that its mutation reads."""

FIRST_DRAW = 2**16
"""Draws of the mutation are numbered from here; dropout's are below."""


def mutate(bucket: Bucket, kernels: Mapping[int, Any], settings: Mapping[str, Any], steps: Any, is_active: Any) -> None:
    """Mutates in place the ``kernels`` (lanes, rows, columns) by layer, of the lanes whose coin says so in this step.

    They take turns: a step in which few lanes are due costs what those few cost.
    """
    layers = list(kernels)
    places = [len(bucket.widths) if layer == HEAD else layer for layer in layers]
    keys = keys_of(
        settings["seed"], steps, [FIRST_DRAW, *(FIRST_DRAW + 3 * p + each for p in places for each in (1, 2, 3))]
    )
    coin = uniform(keys[:, 0], 1, 1, bucket.precision)[:, 0, 0]
    is_due = is_active & (coin < settings["mutation_probability"])
    due_so_far = tf.cumsum(tf.cast(is_due, tf.int32))

    def lane_of(turn: Any) -> Any:
        return tf.argmax(tf.cast(due_so_far > turn, tf.int32), output_type=tf.int32)

    def mutate_lane(turn: Any, lane: Any) -> Any:
        own = {name: tf.gather(settings[name], lane) for name in NEEDED}
        lane_keys = tf.gather(keys, lane)
        for number, (layer, place) in enumerate(zip(layers, places, strict=True)):
            kernel = kernels[layer]
            columns = kernel.shape[2]
            before = tf.slice(kernel, tf.stack([lane, 0, 0]), [1, *kernel.shape[1:]])[0]
            draws = lane_keys[1 + 3 * number : 4 + 3 * number, None]
            chosen, new = _replacements(bucket, before, place, own, draws)
            index = tf.stack([tf.broadcast_to(lane, chosen.shape), chosen // columns, chosen % columns], -1)
            kernel.scatter_nd_update(index, new)
        return turn + 1, lane_of(turn + 1)

    # the lane is handed from turn to turn because XLA, before it slices, tries for a minute to find out whether what says
    # the lane is a constant, unless a loop says it
    start = tf.constant(0)
    tf.while_loop(lambda turn, _: turn < due_so_far[-1], mutate_lane, (start, lane_of(start)))


def _replacements(bucket: Bucket, kernel: Any, place: int, own: Mapping[str, Any], keys: Any) -> tuple[Any, Any]:
    """Returns the flat places (count,) int32 and the new values (count,) of one lane's ``kernel`` (rows, columns).

    Args:
        bucket: the lane's.
        kernel: before the mutation.
        place: of the layer among the settings of layers.
        own: the lane's settings.
        keys: (3, 1) uint32, of the draws of the fraction, the places and the sizes.
    """
    rows, columns = kernel.shape
    own_rows, own_columns = own["kernel_rows"][place], own["kernel_columns"][place]
    is_own = (tf.range(rows)[:, None] < own_rows) & (tf.range(columns)[None] < own_columns)
    expected = own["mutation_ratio"] * tf.cast(own_rows * own_columns, bucket.precision)
    # a ratio such as 0.1 is not exact in binary: 0.1 · 30 must be 3 weights, not 2 and a fraction
    whole = tf.floor(expected + 1e-4)
    extra = uniform(keys[0], 1, 1, bucket.precision)[0, 0, 0] < expected - whole
    count = tf.where(own["mutation_layers"][place], tf.cast(whole, tf.int32) + tf.cast(extra, tf.int32), 0)
    by_method = [
        lambda: tf.abs(kernel),
        lambda: uniform(keys[1], rows, columns, bucket.precision)[0],
        lambda: -tf.abs(kernel),
    ]
    scores = tf.reshape(tf.where(is_own, tf.switch_case(own["mutation_method"], by_method), -math.inf), [-1])
    most = min(rows * columns, math.ceil(bucket.mutation * rows * columns))
    places = top_places(scores, most)
    # 1 minus a draw: a weight keeps its sign and never becomes 0
    shrink = 1.0 - uniform(keys[2], 1, most, bucket.precision)[0, 0]
    shrink = tf.where(tf.range(most) < count, shrink, 1.0)
    return places, tf.gather(tf.reshape(kernel, [-1]), places) * shrink
