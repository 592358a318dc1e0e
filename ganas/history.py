"""Runs as they are read: what was searched, how each candidate did, the hall of fame, the final result.

Reads ``run.db`` of a running, stopped or finished run, from a read-only place too; writes nothing, loads no TensorFlow.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganas.errors import RunError
from ganas.evaluation import STATUSES, Evaluation
from ganas.search.plan import NetworkPlan
from ganas.store import Asked, check_database, connect_readonly, is_in_use, refusing_damage

if TYPE_CHECKING:
    from ganas.config import RunConfig

KINDS: dict[str, tuple[type, ...]] = {
    "status": (str,),
    "created": (str,),
    "kind": (str,),
    "seed": (int,),
    "hall_of_fame": (int,),
    "batch": (int,),
    "told": (int,),
    "seconds": (int, float),
    "from_arrays": (bool,),
    "took_over": (bool,),
    "data": (list,),
    "objectives": (list,),
    "variants": (list,),
    "task": (dict,),
    "versions": (dict,),
    "fingerprint": (dict,),
    "pipeline": (dict,),
    "result": (dict,),
    "searched": (dict,),
    "inspected": (dict,),
    "step_seconds": (dict,),
}
"""What facts are, if they are there: others are looked at where they are used."""


@dataclass(frozen=True)
class Record(Asked):
    """One candidate: what was asked and how it did (``evaluation`` is None until it is trained)."""

    evaluation: Evaluation | None
    objectives: tuple[float, ...] | None

    @property
    def is_ok(self) -> bool:
        """Whether the candidate was trained to its end."""
        return self.evaluation is not None and self.evaluation.is_ok


class Facts(dict[str, Any]):
    """Facts of a run by name; ``facts[name]`` of one that is missing says in one line that the run is damaged."""

    def __init__(self, path: Path, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.path = path

    def __missing__(self, key: str) -> Any:
        raise RunError(f"{self.path}: damaged (fact {key} is missing); put a whole copy of it back")


@dataclass(frozen=True)
class HallMember:
    """A member of the hall of fame; ``rank`` counts from 1."""

    rank: int
    record: Record
    run: Run

    @property
    def evaluation(self) -> Evaluation:
        """How it did."""
        assert self.record.evaluation is not None
        return self.record.evaluation

    @property
    def plan(self) -> NetworkPlan:
        """The complete plan of the network."""
        return self.evaluation.plan

    @property
    def error(self) -> float:
        """The task's error in the search."""
        assert self.evaluation.error is not None
        return self.evaluation.error

    def in_words(self) -> str:
        """Describes the architecture: ``64 relu → 32 tanh → softmax 10``."""
        return self.plan.in_words()

    def code(self) -> str:
        """Returns a Keras script that rebuilds and trains the network."""
        from ganas.report.code import code_of

        return code_of(self.plan, self.run)

    def model(self) -> Any:
        """Returns the network as it was in the search, a ``keras.Model`` on preprocessed inputs: trained again, from its seed.

        Loads TensorFlow in this process.
        """
        from ganas.rebuild import rebuild

        return rebuild(self.run, self.evaluation)

    def to_json(self) -> dict[str, Any]:
        """Returns JSON-able data: rank, words, objectives, evaluation without curves."""
        data = self.evaluation.to_json()
        data.pop("curves")
        own = {"rank": self.rank, "number": self.record.number, "in_words": self.in_words()}
        return {**own, "genome": self.record.genome, "objectives": self.record.objectives, **data}


