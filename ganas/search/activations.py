"""The names of activations: Keras' own, with the ReLU family's slopes written in the name.

``"leaky_relu"`` has the slope 0.01 of Maas et al. 2013 (https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf),
not Keras' default; ``"leaky_relu(0.2)"`` says another. ``"elu(0.5)"`` is ELU with alpha 0.5 (Clevert et al. 2016,
https://arxiv.org/abs/1511.07289). ``"prelu"`` learns one slope per unit, from 0.25 on (He et al. 2015,
https://arxiv.org/abs/1502.01852). Needs no Keras.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ganas.errors import SpaceError

# Keras 3's activations that act on each number alone (softmax and log_softmax are for heads; glu halves the width; threshold
# has arguments without a default).
ELEMENTWISE = (
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "squareplus",
    "tanh",
    "tanh_shrink",
)
HEAD_ONLY = ("softmax",)
PARAMETERS = {
    "leaky_relu": ("negative_slope", 0.01),
    "elu": ("alpha", 1.0),
    "celu": ("alpha", 1.0),
    "prelu": ("initial_slope", 0.25),
}
"""The one parameter of the activations that have one: its name and its value unless said."""


@dataclass(frozen=True)
class Activation:
    """An activation by Keras name, with its one parameter where it has one (else None)."""

    name: str
    parameter: float | None = None


def parse_activation(text: str) -> Activation:
    """Reads ``"tanh"``, ``"leaky_relu"`` or ``"leaky_relu(0.2)"``.

    Raises:
        SpaceError: the name is unknown, or the activation takes no parameter, or it is no finite number.
    """
    match = re.fullmatch(r"([a-z_0-9]+)(?:\(([-+.0-9eE]+)\))?", text)
    name, number = match.groups() if match else (text, None)
    name = {"swish": "silu", "hard_swish": "hard_silu"}.get(name, name)
    if name not in (*ELEMENTWISE, *HEAD_ONLY):
        raise SpaceError(f"activation {text!r}: unknown; known are {', '.join((*ELEMENTWISE, *HEAD_ONLY))}")
    if name not in PARAMETERS:
        if number is not None:
            raise SpaceError(f"activation {text!r}: {name} takes no parameter")
        return Activation(name)
    try:
        parameter = float(number) if number is not None else PARAMETERS[name][1]
    except ValueError:
        raise SpaceError(f"activation {text!r}: {number!r} is not a number") from None
    if not math.isfinite(parameter):
        raise SpaceError(f"activation {text!r}: the parameter of {name} must be finite, got {parameter}")
    return Activation(name, parameter)


def refuse_untrainable(text: str) -> None:
    """Refuses an activation that no hidden layer can be trained with.

    Raises:
        SpaceError: it is none, or softmax, or its parameter is one that Keras refuses or divides by.
    """
    activation = parse_activation(text)
    if activation.name in HEAD_ONLY:
        raise SpaceError(f"activation {text!r}: {activation.name} is for heads, not for hidden layers")
    if activation.name == "leaky_relu" and (activation.parameter or 0.0) < 0:
        raise SpaceError(f"activation {text!r}: the slope of leaky_relu must be at least 0")
    if activation.name == "celu" and activation.parameter == 0:
        raise SpaceError(f"activation {text!r}: the alpha of celu must not be 0")
