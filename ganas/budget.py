"""When a search ends: its evaluations, epochs, target and patience, and the minutes it shares with the final assessment."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from ganas.config import RunConfig
from ganas.evaluation import Evaluation
from ganas.final import FIRST_LAPS, further_folds

FIRST_SECONDS = 15.0
"""Kept for what the final assessment does beside its trainings, and before anything is known of how long these take."""

TOLERANCE = 0.05
"""The share of its minutes by which a run may be longer."""


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


def time_is_over(config: RunConfig) -> str:
    """Returns in words that the minutes have run out."""
    minutes = config.run.minutes
    return "1 minute is over" if minutes == 1 else f"{minutes:g} minutes are over"


def search_seconds(config: RunConfig, told: Sequence[Evaluation], jobs: int, folds: int) -> float | None:
    """Returns how many of the run's seconds the search may take, or None where no minutes are set.

    The rest is for the final assessment of the present best, never more than half of the time: half of it before anything is
    known of how long trainings take.
    """
    if config.run.minutes is None:
        return None
    total, candidates = config.run.minutes * 60, config.final.candidates
    if not told:
        return total / 2
    full = sorted((one for one in told if one.is_ok), key=lambda one: math.inf if one.error is None else one.error)
    finalists = _training_seconds(config, full[:candidates], folds) or [0.0]
    finalists += [fmean(finalists)] * (candidates - len(finalists))  # who is still to come
    return total - min(total / 2, FIRST_SECONDS + _final_seconds(config, finalists, config.final.repeats, jobs, folds))


def longest_search_seconds(config: RunConfig) -> float | None:
    """Returns how many of the run's seconds the search may take to train a first network to its end, or None as above."""
    if config.run.minutes is None:
        return None
    total = config.run.minutes * 60
    return total - min(total / 2, FIRST_SECONDS)


@dataclass(frozen=True)
class Race:
    """The end of a run as there is time for it.

    Attributes:
        places: of those who race, among the candidates; one alone is the winner.
        laps: fresh seeds of each.
        notices: what is less than was asked for, in words.
    """

    places: list[int]
    laps: int
    notices: list[str]


def race_in_time(config: RunConfig, ranked: Sequence[Evaluation], jobs: int, folds: int, searched: float) -> Race:
    """Returns who races, best of the search first, and for how long.

    Who cannot be trained again ``[final] repeats`` times in time is left out; where nobody can, it is who takes the least.

    Args:
        config: of the run.
        ranked: all candidates that were trained to their end, the best first.
        jobs: workers.
        folds: of the task.
        searched: seconds that the search took.
    """
    final, notices = config.final, []
    places = _those_that_fit(config, ranked, jobs, folds, searched)
    if not places:
        quickest = min(range(len(ranked)), key=lambda place: ranked[place].seconds)
        notices.append(
            f"There is no time for {final.repeats} further trainings of any: rank {quickest + 1}, the fastest, is late."
        )
        places = [quickest]
    elif places[0]:
        better = f"ranks 1 to {places[0]}" if places[0] > 1 else "rank 1"
        notices.append(
            f"There is no time for {final.repeats} further trainings of {better}: rank {places[0] + 1} stands in."
        )
    places = places[: final.candidates]
    count, laps = race_that_fits(config, [ranked[place] for place in places], jobs, folds, searched)
    if (count, laps) != (len(places), final.repeats):
        race = f"a race of {count} over {laps} laps" if count > 1 else "no race of the best"
        notices.append(f"There is time for {race}, instead of {len(places)} over {final.repeats} laps.")
    if notices:
        notices[-1] += " More minutes would choose better."
    return Race(places[:count], laps, notices)


def _those_that_fit(
    config: RunConfig, ranked: Sequence[Evaluation], jobs: int, folds: int, searched: float
) -> list[int]:
    """Returns the places of the candidates that there is time to train again as the winner."""
    if config.run.minutes is None:
        return list(range(len(ranked)))
    allowed, seconds = _allowed_seconds(config, searched), _training_seconds(config, ranked, folds)
    return [p for p, own in enumerate(seconds) if _final_seconds(config, [own], 0, jobs, folds) <= allowed]


def race_that_fits(
    config: RunConfig, finalists: Sequence[Evaluation], jobs: int, folds: int, searched: float
) -> tuple[int, int]:
    """Returns how many of the finalists race, and for how many laps: as asked, or less of it where the minutes are short.

    One finalist races with nobody: it is the winner. The winner's further trainings are never fewer. ``finalists`` are as many
    as are to race if there is time; the other arguments are as of :func:`race_in_time`.
    """
    asked = len(finalists), config.final.repeats
    if config.run.minutes is None or len(finalists) < 2:
        return asked
    allowed, seconds = _allowed_seconds(config, searched), _training_seconds(config, finalists, folds)
    shorter = min(FIRST_LAPS, config.final.repeats)
    for count, laps in (asked, *((count, shorter) for count in range(len(finalists), 1, -1))):
        if _final_seconds(config, seconds[:count], laps, jobs, folds) <= allowed:
            return count, laps
    return 1, shorter


def _allowed_seconds(config: RunConfig, searched: float) -> float:
    """Returns how long the trainings of the final assessment may take, after a search of so many seconds."""
    left = (1 + TOLERANCE) * (config.run.minutes or math.inf) * 60 - searched
    return max(left - FIRST_SECONDS, left / 2)


def _training_seconds(config: RunConfig, evaluations: Sequence[Evaluation], folds: int) -> list[float]:
    """Returns how long one training of each took."""
    return [one.seconds / (folds * config.training.repeats) for one in evaluations]


def _final_seconds(config: RunConfig, finalists: Sequence[float], laps: int, jobs: int, folds: int) -> float:
    """Estimates how long the trainings of the final assessment take, shared by ``jobs`` workers.

    It makes as many as it can come to; one of each of the ``finalists`` takes so many seconds, of the winner as many as the
    slowest's.
    """
    further = len(further_folds(max(config.final.repeats, 2), folds)[0])
    race = laps * sum(finalists) if len(finalists) > 1 else 0.0
    return race / jobs + math.ceil(further / jobs) * max(finalists)