class Run:
    """A run folder, read when first looked at."""

    def __init__(self, folder: Path) -> None:
        check_database(folder)
        self.folder = folder

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {self.status})"

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def facts(self) -> Facts:
        """Facts of the run as a whole: seed, versions, fingerprint, status, seconds, ..."""
        rows = self._rows("SELECT key, value FROM facts WHERE key <> 'engine'")
        with refusing_damage(self.folder):
            facts = Facts(self.folder / "run.db", {key: json.loads(value) for key, value in rows})
            for key in ("status", *(KINDS.keys() & facts.keys())):
                if not isinstance(facts[key], KINDS[key]):
                    raise TypeError(f"fact {key} is {facts[key]!r}")
            return facts

    @property
    def status(self) -> str:
        """``running`` (or killed), ``interrupted``, ``searched`` (not assessed yet) or ``finished``."""
        return str(self.facts["status"])

    @cached_property
    def is_left(self) -> bool:
        """Whether it is not finished and no process works on it."""
        return self.status != "finished" and is_in_use(self.folder) is False

    @property
    def state(self) -> str:
        """The status, or ``broken off`` of a run that says it is running and that no process works on any more."""
        return "broken off" if self.status == "running" and self.is_left else self.status

    @property
    def state_in_words(self) -> str:
        """The state, and how to go on with a run that is left, if its data can be read again."""
        can_go_on = self.is_left and not self.facts.get("from_arrays", False)
        return f"{self.state}; go on with: ganas resume {self.name}" if can_go_on else self.state

    @property
    def is_comparison(self) -> bool:
        """Whether the run compares named variants rather than searches."""
        return bool(self.facts.get("kind") == "comparison")

    @property
    def result(self) -> dict[str, Any] | None:
        """The final assessment: winner, fresh scores, test score; None before."""
        return self.facts.get("result")

    @property
    def is_assessed(self) -> bool:
        """Whether the winner of all that was evaluated is found and has answered the test rows."""
        return self.result is not None and self.readings[-1]["evaluations"] == len(self.evaluated)

    @cached_property
    def config(self) -> RunConfig:
        """The settings, every default filled in."""
        from ganas.config import load_config

        return load_config(self.folder / "config.toml")

    @cached_property
    def records(self) -> list[Record]:
        """Every candidate in the order of asking."""
        columns = (
            "i.number, batch, generation, genome, operator, parents, status, seed, error, objectives, loss, parameters, "
            "epochs, best_epoch, seconds, trainer, message, plan, measures, curves, rungs"
        )
        query = f"SELECT {columns} FROM individuals i LEFT JOIN evaluations e ON e.number = i.number ORDER BY i.number"
        rows = self._rows(query)
        with refusing_damage(self.folder):
            return [_record(row) for row in rows]

    @property
    def evaluated(self) -> list[Record]:
        """The candidates that have an answer, in the order of asking."""
        return [record for record in self.records if record.evaluation is not None]

    @property
    def standing(self) -> tuple[int, float | None]:
        """How many evaluations there are, and the lowest error of those that count; the records are not read for it."""
        rows = self._rows("SELECT COUNT(*), MIN(CASE WHEN status = 'ok' THEN error END) FROM evaluations")
        with refusing_damage(self.folder):
            ((count, best),) = rows
            return int(count), None if best is None else _number(best)

    @cached_property
    def generations(self) -> list[dict[str, Any]]:
        """The rows of the generation log."""
        rows = self._rows("SELECT row FROM generations ORDER BY number")
        with refusing_damage(self.folder):
            return [dict(json.loads(row)) for (row,) in rows]

    @cached_property
    def readings(self) -> list[dict[str, Any]]:
        """Every reading of the test rows: time, evaluations so far, scores."""
        rows = self._rows("SELECT time, evaluations, scores FROM readings ORDER BY number")
        with refusing_damage(self.folder):
            return [{"time": time, "evaluations": count, **json.loads(scores)} for time, count, scores in rows]

    @property
    def hall_of_fame(self) -> list[HallMember]:
        """The best candidates by the first objective, then by size; ``[evolution] hall_of_fame`` of them."""
        return self.best(self.hall_size)

    def best(self, count: int) -> list[HallMember]:
        """Returns the best ``count`` candidates, or all that there are, ranked as in the hall of fame."""
        ranked = sorted((record for record in self.records if record.is_ok), key=_goodness)
        return [HallMember(rank, record, self) for rank, record in enumerate(ranked[:count], start=1)]

    def member(self, rank: int) -> HallMember:
        """Returns the member of the hall of fame at ``rank``, from 1.

        Raises:
            RunError: there is none.
        """
        members = self.hall_of_fame
        if not 1 <= rank <= len(members):
            there = f"has ranks 1 to {len(members)}" if members else "is empty"
            raise RunError(f"{self.name}: no rank {rank}; its hall of fame {there}")
        return members[rank - 1]

    @property
    def hall_size(self) -> int:
        """How many members the hall of fame has."""
        return int(self.facts.get("hall_of_fame", 10))

    @property
    def front(self) -> list[Record]:
        """The candidates that no other beats in every objective, by the first; one without them all is left out."""
        told = [record for record in self.records if record.is_ok and record.objectives]
        front: list[Record] = []
        # whoever is beaten comes after one who beats it, however many objectives are equal
        for record in sorted(told, key=lambda record: (record.objectives or (), *_goodness(record))):
            mine = record.objectives or ()
            if not any(all(a <= b for a, b in zip(other.objectives or (), mine, strict=True)) for other in front):
                front.append(record)
        return front

    def history_lines(self) -> Iterator[str]:
        """Yields the canonical history, a JSON line per evaluation in order: no timings, equal for equal runs."""
        for record in self.evaluated:
            assert record.evaluation is not None
            line = {
                "number": record.number,
                "genome": record.genome,
                "seed": record.evaluation.seed,
                "status": record.evaluation.status,
                "objectives": record.objectives,
            }
            yield json.dumps(line, sort_keys=True, separators=(",", ":"))

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        try:
            with refusing_damage(self.folder), contextlib.closing(connect_readonly(self.folder / "run.db")) as db:
                return db.execute(query).fetchall()
        except sqlite3.DatabaseError as error:
            raise RunError(f"{self.folder / 'run.db'}: cannot be read ({error})") from error


