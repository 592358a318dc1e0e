"""The weight-mutation regularizer as a Keras callback: one line in any ``fit``.

Keras calls its batch hooks once per execution, not once per step, so the callback wraps the model's ``train_step``: the
mutation becomes part of the compiled step, before its forward pass, whatever ``steps_per_execution`` is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganas.errors import ConfigError, SpaceError
from ganas.search.plan import Mutation
from ganas.training.mutation import BLOCK, coin, coins, is_at, replacements


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
        except SpaceError as error:
            raise ConfigError(f"WeightMutation: {error}") from None
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"WeightMutation: probability and ratio must be numbers and seed an integer: {error}"
            ) from None
        if keras.config.backend() != "tensorflow":
            raise ConfigError(f"WeightMutation: needs Keras on tensorflow, found {keras.config.backend()}")
        self.layers = None if layers is None else _members("layers", layers, str | keras.layers.Layer)
        self.weights = _members("weights", weights, str)

    def on_train_begin(self, logs: Any = None) -> None:
        """Makes the mutation part of the model's training step, if there is anything to mutate."""
        if not self.settings.probability or not self.settings.ratio:
            return  # even reading the batch first changes a training: Keras counts a step where data of unknown length end
        self._clock = _Clock(self.model)
        self._agenda = _Agenda(self.model, self.seed, self.settings.probability)
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
        model = self.model
        if not (model.trainable_variables and all(layer.built for layer in model.layers)):
            # Keras builds such a model on its first batch too, but after this
            model(keras.utils.unpack_x_y_sample_weight(data)[0])
        # where data of unknown length end, Keras runs the step once more and it fails for want of a batch, not sooner
        batch = [part for part in tf.nest.flatten(data, expand_composites=True) if tf.is_tensor(part)]
        with tf.control_dependencies(batch):
            step, is_new = self._clock.read()
        variables = self.selected(model)

        def mutated(layer: int) -> Any:
            return self._mutated(layer, variables[layer], step)

        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            _write_replicas(variables, coin(self.seed, step, self.settings.probability) & is_new, mutated)
        else:
            self._agenda.when_due(step, is_new, lambda: _write(variables, mutated))

    def _mutated(self, layer: int, variable: Any, step: Any) -> Any:
        """Returns a variable's values after the mutation and its constraint."""
        values = tf.convert_to_tensor(variable.value)
        places, new = replacements(values, self.settings.ratio, self.settings.method, self.seed, step, layer)
        mutated = tf.tensor_scatter_nd_update(tf.reshape(values, [-1]), places[:, None], new)
        values = tf.reshape(mutated, values.shape)
        return values if variable.constraint is None else variable.constraint(values)


def _members(name: str, given: Any, kind: Any) -> tuple[Any, ...]:
    """Returns what a list of layers or names holds; refuses one alone, none, and members of another kind."""
    members = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    strays = [one for one in members if not isinstance(one, kind)] if members else [given]
    if strays:
        expected = "layers or names of layers" if name == "layers" else "names, such as 'kernel'"
        raise ConfigError(f"WeightMutation: {name} must be a list of {expected}; got {strays[0]!r}")
    return members


class _Clock:
    """Which optimizer step a model is before: the count of its optimizer, which is saved with it.

    A training step of the model's own may have optimizers that Keras does not know, as a GAN has two, or none: then the
    steps of all that the model holds are added up, and training steps that move none of them are counted here.
    """

    def __init__(self, model: Any) -> None:
        has_own_step = type(model).train_step is not keras.Model.train_step
        optimizers = _optimizers(model) if has_own_step else [model.optimizer]
        # it leaves out steps whose gradients overflow: the step that then counts must not mutate twice
        self._is_scaled = any(isinstance(one, keras.optimizers.LossScaleOptimizer) for one in optimizers)
        # under mixed precision the counter belongs to the wrapped optimizer
        self._optimizers = [getattr(one, "inner_optimizer", one) for one in optimizers]
        self._last: Any = None
        self._idle: Any = None
        if has_own_step or self._is_scaled:
            with model.distribute_strategy.scope():
                self._last, self._idle = (
                    keras.Variable(start, dtype="int64", trainable=False, aggregation="only_first_replica")
                    for start in (-1, 0)
                )

    def read(self) -> tuple[Any, Any]:
        """Returns the number of the step (int32), and whether nothing has been done before it yet; once per step."""
        counts = [tf.cast(tf.convert_to_tensor(one._iterations), tf.int64) for one in self._optimizers]
        step, is_new = tf.constant(0, tf.int64), tf.constant(True)
        for count, optimizer in zip(counts, self._optimizers, strict=True):
            each = optimizer.gradient_accumulation_steps or 1
            step += count if each == 1 else count // each
            is_new = is_new if each == 1 else is_new & (count % each == 0)
        if self._last is not None:
            micro_step = sum(counts, tf.constant(0, tf.int64))
            is_repeated = micro_step == tf.convert_to_tensor(self._last)
            self._last.assign(micro_step)
            if self._is_scaled:
                is_new &= ~is_repeated
            else:
                self._idle.assign_add(tf.cast(is_repeated, tf.int64))
                step += tf.convert_to_tensor(self._idle)
        return tf.cast(step % (2**31 - 1), tf.int32), is_new


