"""A plan as a ``keras.Model``: functional, compiled, and of built-in layers only (tied weights aside)."""

from __future__ import annotations

from typing import Any

import keras

from ganas.errors import SpaceError
from ganas.search.activations import parse_activation
from ganas.search.plan import Corruption, NetworkPlan
from ganas.seeds import derive_seed
from ganas.training.objective import make_initializer, make_loss, make_optimizer, make_penalty
from ganas.training.streams import kernel_seed
from ganas.training.tied import TiedDense, mirror

CODE = "code"
"""The name of the layer whose output is an autoencoder's bottleneck."""


def build(plan: NetworkPlan, inputs: int, seed: int = 0, dtype: str | None = None) -> Any:
    """Builds and compiles the model of a complete ``plan`` on (rows, ``inputs``).

    The initial kernels and the noise of dropout and corruption depend on the member's ``seed`` and on nothing else.
    Corruption acts in training only: it is made of layers that pass everything through in inference. With ``dtype``
    ``"float64"``, train inside ``session.precision("float64")`` so that losses and metrics follow.

    Returns:
        A compiled ``keras.Model`` with weights in the order of the layers.

    Raises:
        SpaceError: the plan is incomplete, is tied without mirrored layers, or names what Keras does not have.
    """
    if plan.head is None or plan.loss is None:
        raise SpaceError("the plan has no head or loss yet: complete it with its task first")
    sources = mirror(plan, inputs)
    penalty = make_penalty(plan)
    made: list[Any] = []

    def dense(units: int) -> Any:
        index = len(made)
        if index in sources:
            layer = TiedDense(made[sources[index]], name=f"dense_{index}", dtype=dtype)
        else:
            initializer = make_initializer(plan.kernel_initializer, kernel_seed(seed, index))
            layer = keras.layers.Dense(
                units,
                kernel_initializer=initializer,
                kernel_regularizer=penalty,
                name=f"dense_{index}",
                dtype=dtype,
            )
        made.append(layer)
        return layer

    start = flow = keras.Input((inputs,), name="inputs", dtype=dtype)
    if plan.corruption is not None and plan.corruption.rate > 0:
        flow = _corrupted(flow, plan.corruption, _noise_seed(seed, "corruption", 0), dtype)
    for index, layer in enumerate(plan.layers):
        flow = dense(layer.units)(flow)
        for follower in _followers(plan, index, seed, dtype):
            flow = follower(flow)
    flow = dense(plan.head.units)(flow)
    flow = keras.layers.Activation(plan.head.activation, name="head", dtype=dtype)(flow)
    if plan.head.batch_normalization:
        flow = keras.layers.BatchNormalization(name="normalization_head", dtype=dtype)(flow)
    model = keras.Model(start, flow, name="network")
    # under deterministic operations Keras' "auto" means no jit either; said here, so that it holds everywhere
    model.compile(optimizer=make_optimizer(plan.optimizer), loss=make_loss(plan.loss), jit_compile=False)
    return model


def encoder(model: Any, plan: NetworkPlan) -> Any:
    """Returns the part of ``model`` from the inputs to the bottleneck, sharing its weights.

    Raises:
        SpaceError: the plan has no bottleneck.
    """
    if plan.bottleneck is None:
        raise SpaceError("the plan has no bottleneck: only an autoencoder has an encoder")
    return keras.Model(model.input, model.get_layer(CODE).output, name="encoder")


def _followers(plan: NetworkPlan, index: int, seed: int, dtype: str | None) -> list[Any]:
    """Returns what follows hidden dense layer ``index``, in order."""
    layer = plan.layers[index]
    activation = _activation(layer.activation, index, dtype)
    normalization = []
    if layer.batch_normalization:
        normalization.append(keras.layers.BatchNormalization(name=f"normalization_{index}", dtype=dtype))
    followers = (
        [*normalization, *activation] if plan.normalization == "before_activation" else [*activation, *normalization]
    )
    if layer.dropout:
        noise = _noise_seed(seed, "dropout", index)
        followers.append(keras.layers.Dropout(layer.dropout, seed=noise, name=f"dropout_{index}", dtype=dtype))
    if index == plan.bottleneck:
        followers.append(keras.layers.Identity(name=CODE, dtype=dtype))
    return followers


def _activation(text: str, index: int, dtype: str | None) -> list[Any]:
    activation = parse_activation(text)
    options: dict[str, Any] = {"name": f"activation_{index}", "dtype": dtype}
    slope = activation.parameter
    if activation.name == "leaky_relu":
        return [keras.layers.LeakyReLU(negative_slope=slope, **options)]
    if activation.name == "prelu":
        return [keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(slope), **options)]
    if activation.name == "elu":
        return [keras.layers.ELU(alpha=slope, **options)]
    plain = keras.layers.Activation(activation.name, **options)
    if slope is None or slope == 1.0:
        return [plain]
    # celu(x, alpha) = alpha · celu(x / alpha, 1), because Keras' layer takes no alpha
    return [keras.layers.Rescaling(1 / slope, dtype=dtype), plain, keras.layers.Rescaling(slope, dtype=dtype)]


def _corrupted(flow: Any, corruption: Corruption, seed: int, dtype: str | None) -> Any:
    if corruption.kind == "gaussian":
        return keras.layers.GaussianNoise(corruption.rate, seed=seed, name="corruption", dtype=dtype)(flow)
    dropout = keras.layers.Dropout(corruption.rate, seed=seed, name="corruption", dtype=dtype)
    if corruption.kind == "dropout":
        return dropout(flow)
    # the sign of dropped-out ones is a mask without dropout's scaling, and all ones in inference
    return flow * keras.ops.sign(dropout(keras.ops.ones_like(flow)))


def _noise_seed(seed: int, kind: str, index: int) -> int:
    return derive_seed(seed, kind, index) % 2**31
