"""Random numbers that are a function of a counter: of the member's seed, its step, the draw, and the row and unit.

No state and no dependence on padding, lanes or company; a handful of integer operations per number. The mixing function is
the 32-bit finaliser of MurmurHash3 (Appleby 2011, https://github.com/aappleby/smhasher).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def key_of(seeds: Any, steps: Any, draw: int) -> Any:
    """Returns a key per lane (lanes,) uint32 of member ``seeds`` (lanes,) uint32, ``steps`` (lanes,) and the draw's number."""
    return keys_of(seeds, steps, [draw])[:, 0]


def keys_of(seeds: Any, steps: Any, draws: Sequence[int]) -> Any:
    """Returns the keys (lanes, draws) uint32 of several draws."""
    numbers = tf.constant([draw * 0x9E3779B1 % 2**32 for draw in draws], tf.uint32)
    return _mix(_mix(seeds ^ _mix(tf.cast(steps, tf.uint32)))[:, None] + numbers[None])


def uniform(keys: Any, rows: int, columns: int, dtype: str) -> Any:
    """Returns (lanes, rows, columns) draws from (0, 1)."""
    row = _mix(keys[:, None] + _counter(rows)[None])
    bits = _mix(row[:, :, None] ^ (_counter(columns) * tf.constant(0x85EBCA77, tf.uint32))[None, None])
    # 23 bits and a half: neither 0 nor 1, exact in float32; signed, because that is what processors convert fast
    whole = tf.cast(_shifted(bits, 9), tf.int32)
    return (tf.cast(whole, dtype) + 0.5) * 2.0**-23


def normal(keys: Any, rows: int, columns: int, dtype: str) -> Any:
    """Returns (lanes, rows, columns) standard normal draws (Box & Muller 1958)."""
    radius = tf.sqrt(-2.0 * tf.math.log(uniform(keys, rows, columns, dtype)))
    return radius * tf.cos(2 * math.pi * uniform(_mix(keys ^ tf.constant(0x27D4EB2F, tf.uint32)), rows, columns, dtype))


def _counter(count: int) -> Any:
    return tf.cast(tf.range(count), tf.uint32)


def _mix(words: Any) -> Any:
    words = words ^ _shifted(words, 16)
    words = words * tf.constant(0x85EBCA6B, tf.uint32)
    words = words ^ _shifted(words, 13)
    words = words * tf.constant(0xC2B2AE35, tf.uint32)
    return words ^ _shifted(words, 16)


def _shifted(words: Any, places: int) -> Any:
    return tf.bitwise.right_shift(words, tf.constant(places, tf.uint32))
