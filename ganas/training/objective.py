"""What a plan minimises and how: its loss, its optimizer and its initialisers as Keras objects, found by name.

Keras makes an initialiser or layer without a seed draw one from Python's global ``random``; every object made here is
given its seed, so that a caller's generators are never touched.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from ganas.errors import SpaceError
from ganas.search.plan import NetworkPlan, Optimizer


def make_optimizer(optimizer: Optimizer) -> Any:
    """Returns the ``keras.optimizers.Optimizer`` of a plan.

    ``weight_decay`` is Keras' own: decoupled, scaled by the learning rate, and on every trainable variable. A plan's 0
    means none, also for the optimizers whose default in Keras is not none (AdamW).

    Raises:
        SpaceError: Keras has no such optimizer, or it does not take one of the options.
    """
    classes = _classes(keras.optimizers, keras.optimizers.Optimizer)
    key = optimizer.name.replace("_", "")
    if key not in classes:
        raise SpaceError(
            f"optimizer {optimizer.name!r}: Keras has none of this name; it has {', '.join(sorted(classes))}"
        )
    made = classes[key]
    default = inspect.signature(made).parameters["weight_decay"].default
    decay = optimizer.weight_decay or (None if default is None else 0.0)
    try:
        result = made(learning_rate=float(optimizer.learning_rate), weight_decay=decay, **dict(optimizer.options))
    except (TypeError, ValueError) as error:
        raise SpaceError(f"optimizer {optimizer.name!r}: {error}") from None
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        # A sum over one replica changes nothing; but for each traced step TensorFlow registers a gradient of it, never to
        # forget it, and with it the traced graph: megabytes for every network fitted and every program of a cohort.
        result._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
    return result


def make_loss(name: str) -> Callable[..., Any]:
    """Returns Keras' loss function of a snake-case name, as ``keras.losses.get`` finds it.

    Raises:
        SpaceError: Keras has no such loss.
    """
    try:
        loss: Callable[..., Any] = keras.losses.get(name)
    except ValueError:
        raise SpaceError(f"loss {name!r}: Keras has none of this name") from None
    return loss


def make_initializer(name: str, seed: int) -> Any:
    """Returns the Keras initializer of a snake-case name with its ``seed`` (below 2**31), where it draws at all.

    Raises:
        SpaceError: Keras has no such initializer.
    """
    classes = _classes(keras.initializers, keras.initializers.Initializer)
    made = classes.get(name.replace("_", ""))
    if made is None:
        raise SpaceError(
            f"kernel_initializer {name!r}: Keras has none of this name; it has {', '.join(sorted(classes))}"
        )
    return made(seed=seed) if "seed" in inspect.signature(made).parameters else made()


def make_penalty(plan: NetworkPlan) -> Any:
    """Returns a new kernel regularizer of the plan's l1 and l2, or None where both are 0."""
    return keras.regularizers.L1L2(l1=plan.l1, l2=plan.l2) if plan.l1 or plan.l2 else None


def _classes(module: Any, base: type) -> dict[str, Callable[..., Any]]:
    """Returns the classes of a Keras module by their lower-case name: ``adamw``, ``heuniform``."""
    found = {name: value for name, value in vars(module).items() if inspect.isclass(value) and issubclass(value, base)}
    return {name.lower(): value for name, value in found.items() if value is not base}
