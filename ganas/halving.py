"""The candidates of a batch, trained from rung to rung: who falls behind is stopped there, the others go on where they paused."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ganas.evaluation import Evaluation
from ganas.jobs import Training
from ganas.rungs import Rungs
from ganas.worker import Trained

Leg = Callable[[Mapping[int, list[Training]], int | None], Iterable[tuple[int, list[Trained]]]]
"""Trains candidates (index → trainings) to so many epochs, None: to their end; yields (index, what was trained) of each."""


@dataclass(frozen=True)
class Climbed:
    """How far a candidate came: what was trained in its last leg, and its (epochs, error) at the rungs it passed or failed."""

    index: int
    parts: list[Trained]
    rungs: tuple[tuple[int, float], ...]
    is_stopped: bool = False


class RungScores:
    """Errors at each rung so far, by the epochs of the rungs up to it: brackets have rungs of their own."""

    def __init__(self) -> None:
        self._scores: dict[tuple[int, ...], list[float]] = defaultdict(list)

    def at(self, marks: tuple[int, ...]) -> Sequence[float]:
        """Returns the errors at the last of ``marks``, in the order of batches."""
        return self._scores[marks]

    def add(self, marks: tuple[int, ...], errors: Iterable[float]) -> None:
        """Adds errors at the last of ``marks``."""
        self._scores[marks] += errors

    def remember(self, evaluation: Evaluation) -> None:
        """Adds what an evaluation had at its rungs."""
        marks = tuple(epochs for epochs, _ in evaluation.rungs)
        for rung, (_, score) in enumerate(evaluation.rungs, start=1):
            self.add(marks[:rung], [score])


def train_from_rung_to_rung(
    candidates: Mapping[int, list[Training]],
    train_leg: Leg,
    bracket: Rungs | None,
    epochs: int,
    scores: RungScores,
    known: Mapping[int, Evaluation],
) -> Iterator[Climbed]:
    """Yields each candidate when it has come as far as it will.

    Args:
        candidates: the trainings of each, by index.
        train_leg: trains them to the next rung.
        bracket: where they are compared, of ``epochs`` in all; None: nowhere.
        scores: of earlier batches; those of this one are added.
        known: evaluations of the same batch that were made before it was broken off; they count at the rungs they came to.
    """
    marks = bracket.epochs(epochs) if bracket else ()
    passed: dict[int, tuple[tuple[int, float], ...]] = dict.fromkeys(candidates, ())
    alive = dict(candidates)
    for rung, pause in enumerate((*marks, None)):
        paused: dict[int, list[Trained]] = {}
        for index, parts in train_leg(alive, pause):
            if pause is not None and all(part.outcome.status == "ok" for part in parts):
                paused[index] = parts
            else:
                yield Climbed(index, parts, passed[index])
        if bracket is None or pause is None:
            return
        here = {index: fmean([part.measures["error"] for part in parts]) for index, parts in paused.items()}
        here |= {index: one.rungs[rung][1] for index, one in known.items() if rung < len(one.rungs)}
        so_far = marks[: rung + 1]
        survivors = bracket.survivors(here, scores.at(so_far))
        scores.add(so_far, [here[index] for index in sorted(here)])
        before, alive = alive, {}
        for index, parts in paused.items():
            passed[index] = (*passed[index], (pause, here[index]))
            if index in survivors and not all(part.outcome.is_finished for part in parts):
                alive[index] = [_resumed(training, part) for training, part in zip(before[index], parts, strict=True)]
            else:
                yield Climbed(index, parts, passed[index], is_stopped=index not in survivors)


def _resumed(training: Training, part: Trained) -> Training:
    return dataclasses.replace(training, member=dataclasses.replace(training.member, state=part.outcome.state))
