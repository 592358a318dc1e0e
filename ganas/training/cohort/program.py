"""The compiled program of a bucket: one epoch of all its lanes, and their validation, in one call into XLA.

The lanes' weights, optimizer slots, moving statistics and best weights so far are TensorFlow variables of the program; the
order of the rows comes in per epoch; losses go out. Nothing happens in Python between the steps.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganas.cohorts import Bucket
from ganas.training.cohort.layout import STATISTICS, variables_of
from ganas.training.cohort.mutation import mutate
from ganas.training.cohort.network import Pass, Training
from ganas.training.cohort.optimizers import LaneOptimizer
from ganas.training.cohort.rows import Rows
from ganas.training.contract import FloatArray
from ganas.training.objective import make_loss
from ganas.training.program_cache import forget_programs

ROWS_AT_ONCE = 512
"""Validation rows per pass; fewer are one pass."""

KEPT_PROGRAMS, KEPT_BYTES = 64, 2**28
"""Programs kept in a process, and the bytes of their lanes; the one unused for longest goes first."""

_programs: OrderedDict[tuple[Bucket, tuple[int, int, bool]], Program] = OrderedDict()
_compiled = 0


def compilations() -> int:
    """Returns how many programs this process has compiled."""
    return _compiled


def _count_compilation() -> None:
    """Counts one more; called where TensorFlow traces, which it does once per compilation."""
    global _compiled
    _compiled += 1


def program_for(bucket: Bucket, rows: Rows) -> Program:
    """Returns the program of ``bucket`` for data of these shapes, made once per process."""
    key = (bucket, rows.shapes)
    if key not in _programs:
        _programs[key] = Program(bucket, rows)
        while len(_programs) > 1 and (
            len(_programs) > KEPT_PROGRAMS or sum(program.bytes for program in _programs.values()) > KEPT_BYTES
        ):
            _programs.popitem(last=False)
    _programs.move_to_end(key)
    return _programs[key]


class Program:
    """The lanes of a bucket and what trains them.

    Attributes:
        state: everything a lane consists of while it is trained, by name: TensorFlow variables (lanes, ...).
        bytes: the size of the state.
    """

    def __init__(self, bucket: Bucket, rows: Rows) -> None:
        """Makes the variables; the compilation happens in the first :meth:`epoch`."""
        self.bucket = bucket
        self.variables = variables_of(bucket)
        made = {
            v.name: keras.Variable(np.zeros((bucket.lanes, *v.shape)), dtype=bucket.precision, name=v.name)
            for v in self.variables
        }
        self._trained = {v.name: made[v.name] for v in self.variables if v.kind not in STATISTICS}
        self._weights = {name: variable.value for name, variable in made.items()}
        self.optimizer = LaneOptimizer(bucket, self._trained)
        self._learned = {**self._weights, **self.optimizer.slots}
        self._best = {f"best_{name}": tf.Variable(tf.zeros_like(value)) for name, value in self._weights.items()}
        if rows.measured is None:
            kept = (bucket.lanes, rows.shapes[1], bucket.outputs)
            self._best["best_outputs"] = tf.Variable(tf.zeros(kept, bucket.precision))
        self._best["best_loss"] = tf.Variable(tf.zeros(bucket.lanes, bucket.precision))
        self.state = {**self._learned, **self._best}
        self.bytes = sum(math.prod(variable.shape) * variable.dtype.size for variable in self.state.values())
        self._loss = make_loss(bucket.loss)
        self._run = tf.function(self._epoch, jit_compile=True, autograph=False)
        self._has_run = False
        self._answer = tf.function(self._outputs, jit_compile=True, autograph=False)

    def epoch(self, rows: Rows, settings: Any, order: Any, counts: Any, steps: int, *, keep_last: bool) -> FloatArray:
        """Trains one epoch of every lane and keeps the best.

        Args:
            rows: the data.
            settings: of all lanes, see ``settings.stack_settings``.
            order: (steps, lanes, batch) int32, rows of each batch; a batch that is not full repeats one of its rows.
            counts: (steps, lanes) int32, rows of each batch that count; 0: the lane rests.
            steps: how many of the first rows of ``order`` to go through.
            keep_last: the last epoch, not the best, is kept.

        Returns:
            (2, lanes) training and validation losses.
        """
        losses: FloatArray = self._compiled_run(
            (rows.x, rows.y, rows.weights, rows.x_validation, rows.y_validation),
            tf.constant(rows.validation_count),
            settings,
            order,
            counts,
            tf.constant(steps),
            tf.constant(keep_last),
        ).numpy()
        return losses

    def _compiled_run(self, *arguments: Any) -> Any:
        """Runs the program; should it not even start because of a damaged copy on disk, compiles it anew."""
        try:
            result = self._run(*arguments)
        except tf.errors.OpError:
            if self._has_run or not forget_programs():
                raise
            self._run = tf.function(self._epoch, jit_compile=True, autograph=False)
            result = self._run(*arguments)
        self._has_run = True
        return result

    def _keep_best(self, losses: Any, outputs: Any, keep_last: Any) -> None:
        """Copies the lanes that are better than ever."""
        is_kept = tf.where(keep_last, tf.math.is_finite(losses), losses < self._best["best_loss"])
        now = {**{f"best_{name}": value for name, value in self._weights.items()}, "best_loss": losses}
        now["best_outputs"] = outputs
        for name, variable in self._best.items():
            variable.assign(tf.where(_per_lane(is_kept, variable), now[name], variable))

    def measured(self, rows: Rows, settings: Any) -> FloatArray:
        """Returns (lanes, measured rows, units) outputs of the best weights so far; a narrow bottleneck's are padded."""
        if rows.measured is None:
            kept: FloatArray = self._best["best_outputs"].numpy()[:, : rows.measured_count]
            return kept
        parts = []
        for start in range(0, max(1, rows.measured_count), ROWS_AT_ONCE):
            part = rows.measured[start : start + ROWS_AT_ONCE]
            part = tf.pad(part, [[0, ROWS_AT_ONCE - part.shape[0]], [0, 0]])
            parts.append(self._answer(part, settings, rows.measured_layer == "bottleneck").numpy())
        outputs: FloatArray = np.concatenate(parts, 1)[:, : rows.measured_count]
        return outputs

    def _outputs(self, x: Any, settings: Any, is_bottleneck: bool) -> Any:
        _count_compilation()
        weights = {name: tf.convert_to_tensor(self._best[f"best_{name}"]) for name in self._weights}
        flow = Pass(self.bucket, weights, settings, None, weights)
        flows = flow.into_layers(x)
        if not is_bottleneck:
            return flow.head(flows[-1])
        widest = max(self.bucket.widths)
        code = tf.zeros((self.bucket.lanes, x.shape[0], widest), self.bucket.precision)
        for layer, y in enumerate(flows[1:]):
            padded = tf.pad(y, [[0, 0], [0, 0], [0, widest - y.shape[2]]])
            code = tf.where(settings["bottleneck"][:, None, None] == layer, padded, code)
        return code

    def _epoch(
        self, data: Any, validation_count: Any, settings: Any, order: Any, counts: Any, steps: Any, keep_last: Any
    ) -> Any:
        _count_compilation()
        x, y, weights, x_validation, y_validation = data
        lanes, precision = self.bucket.lanes, self.bucket.precision

        def step(place: Any, sums: Any, seen: Any) -> tuple[Any, Any, Any]:
            index, count = order[place], tf.cast(counts[place], precision)
            batch = tf.gather(x, index), tf.gather(y, index), tf.gather(weights, index)
            loss = self._step(settings, batch, counts[place])
            return place + 1, sums + tf.where(count > 0, loss * count, 0.0), seen + count

        zeros = tf.zeros(lanes, precision)
        _, sums, seen = tf.while_loop(lambda place, *_: place < steps, step, (tf.constant(0), zeros, zeros))
        training_loss = sums / tf.maximum(seen, 1.0)
        if x_validation.shape[0] == 0:
            outputs, loss = tf.zeros((lanes, 0, self.bucket.outputs), precision), training_loss
        else:
            outputs, loss = self._validate(settings, x_validation, y_validation, validation_count)
        self._keep_best(loss, outputs, keep_last)
        return tf.stack([training_loss, loss])

    def _step(self, settings: Any, batch: Any, counts: Any) -> Any:
        """Makes one step of every lane; returns their losses (lanes,), penalties included."""
        x, y, weights = batch
        if "mutation" in self.bucket.features:
            kernels = {v.layer: self._weights[v.name] for v in self.variables if v.kind == "kernel"}
            mutate(self.bucket, kernels, settings, self._learned["steps"][:, 0, 0], counts > 0)
        before = {name: tf.convert_to_tensor(variable) for name, variable in self._learned.items()}
        is_row = tf.cast(tf.range(self.bucket.batch)[None] < counts[:, None], self.bucket.precision)
        rows = tf.maximum(tf.cast(counts, self.bucket.precision), 1.0)
        training = Training(is_row[:, :, None], rows[:, None, None], before["steps"][:, 0, 0])
        current = {name: before[name] for name in self._trained}
        with tf.GradientTape() as tape:
            tape.watch(list(current.values()))
            flow = Pass(self.bucket, current, settings, training, {name: before[name] for name in self._weights})
            losses = self._loss(y, flow.head(flow.into_layers(x)[-1]))
            loss = tf.reduce_sum(losses * weights * is_row, 1) / rows + self._penalties(current, settings)
            total = tf.reduce_sum(loss)
        gradients = tape.gradient(total, list(current.values()))
        is_active = counts > 0
        self.optimizer.apply(gradients, settings["learning_rate"], settings["weight_decay"], is_active)
        for name, value in flow.statistics.items():
            if name not in current:
                self._weights[name].assign(tf.where(is_active[:, None, None], value, before[name]))
        return loss

    def _penalties(self, weights: Any, settings: Any) -> Any:
        """Returns the L1 and L2 penalties (lanes,) on all kernels."""
        if "penalty" not in self.bucket.features:
            return 0.0
        kernels = [weights[v.name] for v in self.variables if v.kind == "kernel"]
        absolute = sum(tf.reduce_sum(tf.abs(kernel), (1, 2)) for kernel in kernels)
        squares = sum(tf.reduce_sum(tf.square(kernel), (1, 2)) for kernel in kernels)
        return settings["l1"] * absolute + settings["l2"] * squares

    def _validate(self, settings: Any, x: Any, y: Any, count: Any) -> tuple[Any, Any]:
        """Returns the outputs (lanes, rows, units) and losses (lanes,) on validation rows."""
        rows, precision = x.shape[0], self.bucket.precision
        weights = {name: tf.convert_to_tensor(variable) for name, variable in self._weights.items()}
        penalties = self._penalties(weights, settings)

        size = min(rows, ROWS_AT_ONCE)
        passes = -(-rows // size)
        made = tf.TensorArray(precision, passes, element_shape=(self.bucket.lanes, size, self.bucket.outputs))

        def judge(place: Any, made: Any, sums: Any) -> tuple[Any, Any, Any]:
            start = tf.minimum(place * size, rows - size)  # the last pass repeats rows, and counts them once
            # sizes in numbers: of a slice to the end XLA pads the whole array first
            part, target = (tf.slice(values, [start, 0], [size, values.shape[1]]) for values in (x, y))
            flow = Pass(self.bucket, weights, settings, None, weights)
            outputs = flow.head(flow.into_layers(part)[-1])
            losses = self._loss(tf.broadcast_to(target, outputs.shape), outputs)
            row = tf.range(size) + start
            is_counted = (row < count) & (row >= place * size)
            return place + 1, made.write(place, outputs), sums + tf.reduce_sum(tf.where(is_counted, losses, 0.0), 1)

        begin = (tf.constant(0), made, tf.zeros(self.bucket.lanes, precision))
        _, made, sums = tf.while_loop(lambda place, *_: place < passes, judge, begin)
        judged = tf.reshape(tf.transpose(made.stack(), (1, 0, 2, 3)), (self.bucket.lanes, -1, self.bucket.outputs))
        before_last = (passes - 1) * size
        outputs = tf.concat([judged[:, :before_last], judged[:, passes * size - (rows - before_last) :]], 1)
        return outputs, sums / tf.cast(count, precision) + penalties


def _per_lane(chosen: Any, variable: Any) -> Any:
    return tf.reshape(chosen, (-1, *[1] * (len(variable.shape) - 1)))