def _optimizers(model: Any) -> list[Any]:
    """Returns the optimizers among the attributes of ``model`` and of the models in it, each once."""
    found: dict[int, Any] = {}
    for value in vars(model).values():
        many = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
        found |= {id(one): one for one in many if isinstance(one, keras.optimizers.Optimizer)}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {id(one): one for one in _optimizers(layer)}
    return list(found.values())


class _Agenda:
    """In which steps to mutate. Steps that are known to be idle cost little.

    A coin is a chain of a dozen small operations that everything else in the step waits for. So in a step that is due, or
    begins a block, all coins up to the block's end are looked at, and the next steps only compare their number with that of
    the next due one. On several replicas each step tosses its own coin.
    """

    def __init__(self, model: Any, seed: int, probability: float) -> None:
        self._seed, self._probability = seed, probability
        with model.distribute_strategy.scope():
            self._idle_from, self._idle_until = (
                # without aggregation: it would be merged over replicas, which cannot be done within a condition
                keras.Variable(0, dtype="int32", trainable=False)
                for _ in range(2)
            )

    def when_due(self, step: Any, is_new: Any, mutate: Callable[[], None]) -> None:
        """Calls ``mutate`` if ``step`` is due and new."""

        def look() -> None:
            place, later = step % BLOCK, tf.range(BLOCK)
            is_due = coins(self._seed, step // BLOCK, self._probability)
            _only_if(is_at(place, is_due), mutate)
            next_due = tf.reduce_min(tf.where(is_due & (later > place), later, BLOCK))
            self._idle_from.assign(step + 1)
            self._idle_until.assign(step - place + next_due)

        # a model that is loaded within a fit may go back: what is idle has a beginning too
        idle_from, idle_until = tf.convert_to_tensor(self._idle_from), tf.convert_to_tensor(self._idle_until)
        _only_if(is_new & ((step < idle_from) | (step >= idle_until)), look)


def _only_if(condition: Any, do: Callable[[], None]) -> None:
    """Calls ``do`` if ``condition`` holds, in a graph too."""
    if tf.executing_eagerly():
        if condition:
            do()
        return

    # TensorFlow turns a condition into single operations that know whether they are to run, and goes through all of them in
    # any case: those of a function of its own are one.
    @tf.function(autograph=False, experimental_attributes={"_noinline": True})  # type: ignore[untyped-decorator]
    def done() -> Any:
        do()
        return tf.constant(True)

    tf.cond(condition, done, lambda: tf.constant(False))


def _write(variables: Sequence[Any], mutated: Callable[[int], Any]) -> None:
    """Writes each variable whole: one that has once been written at places is copied at every read from then on."""
    for layer, variable in enumerate(variables):
        variable.value.assign(mutated(layer))


def _write_replicas(variables: Sequence[Any], is_due: Any, mutated: Callable[[int], Any]) -> None:
    """Writes each variable on every replica, due or not: an update of replicated variables must not stand in a ``cond``."""
    for layer, variable in enumerate(variables):
        new = tf.cond(
            is_due,
            lambda layer=layer: mutated(layer),
            lambda variable=variable: tf.convert_to_tensor(variable.value),
        )
        tf.distribute.get_replica_context().merge_call(
            lambda strategy, new, variable=variable: strategy.extended.update(
                variable.value, lambda replica, value: replica.assign(value), args=(new,)
            ),
            args=(new,),
        )


def _wrap_step(model: Any, mutate: Callable[[Any], None]) -> None:
    """Lets ``mutate`` run on the batch at the start of each training step, until :func:`_unwrap_step` or the next ``fit``."""
    names = ("train_step", "train_function", "make_train_function", "train_on_batch")
    before = getattr(
        model.make_train_function, "before", {name: vars(model)[name] for name in names if name in vars(model)}
    )
    step, own_train_on_batch = model.train_step, before.get("train_on_batch", type(model).train_on_batch.__get__(model))
    on_batch = False

    def train_step(data: Any) -> Any:
        mutate(data)
        return step(data)

    def train_on_batch(*args: Any, **options: Any) -> Any:
        nonlocal on_batch
        on_batch = True
        try:
            return own_train_on_batch(*args, **options)
        finally:
            on_batch = False

    def make_train_function(force: bool = False) -> Any:
        if not force and not on_batch:
            # only a fit that begins asks like this: the last one ended by an exception, without ``on_train_end``
            _unwrap_step(model)
            return model.make_train_function()
        return type(model).make_train_function(model, force=force)

    make_train_function.before = before  # type: ignore[attr-defined]  # what several callbacks in one fit give back
    model.train_step = train_step
    model.make_train_function = make_train_function
    model.train_on_batch = train_on_batch
    model.make_train_function(force=True)


def _unwrap_step(model: Any) -> None:
    """Gives ``model`` its own training step and its own compiled function back, if they were wrapped."""
    before = getattr(model.make_train_function, "before", None)
    if before is None:
        return
    if model.train_function is None:
        # compiled anew since then: what was compiled before has the old optimizer and loss
        before = {**before, "train_function": None}
    for name in ("train_step", "make_train_function", "train_on_batch", "train_function"):
        if name in before:
            setattr(model, name, before[name])
        else:
            delattr(model, name)
