"""What a search can minimise, by name: numbers read off an evaluation. Everything is minimised."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ganas.errors import ConfigError, did_you_mean
from ganas.evaluation import Evaluation
from ganas.search.families import FAMILIES

Objective = Callable[[Evaluation, int], float | None]
"""``(evaluation, inputs) -> number``; ``inputs`` is the network's number of columns."""


def _bottleneck(evaluation: Evaluation, inputs: int) -> float | None:
    index = evaluation.plan.bottleneck
    return None if index is None else float(evaluation.plan.layers[index].units)


OBJECTIVES: dict[str, Objective] = {
    "error": lambda evaluation, inputs: evaluation.error,
    "loss": lambda evaluation, inputs: evaluation.loss,
    "parameters": lambda evaluation, inputs: float(evaluation.parameters),
    "flops": lambda evaluation, inputs: float(evaluation.plan.flops(inputs)),
    "training_seconds": lambda evaluation, inputs: evaluation.seconds,
    "latency_ms": lambda evaluation, inputs: evaluation.measures.get("latency_ms"),
    "bottleneck": _bottleneck,
}
MEASURED = ("training_seconds", "latency_ms")
"""Objectives that a clock decides: a search that uses one is exempt from the promise of the same answer."""

RANKING = ("error", "loss")
"""Objectives that can be the first: how well a network does."""
FAMILY_WITH = {"bottleneck": "autoencoder"}
"""Objectives that only networks of one family have."""


def check_objectives(names: Sequence[str], family: str | None = None) -> None:
    """Checks the names of objectives.

    Args:
        names: as the config says them.
        family: of the task's networks; None: not known yet, so that it is not checked whether they have the objectives.

    Raises:
        ConfigError: a name is unknown, named twice, or of something that no network of the task has; or the first one says
            nothing of how well a network does.
    """
    for name in names:
        if name not in OBJECTIVES:
            hint, known = did_you_mean(name, OBJECTIVES), ", ".join(OBJECTIVES)
            raise ConfigError(f"[evolution] objectives: unknown {name!r}{hint}; known are {known}")
    if len(set(names)) < len(names):
        raise ConfigError(f"[evolution] objectives: each once, got {list(names)}")
    if names[0] not in RANKING:
        raise ConfigError(
            f"[evolution] objectives: the first ranks the networks and chooses the finalists, so it must be "
            f"{' or '.join(RANKING)}, got {names[0]!r}; name it after one of them"
        )
    for name in names:
        if family is not None and FAMILY_WITH.get(name, family) != family:
            having, found = FAMILIES[FAMILY_WITH[name]].in_words, FAMILIES[family].in_words
            raise ConfigError(
                f"[evolution] objectives: {name!r} is of {having}, and this task trains {found}; leave it out"
            )


def objectives_of(evaluation: Evaluation, names: Sequence[str], inputs: int) -> list[float] | None:
    """Returns the objectives of an evaluation in the order of ``names``; None where it has no error (it failed)."""
    if evaluation.error is None:
        return None
    values = [OBJECTIVES[name](evaluation, inputs) for name in names]
    return None if any(value is None for value in values) else [float(value) for value in values if value is not None]
