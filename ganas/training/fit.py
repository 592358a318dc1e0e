"""The ``keras`` trainer: one plan at a time through ``Model.fit``. It is the reference the fast trainer is held to.

Whatever Keras already does is left to Keras: the training step, the recorded losses, the optimizers. Added are the batch
order both trainers share, the best epoch by validation loss, and a pause from which training goes on exactly.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganas.errors import SpaceError, with_traceback
from ganas.evaluation import TrainingBudget
from ganas.search.plan import Mutation, NetworkPlan
from ganas.training.build import build, encoder
from ganas.training.contract import FloatArray, Member, Outcome, TrainingData
from ganas.training.progress import Progress
from ganas.training.session import precision, silenced
from ganas.training.streams import batch_order
from ganas.training.weight_mutation import WeightMutation

ROWS_AT_ONCE = 4096
"""Rows per batch where nothing is learned: validation and measured outputs."""


def train(
    members: Sequence[Member], data: TrainingData, budget: TrainingBudget, *, pause: int | None = None
) -> list[Outcome]:
    """Trains each member by ``Model.fit`` and keeps the contract of ``ganas.training.contract``."""
    with silenced(), precision(budget.precision):
        tensors = _tensors(data, budget.precision)
        return [_train_safely(member, tensors, budget, pause) for member in members]


def _tensors(data: TrainingData, dtype: str) -> TrainingData:
    """Returns the same data as tensors, converted once for all members."""
    names = ("x_train", "y_train", "x_validation", "y_validation", "w_train", "x_measured")
    arrays = {name: getattr(data, name) for name in names}
    made = {id(array): tf.constant(array, dtype) for array in arrays.values() if array is not None}
    tensors: dict[str, Any] = {name: None if array is None else made[id(array)] for name, array in arrays.items()}
    return TrainingData(**tensors, measured_layer=data.measured_layer, drawn=data.drawn)


def _train_safely(member: Member, data: TrainingData, budget: TrainingBudget, pause: int | None) -> Outcome:
    started = time.perf_counter()
    try:
        return _train_one(member, data, budget, pause, started)
    except Exception as error:  # whatever a candidate does must end that candidate only
        return Outcome("failed", message=with_traceback(error), seconds=time.perf_counter() - started)
    finally:
        # a model and its traced functions refer to each other in cycles
        gc.collect()


def _train_one(
    member: Member, data: TrainingData, budget: TrainingBudget, pause: int | None, started: float
) -> Outcome:
    plan = member.plan
    model = build(plan, data.x_train.shape[1], member.seed, budget.precision)
    steps = -(-data.epoch_rows // plan.batch_size)
    # one call into TensorFlow per epoch: nothing needs to look between the steps
    model.steps_per_execution = steps
    if member.weights is not None:
        model.set_weights(list(member.weights))
    last = budget.epochs if pause is None else min(pause, budget.epochs)
    progress = Progress(budget, last, started, member.state)
    callbacks: list[Any] = [progress]
    if plan.mutation is not None:
        callbacks.append(mutation_callback(plan, plan.mutation, member.seed))
    if not progress.course.is_over:
        has_validation = data.x_validation.shape[0] > 0
        model.fit(
            _batches(data, member.seed, plan.batch_size, range(progress.course.epochs, last)),
            steps_per_epoch=steps,
            initial_epoch=progress.course.epochs,
            epochs=last,
            validation_data=(data.x_validation, data.y_validation) if has_validation else None,
            validation_batch_size=ROWS_AT_ONCE,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    return _outcome(model, member, data, progress)


def mutation_callback(plan: NetworkPlan, mutation: Mutation, seed: int) -> WeightMutation:
    """Returns the callback of a plan's weight mutation.

    Raises:
        SpaceError: it is limited to the encoder, and there is none.
    """
    names = None
    if mutation.layers == "encoder":
        if plan.bottleneck is None:
            raise SpaceError("weight mutation layers: encoder needs a plan with a bottleneck; say all")
        names = [f"dense_{index}" for index in range(plan.bottleneck + 1)]
    return WeightMutation(mutation.probability, mutation.ratio, mutation.method, seed, layers=names)


def _batches(data: TrainingData, seed: int, batch_size: int, epochs: range) -> tf.data.Dataset:
    """Returns the batches of all ``epochs`` one after the other, in the order both trainers share."""
    rows = data.epoch_rows

    def orders() -> Iterator[NDArray[np.int32]]:
        for epoch in epochs:
            yield batch_order(seed, epoch, rows, data.drawn)

    def gathered(indices: Any) -> tuple[Any, ...]:
        columns = (data.x_train, data.y_train) if data.w_train is None else (data.x_train, data.y_train, data.w_train)
        return tuple(tf.gather(column, indices) for column in columns)

    per_epoch = tf.data.Dataset.from_generator(orders, output_signature=tf.TensorSpec((rows,), tf.int32))
    in_order = per_epoch.flat_map(lambda order: tf.data.Dataset.from_tensor_slices(order).batch(batch_size))
    return in_order.map(gathered).prefetch(2)


def _outcome(model: Any, member: Member, data: TrainingData, progress: Progress) -> Outcome:
    course = progress.course
    told: dict[str, Any] = {"curves": course.curves, "epochs": course.epochs}
    if course.status != "ok":
        return Outcome(course.status, **told, message=course.message, seconds=progress.seconds(), is_cut=course.is_cut)
    weights, best_epoch = progress.restored(), course.restored_epoch
    model.set_weights(weights)
    outputs = measured_outputs(model, member, data)
    if not np.isfinite(outputs).all():
        message = f"outputs are not finite after epoch {best_epoch}"
        return Outcome("diverged", **told, message=message, seconds=progress.seconds())
    return Outcome(
        "ok",
        **told,
        best_epoch=best_epoch,
        loss=course.watched[best_epoch - 1],
        outputs=outputs,
        weights=tuple(weights),
        state=None if course.is_finished else progress.state(),
        is_finished=course.is_finished,
        seconds=progress.seconds(),
    )


def measured_outputs(model: Any, member: Member, data: TrainingData) -> FloatArray:
    """Returns what ``model`` answers on the measured rows, in inference: float32 (rows, units)."""
    measured = data.x_validation if data.x_measured is None else data.x_measured
    if data.measured_layer == "bottleneck":
        model = encoder(model, member.plan)
    parts = [
        np.asarray(model(measured[start : start + ROWS_AT_ONCE], training=False), np.float32)
        for start in range(0, measured.shape[0], ROWS_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, model.output_shape[-1]), np.float32)
