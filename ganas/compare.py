"""The story of a comparison: named variants on one task, each trained with the same seeds.

``compare`` makes a run folder and trains; ``resume_comparison`` goes on with one. Variants with alternatives first choose
one on the validation rows, with seeds of their own. Then every variant is trained with every seed: a seed alone decides
initial weights and batch order, so that variants differ by what they are and by nothing else. Every training is
committed as it arrives. After the last one the networks are asked about the training rows, a step of each variant is
timed alone, and only then are the test rows read, once; they choose nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ganas.comparison.checks import refuse_failed_base, refuse_unbuildable
from ganas.comparison.config import ComparisonConfig, load_comparison
from ganas.comparison.inspection import Inspection, Timing, inspect, time_step
from ganas.comparison.trainings import Planned, choose_alternatives, compared_trainings, tuning_trainings
from ganas.comparison.variants import Variant, make_variants
from ganas.config import RunConfig
from ganas.errors import RunError
from ganas.evaluation import Evaluation
from ganas.evaluator import Evaluator
from ganas.execution import WorkerLost, make_executor
from ganas.history import Run, find_run
from ganas.identity import folder_name, refuse_changes
from ganas.interruption import StopRequest
from ganas.jobs import combine
from ganas.listener import Summary
from ganas.settings import make_task
from ganas.store import RunStore
from ganas.tasks.task import Fold, Task
from ganas.versions import installed_versions
from ganas.weights import save_weights
from ganas.worker import Trained

KIND = "comparison"
"""What the fact ``kind`` of such a run says; a search has none."""
WEIGHTS = "weights"
"""The folder of trained weights, which lives until the test rows have been read."""


class ComparisonListener(Protocol):
    """Hears how a comparison goes; the command line's screen is one."""

    def on_start(self, summary: Summary) -> None:
        """Hears what will be compared, before the first training."""

    def on_training(self, label: str, evaluation: Evaluation) -> None:
        """Hears of each training as it arrives."""

    def on_notice(self, text: str) -> None:
        """Hears a sentence that a person should read."""

    def on_finish(self, run: Run) -> None:
        """Hears that the comparison has ended."""


class SilentListener:
    """Hears and says nothing."""

    def on_start(self, summary: Summary) -> None:
        """Says nothing."""

    def on_training(self, label: str, evaluation: Evaluation) -> None:
        """Says nothing."""

    def on_notice(self, text: str) -> None:
        """Says nothing."""

    def on_finish(self, run: Run) -> None:
        """Says nothing."""


def compare(
    config: ComparisonConfig, *, runs_dir: str | Path = "runs", listener: ComparisonListener | None = None
) -> Run:
    """Compares variants as ``config`` says and returns the finished run.

    Raises:
        GanasError: a setting, the data or the folder cannot be used (nothing has been trained then), or the base failed
            with every seed (the report has been written then).
    """
    config = config.with_absolute_paths()
    task = task_of(config)
    variants = make_variants(config, task)
    base = config.compare.base or variants[0].name
    name = folder_name(RunConfig(run=config.run, data=config.data), task)
    facts = {
        "kind": KIND,
        "created": datetime.datetime.now().isoformat(timespec="seconds"),
        "seed": config.run.seed,
        "name": name,
        "status": "running",
        "title": config.title,
        "notes": list(config.notes),
        "task": {"name": task.name, "kind": task.kind, "error_in_words": task.error_in_words, "inputs": task.inputs},
        "data": task.in_words(),
        "variants": [variant.name for variant in variants],
        "base": base,
        "against": {one.name: one.against or base for one in config.variant if (one.against or base) != one.name},
        "test": config.compare.test,
        "versions": installed_versions(),
        "fingerprint": fingerprint(config, task),
        "from_arrays": False,
        "seconds": 0.0,
    }
    executor = make_executor(config.run.executor, config.run.jobs)
    with contextlib.closing(executor), Evaluator(task, executor=executor, trainer=config.training.trainer) as evaluator:
        refuse_unbuildable(variants, evaluator)
    with contextlib.closing(RunStore.create(Path(runs_dir) / name, config.to_toml(), facts)) as store:
        return Comparison(config, task, variants, store, listener or SilentListener()).run()


def resume_comparison(
    reference: str | Path = "latest",
    *,
    jobs: int | str | None = None,
    runs_dir: str | Path = "runs",
    listener: ComparisonListener | None = None,
) -> Run:
    """Goes on with a comparison that was stopped or killed, and returns it; it ends as it would have uninterrupted.

    Raises:
        RunError: no such run, no comparison, in use, damaged, or its data, variants or budget are no longer the same.
    """
    folder = find_run(reference, runs_dir)
    before = Run(folder)
    if not before.is_comparison:
        raise RunError(f"{folder}: is a search, not a comparison; go on with it by: ganas resume")
    listener = listener or SilentListener()
    if before.status == "finished":
        leave_in_order(before)  # it may have been killed after the last answer, before the report
        listener.on_notice(f"{folder.name} is finished; there is nothing to go on with")
        return before
    settings = [] if jobs is None else [f"run.jobs={jobs}"]
    config = load_comparison(folder / "config.toml", settings)
    task = task_of(config)
    refuse_changes(folder, before.facts["fingerprint"], fingerprint(config, task))
    with contextlib.closing(RunStore.open(folder)) as store:
        store.put(status="running")
        return Comparison(config, task, make_variants(config, task), store, listener).run()


