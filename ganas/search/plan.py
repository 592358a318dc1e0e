"""A network and how to train it, as plain data in Keras' own words: made, counted, printed and compared without Keras.

Every network of ganas is a chain of dense layers. A classifier or regressor ends in the head of its task; an
autoencoder is a chain whose head has the width of its input and which names one layer the *bottleneck*. What a task
decides (the head, the loss where none is named) is left empty until ``Task.complete`` fills it in.

Every part writes its values in Python's own types, NumPy's scalars and lists too: what is equal must have one digest, from which
the seeds of its trainings come.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ganas.errors import SpaceError
from ganas.search.activations import parse_activation, refuse_untrainable
from ganas.search.values import (
    read_flag,
    read_list,
    read_number,
    read_options,
    read_part,
    read_share,
    read_text,
    read_whole,
    settle,
)


@dataclass(frozen=True)
class DenseLayer:
    """One dense layer and what follows it: activation, batch normalisation, dropout, in this order unless the plan says."""

    units: int
    activation: str = "relu"
    batch_normalization: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        settle(
            self,
            units=read_whole("layer units", self.units, 1),
            activation=read_text("layer activation", self.activation),
            batch_normalization=read_flag("layer batch_normalization", self.batch_normalization),
            dropout=read_share("layer dropout", self.dropout, is_open=True),
        )
        if parse_activation(self.activation).name == "softmax":
            raise SpaceError("layer activation: softmax is for heads, not for hidden layers")


@dataclass(frozen=True)
class Optimizer:
    """A Keras optimizer by its snake-case name; ``weight_decay`` is decoupled; ``options`` are its other arguments."""

    name: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    options: tuple[tuple[str, float | bool | int], ...] = ()

    def __post_init__(self) -> None:
        settle(
            self,
            name=read_text("optimizer", self.name),
            learning_rate=read_number("learning_rate", self.learning_rate, is_open=True),
            weight_decay=read_number("weight_decay", self.weight_decay),
            options=read_options(self.options),
        )


@dataclass(frozen=True)
class Corruption:
    """Noise on the inputs while training (a denoising autoencoder; dropout of the inputs, unscaled).

    Attributes:
        kind: ``"mask"`` sets each input to 0 with probability ``rate``; ``"gaussian"`` adds noise of standard deviation
            ``rate``; ``"dropout"`` masks and scales the rest by 1 / (1 - rate).
    """

    kind: str
    rate: float

    def __post_init__(self) -> None:
        if self.kind not in ("mask", "gaussian", "dropout"):
            raise SpaceError(f"corruption kind: must be mask, gaussian or dropout, got {self.kind!r}")
        place, is_gaussian = f"corruption rate of {self.kind}", self.kind == "gaussian"
        settle(self, rate=read_number(place, self.rate) if is_gaussian else read_share(place, self.rate, is_open=True))


@dataclass(frozen=True)
class Mutation:
    """The settings of the weight-mutation regularizer (Jeon & Moon 2017), see ``ganas.WeightMutation``."""

    probability: float
    ratio: float
    method: str = "magnitude"
    layers: str = "all"  # "all" | "encoder" (up to and with the bottleneck)

    def __post_init__(self) -> None:
        settle(
            self,
            probability=read_share("weight mutation probability", self.probability),
            ratio=read_share("weight mutation ratio", self.ratio),
        )
        if self.method not in ("magnitude", "random", "smallest"):
            raise SpaceError(f"weight mutation method: must be magnitude, random or smallest, got {self.method!r}")
        if self.layers not in ("all", "encoder"):
            raise SpaceError(f"weight mutation layers: must be all or encoder, got {self.layers!r}")


@dataclass(frozen=True)
class Head:
    """The output layer, which the task decides: its units, activation, and batch normalisation behind it."""

    units: int
    activation: str = "linear"
    batch_normalization: bool = False

    def __post_init__(self) -> None:
        settle(
            self,
            units=read_whole("head units", self.units, 1),
            activation=read_text("head activation", self.activation),
            batch_normalization=read_flag("head batch_normalization", self.batch_normalization),
        )


@dataclass(frozen=True)
class NetworkPlan:
    """What to build and how to train it.

    Attributes:
        layers: the hidden layers, from the input on.
        head: the output layer; None until the task completes the plan.
        loss: a Keras loss by its snake-case name; None until the task completes the plan.
        l1, l2: penalties on every kernel (Keras' ``L1L2``), added to the loss.
        normalization: batch normalisation ``"after_activation"`` or ``"before_activation"``.
        bottleneck: index in ``layers`` of an autoencoder's code, else None.
        tied: decoder kernels are the transposed encoder kernels (needs mirrored layers).

    Raises:
        SpaceError: a value is of the wrong type, not finite or out of range.
    """

    layers: tuple[DenseLayer, ...]
    head: Head | None = None
    loss: str | None = None
    optimizer: Optimizer = field(default_factory=Optimizer)
    batch_size: int = 32
    kernel_initializer: str = "glorot_uniform"
    l1: float = 0.0
    l2: float = 0.0
    normalization: str = "after_activation"
    corruption: Corruption | None = None
    mutation: Mutation | None = None
    bottleneck: int | None = None
    tied: bool = False

    def __post_init__(self) -> None:
        settle(
            self,
            layers=tuple(read_part("layers", layer, DenseLayer) for layer in read_list("layers", self.layers)),
            head=None if self.head is None else read_part("head", self.head, Head),
            loss=None if self.loss is None else read_text("loss", self.loss),
            optimizer=read_part("optimizer", self.optimizer, Optimizer),
            batch_size=read_whole("batch_size", self.batch_size, 1),
            kernel_initializer=read_text("kernel_initializer", self.kernel_initializer),
            l1=read_number("l1", self.l1),
            l2=read_number("l2", self.l2),
            normalization=read_text("normalization", self.normalization),
            corruption=None if self.corruption is None else read_part("corruption", self.corruption, Corruption),
            mutation=None if self.mutation is None else read_part("mutation", self.mutation, Mutation),
            bottleneck=None if self.bottleneck is None else read_whole("bottleneck", self.bottleneck),
            tied=read_flag("tied", self.tied),
        )
        if self.normalization not in ("after_activation", "before_activation"):
            raise SpaceError(
                f"normalization: must be after_activation or before_activation, got {self.normalization!r}"
            )
        if self.bottleneck is not None and not 0 <= self.bottleneck < len(self.layers):
            raise SpaceError(f"bottleneck: must be the index of a layer, got {self.bottleneck} of {len(self.layers)}")

    def completed(self, head: Head, loss: str) -> NetworkPlan:
        """Returns the plan with its head and loss, ready to be trained.

        Raises:
            SpaceError: a layer has an activation that no hidden layer can be trained with.
        """
        _refuse_untrainable(self.layers)
        return dataclasses.replace(self, head=head, loss=loss)

    def units(self, inputs: int) -> tuple[int, ...]:
        """Returns the widths from the ``inputs`` to the head's units; the plan must be complete."""
        if self.head is None:
            raise SpaceError("the plan has no head yet: complete it with its task first")
        return (inputs, *(layer.units for layer in self.layers), self.head.units)

    def parameters(self, inputs: int) -> int:
        """Counts what ``keras.Model.count_params`` counts: kernels, biases, PReLU slopes, normalisation with moving statistics."""
        widths = self.units(inputs)
        assert self.head is not None
        last = DenseLayer(self.head.units, "linear", self.head.batch_normalization)
        total = 0
        for index, (fan_in, layer) in enumerate(zip(widths, (*self.layers, last), strict=False)):
            is_decoder = self.bottleneck is not None and index > self.bottleneck
            total += layer.units + (0 if self.tied and is_decoder else fan_in * layer.units)
            total += layer.units * (parse_activation(layer.activation).name == "prelu")
            total += 4 * layer.units * layer.batch_normalization
        return total

    def flops(self, inputs: int) -> int:
        """Counts the floating-point operations of one prediction's matrix products (two per weight)."""
        widths = self.units(inputs)
        return 2 * sum(a * b for a, b in pairwise(widths))

    def in_words(self) -> str:
        """Describes the chain in the order of what is computed: ``64 relu → 32 tanh bn drop 0.2 → softmax 10``.

        Where normalisation comes before the activation, it is ``32 bn tanh``.
        """
        words = []
        for index, layer in enumerate(self.layers):
            parts = [layer.activation, *["bn"] * layer.batch_normalization]
            parts = [str(layer.units), *(parts if self.normalization == "after_activation" else parts[::-1])]
            parts += [f"drop {layer.dropout:.3g}"] * (layer.dropout > 0)
            parts += ["(code)"] * (index == self.bottleneck)
            words.append(" ".join(parts))
        if self.head is not None:
            words.append(f"{self.head.activation} {self.head.units}" + " bn" * self.head.batch_normalization)
        return " → ".join(words) + ", tied" * self.tied

    def to_json(self) -> dict[str, Any]:
        """Returns JSON-able data from which :meth:`from_json` makes an equal plan; defaults are written too."""
        data = dataclasses.asdict(self)
        data["layers"] = [dataclasses.asdict(layer) for layer in self.layers]
        data["optimizer"]["options"] = dict(self.optimizer.options)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NetworkPlan:
        """Makes a plan of what :meth:`to_json` returned; keys left out keep their defaults.

        Raises:
            SpaceError: a key is unknown or a value makes no sense.
        """
        try:
            values = dict(data)
            values["layers"] = tuple(DenseLayer(**layer) for layer in values.get("layers", ()))
            parts = {"head": Head, "corruption": Corruption, "mutation": Mutation}
            for name, part in parts.items():
                if values.get(name) is not None:
                    values[name] = part(**values[name])
            optimizer = dict(values.get("optimizer") or {})
            optimizer["options"] = optimizer.get("options") or {}
            values["optimizer"] = Optimizer(**optimizer)
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise SpaceError(f"plan: {error}") from None

    def digest(self) -> str:
        """Returns a short stable hash of the plan: equal plans, equal digests, on any machine."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def first_difference(plan: NetworkPlan, other: NetworkPlan) -> str | None:
    """Names the first field in which two plans differ, such as ``optimizer options``, or None; heads and losses do not count."""
    pairs = [dataclasses.replace(one, head=None, loss=None).to_json() for one in (plan, other)]
    return _first_difference(*pairs)


def _first_difference(data: Any, other: Any) -> str | None:
    if not (isinstance(data, dict) and isinstance(other, dict)):
        return None if data == other else ""
    for name in {**data, **other}:
        inner = _first_difference(data.get(name), other.get(name))
        if inner is not None:
            return f"{name} {inner}".rstrip()
    return None


def _refuse_untrainable(layers: Iterable[DenseLayer]) -> None:
    # Not when a layer is made: what an earlier run could not train is still to be shown.
    for layer in layers:
        refuse_untrainable(layer.activation)


def mlp_plan(
    layers: Iterable[tuple[int, str] | DenseLayer | int],
    *,
    learning_rate: float = 1e-3,
    optimizer: str = "adam",
    **settings: Any,
) -> NetworkPlan:
    """Makes the plan of an MLP from hidden layers given as ``(units, activation)``, bare units (ReLU) or ``DenseLayer``.

    Other ``settings`` are those of :class:`NetworkPlan`, and ``weight_decay``; head and loss may be left to the task.

    Raises:
        SpaceError: a setting is unknown or makes no sense.
    """
    weight_decay = settings.pop("weight_decay", 0.0)
    try:
        made = tuple(
            layer
            if isinstance(layer, DenseLayer)
            else DenseLayer(*layer)
            if isinstance(layer, list | tuple)
            else DenseLayer(layer)
            for layer in read_list("layers", layers)
        )
        _refuse_untrainable(made)
        return NetworkPlan(made, optimizer=Optimizer(optimizer, learning_rate, weight_decay), **settings)
    except TypeError as error:
        raise SpaceError(f"plan: {error}") from None
