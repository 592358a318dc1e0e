"""The operator of the weight mutation on one tensor: which weights are picked, and what becomes of them.

Jeon & Moon 2017 (KIPS Transactions, "A Deep Neural Network Model Based on a Mutation Operator") replace a picked weight w
by a draw from the uniform distribution between 0 and w. Every draw is a Philox function of a key and the step (a coin: of
the step's block), which graph mode and XLA compute alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ganas.training.streams import mutation_key

SPARSE = 1 / 8
"""Up to this share of a tensor, random places are drawn one by one; beyond it, every weight draws a number to be sorted."""

BLOCK = 64
"""Steps whose coins are tossed together, so that who comes to one step can look ahead to the next that is due."""

GROUPED = 2**16
"""From this size on, the highest scores are looked for in groups."""


def uniform(key: int, step: Any, shape: tuple[int, ...] = ()) -> Any:
    """Returns float32 draws from [0, 1), multiples of 2**-24: a Philox function of (``key``, ``step``)."""
    # made of bits here, because graph mode and XLA make different floats of the same bits
    bits = tf.raw_ops.StatelessRandomUniformFullIntV2(shape=shape, dtype=tf.uint32, **_generator(key, step))
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) * 2.0**-24


def _generator(key: int, step: Any) -> dict[str, Any]:
    """Returns what names a Philox stream to TensorFlow's raw operations: ``key``, and a counter that begins at 2**64 ``step``.

    ``tf.random.stateless_uniform`` would scramble both first, two dozen operations for each draw.
    """
    counter = tf.stack([tf.constant(0, tf.uint64), tf.cast(step, tf.uint64)])
    return {"key": tf.constant([key], tf.uint64), "counter": counter, "alg": tf.random.Algorithm.PHILOX.value}


def coins(seed: int, block: Any, probability: float) -> Any:
    """Returns (``BLOCK``,) bools: whether all layers mutate in each step of ``block``, which begins at ``BLOCK * block``."""
    return uniform(mutation_key(seed, "coin"), block, (BLOCK,)) < probability


def coin(seed: int, step: Any, probability: float) -> Any:
    """Returns the bool that tells whether all layers mutate in ``step``."""
    return is_at(step % BLOCK, coins(seed, step // BLOCK, probability))


def is_at(place: Any, flags: Any) -> Any:
    """Returns the bool at ``place`` of (``BLOCK``,) ``flags``. XLA would compile a program for each number that it slices by."""
    return tf.reduce_any(flags & (tf.range(BLOCK) == place))


def replacements(weights: Any, ratio: float, method: str, seed: int, step: Any, layer: int) -> tuple[Any, Any]:
    """Draws what changes in one tensor.

    The number of picked weights is ``ratio`` times the tensor's size, its fraction settled by a draw.

    Returns:
        Flat places (count,) int32, each different, and the new values (count,) at them. Where the fraction came out
        low, the last value is the old one.
    """
    size = math.prod(weights.shape)
    # a ratio such as 0.1 is not exact in binary: 0.1 · 30 must be 3 weights, not 3 and a fraction of 1e-16
    expected = round(ratio * size, 6)
    whole = math.floor(expected)
    most = math.ceil(expected)
    count = whole + tf.cast(uniform(mutation_key(seed, "count", layer), step) < expected - whole, tf.int32)
    places = METHODS[method](tf.reshape(weights, [size]), most, mutation_key(seed, "place", layer), step)
    # 1 minus a draw from [0, 1): a weight keeps its sign, never becomes 0
    shrink = 1.0 - uniform(mutation_key(seed, "size", layer), step, (most,))
    shrink = tf.where(tf.range(most) < count, shrink, 1.0)
    return places, tf.gather(tf.reshape(weights, [size]), places) * tf.cast(shrink, weights.dtype)


def top_places(scores: Any, count: int) -> Any:
    """Returns the places (count,) int32 of the highest ``scores`` (size,), of equal ones the first, highest first.

    The answer is that of ``top_k``. Many scores are first cut into groups: what is among the highest ``count`` lies in one
    of the ``count`` groups with the highest maxima, and maxima are much cheaper than a selection among all.
    """
    size = scores.shape[0]
    if size < GROUPED or count == 0 or size < 64 * count:
        return tf.math.top_k(scores, count).indices
    # as many maxima to choose from as then scores in the chosen groups; layers are often multiples of a power of two
    width = 2 ** round(math.log2(math.sqrt(size / count)))
    grouped = tf.reshape(tf.pad(scores, [[0, -size % width]], constant_values=-math.inf), (-1, width))
    # in order of their places, so that of equal scores the first wins here too
    groups = tf.sort(tf.math.top_k(tf.reduce_max(grouped, 1), count).indices)
    places = groups[:, None] * width + tf.range(width)[None]
    chosen = tf.math.top_k(tf.reshape(tf.gather(grouped, groups), [-1]), count).indices
    return tf.gather(tf.reshape(places, [-1]), chosen)


def _largest(weights: Any, count: int, key: int, step: Any) -> Any:
    return top_places(tf.abs(weights), count)


def _smallest(weights: Any, count: int, key: int, step: Any) -> Any:
    return top_places(-tf.abs(weights), count)


def _random(weights: Any, count: int, key: int, step: Any) -> Any:
    """Draws ``count`` different places, each set of places as likely as any other."""
    size = weights.shape[0]
    if count > SPARSE * size:
        return tf.math.top_k(uniform(key, step, (size,)), count).indices
    draws = tf.raw_ops.StatelessRandomUniformIntV2(
        shape=(_draws_for(count, size),), minval=0, maxval=size, **_generator(key, step)
    )
    order = tf.argsort(draws, stable=True)
    in_order = tf.gather(draws, order)
    is_first_in_order = tf.concat([[1], tf.cast(in_order[1:] != in_order[:-1], tf.int32)], 0)
    is_first = tf.scatter_nd(order[:, None], is_first_in_order, draws.shape)
    # the n-th different place is where the count of different places so far first reaches n
    found = tf.searchsorted(tf.cumsum(is_first), tf.range(1, count + 1))
    return tf.gather(draws, tf.minimum(found, draws.shape[0] - 1))


def _draws_for(count: int, size: int) -> int:
    """Returns how many draws hold ``count`` different places of ``size``, beyond any doubt that matters.

    The number needed is a sum of geometric waiting times; its mean, 10 standard deviations and 20 more are taken.
    """
    share = count / size
    mean = -size * math.log1p(-share)
    variance = size * (share / (1 - share) + math.log1p(-share))
    return math.ceil(mean + 10 * math.sqrt(max(variance, 0.0)) + 20)


METHODS: dict[str, Callable[[Any, int, int, Any], Any]] = {
    "magnitude": _largest,
    "random": _random,
    "smallest": _smallest,
}
"""The places a method picks, of flat weights, a count, a key and the step; ``smallest`` is the control of ``magnitude``."""