class Comparison:
    """One sitting of a comparison: from what the store remembers to the report, or to an interruption."""

    def __init__(
        self,
        config: ComparisonConfig,
        task: Task,
        variants: Sequence[Variant],
        store: RunStore,
        listener: ComparisonListener,
    ) -> None:
        self.config = config
        self.task = task
        self.variants = variants
        self.store = store
        self.listener = listener
        self.started = time.monotonic()
        self.seconds_before = float(store.get("seconds", 0.0))
        self.stop = StopRequest()

    def run(self) -> Run:
        """Tunes, trains, inspects, times, reads the test rows and reports; or stops where it was interrupted."""
        executor = make_executor(self.config.run.executor, self.config.run.jobs)
        evaluator = Evaluator(self.task, trainer=self.config.training.trainer, executor=executor)
        finished = False
        try:
            self._start()
            with self.stop.on_signals(self.listener.on_notice):
                self._train(evaluator, self._tuning())
                trainings = self._choose()
                self._train(evaluator, trainings)
                self._inspect(evaluator, trainings)
                self._time(evaluator, trainings)
                self._read_test(evaluator, trainings)
            finished = True
        except KeyboardInterrupt:
            self.store.put(status="interrupted", seconds=self._seconds())
        finally:
            executor.close(kill=not finished)
            evaluator.close()
        run = Run(self.store.folder)
        if finished:
            leave_in_order(run)
        self.listener.on_finish(run)
        if finished:
            refuse_failed_base(run)
        return run

    # ---- what is trained -------------------------------------------------------------------------------------------------

    def _choose(self) -> list[Planned]:
        """Returns the trainings that are compared, with the alternatives that the tuning chose."""
        tuning = self._tuning()
        chosen = choose_alternatives(self.variants, tuning, self._evaluations())
        settings = {v.name: v.alternatives[chosen[v.name]].settings for v in self.variants if len(v.alternatives) > 1}
        self.store.put(chosen=settings, chosen_numbers=chosen)
        return compared_trainings(self.variants, chosen, self.config.compare.seeds, first=len(tuning))

    def _tuning(self) -> list[Planned]:
        return tuning_trainings(self.variants, self.config.compare.tuning_seeds)

    def _train(self, evaluator: Evaluator, planned: Sequence[Planned]) -> None:
        """Trains what has no answer yet; each training is on disk before anything else hears of it."""
        done = self._evaluations()
        waiting = [one for one in planned if one.number not in done]
        self.store.add_asked([one.asked() for one in waiting])
        groups: dict[Any, list[Planned]] = {}
        for one in waiting:
            limit = one.way.budget.max_parameters
            parameters = one.way.plan.parameters(self.task.inputs)
            if limit is not None and parameters > limit:
                message = f"{parameters} parameters, more than [training] max_parameters = {limit}"
                seed = self._member_seed(one)
                self._remember(one, Evaluation(one.way.plan, seed, "too_large", parameters=parameters, message=message))
            else:
                groups.setdefault((one.way.budget, one.way.recording), []).append(one)
        for (budget, recording), members in groups.items():

            def hear(place: int, trained: Trained, members: list[Planned] = members) -> None:
                self._hear(evaluator, members[place], trained)

            pairs = [(one.way.plan, self._member_seed(one)) for one in members]
            evaluator.retrain(pairs, budget=budget, recording=recording, on_trained=hear)

    def _hear(self, evaluator: Evaluator, planned: Planned, trained: Trained) -> None:
        self.store.refuse_if_gone()
        plan = planned.way.plan
        if trained.outcome.status == "ok" and not planned.is_tuning:
            path = self._weights_of(planned)
            path.parent.mkdir(exist_ok=True)
            save_weights(path, trained.outcome.weights)
        evaluation = combine(plan, self._member_seed(planned), [trained], self.task.inputs)
        self._remember(planned, dataclasses.replace(evaluation, trainer=evaluator.trainer_of(plan)[0]))
        if self.stop.count:
            raise KeyboardInterrupt

    def _remember(self, planned: Planned, evaluation: Evaluation) -> None:
        objectives = None if evaluation.error is None else [evaluation.error]
        self.store.add_evaluation(planned.number, evaluation, objectives)
        self.store.put(seconds=self._seconds())
        self.listener.on_training(planned.label(), evaluation)

    # ---- what is asked of the trained networks ---------------------------------------------------------------------------

    def _inspect(self, evaluator: Evaluator, trainings: Sequence[Planned]) -> None:
        """Asks every network about the training rows, and for units that no longer answer."""
        if self.store.get("inspected") is None:
            self.listener.on_notice("Asking the networks about the training rows.")
            fold = self.task.training_fold()
            self.store.put(inspected=self._ask(evaluator, "training rows", fold, trainings, counts_dead=True))

    def _time(self, evaluator: Evaluator, trainings: Sequence[Planned]) -> None:
        """Times a step of each variant, one after the other with nothing beside it."""
        times: dict[str, float | None] = self.store.get("step_seconds", {})
        waiting = [one for one in trainings if one.seed == 0 and one.variant.name not in times]
        if waiting:
            self.listener.on_notice("Timing a training step of each variant, one by one.")
        path = evaluator.publish("timed", self.task.fold(0))
        for one in waiting:
            job = Timing(one.way.plan, path, one.way.budget.threads)
            for _, seconds in evaluator.executor.run(time_step, [job]):
                times[one.variant.name] = seconds if isinstance(seconds, float) else None
            self.store.put(step_seconds=times)

    def _read_test(self, evaluator: Evaluator, trainings: Sequence[Planned]) -> None:
        """Lets every network answer the test rows, where there are any, and ends the comparison."""
        if self.store.get("status") == "finished":
            return
        answers: dict[str, Any] = {}
        fold = self.task.test_fold()
        if fold is not None:
            self.listener.on_notice("All training is done: reading the test rows.")
            answers = self._ask(evaluator, "test rows", fold, trainings)
        with self.store.transaction():
            if answers:
                now = time.strftime("%Y-%m-%dT%H:%M:%S")
                scores = {number: answer["measures"] for number, answer in answers.items()}
                self.store.add_reading(now, len(trainings), {"networks": scores})
            self.store.put(status="finished", seconds=self._seconds())

    def _ask(
        self, evaluator: Evaluator, name: str, fold: Fold, trainings: Sequence[Planned], *, counts_dead: bool = False
    ) -> dict[str, Any]:
        """Returns, by number, what the networks answer on a fold; variants that a worker could not answer are left out."""
        evaluations = self._evaluations()
        path = evaluator.publish(name, fold)
        groups = [
            [one for one in trainings if one.variant is variant and evaluations[one.number].is_ok]
            for variant in self.variants
        ]
        groups = [group for group in groups if group]
        jobs = [
            Inspection(
                group[0].way.plan,
                tuple(str(self._weights_of(one).resolve()) for one in group),
                path,
                self.task.inputs,
                group[0].way.budget.threads,
                counts_dead,
            )
            for group in groups
        ]
        answers: dict[str, Any] = {}
        for place, results in evaluator.executor.run(inspect, jobs):
            if isinstance(results, WorkerLost):
                self.listener.on_notice(f"{groups[place][0].variant.name}: no answer on the {name}: {results.message}")
                continue
            for one, result in zip(groups[place], results, strict=True):
                answers[str(one.number)] = {"measures": result.measures, "dead": list(result.dead)}
        return answers

    # ---- what is written and recalled ------------------------------------------------------------------------------------

    def _evaluations(self) -> dict[int, Evaluation]:
        """Returns what has been trained so far, by number."""
        return {r.number: r.evaluation for r in Run(self.store.folder).records if r.evaluation is not None}

    def _member_seed(self, one: Planned) -> int:
        return one.member_seed(self.config.run.seed)

    def _weights_of(self, one: Planned) -> Path:
        return self.store.folder / WEIGHTS / f"{one.number}.npz"

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started

    def _start(self) -> None:
        """Says what will be compared."""
        done, tuning, compared = self._evaluations(), len(self._tuning()), self.config.compare
        total = tuning + len(self.variants) * compared.seeds
        lines = [
            *self.task.in_words(),
            *(f"{variant.name}: {variant.alternatives[0].plan.in_words()}" for variant in self.variants),
            f"{len(self.variants)} variants × {compared.seeds} seeds"
            + (f", after {tuning} trainings to tune" if tuning else ""),
        ]
        self.listener.on_start(Summary(self.store.folder.name, tuple(lines), total, len(done)))


def leave_in_order(run: Run) -> None:
    """Removes the weights of a finished comparison, all but what its pictures need, and writes its report."""
    from ganas.report.comparison_page import write_comparison
    from ganas.report.pictures import keep_first_layers

    keep_first_layers(run, run.folder / WEIGHTS)
    shutil.rmtree(run.folder / WEIGHTS, ignore_errors=True)
    write_comparison(run)


def task_of(config: ComparisonConfig) -> Task:
    """Makes the task of a comparison.

    Raises:
        DataError: the data cannot be used as asked.
    """
    return make_task(RunConfig(data=config.data, task=config.task))


def fingerprint(config: ComparisonConfig, task: Task) -> dict[str, Any]:
    """Returns what must be the same for a comparison to go on."""
    values = config.model_dump(mode="json", include={"base", "variant", "training", "compare"})
    return {"data": task.fingerprint(), **values}
