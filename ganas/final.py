"""The final assessment: who is really the best, how good it is, and the file that is handed over.

The best few of a search are there partly by luck, and the search's own error flatters them. So they race with fresh
seeds; who is clearly behind drops out; among those within one standard error of the leader the smallest wins. Further
seeds, which chose nothing, then say how good the winner is, and only after that the test rows are read, once. The network
handed over is the first of those further trainings, so its own score is no better than chance makes it.

With several folds the race and the further seeds take them in turn, as the search's error is a mean over them. The test rows,
and what is handed over, are of the first fold: each fold has a preprocessing of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from ganas.errors import RunError
from ganas.evaluation import Evaluation
from ganas.evaluator import Evaluator
from ganas.execution import WorkerLost, run_one
from ganas.log import LOGGER
from ganas.seeds import derive_seed
from ganas.statistics import (
    is_clearly_worse,
    is_within_one_standard_error,
    prediction_half_width,
    standard_deviation,
)
from ganas.tasks.task import Fold
from ganas.worker import Assessment, Trained, assess

FIRST_LAPS = 3
"""Fresh seeds that every finalist gets before one can drop out."""
TRIES = 2
"""How often the test rows are given to a worker: one may die of what others do to the machine."""


@dataclass
class Finalist:
    """A candidate in the race: its number in the run, its evaluation, and its errors with fresh seeds."""

    number: int
    evaluation: Evaluation
    errors: list[float] = field(default_factory=list)
    dropped_after: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns JSON-able data for the result."""
        own = {
            "number": self.number,
            "in_words": self.evaluation.plan.in_words(),
            "parameters": self.evaluation.parameters,
        }
        scores = {"search_error": self.evaluation.error, "errors": self.errors}
        return {
            **own,
            **scores,
            "mean": fmean(self.errors) if self.errors else None,
            "dropped_after": self.dropped_after,
        }


def race(evaluator: Evaluator, finalists: Sequence[Finalist], laps: int, on_notice: Callable[[str], None]) -> Finalist:
    """Retrains the finalists with fresh seeds, lap by lap, and returns the winner.

    Raises:
        RunError: no finalist could be trained again.
    """
    if len(finalists) == 1:
        return finalists[0]
    first, paired = min(FIRST_LAPS, laps), evaluator.task.folds > 1
    for begin, end in [(0, first), *([(first, laps)] if laps > first else [])]:
        alive = [finalist for finalist in finalists if finalist.dropped_after is None]
        if begin and len(alive) == 1:
            break
        pairs = [(finalist, lap) for finalist in alive for lap in range(begin, end)]
        trained = evaluator.retrain(
            [(f.evaluation.plan, race_seed(evaluator.seed, f.evaluation, lap)) for f, lap in pairs],
            folds=[lap % evaluator.task.folds for _, lap in pairs],
        )
        for (finalist, _), one in zip(pairs, trained, strict=True):
            if one.outcome.status == "ok":
                finalist.errors.append(one.measures["error"])
            else:
                finalist.dropped_after = len(finalist.errors)
                on_notice(f"finalist {finalist.number} drops out: retraining {one.outcome.status}")
                LOGGER.warning(
                    "finalist %d, trained again: %s: %s", finalist.number, one.outcome.status, one.outcome.message
                )
        alive = [finalist for finalist in alive if finalist.dropped_after is None]
        if not alive:
            raise RunError("the final assessment failed: no finalist could be trained again; see log.txt")
        leader = min(alive, key=lambda finalist: fmean(finalist.errors))
        for finalist in alive:
            if is_clearly_worse(finalist.errors, leader.errors, paired=paired):
                finalist.dropped_after = len(finalist.errors)
    return min(
        leaders(finalists, paired=paired),
        key=lambda finalist: (finalist.evaluation.parameters, fmean(finalist.errors)),
    )


def leaders(finalists: Sequence[Finalist], *, paired: bool) -> list[Finalist]:
    """Returns those whom their errors cannot tell from the best: still in the race and within one standard error of it.

    Errors are ``paired`` by lap where laps are on different folds.
    """
    alive = [finalist for finalist in finalists if finalist.dropped_after is None]
    if len(alive) < 2:
        return alive
    best = min(alive, key=lambda finalist: fmean(finalist.errors))
    return [finalist for finalist in alive if is_within_one_standard_error(finalist.errors, best.errors, paired=paired)]