def first_reason(run: Run) -> str:
    """Returns why, in one line, no candidate of ``run`` counts."""
    evaluations = [record.evaluation for record in run.evaluated if record.evaluation is not None]
    reasons = [one.reason for one in evaluations if one.reason]
    if reasons:
        return f"the first reason: {reasons[0]}"
    if evaluations:
        return "all were stopped at a rung"
    return "there was no time for a single one; resume it with more --minutes, or search with fewer [training] epochs"


def find_run(reference: str | Path = "latest", runs_dir: str | Path = "runs") -> Path:
    """Returns the folder of a run given as a path, a name (or a part of one, if unique) or ``latest``.

    Raises:
        RunError: there is none, or more than one.
    """
    path = Path(reference)
    if (path / "run.db").is_file():
        return path
    folders = list_folders(runs_dir)
    if str(reference) == "latest":
        if not folders:
            raise RunError(f"{runs_dir}: no runs there yet; start one with: ganas evolve")
        return max(folders, key=_begun)
    matches = [f for f in folders if f.name == str(reference)] or [f for f in folders if str(reference) in f.name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise RunError(f"run {reference}: {len(matches)} runs match: {', '.join(f.name for f in matches)}; say which")
    known = ", ".join(folder.name for folder in folders[-5:]) or "none"
    raise RunError(f"run {reference}: not found, neither as a path nor in {runs_dir}; the last runs there: {known}")


def _begun(folder: Path) -> int:
    """Returns when a run began: its settings are written then; without them, when its database was; 0 of one that is gone."""
    for name in ("config.toml", "run.db"):
        with contextlib.suppress(OSError):
            return (folder / name).stat().st_mtime_ns
    return 0


def list_folders(runs_dir: str | Path = "runs") -> list[Path]:
    """Returns the run folders in ``runs_dir`` by name."""
    return sorted(path.parent for path in Path(runs_dir).glob("*/run.db"))


def load_run(reference: str | Path = "latest", runs_dir: str | Path = "runs") -> Run:
    """Returns a run given as a path, a name or ``latest``.

    Raises:
        RunError: there is none, it is damaged, or of another version.
    """
    return Run(find_run(reference, runs_dir))


def _goodness(record: Record) -> tuple[float, int, int]:
    assert record.evaluation is not None
    return ((record.objectives or (float("inf"),))[0], record.evaluation.parameters, record.number)


def _number(value: Any) -> float:
    """Returns a number that was read; ``TypeError`` of anything else, which SQLite keeps in any column."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


def _text(value: Any) -> str:
    """Returns a text that was read; ``TypeError`` of anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _record(row: tuple[Any, ...]) -> Record:
    """Makes a record of a row; one that was not written so is a ValueError, KeyError, TypeError or AttributeError."""
    number, batch, generation, genome, operator, parents, status, seed, error, objectives, *rest = row
    evaluation = None
    if status is not None:
        loss, parameters, epochs, best_epoch, seconds, trainer, message, plan, measures, curves, rungs = rest
        if status not in STATUSES:
            raise ValueError(f"status {status!r} of candidate {number}")
        known = [value for value in (error, loss, best_epoch) if value is not None]
        for value in (seed, parameters, epochs, seconds, *known):
            _number(value)
        evaluation = Evaluation(
            NetworkPlan.from_json(json.loads(plan)),
            seed,
            status,
            error=_number(error) if status == "ok" else error,
            measures=dict(json.loads(measures)),
            loss=loss,
            parameters=parameters,
            epochs=epochs,
            best_epoch=best_epoch,
            seconds=seconds,
            curves=tuple({name: list(values) for name, values in one.items()} for one in json.loads(curves)),
            message=_text(message),
            trainer=_text(trainer),
            rungs=tuple((mark, error) for mark, error in json.loads(rungs)),
        )
    told = None if objectives is None else tuple(_number(value) for value in json.loads(objectives))
    genes, origin = dict(json.loads(genome)), tuple(json.loads(parents))
    return Record(number, batch, generation, genes, _text(operator), origin, evaluation, told)
