"""Activations as data: each lane of a layer has its own, chosen by coefficients.

The common ones are three formulas with coefficients per lane, exact and cheap: pieces of lines (linear, ReLU, leaky ReLU,
PReLU), exponentials below zero (ELU, SELU) and the hyperbolic tangent (tanh, sigmoid, SiLU). The latter two share one
hyperbolic tangent t, since exp(x) - 1 = 2t / (1 - t) with t = tanh(x / 2), without cancellation for x <= 0. All the other
activations of Keras are computed by Keras and chosen by mask, in programs that have the feature ``rare_activations``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganas.cohorts import COMMON_ACTIVATIONS
from ganas.search.activations import ELEMENTWISE, Activation
from ganas.training.contract import FloatArray

RARE = tuple(name for name in ELEMENTWISE if name not in COMMON_ACTIVATIONS)

LINES, EXPONENTIALS, TANGENTS, FIRST_RARE = 0, 1, 2, 3

# constants of Klambauer et al. 2017, https://arxiv.org/abs/1706.02515, as Keras has them
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

COEFFICIENTS: dict[str, Callable[[float], tuple[float, ...]]] = {
    "linear": lambda _: (LINES, 1.0),
    "relu": lambda _: (LINES, 0.0),
    "leaky_relu": lambda slope: (LINES, slope),
    "prelu": lambda _: (LINES, 0.0, 1.0),
    "elu": lambda alpha: (EXPONENTIALS, alpha, 1.0, 0.5),
    "selu": lambda _: (EXPONENTIALS, SELU_ALPHA, SELU_SCALE, 0.5, 1.0),
    "tanh": lambda _: (TANGENTS, 1.0, 0.0, 1.0),
    "sigmoid": lambda _: (TANGENTS, 0.5, 0.5, 0.5),
    "silu": lambda _: (TANGENTS, 0.5, 0.5, 0.5, 1.0),
}
"""The formula's number, then its coefficients, see :func:`mixture`; rare activations have a number and a scale."""


def coefficients(activation: Activation) -> FloatArray:
    """Returns the (5,) float64 row that makes :func:`mixture` this activation."""
    row = np.zeros(5)
    if activation.name in RARE:
        row[:2] = FIRST_RARE + RARE.index(activation.name), activation.parameter or 1.0
    else:
        values = COEFFICIENTS[activation.name](activation.parameter or 0.0)
        row[: len(values)] = values
    return row


def mixture(x: Any, rows: Any, slopes: Any, has_rare: bool) -> Any:
    """Applies to each lane of ``x`` (lanes, rows, units) its activation, by the coefficient ``rows`` (lanes, 5).

    ``slopes`` (lanes, 1, units) are PReLU's, or None. Every formula is finite, with finite gradients, for every finite x,
    so that what a lane does not choose cannot disturb it.
    """
    kind, *c = (rows[:, place, None, None] for place in range(5))
    slope = c[0] if slopes is None else c[0] + c[1] * slopes
    lines = tf.where(x > 0, x, slope * x)
    is_exponential = kind == EXPONENTIALS
    t = tf.tanh(c[2] * tf.where(is_exponential, tf.minimum(x, 0.0), x))
    # at 0 itself, where a layer behind dead units begins, SELU's slope in Keras is that of its line, ELU's that of its curve
    is_line = (x > 0) | ((x == 0) & (c[3] > 0))
    below = tf.where(is_exponential, t, 0.0)
    exponentials = c[1] * tf.where(is_line, x, c[0] * (2.0 * below / (1.0 - below)))
    tangents = (c[0] * t + c[1]) * tf.where(c[3] > 0, x, 1.0)
    y = tf.where(kind == LINES, lines, tf.where(is_exponential, exponentials, tangents))
    if has_rare:
        for place, name in enumerate(RARE):
            is_chosen = kind == FIRST_RARE + place
            scale = tf.where(is_chosen, c[0], 1.0)
            # masked before too: an overflow in a lane that chose something else must not reach its gradient
            y = tf.where(is_chosen, scale * keras.activations.get(name)(tf.where(is_chosen, x, 0.0) / scale), y)
    return y
