"""Keras' own optimizers on stacked variables, each lane with its own learning rate, weight decay and count of steps.

Every supported optimizer treats each number on its own, so that its ``update_step`` works on (lanes, rows, columns) as on
one network's variable. What is one number per network in Keras becomes one per lane, (lanes, 1, 1), by broadcasting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganas.cohorts import Bucket
from ganas.search.plan import Optimizer
from ganas.training.contract import FloatArray
from ganas.training.objective import make_optimizer

PER_NETWORK = ("_iterations", "_u_product")
"""Keras' variables that are one number per network: the count of steps, and Nadam's product of momenta."""


class LaneOptimizer:
    """A Keras optimizer of all lanes.

    Attributes:
        slots: its variables by name, ``steps`` among them, (lanes, rows, columns) each.
        initial: the first value of each slot of one lane, whatever its weights: so begins Keras' ``fit``, also with the
            schedule-free optimizer, whose slots would otherwise begin as a copy of the weights.
    """

    def __init__(self, bucket: Bucket, trained: Mapping[str, Any]) -> None:
        """Builds the bucket's optimizer for the ``trained`` variables by name; call it within the bucket's precision."""
        self._optimizer = make_optimizer(Optimizer(bucket.optimizer, 1.0, 0.0, bucket.options))
        self._trained = list(trained.values())
        self._rates: Any = 1.0
        self._optimizer.learning_rate = lambda: self._rates
        self._optimizer.build(self._trained)
        # Keras' own overwriting asks one question for all; here it is asked per lane
        self._overwrite_every = self._optimizer.ema_overwrite_frequency
        self._optimizer.ema_overwrite_frequency = None
        variables = [slot for slot in self._optimizer.variables if len(slot.shape) == 3]
        for name in PER_NETWORK:
            self._make_per_lane(name, bucket.lanes)
        self.slots: dict[str, Any] = {f"slot_{place}": slot.value for place, slot in enumerate(variables)}
        self.slots["steps"] = self._optimizer._iterations.value
        if hasattr(self._optimizer, "_u_product"):
            self.slots["u_product"] = self._optimizer._u_product.value
        # Keras counts steps and averages weights without its own hooks for assignments
        averages = {id(average.value) for average in getattr(self._optimizer, "_model_variables_moving_average", [])}
        self._unmasked = [name for name, slot in self.slots.items() if name == "steps" or id(slot) in averages]
        self._is_active: Any = None
        self._mask_assignments(bucket.lanes)
        self.initial: dict[str, FloatArray] = {name: slot[0].numpy() for name, slot in self.slots.items()}

    def apply(self, gradients: Sequence[Any], rates: Any, decays: Any, is_active: Any) -> None:
        """Makes one step of the lanes that are active, (lanes,) bool, with ``rates`` and weight ``decays`` (lanes,)."""
        self._is_active = is_active[:, None, None]
        self._rates = rates[:, None, None]
        self._optimizer.weight_decay = tf.where(is_active, decays, 0.0)[:, None, None]
        before = {name: tf.convert_to_tensor(self.slots[name]) for name in self._unmasked}
        self._optimizer.apply(list(gradients), self._trained)
        for name, value in before.items():
            self.slots[name].assign(tf.where(self._is_active, self.slots[name], value))
        if self._overwrite_every:
            is_due = self._is_active & (self.slots["steps"] % self._overwrite_every == 0)
            for variable, average in zip(self._trained, self._optimizer._model_variables_moving_average, strict=True):
                variable.assign(tf.where(is_due, average.value, variable.value))

    def _mask_assignments(self, lanes: int) -> None:
        """Makes every assignment of the optimizer one to active lanes only.

        Masked where it is assigned, a moment is the number the weights are updated from; masked after the step, it would be
        computed twice by the compiled program and the old one copied.
        """
        if lanes == 1:  # which is never at rest
            return

        def assign(variable: Any, value: Any) -> None:
            old = variable.value if isinstance(variable, keras.Variable) else variable
            old.assign(tf.where(self._is_active, tf.cast(value, old.dtype), old))

        self._optimizer.assign = assign
        self._optimizer.assign_add = lambda variable, value: assign(variable, variable + value)
        self._optimizer.assign_sub = lambda variable, value: assign(variable, variable - value)

    def _make_per_lane(self, name: str, lanes: int) -> None:
        single = getattr(self._optimizer, name, None)
        if single is not None:
            stacked = np.broadcast_to(single.numpy(), (lanes, 1, 1))
            setattr(self._optimizer, name, keras.Variable(stacked, dtype=single.dtype, trainable=False))
