"""The evaluator: plans in, evaluations out. The public, reusable door to training.

It completes plans with the task's head and loss, gives each training its seed, has them trained (``ganas.dispatch``) from
rung to rung (``ganas.halving``), and puts the answers of folds and repeats together. A plan is trained once: equal plans share one
evaluation. What it answers for a plan depends on the task, the budget, the seed and the plan alone; with rungs also on whom
it is compared with, with an estate also on whose weights it inherits. Threads may share one: what belongs to a batch is kept
in its call.
"""

from __future__ import annotations

import dataclasses
import functools
import textwrap
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ganas import cohorts
from ganas.dispatch import Dispatcher
from ganas.errors import ConfigError, GanasError, SpaceError
from ganas.evaluation import Evaluation, TrainingBudget
from ganas.execution import Executor, make_executor
from ganas.halving import Climbed, RungScores, train_from_rung_to_rung
from ganas.inheritance import Estate
from ganas.jobs import Training, combine
from ganas.machine import check_backend
from ganas.recording import Recording
from ganas.rungs import Rungs
from ganas.search.plan import NetworkPlan
from ganas.seeds import derive_seed
from ganas.tasks.task import Fold, Task
from ganas.training.contract import Member
from ganas.worker import Trained, prepare

TRAINER_CHOICES = ("auto", "cohort", "keras")


