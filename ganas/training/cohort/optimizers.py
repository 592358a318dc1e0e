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
        self.initial: dict[str, FloatArray] = {name: slot[0].numpy() for name, slot in self.slots.items()}

    def apply(self, gradients: Sequence[Any], rates: Any, decays: Any) -> None:
        """Makes one step with learning ``rates`` (lanes,) and weight ``decays`` (lanes,)."""
        self._rates = rates[:, None, None]
        self._optimizer.weight_decay = decays[:, None, None]
        self._optimizer.apply(list(gradients), self._trained)
        if self._overwrite_every:
            is_due = self.slots["steps"] % self._overwrite_every == 0
            for variable, average in zip(self._trained, self._optimizer._model_variables_moving_average, strict=True):
                variable.assign(tf.where(is_due, average.value, variable.value))

    def _make_per_lane(self, name: str, lanes: int) -> None:
        single = getattr(self._optimizer, name, None)
        if single is not None:
            stacked = np.broadcast_to(single.numpy(), (lanes, 1, 1))
            setattr(self._optimizer, name, keras.Variable(stacked, dtype=single.dtype, trainable=False))
