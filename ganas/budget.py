"""When a search ends: its evaluations, epochs, target and patience, and the minutes it shares with the final assessment."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from ganas.config import RunConfig
from ganas.evaluation import Evaluation
from ganas.final import further_folds
from ganas.statistics import mean

FIRST_SECONDS = 15.0
"""Kept for the final assessment before anything is known of how long a training takes."""


def planned_trainings(config: RunConfig) -> int:
    """Returns how many evaluations the search makes at most."""
    evolution, budget = config.evolution, config.budget
    planned = evolution.population * evolution.generations
    return planned if budget.trainings is None else min(planned, budget.trainings)


def what_ran_out(config: RunConfig, told: Sequence[Evaluation], reused: Collection[str] = ()) -> str | None:
    """Returns in words which limit but the clock's the evaluations told so far have reached, or None.

    Equal plans were trained once, and those whose digests are ``reused`` by an earlier run.
    """
    budget, best = config.budget, [one.error for one in told if one.is_ok and one.error is not None]
    if len(told) >= planned_trainings(config):
        evaluations = f"{len(told)} evaluations are done"
        return evaluations if budget.trainings else f"{config.evolution.generations} generations are done"
    if budget.epochs is not None and _trained_epochs(told, reused) >= budget.epochs:
        return f"{budget.epochs} epochs are trained"
    if budget.target_error is not None and best and min(best) <= budget.target_error:
        return f"an error of {min(best):.6g} reaches the target {budget.target_error:g}"
    if budget.patience is not None and best:
        errors = [one.error if one.is_ok and one.error is not None else float("inf") for one in told]
        if len(errors) - 1 - errors.index(min(errors)) >= budget.patience:
            return f"{budget.patience} evaluations brought nothing better"
    return None


def _trained_epochs(told: Sequence[Evaluation], reused: Collection[str]) -> int:
    by_plan = {one.plan.digest(): one.epochs for one in told}
    return sum(epochs for digest, epochs in by_plan.items() if digest not in reused)


def search_seconds(config: RunConfig, told: Sequence[Evaluation], jobs: int, folds: int) -> float | None:
    """Returns how many of the run's seconds the search may take, or None where no minutes are set.

    The rest is for the final assessment: as many trainings as it makes at most, each of the present finalists as long as one of
    its trainings on the ``folds`` of the task took and the winner as long as the slowest of them, shared by ``jobs`` workers;
    never more than half of the time.
    """
    if config.run.minutes is None:
        return None
    total, final = config.run.minutes * 60, config.final
    full = sorted((one for one in told if one.is_ok), key=lambda one: math.inf if one.error is None else one.error)
    trainings = folds * config.training.repeats
    finalists = [one.seconds / trainings for one in full[: final.candidates]] or [0.0]
    finalists += [mean(finalists)] * (final.candidates - len(finalists))
    further = len(further_folds(max(final.repeats, 2), folds)[0])
    race = final.repeats * sum(finalists) if final.candidates > 1 else 0.0
    return total - min(total / 2, FIRST_SECONDS + (race + further * max(finalists)) / jobs)