class Evaluator:
    """Trains plans on a task under a budget and says how each did.

    Args:
        task: the problem, see ``ganas.load_task`` and ``ganas.task_from_arrays``.
        budget: what one training may cost.
        seed: of all trainings; a training's own seed is a hash of it, the plan, the fold and the repeat.
        repeats: trainings with different seeds per fold; errors are their mean.
        trainer: ``"auto"`` (the cohort trainer for all it supports), ``"cohort"`` or ``"keras"``.
        executor: where to train; None: worker processes, one per core. One that is given is not closed here.
        measures_latency: whether the milliseconds of one prediction are measured too, as the measure ``latency_ms``.
        rungs: early stopping across the candidates of a batch: brackets that batches take in turn; empty: none.
        estate: where trained weights are kept for the plans that inherit them; None: all begin anew.

    It is a context manager; leaving it ends its workers, and it answers no more. Threads may share it: a plan that two ask for at
    the same time is trained by both, to the same answer. The caller's seeds, threads and TensorFlow settings are left alone.
    """

    def __init__(
        self,
        task: Task,
        *,
        budget: TrainingBudget | None = None,
        seed: int = 0,
        repeats: int = 1,
        trainer: str = "auto",
        executor: Executor | None = None,
        measures_latency: bool = False,
        rungs: Sequence[Rungs] = (),
        estate: Estate | None = None,
    ) -> None:
        check_backend()
        if trainer not in TRAINER_CHOICES:
            raise ConfigError(f"[training] trainer: must be one of {', '.join(TRAINER_CHOICES)}, got {trainer!r}")
        if repeats < 1:
            raise ConfigError(f"[training] repeats: must be at least 1, got {repeats}")
        self.task = task
        self.budget = budget or TrainingBudget()
        self.seed = seed
        self.repeats = repeats
        self.trainer = trainer
        self.rungs = tuple(rungs)
        self.measures_latency = measures_latency or self.budget.max_latency_ms is not None
        self.executor: Executor = make_executor("loky") if executor is None else executor
        self._owns_executor = executor is None
        self._dispatcher = Dispatcher(self.executor)
        if self._owns_executor:
            self.executor.start(functools.partial(prepare, self.budget.threads))
        self._folds: dict[int, str] = {}
        self._steps: dict[int, float] = {}
        self._cache: dict[str, Evaluation] = {}
        self._rung_scores = RungScores()
        self._unfinished: dict[str, Evaluation] = {}
        self._estate = estate
        self._batches = 0
        self._is_closed = False
        self._publishing = threading.Lock()
        self._remembering = threading.Lock()

    @property
    def programs(self) -> dict[int, int]:
        """Compiled programs by worker process."""
        return self._dispatcher.programs

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close(kill=exception[0] is not None)

    def close(self, *, kill: bool = False) -> None:
        """Ends the workers that this evaluator started and removes its temporary files; afterwards it answers no more."""
        self._is_closed = True
        if self._owns_executor:
            self.executor.close(kill=kill)
        self._dispatcher.close()

    def evaluate(
        self,
        plans: Iterable[NetworkPlan] | NetworkPlan,
        *,
        parents: Sequence[Sequence[NetworkPlan]] = (),
        batch: int | None = None,
        on_evaluation: Callable[[int, Evaluation], None] | None = None,
        deadline: float | None = None,
    ) -> list[Evaluation]:
        """Trains plans, each once, and returns their evaluations in order.

        Args:
            plans: one plan or many, complete or not; the task fills in what they leave open.
            parents: of each plan, complete plans that were evaluated before: with an ``estate``, the plan begins with the
                weights of the first that it can inherit from, and its measure ``inherited_epochs`` says what went into them.
            batch: the number of this batch, where brackets of rungs take turns; None: one more than the last.
            on_evaluation: called with ``(index, evaluation)`` as each is known, in any order.
            deadline: seconds since the epoch; what is not trained by then comes back ``timed_out`` and is forgotten.

        Raises:
            SpaceError: something is no plan.
            GanasError: the evaluator is closed.
        """
        self._require_open()
        plans = [plans] if isinstance(plans, NetworkPlan) or not isinstance(plans, Iterable) else list(plans)
        for plan in plans:
            _require_plan(plan)
        answers: dict[int, Evaluation] = {}

        def answer(index: int, evaluation: Evaluation) -> None:
            answers[index] = evaluation
            if on_evaluation is not None:
                on_evaluation(index, evaluation)

        completed: dict[int, NetworkPlan] = {}
        known: dict[int, Evaluation] = {}
        twins: dict[int, int] = {}
        first: dict[str, int] = {}
        for index, plan in enumerate(plans):
            prepared = self._prepare(plan)
            if isinstance(prepared, Evaluation):
                answer(index, prepared)
            elif (left := self._unfinished.pop(key := prepared.digest(), None)) is not None:
                known[index] = self._cache[key] = left
                answer(index, known[index])
            elif key in self._cache:
                answer(index, self._cache[key])
            elif key in first:
                twins[index] = first[key]
            else:
                first[key] = index
                completed[index] = prepared
        self._train(completed, known, dict(enumerate(parents)), self._bracket(batch), answer, deadline)
        for index, twin in twins.items():
            answer(index, answers[twin])
        return [answers[index] for index in range(len(plans))]

    def remember(self, evaluations: Iterable[Evaluation], unfinished: Iterable[Evaluation] = ()) -> None:
        """Takes over evaluations made earlier (of this task, budget and seed), so that they are not made again.

        Args:
            evaluations: of whole batches, in their order.
            unfinished: of a batch that was broken off. It will be asked for again, and is compared at its rungs as a whole.
        """
        for evaluation in evaluations:
            if evaluation.plan.digest() not in self._cache:
                self._cache[evaluation.plan.digest()] = evaluation
                self._rung_scores.remember(evaluation)
        left = {evaluation.plan.digest(): evaluation for evaluation in unfinished}
        self._unfinished = {digest: evaluation for digest, evaluation in left.items() if digest not in self._cache}

    def trainer_of(self, plan: NetworkPlan) -> tuple[str, str]:
        """Returns which trainer trains a complete ``plan``, and why.

        Raises:
            SpaceError: ``trainer="cohort"`` was asked for and does not support the plan.
        """
        if self.trainer == "keras":
            return "keras", "asked for"
        reason = cohorts.unsupported(plan)
        if reason is None:
            return "cohort", "supported"
        if self.trainer == "cohort":
            raise SpaceError(f'[training] trainer = "cohort" cannot train this plan: {reason}; use "auto"')
        return "keras", reason

    def retrain(
        self,
        pairs: Sequence[tuple[NetworkPlan, int]],
        *,
        folds: Sequence[int] = (),
        budget: TrainingBudget | None = None,
        recording: Recording | None = None,
        on_trained: Callable[[int, Trained], None] | None = None,
    ) -> list[Trained]:
        """Trains each (plan, seed) and returns what was trained, weights included, in order.

        Args:
            pairs: plans, complete or not, with the seeds of their trainings.
            folds: of each pair, on which fold; empty: all on the first.
            budget: instead of the evaluator's own.
            recording: measure the error as the trainings go.
            on_trained: called with ``(index, trained)`` as each is known, in any order.

        Raises:
            SpaceError: something is no plan, or does not fit the task.
            GanasError: the evaluator is closed; ``folds`` are not one per pair, or not folds of the task.
        """
        self._require_open()
        for plan, _ in pairs:
            _require_plan(plan)
        there = range(self.task.folds)
        if folds and (len(folds) != len(pairs) or not set(folds) <= set(there)):
            found = textwrap.shorten(repr(list(folds)), 80, placeholder="...")
            raise GanasError(
                f"Evaluator.retrain: folds must be empty or {len(pairs)}, one per pair, of 0 to {there[-1]}, got {found}"
            )
        completed = [(self.task.complete(plan), seed) for plan, seed in pairs]
        groups: dict[tuple[str, str], list[Training]] = defaultdict(list)
        for index, ((plan, seed), fold) in enumerate(zip(completed, folds or [0] * len(completed), strict=True)):
            groups[self.trainer_of(plan)[0], self._fold(fold)].append(Training(index, fold, Member(plan, seed)))
        trained: dict[int, Trained] = {}
        options = {"keep_weights": True, "recording": recording}
        for training, one in self._dispatcher.run(groups, budget or self.budget, **options):
            trained[training.index] = one
            if on_trained is not None:
                on_trained(training.index, one)
        return [trained[index] for index in range(len(completed))]

    def publish(self, name: str, fold: Fold) -> str:
        """Writes a fold where workers find it, and returns its path.

        Raises:
            GanasError: the evaluator is closed.
        """
        self._require_open()
        return self._dispatcher.publish(name, fold)

    def step(self, index: int = 0) -> float:
        """Returns by how much the error on fold ``index`` differs where one row more is right or wrong; see ``Measure.step``."""
        self._fold(index)
        return self._steps[index]

    def _fold(self, index: int) -> str:
        """Returns the path of a published fold of the task."""
        with self._publishing:
            if index not in self._folds:
                fold = self.task.fold(index)
                self._steps[index] = fold.measure.step
                self._folds[index] = self.publish(f"fold{index}", fold)
            return self._folds[index]

    def _require_open(self) -> None:
        if self._is_closed:
            raise GanasError(
                "Evaluator: is closed and its workers have ended; use it inside its with block, or make another"
            )

    # ---- how a batch is trained ----------------------------------------------------------------------------------------

    def _prepare(self, plan: NetworkPlan) -> NetworkPlan | Evaluation:
        """Completes a plan, or says at once why it will not be trained."""
        try:
            prepared = self.task.complete(plan)
            self.trainer_of(prepared)
        except SpaceError as error:
            return Evaluation(plan, self._seed_of(plan), "failed", message=str(error))
        parameters = prepared.parameters(self.task.inputs)
        limit = self.budget.max_parameters
        if limit is not None and parameters > limit:
            message = f"{parameters} parameters, more than [training] max_parameters = {limit}"
            return Evaluation(prepared, self._seed_of(prepared), "too_large", parameters=parameters, message=message)
        return prepared

    def _seed_of(self, plan: NetworkPlan) -> int:
        return derive_seed(self.seed, "training", plan.digest())

    def _train(
        self,
        plans: Mapping[int, NetworkPlan],
        known: Mapping[int, Evaluation],
        parents: Mapping[int, Sequence[NetworkPlan]],
        bracket: Rungs | None,
        answer: Callable[[int, Evaluation], None],
        deadline: float | None,
    ) -> None:
        """Trains the plans and answers each; who is ``known`` of the same batch has its answer."""
        candidates: dict[int, list[Training]] = {}
        inherited: dict[int, float] = {}
        for index, plan in plans.items():
            candidates[index], inherited[index] = self._trainings(index, plan, parents.get(index, ()))
        leg = functools.partial(self._train_leg, deadline=deadline)
        for climbed in train_from_rung_to_rung(candidates, leg, bracket, self.budget.epochs, self._rung_scores, known):
            answer(climbed.index, self._finish(plans[climbed.index], climbed, inherited[climbed.index]))

    def _bracket(self, batch: int | None) -> Rungs | None:
        """Returns the rungs of batch number ``batch``."""
        with self._remembering:
            number = self._batches if batch is None else batch
            self._batches = number + 1
        return self.rungs[number % len(self.rungs)] if self.rungs else None

    def _trainings(self, index: int, plan: NetworkPlan, parents: Sequence[NetworkPlan]) -> tuple[list[Training], float]:
        """Returns the trainings of a plan on all folds and repeats, and the epochs behind the weights that they begin with."""
        seed = self._seed_of(plan)
        parts = [
            (fold, derive_seed(seed, fold, repeat)) for fold in range(self.task.folds) for repeat in range(self.repeats)
        ]
        heirloom = None
        if self._estate is not None:
            known = [self._cache[key] for parent in parents if (key := parent.digest()) in self._cache]
            heirloom = self._estate.heirloom(plan, known, [seed for _, seed in parts])
        initial = heirloom.weights if heirloom else [None] * len(parts)
        trainings = [
            Training(index, fold, Member(plan, seed, weights))
            for (fold, seed), weights in zip(parts, initial, strict=True)
        ]
        return trainings, heirloom.epochs if heirloom else 0

    def _train_leg(
        self, alive: Mapping[int, list[Training]], pause: int | None, deadline: float | None
    ) -> Iterator[tuple[int, list[Trained]]]:
        """Trains all that are alive to ``pause`` epochs; yields each plan's index and parts once all its parts are in."""
        groups: dict[tuple[str, str], list[Training]] = defaultdict(list)
        for trainings in alive.values():
            name = self.trainer_of(trainings[0].member.plan)[0]
            for training in trainings:
                groups[name, self._fold(training.fold)].append(training)
        parts: dict[int, dict[int, Trained]] = defaultdict(dict)
        options = {
            "pause": pause,
            "measures_latency": self.measures_latency,
            "keep_weights": self._estate is not None,
        }
        budget = self.budget if deadline is None else dataclasses.replace(self.budget, deadline=deadline)
        for training, trained in self._dispatcher.run(groups, budget, **options):
            mine = alive[training.index]
            parts[training.index][mine.index(training)] = trained
            if len(parts[training.index]) == len(mine):
                yield training.index, [parts[training.index][place] for place in range(len(mine))]

    def _finish(self, plan: NetworkPlan, climbed: Climbed, inherited: float) -> Evaluation:
        """Puts the parts of one plan together into its evaluation, and remembers it; of two threads', the first."""
        status = "stopped" if climbed.is_stopped else "ok"
        evaluation = combine(plan, self._seed_of(plan), climbed.parts, self.task.inputs, status)
        evaluation = dataclasses.replace(evaluation, rungs=climbed.rungs, trainer=self.trainer_of(plan)[0])
        limit, latency = self.budget.max_latency_ms, evaluation.measures.get("latency_ms")
        if limit is not None and latency is not None and latency > limit:
            message = f"{latency:.3g} ms for a prediction, more than [training] max_latency_ms = {limit:g}"
            evaluation = dataclasses.replace(evaluation, status="too_large", error=None, message=message)
        if evaluation.measures.get("copies"):
            evaluation = dataclasses.replace(evaluation, status="failed", error=None, message=COPIES)
        if inherited:
            measures = {**evaluation.measures, "inherited_epochs": inherited}
            evaluation = dataclasses.replace(evaluation, measures=measures)
        if evaluation.is_cut:
            return evaluation
        with self._remembering:
            if (first := self._cache.get(plan.digest())) is not None:
                return first
            if self._estate is not None:  # before anyone can ask for them
                self._estate.leave(evaluation, [part.outcome.weights for part in climbed.parts])
            self._cache[plan.digest()] = evaluation
        return evaluation


COPIES = "the network gives back whatever it is given, perturbed rows too: it is the identity and has learnt nothing"


def _require_plan(plan: Any) -> None:
    if not isinstance(plan, NetworkPlan):
        found = textwrap.shorten(repr(plan), 80, placeholder="...")
        raise SpaceError(f"Evaluator: expected a plan, such as ganas.mlp_plan([64]), got {found}")
