"""From the words of a config to the things they name: task, search space, budget, rungs, evaluator, evolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganas.config import RunConfig
from ganas.errors import ConfigError, SpaceError
from ganas.evaluation import TrainingBudget
from ganas.evaluator import Evaluator
from ganas.evolution.engines import make_engine
from ganas.evolution.evolution import Evolution
from ganas.execution import Executor
from ganas.inheritance import Estate
from ganas.rungs import RUNGS, Rungs
from ganas.search.families import FAMILIES
from ganas.search.mlp import NETWORK_WORDS
from ganas.search.space import Genome, SearchSpace
from ganas.search.words import read_gene
from ganas.seeds import derive_seed
from ganas.tasks import load_task
from ganas.tasks.losses import fitting_loss
from ganas.tasks.task import Task


def make_task(config: RunConfig) -> Task:
    """Reads the data and makes the task.

    Raises:
        DataError: the data cannot be used as asked.
    """
    data, task = config.data, config.task
    return load_task(data.source, **task.model_dump(), **data.model_dump(exclude={"source"}))


def make_space(config: RunConfig, task: Task) -> SearchSpace:
    """Makes the search space of networks that fit the task.

    Raises:
        ConfigError: a word of ``[search]`` makes no sense, or a loss does not fit the task.
    """
    space = FAMILIES[task.family].space(config.search, task.inputs)
    if "loss" in config.search:
        for loss in read_gene("[search] loss", config.search["loss"], NETWORK_WORDS["loss"].kind).values:
            try:
                fitting_loss(str(loss), task.losses)
            except SpaceError as error:
                raise ConfigError(f"[search] {error}") from None
    return space


def make_start(config: RunConfig, task: Task) -> list[Genome]:
    """Reads the networks that ``[search] start`` says to try first.

    Raises:
        ConfigError: one of them makes no sense, or is not in the space.
    """
    return FAMILIES[task.family].start(config.search, task.inputs)


AT_ONCE = 8
"""How many networks an engine that learns from every result is asked for at once: more would be chosen knowing less."""


def with_defaults(config: RunConfig, task: Task) -> RunConfig:
    """Returns the config with what it leaves to the task and the engine filled in, so that a run records it."""
    words = FAMILIES[task.family].defaults
    if not config.search:
        words = {**words, **UNSAID_WORDS.get(task.kind, {})}
    values: dict[str, Any] = {f"search.{name}": word for name, word in words.items() if name not in config.search}
    evolution = config.evolution
    if evolution.ask is None:
        is_steady = make_engine(evolution.engine, {}).is_steady
        values["evolution.ask"] = min(AT_ONCE, evolution.population) if is_steady else evolution.population
    if config.budget.rungs is None:
        # a rung compares errors alone, and would stop the small networks of a front
        halves = evolution.engine == "surrogate_assisted" and len(evolution.objectives) == 1
        values["budget.rungs"] = "successive_halving" if halves and config.budget.epochs is not None else []
    return config.with_values(values, "config")


def make_budget(config: RunConfig) -> TrainingBudget:
    """Makes the budget of one training."""
    return TrainingBudget(**config.training.model_dump(exclude={"trainer", "repeats", "inherit"}))


def make_rungs(config: RunConfig) -> tuple[Rungs, ...]:
    """Makes the brackets of early stopping across candidates; empty: none.

    Raises:
        ConfigError: no schedule has that name.
    """
    budget = config.budget
    if isinstance(budget.rungs, str):
        if budget.rungs not in RUNGS:
            raise ConfigError(
                f"[budget] rungs: unknown {budget.rungs!r}; known are {', '.join(RUNGS)}, or shares of the epochs"
            )
        return RUNGS[budget.rungs]
    return (Rungs(budget.rungs, budget.keep, budget.window),) if budget.rungs else ()


def engine_options(config: RunConfig) -> dict[str, Any]:
    """Returns the settings of ``[evolution]`` that are the engine's own, those that were said.

    Raises:
        ConfigError: no engine has that name, or one of its options makes no sense.
    """
    evolution = config.evolution
    said = {name: getattr(evolution, name) for name in ("crossover", "mutation_rate", "tournament", "elite")}
    options = {name: value for name, value in said.items() if value is not None} | evolution.options
    make_engine(evolution.engine, options)
    return {"hall_of_fame": evolution.hall_of_fame, **options}


def make_evaluator(config: RunConfig, task: Task, executor: Executor, estate: Estate | None = None) -> Evaluator:
    """Makes the evaluator of a run.

    Raises:
        ConfigError: one of its settings makes no sense.
    """
    return Evaluator(
        task,
        budget=make_budget(config),
        seed=derive_seed(config.run.seed, "evaluator"),
        repeats=config.training.repeats,
        trainer=config.training.trainer,
        executor=executor,
        measures_latency="latency_ms" in config.evolution.objectives,
        rungs=make_rungs(config),
        estate=estate,
    )


def make_evolution(config: RunConfig, task: Task, space: SearchSpace, earlier: Sequence[Genome] = ()) -> Evolution:
    """Makes the evolution that a run begins with; after the networks of ``[search] start`` it tries ``earlier`` genomes.

    Raises:
        ConfigError: the engine, one of its options or a network to start with makes no sense.
    """
    start = make_start(config, task)
    start += [genome for genome in earlier if genome not in start]
    return Evolution(
        space,
        engine=config.evolution.engine,
        population=config.evolution.population,
        seed=derive_seed(config.run.seed, "evolution"),
        start=start,
        **engine_options(config),
    )


UNSAID_WORDS: dict[str, dict[str, Any]] = {"classification": {"batch_normalization": [True, False]}}
"""What is searched too where ``[search]`` says nothing at all; a section that says something has only what it asks for."""
