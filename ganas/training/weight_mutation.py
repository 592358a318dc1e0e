"""The weight-mutation regularizer as a Keras callback: one line in any ``fit``.

Keras calls its batch hooks once per execution, not once per step, so the callback wraps the model's ``train_step``: the
mutation becomes part of the compiled step, before its forward pass, whatever ``steps_per_execution`` is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganas.errors import ConfigError
from ganas.search.plan import Mutation
from ganas.training.mutation import coin, replacements


class WeightMutation(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Shrinks a few weights at random before an optimizer step.

    Before each optimizer step, with ``probability`` (one coin for all layers), ``ratio`` of each layer's weights are picked
    and each picked w is replaced by a draw from the uniform distribution between 0 and w. The weights that are validated
    and saved are those after the step. Constraints are applied again after a mutation; the optimizer's slots are left
    alone. The draws depend on ``seed``, the optimizer's count of steps and the layer, so that a training that is loaded
    with its optimizer goes on as if never interrupted.

    Source: Jeon & Moon 2017, KIPS Transactions, "A Deep Neural Network Model Based on a Mutation Operator".

    Args:
        probability: of a mutation before a step (the paper's epsilon), in [0, 1].
        ratio: share of each layer's weights that is picked, in [0, 1]; exact, a fraction of a weight is settled by a draw.
        method: ``"magnitude"`` picks the largest absolute values (the paper's method 1), ``"random"`` any (method 2),
            ``"smallest"`` the smallest (a control).
        seed: any integer.
        layers: layers, or names of layers (a name selects every layer so called, nested ones too); None: all.
        weights: the kinds of weights; ``"kernel"`` stands for ``recurrent_kernel`` and the like too.

    Raises:
        ConfigError: an argument makes no sense; in the first step of ``fit``: nothing trainable was selected.
    """

    def __init__(
        self,
        probability: float = 0.05,
        ratio: float = 1e-4,
        method: str = "magnitude",
        seed: int = 0,
        *,
        layers: Sequence[str | Any] | None = None,
        weights: Sequence[str] = ("kernel",),
    ) -> None:
        super().__init__()
        try:
            self.settings = Mutation(float(probability), float(ratio), method)
            self.seed = operator.index(seed)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"WeightMutation: probability and ratio must be numbers and seed an integer: {error}"
            ) from None
        if isinstance(layers, str) or isinstance(weights, str):
            raise ConfigError("WeightMutation: layers and weights must be lists of names, got a single string")
        if keras.config.backend() != "tensorflow":
            raise ConfigError(f"WeightMutation: needs Keras on tensorflow, found {keras.config.backend()}")
        self.layers, self.weights = layers, tuple(weights)

    def on_train_begin(self, logs: Any = None) -> None:
        """Makes the mutation part of the model's training step."""
        optimizer = self.model.optimizer
        self._last_step = None
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            # it leaves out steps whose gradients overflow: the step that then counts must not mutate twice
            with self.model.distribute_strategy.scope():
                self._last_step = keras.Variable(-1, dtype="int64", trainable=False, aggregation="only_first_replica")
        _wrap_step(self.model, self._mutate)

    def on_train_end(self, logs: Any = None) -> None:
        """Gives the model its own training step back."""
        _unwrap_step(self.model)

    def selected(self, model: Any) -> list[Any]:
        """Returns the trainable variables of ``model`` that are mutated, in the model's order.

        Raises:
            ConfigError: there is none.
        """
        chosen = [v for v in model.trainable_variables if self._is_kind(v) and self._is_in_layers(v)]
        if not chosen:
            where = "" if self.layers is None else f" in layers {[getattr(one, 'name', one) for one in self.layers]}"
            found = ", ".join(variable.path for variable in model.trainable_variables)
            raise ConfigError(
                f"WeightMutation: no trainable {' or '.join(self.weights)}{where} of {model.name!r}; it has: {found}"
            )
        return chosen

    def _is_kind(self, variable: Any) -> bool:
        return any(variable.name == kind or variable.name.endswith(f"_{kind}") for kind in self.weights)

    def _is_in_layers(self, variable: Any) -> bool:
        if self.layers is None:
            return True
        owners = variable.path.split("/")[:-1]
        return any(
            one in owners if isinstance(one, str) else any(variable is own for own in one.trainable_variables)
            for one in self.layers
        )

    def _mutate(self, data: Any) -> None:
        model, optimizer = self.model, self.model.optimizer
        if not model.built:
            # Keras builds such a model on its first batch too, but after this
            model(keras.utils.unpack_x_y_sample_weight(data)[0])
        # under mixed precision the counter belongs to the wrapped optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        micro_steps = optimizer.gradient_accumulation_steps or 1
        micro_step = tf.convert_to_tensor(optimizer._iterations)
        step = tf.cast(micro_step // micro_steps % (2**31 - 1), tf.int32)
        is_due = coin(self.seed, step, self.settings.probability) & (micro_step % micro_steps == 0)
        if self._last_step is not None:
            is_due &= micro_step != tf.convert_to_tensor(self._last_step)
            self._last_step.assign(micro_step)
        strategy = tf.distribute.get_strategy()
        mutate = _mutate_replicas if strategy.num_replicas_in_sync > 1 else _mutate_in_place
        mutate(self.selected(model), is_due, lambda layer, values: self._replacements(layer, values, step))

    def _replacements(self, layer: int, values: Any, step: Any) -> tuple[Any, Any]:
        """Returns the places (count, rank) and the new values (count,) in one variable's ``values``."""
        places, new = replacements(values, self.settings.ratio, self.settings.method, self.seed, step, layer)
        return tf.stack(_unravel(places, values.shape), axis=-1), new


Replacements = Callable[[int, Any], tuple[Any, Any]]


def _mutate_in_place(variables: Sequence[Any], is_due: Any, replace: Replacements) -> None:
    """Writes the few new values only, and only when due."""

    def mutate() -> Any:
        for layer, variable in enumerate(variables):
            places, new = replace(layer, tf.convert_to_tensor(variable.value))
            variable.value.scatter_nd_update(places, new)
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        return tf.constant(True)

    tf.cond(is_due, mutate, lambda: tf.constant(False))


def _mutate_replicas(variables: Sequence[Any], is_due: Any, replace: Replacements) -> None:
    """Writes each variable whole on every replica: an update of replicated variables must not stand inside a ``cond``."""

    def mutated(layer: int, variable: Any) -> Any:
        values = tf.convert_to_tensor(variable.value)
        new = tf.tensor_scatter_nd_update(values, *replace(layer, values))
        return new if variable.constraint is None else variable.constraint(new)

    for layer, variable in enumerate(variables):
        new = tf.cond(
            is_due,
            lambda layer=layer, variable=variable: mutated(layer, variable),
            lambda variable=variable: tf.convert_to_tensor(variable.value),
        )
        tf.distribute.get_replica_context().merge_call(
            lambda strategy, new, variable=variable: strategy.extended.update(
                variable.value, lambda replica, value: replica.assign(value), args=(new,)
            ),
            args=(new,),
        )


def _unravel(places: Any, shape: Any) -> list[Any]:
    """Returns flat ``places`` as one index per dimension; ``tf.unravel_index`` does not compile in XLA."""
    indices: list[Any] = []
    for size in reversed(shape):
        indices.insert(0, places % size)
        places = places // size
    return indices


def _wrap_step(model: Any, mutate: Callable[[Any], None]) -> None:
    """Lets ``mutate`` run on the batch at the start of each training step, until :func:`_unwrap_step` or the next ``fit``."""
    names = ("train_step", "train_function", "make_train_function")
    before = getattr(
        model.make_train_function, "before", {name: vars(model)[name] for name in names if name in vars(model)}
    )
    step = model.train_step

    def train_step(data: Any) -> Any:
        mutate(data)
        return step(data)

    def make_train_function(force: bool = False) -> Any:
        if not force:
            # only a fit that begins asks like this: the last one ended by an exception, without ``on_train_end``
            _unwrap_step(model)
            return model.make_train_function()
        return type(model).make_train_function(model, force=True)

    make_train_function.before = before  # type: ignore[attr-defined]  # what several callbacks in one fit give back
    model.train_step = train_step
    model.make_train_function = make_train_function
    model.make_train_function(force=True)


def _unwrap_step(model: Any) -> None:
    """Gives ``model`` its own training step and its own compiled function back, if they were wrapped."""
    before = getattr(model.make_train_function, "before", None)
    if before is None:
        return
    for name in ("train_step", "make_train_function", "train_function"):
        if name in before:
            setattr(model, name, before[name])
        else:
            delattr(model, name)
