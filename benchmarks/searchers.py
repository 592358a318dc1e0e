"""The searchers that are compared, each behind the same two functions: ask for values, tell the error.

Where a library is missing its searchers are left out, and the report says so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from search_tables import EPOCHS, Table, Values

from ganas import Choice, Evolution, FloatRange, IntegerRange, SearchSpace, Stopped
from ganas.rungs import Rungs

CHECKPOINTS = (10, 20, 30, 50, 100)
"""After how many complete trainings, or as many epochs, a search is judged."""
TRAININGS = CHECKPOINTS[-1]


class Searcher(Protocol):
    """Proposes values and hears their errors."""

    def ask(self, count: int) -> Sequence[Values]:
        """Returns so many values to try."""

    def tell(self, values: Sequence[Values], errors: Sequence[Any]) -> None:
        """Hears the errors of what was asked."""


class Ganas:
    """An engine of ganas by name."""

    def __init__(self, engine: str, space: SearchSpace, seed: int) -> None:
        self._evolution = Evolution(space, engine=engine, population=20, seed=seed)

    def ask(self, count: int) -> Sequence[Values]:
        """Asks the evolution."""
        return self._evolution.ask(count)

    def tell(self, values: Sequence[Values], errors: Sequence[Any]) -> None:
        """Tells the evolution; an error is a number or ``Stopped``."""
        self._evolution.tell(values, [error if isinstance(error, Stopped) else [error] for error in errors])


class Optuna:
    """One of Optuna's samplers with its defaults."""

    def __init__(self, sampler: str, space: SearchSpace, seed: int) -> None:
        import optuna  # optional

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed))
        self._trials: list[Any] = []

    def ask(self, count: int) -> Sequence[Values]:
        """Opens trials."""
        self._trials = [self._study.ask() for _ in range(count)]
        return [{name: self._suggest(trial, name) for name in self._space.flat} for trial in self._trials]

    def _suggest(self, trial: Any, name: str) -> Any:
        gene = self._space.flat[name]
        if isinstance(gene, IntegerRange):
            return trial.suggest_int(name, gene.low, gene.high, log=gene.log)
        if isinstance(gene, FloatRange):
            return trial.suggest_float(name, gene.low, gene.high, log=gene.log)
        if isinstance(gene, Choice) and gene.ordered:
            return gene.values[trial.suggest_int(name, 0, len(gene.values) - 1)]
        return trial.suggest_categorical(name, list(gene.values))

    def tell(self, values: Sequence[Values], errors: Sequence[Any]) -> None:
        """Closes the trials."""
        for trial, _, error in zip(self._trials, values, errors, strict=True):
            self._study.tell(trial, error)


class KerasTuner:
    """One of KerasTuner's oracles with its defaults; ``epochs_of`` says what Hyperband wants trained."""

    def __init__(self, oracle: str, space: SearchSpace, seed: int, **options: Any) -> None:
        import keras_tuner  # optional, and loads Keras

        self._space = space
        self._oracle = getattr(keras_tuner.oracles, oracle)(
            objective=keras_tuner.Objective("error", "min"),
            hyperparameters=self._declare(keras_tuner.HyperParameters()),
            seed=seed + 1,  # its seed 0 means none
            **options,
        )
        self._oracle._set_project_dir(tempfile.mkdtemp(), "search")
        self._oracle.verbose = 0
        self._trials: list[Any] = []

    def _declare(self, hyperparameters: Any) -> Any:
        for name, gene in self._space.flat.items():
            sampling = "log" if getattr(gene, "log", False) else "linear"
            if isinstance(gene, IntegerRange):
                hyperparameters.Int(name, gene.low, gene.high, sampling=sampling)
            elif isinstance(gene, FloatRange):
                hyperparameters.Float(name, gene.low, gene.high, sampling=sampling)
            elif isinstance(gene, Choice) and gene.ordered:
                hyperparameters.Int(name, 0, len(gene.values) - 1)
            else:
                hyperparameters.Choice(name, list(gene.values))
        return hyperparameters

    def ask(self, count: int) -> Sequence[Values]:
        """Opens trials; fewer where the oracle has nothing more to try."""
        trials = [self._oracle.create_trial(f"tuner{index}") for index in range(count)]
        self._trials = [trial for trial in trials if trial.status == "RUNNING"]
        return [self._read(trial.hyperparameters.values) for trial in self._trials]

    def _read(self, values: Mapping[str, Any]) -> Values:
        genes = self._space.flat
        picked = {name: values[name] for name in genes}
        for name, gene in genes.items():
            if isinstance(gene, Choice) and gene.ordered:
                picked[name] = gene.values[picked[name]]
        return picked

    def epochs_of(self, index: int) -> int:
        """Returns how many epochs the trial is to be trained in all."""
        return int(self._trials[index].hyperparameters.values.get("tuner/epochs", EPOCHS))

    def epochs_before(self, index: int) -> int:
        """Returns how many epochs of them an earlier trial has trained."""
        return int(self._trials[index].hyperparameters.values.get("tuner/initial_epoch", 0))

    def tell(self, values: Sequence[Values], errors: Sequence[Any]) -> None:
        """Closes the trials."""
        for trial, _, error in zip(self._trials, values, errors, strict=True):
            self._oracle.update_trial(trial.trial_id, {"error": error})
            trial.status = "COMPLETED"
            self._oracle.end_trial(trial)


