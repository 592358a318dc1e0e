"""The words of a ``[search]`` section: what a key may be, and how its spec becomes a gene.

A spec is one value (fixed), a list (a choice; of numbers in order: an ordered one), ``{ range = [low, high], log = true,
step = k }`` or ``{ choice = [...], ordered = true }``. Errors are one line that names the key.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ganas.errors import ConfigError, SpaceError, nearest_or_known
from ganas.search.activations import refuse_untrainable
from ganas.search.genes import Choice, FloatRange, Gene, IntegerRange, Value, fixed

OPTIMIZERS = (
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "ftrl",
    "lamb",
    "lion",
    "muon",
    "nadam",
    "rmsprop",
    "schedule_free_adamw",
    "sgd",
)
INITIALIZERS = (
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
    "variance_scaling",
)
"""Keras' names, here so that a misspelt one is found before anything is trained."""
LOSS_ALIASES = {
    "cross_entropy": "categorical_crossentropy",
    "crossentropy": "categorical_crossentropy",
    "categorical_cross_entropy": "categorical_crossentropy",
    "binary_cross_entropy": "binary_crossentropy",
    "bce": "binary_crossentropy",
    "focal": "categorical_focal_crossentropy",
    "kl": "kl_divergence",
    "kld": "kl_divergence",
    "logcosh": "log_cosh",
    "mae": "mean_absolute_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}
"""Short names of losses → Keras' names."""
RANGE_KEYS = ("range", "log", "step")
CHOICE_KEYS = ("choice", "ordered")


def keras_loss(name: str) -> str:
    """Returns Keras' name of a loss, whatever it is called."""
    return LOSS_ALIASES.get(name, name)


@dataclass(frozen=True)
class Kind:
    """What the values of a key are: ``read`` returns a value in its own type or raises ``ValueError``; said by ``expected``."""

    expected: str
    read: Callable[[Any], Value]
    is_integer: bool = False


@dataclass(frozen=True)
class Word:
    """One key of ``[search]``.

    Attributes:
        kind: what its values are.
        default: its spec where the config is silent.
        path: where its value lies in the JSON of a plan (of a layer, for a layer's word).
    """

    kind: Kind
    default: Any
    path: tuple[str, ...]


def whole_number(low: int) -> Kind:
    """Returns the kind of integers from ``low`` on."""

    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise ValueError
        return value

    return Kind(f"a whole number of at least {low}", read, is_integer=True)


def number(low: float, high: float = math.inf, *, is_open: bool = False) -> Kind:
    """Returns the kind of numbers in [low, high), or (low, high) if ``is_open``."""

    def read(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError
        if not low <= value < high or (is_open and value == low):
            raise ValueError
        return float(value)

    expected = f"a number {'above' if is_open else 'of at least'} {low:g}"
    return Kind(expected if math.isinf(high) else f"{expected} and below {high:g}", read)


def share() -> Kind:
    """Returns the kind of numbers in [0, 1]."""

    def read(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise ValueError
        return float(value)

    return Kind("a number in [0, 1]", read)


def flag() -> Kind:
    """Returns the kind of true and false."""

    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError
        return value

    return Kind("true or false", read)


def name(*known: str) -> Kind:
    """Returns the kind of names: any text if none are ``known``."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or (known and value not in known):
            raise ValueError
        return value

    return Kind(f"one of {', '.join(known)}" if known else "a name in quotes", read)


def activation() -> Kind:
    """Returns the kind of activations of hidden layers, with their parameter where they have one."""

    def read(value: Any) -> str:
        try:
            if not isinstance(value, str):
                raise ValueError
            refuse_untrainable(value)
        except SpaceError as error:
            raise ValueError(str(error).partition(";")[0]) from None
        return value

    return Kind('an activation of hidden layers, such as "relu" or "leaky_relu(0.2)"', read)


def read_gene(place: str, spec: Any, kind: Kind) -> Gene:
    """Makes a gene of a spec; one that is fixed has the size 1.

    Raises:
        ConfigError: the spec makes no sense; the message opens with ``place``, such as ``[search] units``.
    """
    try:
        if isinstance(spec, Mapping):
            is_range = "range" in spec
            known = RANGE_KEYS if is_range else CHOICE_KEYS if "choice" in spec else RANGE_KEYS + CHOICE_KEYS
            refuse_unknown(place, spec, known)
            return _read_range(place, spec, kind) if is_range else _read_choice(place, spec, kind)
        if isinstance(spec, list | tuple):
            return _read_choice(place, {"choice": spec}, kind)
        return fixed(_read(place, spec, kind))
    except SpaceError as error:
        raise ConfigError(f"{place}: {error}") from None


def refuse_unknown(place: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuses keys that are not ``known``, with the nearest one that is.

    Raises:
        ConfigError: a key is unknown.
    """
    for key in table:
        if key not in known:
            raise ConfigError(f"{place} {key}: unknown key; {nearest_or_known(key, known)}")


def _read(place: str, value: Any, kind: Kind) -> Value:
    try:
        return kind.read(value)
    except ValueError as error:
        reason = f" ({error})" if str(error) else ""
        raise ConfigError(f"{place}: must be {kind.expected}, got {json.dumps(value, default=str)}{reason}") from None


def _read_choice(place: str, spec: Mapping[str, Any], kind: Kind) -> Choice:
    listed = spec.get("choice")
    if not isinstance(listed, list | tuple) or not listed:
        raise ConfigError(f"{place}: expected choice = [...] with at least one value, got {json.dumps(listed)}")
    values = [_read(place, value, kind) for value in listed]
    ordered = spec.get("ordered", _is_rising(values))
    if not isinstance(ordered, bool):
        raise ConfigError(f"{place} ordered: must be true or false, got {json.dumps(ordered)}")
    return Choice(values, ordered=ordered)


def _is_rising(values: list[Any]) -> bool:
    is_numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return is_numeric and len(values) > 1 and values == sorted(values)


def _read_range(place: str, spec: Mapping[str, Any], kind: Kind) -> Gene:
    ends = spec["range"]
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        raise ConfigError(f"{place}: expected range = [low, high], got {json.dumps(ends)}")
    low, high = (_read(place, end, kind) for end in ends)
    if isinstance(low, bool) or not isinstance(low, int | float) or not isinstance(high, int | float):
        raise ConfigError(f"{place}: a range needs numbers, and this is {kind.expected}; write a list instead")
    log, step = spec.get("log", False), spec.get("step")
    if not isinstance(log, bool):
        raise ConfigError(f"{place} log: must be true or false, got {json.dumps(log)}")
    if step is not None:
        _read(f"{place} step", step, whole_number(1) if kind.is_integer else number(0, is_open=True))
    if kind.is_integer:
        return IntegerRange(int(low), int(high), log=log, step=1 if step is None else step)
    return FloatRange(float(low), float(high), log=log, step=step)
