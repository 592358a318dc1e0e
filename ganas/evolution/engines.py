"""The engines by name, and their options checked. A new engine is a file and a line here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ganas.errors import ConfigError, did_you_mean
from ganas.evolution.engine import Engine
from ganas.evolution.generational import Generational
from ganas.evolution.mu_plus_lambda import MuPlusLambda
from ganas.evolution.nsga2 import Nsga2
from ganas.evolution.random_search import RandomSearch
from ganas.evolution.regularized import Regularized
from ganas.evolution.surrogate_assisted import SurrogateAssisted


def engine_options(name: str) -> dict[str, Any]:
    """Returns the options of an engine with their defaults.

    Raises:
        ConfigError: no engine has this name.
    """
    if name not in ENGINES:
        hint = did_you_mean(name, ENGINES)
        raise ConfigError(f"[evolution] engine: {name!r} is unknown{hint}; known are {', '.join(ENGINES)}")
    return {option.name: option.default for option in dataclasses.fields(ENGINES[name])}  # type: ignore[arg-type]


def make_engine(name: str, options: Mapping[str, Any]) -> Engine:
    """Makes an engine by name with its ``options``.

    Raises:
        ConfigError: no engine has this name, or it has no such option, or an option is out of range.
    """
    known = engine_options(name)
    for option, value in options.items():
        if option not in known:
            hint, listed = did_you_mean(option, known), ", ".join(known) or "none"
            raise ConfigError(f"[evolution] {option}: not an option of engine {name!r}{hint}; it has {listed}")
        expected = (int, float) if type(known[option]) is float else type(known[option])
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            kind = type(known[option]).__name__
            raise ConfigError(f"[evolution] {option}: expected {kind}, such as {known[option]!r}, got {value!r}")
    return ENGINES[name](**options)


ENGINES: dict[str, type[Engine]] = {
    "surrogate_assisted": SurrogateAssisted,
    "generational": Generational,
    "mu_plus_lambda": MuPlusLambda,
    "regularized": Regularized,
    "nsga2": Nsga2,
    "random": RandomSearch,
}
"""Every engine here is under ``tests/contracts/test_engines.py``."""
