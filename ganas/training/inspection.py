"""What can be said of a trained network beyond its outputs: units that no longer answer, and the time of a step."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganas.search.plan import NetworkPlan
from ganas.training.build import build
from ganas.training.contract import FloatArray, TrainingData
from ganas.training.fit import ROWS_AT_ONCE, mutation_callback

WARM_UP, TIMED = 1, 5
"""Executions that compile, and executions of which the fastest counts: the one that other work disturbed least."""


def dead_shares(model: Any, plan: NetworkPlan, rows: FloatArray) -> list[float]:
    """Returns, per hidden layer, the share of units whose activation is the same number for all of (rows, columns) ``rows``.

    For ReLU these are the units that are 0 throughout and, having no gradient, stay so (Maas et al. 2013,
    https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf); saturated units of other activations count too.
    """
    layers = [model.get_layer(f"activation_{index}").output for index in range(len(plan.layers))]
    if not layers:
        return []
    reader = keras.Model(model.input, layers)
    low: list[Any] = []
    high: list[Any] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        outputs = keras.tree.flatten(reader(rows[start : start + ROWS_AT_ONCE], training=False))
        arrays = [np.asarray(output) for output in outputs]
        bounds = list(zip(low, high, strict=True)) or [(array[0], array[0]) for array in arrays]
        low = [np.minimum(least, array.min(axis=0)) for (least, _), array in zip(bounds, arrays, strict=True)]
        high = [np.maximum(most, array.max(axis=0)) for (_, most), array in zip(bounds, arrays, strict=True)]
    return [float(np.mean(least == most)) for least, most in zip(low, high, strict=True)]


class _Stopwatch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Takes the seconds of each epoch's training."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the watch."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stops the watch."""
        self.seconds.append(time.perf_counter() - self._started)


def seconds_per_step(plan: NetworkPlan, data: TrainingData, steps: int) -> float:
    """Returns the seconds of one optimizer step of ``Model.fit``, ``steps`` of them in one execution; the fastest of a few.

    The batches lie in memory, so that what is timed is the step.
    """
    model = build(plan, data.x_train.shape[1])
    model.steps_per_execution = steps
    rows = np.arange(plan.batch_size) % len(data.x_train)
    arrays = (data.x_train, data.y_train) if data.w_train is None else (data.x_train, data.y_train, data.w_train)
    batch = tuple(tf.constant(np.asarray(array)[rows]) for array in arrays)
    watch = _Stopwatch()
    callbacks: list[Any] = [watch]
    if plan.mutation is not None:
        callbacks.append(mutation_callback(plan, plan.mutation, 0))
    model.fit(
        tf.data.Dataset.from_tensors(batch).repeat(),
        steps_per_epoch=steps,
        epochs=WARM_UP + TIMED,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    return min(watch.seconds[WARM_UP:]) / steps