class Curve:
    """What a search had found by when: the true error of the best by what it was told."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._told = float("inf")
        self._steps = [(0.0, table.median)]

    @property
    def spent(self) -> float:
        """How many trainings were paid for; a part of the epochs is a part of a training."""
        return self._steps[-1][0]

    @property
    def is_complete(self) -> bool:
        """Whether the last checkpoint was reached."""
        return self.spent > TRAININGS - 1e-9

    def add(self, trainings: float, values: Values, error: float | None) -> None:
        """Pays ``trainings`` for ``values``, and hears the ``error`` at the end; None: not trained to the end."""
        true = self._steps[-1][1]
        if error is not None and error < self._told:
            self._told, true = error, self._table.truth(values)
        self._steps.append((self.spent + trainings, true))

    def at_checkpoints(self) -> list[float]:
        """Returns the true error at each checkpoint; before a first complete training, the table's median."""
        return [next(true for spent, true in reversed(self._steps) if spent < mark + 1e-9) for mark in CHECKPOINTS]


def search_complete(make: Callable[[SearchSpace, int], Searcher], table: Table, seed: int, *, batch: int = 1) -> Curve:
    """Runs a search in which every training is complete, ``batch`` asked at once."""
    searcher, rng, curve = make(table.space, seed), np.random.default_rng([seed, 1]), Curve(table)
    while not curve.is_complete:
        values = searcher.ask(min(batch, TRAININGS - round(curve.spent)))
        errors = [table.look(one, rng) for one in values]
        for one, error in zip(values, errors, strict=True):
            curve.add(1.0, one, error)
        searcher.tell(values, errors)
    return curve


def search_with_rung(make: Callable[[SearchSpace, int], Searcher], table: Table, seed: int, *, batch: int = 8) -> Curve:
    """Runs a search whose worse half is stopped after a quarter of the epochs; survivors go on where they were."""
    if table.error_at is None:
        raise ValueError(f"{table.name}: knows no epochs")
    searcher, curve, rungs, earlier = make(table.space, seed), Curve(table), Rungs(), []
    (mark,) = rungs.epochs(EPOCHS)
    while not curve.is_complete:
        values = searcher.ask(batch)
        scores = {index: table.error_at(one, mark) for index, one in enumerate(values)}
        survivors = rungs.survivors(scores, earlier)
        earlier += scores.values()
        told: list[Any] = []
        for index, one in enumerate(values):
            goes_on = index in survivors
            error = table.error_at(one, EPOCHS) if goes_on else None
            curve.add(1.0 if goes_on else mark / EPOCHS, one, error)
            told.append(Stopped([scores[index]], 0) if error is None else error)
        searcher.tell(values, told)
    return curve


def search_hyperband(make: Callable[[SearchSpace, int], KerasTuner], table: Table, seed: int) -> Curve:
    """Runs KerasTuner's Hyperband, which says how many epochs each trial gets."""
    if table.error_at is None:
        raise ValueError(f"{table.name}: knows no epochs")
    searcher, curve = make(table.space, seed), Curve(table)
    while not curve.is_complete:
        values = searcher.ask(1)
        epochs, before = searcher.epochs_of(0), searcher.epochs_before(0)
        error = table.error_at(values[0], epochs)
        curve.add((epochs - before) / EPOCHS, values[0], error if epochs == EPOCHS else None)
        searcher.tell(values, [error])
    return curve
