"""From the words of a comparison to what is trained: each variant's plan, or the plans of its alternatives, and its budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganas.comparison.config import ComparisonConfig
from ganas.errors import ConfigError, SpaceError
from ganas.evaluation import TrainingBudget
from ganas.recording import Recording
from ganas.search.plan import Corruption, DenseLayer, Mutation, NetworkPlan, Optimizer
from ganas.tasks.task import Task

DEFAULT_EPOCHS, DEFAULT_UNITS = 20, 64
BUDGET_KEYS = ("epochs", "updates", "patience")
NAMING_KEYS = ("name", "against", "tune", "tune_like")
PLAIN_KEYS = ("loss", "batch_size", "kernel_initializer", "l1", "l2", "normalization", "bottleneck", "tied")
OUTPUT_KEYS = {"output_activation": "activation", "output_batch_normalization": "batch_normalization"}
OPTIMIZER_KEYS = {"optimizer": "name", "learning_rate": "learning_rate", "weight_decay": "weight_decay"}


@dataclass(frozen=True)
class Alternative:
    """One way to train a variant: a complete plan, what it may cost, and the settings that make it differ from others."""

    plan: NetworkPlan
    budget: TrainingBudget
    recording: Recording
    settings: dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """A named member of a comparison; with several ``alternatives``, validation chooses one.

    ``tune_like`` names the variant whose choice is taken over, by number.
    """

    name: str
    alternatives: tuple[Alternative, ...]
    tune_like: str | None = None


def make_variants(config: ComparisonConfig, task: Task) -> tuple[Variant, ...]:
    """Makes the variants of a comparison in the order of the config.

    Raises:
        ConfigError: a variant cannot be built; names it.
    """
    shared = config.base.model_dump(exclude_none=True)
    tuned = {section.name: section.tune for section in config.variant}
    made = []
    for section in config.variant:
        own = section.model_dump(exclude_none=True, exclude=set(NAMING_KEYS))
        try:
            ways = section.tune or tuned.get(section.tune_like or "") or ({},)
            alternatives = tuple(_alternative({**shared, **own, **way}, way, config, task) for way in ways)
        except (SpaceError, ConfigError) as error:
            raise ConfigError(f'[variant "{section.name}"] cannot be built: {error}') from None
        made.append(Variant(section.name, alternatives, section.tune_like))
    return tuple(made)


def _alternative(
    settings: Mapping[str, Any], way: Mapping[str, Any], config: ComparisonConfig, task: Task
) -> Alternative:
    plan = _completed(
        make_plan({key: value for key, value in settings.items() if key not in BUDGET_KEYS}), settings, task
    )
    said = {key: settings[key] for key in BUDGET_KEYS if key in settings}
    return Alternative(plan, make_budget(config, said), make_recording(config, said), dict(way))


def _completed(plan: NetworkPlan, settings: Mapping[str, Any], task: Task) -> NetworkPlan:
    """Returns the plan with head and loss filled in by the task, the head as the settings say if they say anything."""
    own = {name: settings[key] for key, name in OUTPUT_KEYS.items() if key in settings}
    if not own:
        return task.complete(plan)
    head = dataclasses.replace(task.head, **own)
    completed = task.complete(dataclasses.replace(plan, head=head))
    if completed.head != head:
        raise SpaceError(f"output_activation: the output of {task.kind} is the task's; leave it out")
    return completed


def make_plan(settings: Mapping[str, Any]) -> NetworkPlan:
    """Makes a plan of the settings of a ``[base]`` or ``[[variant]]`` table; head and default loss are the task's.

    Raises:
        SpaceError: a setting makes no sense.
    """
    given = {"activation", "batch_normalization", "dropout"} & set(settings)
    shared = {key: settings[key] for key in given}
    layers = []
    if "layers" in settings and {"depth", "units"} & set(settings):
        raise SpaceError("layers: give them, or depth and units, not both")
    alike = (settings.get("units", DEFAULT_UNITS),) * settings.get("depth", 1)
    for layer in settings.get("layers", alike):
        own = {"units": layer} if isinstance(layer, int) else {k: v for k, v in layer.items() if v is not None}
        layers.append(DenseLayer(**{**shared, **own}))
    optimizer = {name: settings[key] for key, name in OPTIMIZER_KEYS.items() if key in settings}
    options = tuple(sorted(settings.get("optimizer_options", {}).items()))
    plain = {key: settings[key] for key in PLAIN_KEYS if key in settings}
    plan = NetworkPlan(tuple(layers), optimizer=Optimizer(**optimizer, options=options), **plain)
    corruption = settings.get("corruption")
    if settings.get("input_dropout"):
        if corruption is not None:
            raise SpaceError("input_dropout: give it or a corruption, not both")
        corruption = {"kind": "dropout", "rate": settings["input_dropout"]}
    mutation = settings.get("weight_mutation")
    return dataclasses.replace(
        plan,
        corruption=None if corruption is None else Corruption(**corruption),
        mutation=None if mutation is None else Mutation(**mutation),
    )


def make_budget(config: ComparisonConfig, own: Mapping[str, Any]) -> TrainingBudget:
    """Makes the budget of a variant whose ``own`` epochs, updates or patience come before those of ``[training]``."""
    training = config.training
    keeps_best = training.restore == "best" or (training.restore is None and config.data.validation not in (0, "test"))
    shared = training.model_dump(include={"threads", "seconds", "max_parameters", "precision"})
    epochs = own.get("epochs") or training.epochs or DEFAULT_EPOCHS
    patience = own.get("patience", training.patience)
    return TrainingBudget(epochs=epochs, patience=patience, restore_best=keeps_best, **shared)


def make_recording(config: ComparisonConfig, own: Mapping[str, Any]) -> Recording:
    """Makes the recording of a variant: its length in updates, if it is counted so, and when its curves have points."""
    updates = own.get("updates", None if "epochs" in own else config.training.updates)
    return Recording(config.training.record, updates)