def further_folds(repeats: int, folds: int) -> tuple[list[int], int]:
    """Returns on which fold each further training of the winner is, and how many of them, the first ones, judge it.

    Those that judge come to each of the ``folds`` equally often, at least ``repeats`` in all. More follow on the first fold, so
    that as many as ``repeats`` read the test rows.
    """
    judging = [lap % folds for lap in range(-(-repeats // folds) * folds)]
    return judging + [0] * (repeats - judging.count(0)), len(judging)


def race_seed(seed: int, evaluation: Evaluation, lap: int) -> int:
    """Returns the fresh seed of a finalist's lap."""
    return derive_seed(seed, "race", evaluation.plan.digest(), lap)


def assess_winner(
    evaluator: Evaluator,
    finalists: Sequence[Finalist],
    *,
    repeats: int,
    folder: Path,
    laps: int | None = None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Finds the winner, says how good it is, writes ``best.keras`` and reads the test rows; returns the result as data.

    Args:
        evaluator: of the search.
        finalists: who race.
        repeats: further trainings of the winner, which chose nothing.
        folder: where ``best.keras`` goes.
        laps: fresh seeds of each finalist in the race; None: as many as ``repeats``.
        on_notice: hears what a person should know.

    Raises:
        RunError: no finalist could be trained again.
    """
    winner = race(evaluator, finalists, repeats if laps is None else laps, on_notice)
    plan = winner.evaluation.plan
    folds, judging = further_folds(max(repeats, 2), evaluator.task.folds)
    seeds = [derive_seed(evaluator.seed, "fresh", plan.digest(), lap) for lap in range(len(folds))]
    all_trained = evaluator.retrain([(plan, seed) for seed in seeds], folds=folds)
    for seed, one in zip(seeds, all_trained, strict=True):
        if one.outcome.status != "ok":
            LOGGER.warning(
                "the winner, trained again with seed %d: %s: %s", seed, one.outcome.status, one.outcome.message
            )
    fresh = [one.measures["error"] for one in all_trained[:judging] if one.outcome.status == "ok"]
    on_first = [one for one in zip(seeds, all_trained, folds, strict=True) if one[2] == 0]
    by_seed = {seed: one for seed, one, _ in on_first if one.outcome.status == "ok"}
    trained = list(by_seed.values())
    if not fresh or not trained:
        raise RunError("the final assessment failed: the winner could not be trained again; see log.txt")
    test_rows = evaluator.task.test_fold()
    tests = _read_test(evaluator, winner, trained, test_rows, folder)
    search_error = winner.evaluation.error or 0.0
    return {
        "winner": {"number": winner.number, "plan": plan.to_json(), "in_words": plan.in_words()},
        "parameters": winner.evaluation.parameters,
        "error_in_words": evaluator.task.error_in_words,
        "finalists": [finalist.to_json() for finalist in finalists],
        "tied_with": [one.number for one in leaders(finalists, paired=evaluator.task.folds > 1) if one is not winner],
        "search_error": search_error,
        "optimism": fmean(fresh) - search_error,
        "folds": evaluator.task.folds,
        "validation": summary(fresh, evaluator.step()),
        "test": summary([one["error"] for one in tests], test_rows.measure.step) if tests and test_rows else None,
        "test_measures": {name: summary([m[name] for m in tests]) for name in tests[0] if name != "error"}
        if tests
        else {},
        "saved": {
            "file": "best.keras",
            "seed": next(iter(by_seed)),
            "validation_error": trained[0].measures["error"],
            "test_error": tests[0]["error"] if tests else None,
        },
        "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
    }


def summary(values: Sequence[float], step: float = 0.0) -> dict[str, Any]:
    """Returns the values with mean, standard deviation, and the 95 % interval in which one further training falls.

    The interval reaches at least one ``step``, what one row more changes, beyond the mean: trainings that all err on as many
    rows do not say that the next one will.
    """
    half = max(prediction_half_width(values), step)
    centre = fmean(values)
    interval = [centre - half, centre + half] if len(values) > 1 else None
    return {"values": list(values), "mean": centre, "sd": standard_deviation(values), "interval": interval}


def _read_test(
    evaluator: Evaluator, winner: Finalist, trained: Sequence[Trained], rows: Fold | None, folder: Path
) -> list[dict[str, float]]:
    """Saves the first training as ``best.keras``, then lets all of them answer the test ``rows``, if there are any."""
    fold = None if rows is None else evaluator.publish("test", rows)
    job = Assessment(
        winner.evaluation.plan,
        tuple(one.outcome.weights for one in trained),
        fold,
        evaluator.task.inputs,
        evaluator.budget.threads,
        evaluator.task.pipeline(),
        str((folder / "best.keras").resolve()),  # a worker may have another working folder
    )
    for _ in range(TRIES):
        result = run_one(evaluator.executor, assess, job)
        if not isinstance(result, WorkerLost):
            return list(result)
    raise RunError(f"the final assessment failed: {result.message}; resume the run, its search is kept")
