"""The story of a search: read this first.

``evolve`` makes a run folder and searches; ``resume`` goes on with one. Both do the same, batch by batch: the evolution
proposes genomes, the search space turns them into plans, the evaluator trains them, the store remembers every answer as
it arrives, the evolution hears the answers in the order of asking, and its state is committed. When the budget is spent,
the best few are assessed with fresh seeds, and the test rows are read.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ganas.budget import (
    longest_search_seconds,
    planned_trainings,
    race_in_time,
    search_seconds,
    time_is_over,
    what_ran_out,
)
from ganas.cohorts import left_to_keras
from ganas.config import RunConfig, load_config
from ganas.errors import RunError
from ganas.evaluation import Evaluation
from ganas.evaluator import Evaluator
from ganas.evolution.evolution import Evolution
from ganas.evolution.individual import Stopped
from ganas.execution import Executor, make_executor
from ganas.final import Finalist, assess_winner
from ganas.generations import generation_row
from ganas.history import Run, find_run, first_reason, load_run
from ganas.identity import fingerprint, folder_name, refuse_changes
from ganas.inheritance import Estate
from ganas.interruption import StopRequest
from ganas.listener import Listener, SilentListener, Summary
from ganas.log import LOGGER, logging_to
from ganas.machine import check_backend
from ganas.objectives import MEASURED, check_objectives, objectives_of
from ganas.rebuild import restore_files
from ganas.search.plan import NetworkPlan
from ganas.search.space import Genome, SearchSpace
from ganas.settings import (
    make_evaluator,
    make_evolution,
    make_space,
    make_task,
    with_defaults,
)
from ganas.store import Asked, RunStore, refusing_damage
from ganas.tasks.reconstruction import linear_yardstick
from ganas.tasks.task import Task
from ganas.versions import installed_versions
from ganas.warm_start import WarmStart, find_earlier, take_over
from ganas.worker import prepare


def evolve(
    config: RunConfig, *, task: Task | None = None, runs_dir: str | Path = "runs", listener: Listener | None = None
) -> Run:
    """Searches as ``config`` says and returns the finished run.

    Args:
        config: every setting; see ``ganas.config``.
        task: data given in Python instead of ``[data]`` and ``[task]``; such a run can be read, not resumed.
        runs_dir: where the run folder is made.
        listener: hears how it goes.

    Raises:
        GanasError: a setting, the data or the folder cannot be used; nothing has been trained then.
    """
    config = config.with_absolute_paths()
    check_objectives(config.evolution.objectives)
    check_backend()
    with workers_of(config) as executor:
        return _begin(config, task or make_task(config), executor, task is not None, runs_dir, listener)


def _begin(
    config: RunConfig,
    made: Task,
    executor: Executor,
    from_arrays: bool,
    runs_dir: str | Path,
    listener: Listener | None,
) -> Run:
    """Makes the folder of a new run and searches."""
    config = with_defaults(config, made)
    space = make_space(config, made)
    if config.run.warm_start is not None:
        earlier = find_earlier(config.run.warm_start, runs_dir)
        config = config.with_values({"run.warm_start": str(earlier)}, "config")
    folder = Path(runs_dir) / folder_name(config, made)
    facts = {
        "created": datetime.datetime.now().isoformat(timespec="seconds"),
        "seed": config.run.seed,
        "name": folder.name,
        "status": "running",
        "task": {"name": made.name, "kind": made.kind, "error_in_words": made.error_in_words, "inputs": made.inputs},
        "data": made.in_words(),
        "from_arrays": from_arrays,
        "versions": installed_versions(),
        "fingerprint": fingerprint(config, made),
        "hall_of_fame": config.evolution.hall_of_fame,
        "objectives": list(config.evolution.objectives),
        "pipeline": made.pipeline(),
        "seconds": 0.0,
        "generations": config.evolution.generations,
        "minutes": config.run.minutes,
    }
    # a mistake in the settings is found here, before there is a folder
    check_objectives(config.evolution.objectives, made.family)
    make_evaluator(config, made, executor).close()
    make_evolution(config, made, space)
    with contextlib.closing(RunStore.create(folder, config.to_toml(), facts)) as store, logging_to(folder):
        return Search(config, made, space, store, executor, listener or SilentListener()).run()


def resume(
    reference: str | Path = "latest",
    *,
    generations: int | None = None,
    minutes: float | None = None,
    jobs: int | str | None = None,
    runs_dir: str | Path = "runs",
    listener: Listener | None = None,
) -> Run:
    """Goes on with a run that was stopped, killed or has finished, and returns it.

    A run that was cut short ends exactly as it would have uninterrupted. ``generations`` and ``minutes`` are new totals. Of a
    finished one, ``best.keras`` and ``pipeline.json`` are made again where they are missing.

    Raises:
        RunError: no such run, in use, damaged, or its data, splits, budget or trainer are no longer the same.
    """
    folder = find_run(reference, runs_dir)
    listener = listener or SilentListener()
    before = load_run(folder)
    if before.facts["from_arrays"]:
        raise RunError(f"{folder}: its data were given as arrays in Python; resume works for data read by name or file")
    config = load_config(folder / "config.toml")
    planned = before.facts["generations"] if generations is None else generations
    allowed = before.facts["minutes"] if minutes is None else float(minutes)
    changes = {"evolution.generations": planned, "run.minutes": allowed, "run.jobs": jobs}
    config = config.with_values({key: value for key, value in changes.items() if value is not None}, "resume")
    if before.status == "finished" and generations is None and minutes is None:
        if restored := restore_files(before):
            listener.on_notice(f"{folder.name}: made {' and '.join(restored)} again")
        listener.on_notice(f"{folder.name} is finished; --generations or --minutes extend it")
        return before
    with workers_of(config) as executor:
        task = make_task(config)
        refuse_changes(folder, before.facts["fingerprint"], fingerprint(config, task))
        with contextlib.closing(RunStore.open(folder)) as store, logging_to(folder):
            return Search(config, task, make_space(config, task), store, executor, listener).run()


@contextlib.contextmanager
def workers_of(config: RunConfig) -> Iterator[Executor]:
    """Starts the workers of a run, so that they load TensorFlow while the data are read, and ends those that are left."""
    executor = make_executor(config.run.executor, config.run.jobs)
    try:
        executor.start(functools.partial(prepare, config.training.threads))
        yield executor
    finally:
        executor.close(kill=True)


class Search:
    """One sitting of a run: from what the store remembers to the end of the budget, or to an interruption."""

    def __init__(
        self,
        config: RunConfig,
        task: Task,
        space: SearchSpace,
        store: RunStore,
        executor: Executor,
        listener: Listener,
    ) -> None:
        self.config = config
        self.executor = executor
        self.task = task
        self.space = space
        self.store = store
        self.listener = listener
        self.names = config.evolution.objectives
        self.population = config.evolution.population
        self.planned = planned_trainings(config)
        self.ask_size = config.evolution.ask or self.population
        self.started = time.monotonic()
        self.seconds_before = float(store.get("seconds", 0.0))
        self.stop = StopRequest()
        self.numbers: dict[str, int] = {}
        """Genome digest → number, of all that were asked for."""
        self.reused: set[str] = set()
        """Plans that an earlier run trained: they cost nothing here, and their weights, which are there, are not inherited."""

    def run(self) -> Run:
        """Searches, assesses the winner, and leaves a finished folder; or stops where it was interrupted."""
        run = Run(self.store.folder)
        known = fingerprint(self.config, self.task)
        warm = take_over(self.config.run.warm_start, self.store, self.space, known, self.listener.on_notice)
        self.reused = {evaluation.plan.digest() for evaluation in warm.evaluations}
        evolution, told = self._recall(run, warm)
        self.store.put(status="running", generations=self.config.evolution.generations, minutes=self.config.run.minutes)
        estate = Estate(self.store.folder / "weights") if self.config.training.inherit else None
        evaluator = make_evaluator(self.config, self.task, self.executor, estate)
        try:
            evaluator.remember(warm.evaluations)
            broken = [r.evaluation for r in run.records[len(told) :] if r.evaluation is not None]
            evaluator.remember(told, unfinished=broken)
            self.listener.on_start(self._summary(len(told)))
            with self.stop.on_signals(self.listener.on_notice):
                reason = self._search(evolution, evaluator, told, begun=len(run.records) - len(told))
                self.store.put(seconds=self._seconds(), programs=sum(evaluator.programs.values()))
                if reason == "interrupted":
                    self.store.put(status="interrupted")
                else:
                    LOGGER.info("the search ends: %s", reason)
                    self.listener.on_notice(f"The search ends: {reason}.")
                    if taken := sum(evaluation.plan.digest() in self.reused for evaluation in told):
                        earlier = Path(str(self.config.run.warm_start)).name
                        self.listener.on_notice(f"{taken} of its {len(told)} evaluations are answers of {earlier}.")
                    if self.config.training.trainer == "auto" and (apart := left_to_keras(told)) is not None:
                        self.listener.on_notice(f"{apart}.")
                    self._finish(evaluator, reason)
        except KeyboardInterrupt:
            self.store.put(status="interrupted", seconds=self._seconds())
        finally:
            evaluator.close()
        run = Run(self.store.folder)
        self.listener.on_finish(run)
        return run

    # ---- the loop ------------------------------------------------------------------------------------------------------

    def _search(self, evolution: Evolution, evaluator: Evaluator, told: list[Evaluation], begun: int) -> str:
        """Asks, trains, remembers, tells, until something runs out; returns what.

        A batch that was broken off, of ``begun`` candidates, is asked for again as it was: another number of them may be others.
        """
        while (reason := self._what_ran_out(told)) is None:
            self.store.refuse_if_gone()
            batch = int(self.store.get("batch", 0))
            genomes = evolution.ask(begun or min(self.ask_size, self.planned - len(told)))
            begun = 0
            if not genomes:
                return "every genome of the search space has been evaluated"
            asked = self._asked(evolution, genomes, batch, len(told))
            self.store.add_asked(asked)
            evaluations = self._evaluate(evaluator, asked, genomes, told, batch, self._deadline(told))
            if cut := [place for place, evaluation in enumerate(evaluations) if evaluation.is_cut]:
                if not (told or self.stop.count or any(evaluation.is_ok for evaluation in evaluations)):
                    # alone, one may still come to its end
                    first, latest = slice(cut[0], cut[0] + 1), self._until(longest_search_seconds(self.config))
                    self._evaluate(evaluator, asked[first], genomes[first], told, batch, latest)
                return "interrupted" if self.stop.count else time_is_over(self.config)
            evolution.tell(genomes, [self._objectives(evaluation) for evaluation in evaluations])
            told += evaluations
            rows = self._generation_rows(told, evolution)
            with self.store.transaction():
                self.store.put(engine=evolution.state(), batch=batch + 1, told=len(told), seconds=self._seconds())
                for row in rows:
                    self.store.add_generation(row["generation"], row)
            for row in rows:
                LOGGER.info("generation %s", row)
                self.listener.on_generation(row)
        return reason

    def _evaluate(
        self,
        evaluator: Evaluator,
        asked: Sequence[Asked],
        genomes: Sequence[Genome],
        told: Sequence[Evaluation],
        batch: int,
        deadline: float | None,
    ) -> list[Evaluation]:
        """Trains a batch; each evaluation is on disk before anything else hears of it."""

        def remember(place: int, evaluation: Evaluation) -> None:
            if self.stop.count > 1:
                raise KeyboardInterrupt
            if not evaluation.is_cut:
                objectives = objectives_of(evaluation, self.names, self.task.inputs)
                self.store.add_evaluation(asked[place].number, evaluation, objectives)
                if evaluation.message:
                    LOGGER.warning("candidate %d %s: %s", asked[place].number, evaluation.status, evaluation.message)
                self.listener.on_evaluation(asked[place].number, evaluation)

        plans = [self.space.decode(genome) for genome in genomes]
        parents = self._parents(asked, told) if self.config.training.inherit else ()
        return evaluator.evaluate(plans, parents=parents, batch=batch, on_evaluation=remember, deadline=deadline)

    def _parents(self, asked: Sequence[Asked], told: Sequence[Evaluation]) -> list[list[NetworkPlan]]:
        """Returns of each that was asked for the plans of its parents whose weights are in the folder."""
        known = {number: one.plan for number, one in enumerate(told) if one.plan.digest() not in self.reused}
        return [[known[number] for number in one.parents if number in known] for one in asked]

    def _objectives(self, evaluation: Evaluation) -> Any:
        """Returns what the evolution hears: a row, ``Stopped``, or None for a failure."""
        row = objectives_of(evaluation, self.names, self.task.inputs)
        if evaluation.status == "stopped" and row is not None:
            return Stopped(tuple(row), len(evaluation.rungs) - 1)
        return row if evaluation.is_ok else None

    def _what_ran_out(self, told: Sequence[Evaluation]) -> str | None:
        """Returns why the search ends before the next batch, or None."""
        if self.stop.count:
            return "interrupted"
        # a first batch begins even late: one of it may still come to its end
        deadline = self._deadline(told) if told else self._until(longest_search_seconds(self.config))
        reason = what_ran_out(self.config, told, self.reused)
        is_late = deadline is not None and time.time() >= deadline
        return time_is_over(self.config) if reason is None and is_late else reason

    def _deadline(self, told: Sequence[Evaluation]) -> float | None:
        """Returns when the search must end, in seconds since the epoch."""
        return self._until(search_seconds(self.config, told, self.executor.jobs, self.task.folds))

    def _until(self, seconds: float | None) -> float | None:
        """Returns when the run will have taken so many seconds, in seconds since the epoch."""
        return None if seconds is None else time.time() + seconds - self._seconds()

    def _finish(self, evaluator: Evaluator, reason: str) -> None:
        """Assesses the winner, unless that is done for these evaluations, and writes the files of a finished run."""
        run = Run(self.store.folder)
        self.stop.has_batch = False
        searched = self.store.get("searched") or {}
        if searched.get("evaluations") != len(run.evaluated):  # else it ended then, and was interrupted later
            searched = {"evaluations": len(run.evaluated), "seconds": self._seconds()}
        self.store.put(status="searched", ended_by=reason, searched=searched)
        hall = run.hall_of_fame
        self.store.write_json("hall_of_fame.json", [member.to_json() for member in hall])
        if not hall:
            raise RunError(f"{run.folder}: no candidate was trained to its end ({reason}): {first_reason(run)}")
        result = run.result if run.is_assessed else self._assess(evaluator, run, searched["seconds"])
        self.store.write_json("result.json", result)
        self.store.write_json("pipeline.json", self.task.pipeline())
        from ganas.report import write_report

        write_report(Run(self.store.folder))
        self.store.put(status="finished", seconds=self._seconds())

    def _assess(self, evaluator: Evaluator, run: Run, searched: float) -> dict[str, Any]:
        """Finds the winner and reads the test rows; what they said and that they were read is committed together."""
        final = self.config.final
        ranked = run.best(len(run.records))
        evaluations = [member.evaluation for member in ranked]
        race = race_in_time(self.config, evaluations, self.executor.jobs, self.task.folds, searched)
        for notice in race.notices:
            self.listener.on_notice(notice)
        best = [ranked[place] for place in race.places]
        finalists = [Finalist(member.record.number, member.evaluation) for member in best]
        result = assess_winner(
            evaluator,
            finalists,
            repeats=final.repeats,
            laps=race.laps,
            folder=self.store.folder,
            on_notice=self.listener.on_notice,
        )
        result["rank"] = next(m.rank for m in best if m.record.number == result["winner"]["number"])
        result |= linear_yardstick(self.task)
        result["reading"] = len(run.readings) + 1
        if run.readings:
            result["first_test"] = run.readings[0].get("test")
        with self.store.transaction():
            self.store.add_reading(
                result["time"], len(run.evaluated), {"test": result["test"], "winner": result["winner"]["number"]}
            )
            self.store.put(result=result, seconds=self._seconds())
        return result

    # ---- what is written and recalled ----------------------------------------------------------------------------------

    def _recall(self, run: Run, warm: WarmStart) -> tuple[Evolution, list[Evaluation]]:
        """Returns the evolution and the evaluations it has been told of, as of the last committed batch."""
        state, count = self.store.get("engine"), int(self.store.get("told", 0))
        if state is not None:
            self.numbers = {Genome(record.genome).digest: record.number for record in run.records}
            told = [record.evaluation for record in run.records[:count] if record.evaluation is not None]
            with refusing_damage(self.store.folder):
                return Evolution.from_state(self.space, state), told
        return make_evolution(self.config, self.task, self.space, warm.genomes), []

    def _asked(self, evolution: Evolution, genomes: Sequence[Genome], batch: int, first: int) -> list[Asked]:
        known = self.numbers
        known.update((genome.digest, number) for number, genome in enumerate(genomes, start=first))
        rows = []
        for number, genome in enumerate(genomes, start=first):
            birth = evolution.birth(genome)
            parents = tuple(known[parent] for parent in birth.parents if parent in known)
            generation = number // self.population + 1
            rows.append(Asked(number, batch, generation, genome.to_json(), birth.operator, parents))
        return rows

    def _generation_rows(self, told: Sequence[Evaluation], evolution: Evolution) -> list[dict[str, Any]]:
        """Returns the log row of every generation that has become complete, with the hypervolume of several objectives.

        Its reference is the worst of the first generation in each objective, so that volumes of a run compare.
        """
        rows = []
        done = self.store.generations()
        complete = len(told) // self.population if len(told) < self.planned else -(-len(told) // self.population)
        for number in range(done + 1, complete + 1):
            row = generation_row(told[: number * self.population], number, self.population, self._seconds())
            if len(self.names) > 1:
                first = [
                    objectives_of(one, self.names, self.task.inputs) for one in told[: self.population] if one.is_ok
                ]
                reference = [max(column) for column in zip(*filter(None, first), strict=True)]
                row |= {"reference": reference, "hypervolume": evolution.hypervolume(reference) if reference else 0.0}
            rows.append(row)
        return rows

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started

    def _summary(self, done: int) -> Summary:
        evolution, training = self.config.evolution, self.config.training
        genes = [f"{name}: {words}" for name, words in self.space.in_words().items()]
        size = self.space.size
        lines = [
            *self.task.in_words(),
            *genes,
            "size of the space: " + ("a continuum" if size == float("inf") else f"{size:,.0f} networks"),
            f"engine: {evolution.engine}, population {self.population}, {self.planned} evaluations, {self.ask_size} at a time",
            f"training: up to {training.epochs} epochs, patience {training.patience or 'never'}, trainer {training.trainer}",
        ]
        if (jobs := self.executor.jobs) > self.ask_size:
            lines.append(f"of {jobs} workers {self.ask_size} have work at a time; [evolution] ask = {jobs} uses all")
        if set(self.names) & set(MEASURED) or training.max_latency_ms is not None:
            lines.append("something is measured by a clock: this search will not repeat exactly")
        return Summary(self.store.folder.name, tuple(lines), self.planned, done)
