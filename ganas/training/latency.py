"""How long a network takes to answer one row, measured on this machine."""

from __future__ import annotations

import time

import numpy as np
import tensorflow as tf

from ganas.search.plan import NetworkPlan
from ganas.training.build import build

WARM_UP, TIMED = 10, 200
"""Calls that trace and warm up, and calls whose median counts."""


def latency_milliseconds(plan: NetworkPlan, inputs: int) -> float:
    """Returns the median milliseconds of one call on one row of ``inputs`` columns, as one traced function.

    Weights do not matter to it, so the network need not be trained.
    """
    model = build(plan, inputs)
    answer = tf.function(lambda rows: model(rows, training=False))
    row = tf.zeros((1, inputs))
    times = []
    for _ in range(WARM_UP + TIMED):
        started = time.perf_counter()
        answer(row).numpy()
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times[WARM_UP:]))
