"""The public ask/tell door to every engine: proposes genomes that were never tried, hears how they did, remembers all.

An engine only breeds and selects; what was asked, what was told and where the generator stands is kept here. So the
state is a list of results, and :meth:`Evolution.from_state` replays it.
"""

from __future__ import annotations

import math
import operator
from collections import deque
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from deap import tools

from ganas.errors import ConfigError, SpaceError
from ganas.evolution.engine import Situation
from ganas.evolution.engines import make_engine
from ganas.evolution.hypervolume import hypervolume
from ganas.evolution.individual import Birth, Child, Individual, Result, Stopped
from ganas.evolution.logbook import Logbook, describe_generation
from ganas.search.space import Genome, SearchSpace
from ganas.search.values import plain
from ganas.seeds import stream

STATE_FORMAT = 1
REDRAWS = 50
"""Rounds of breeding that may bring nothing new before genomes are drawn from the space instead."""
LISTABLE = 100_000
"""Spaces of at most so many genomes are searched to the last one."""


class Evolution:
    """A search that is asked for genomes and told how they did. Objectives are minimised.

    Args:
        space: what may be tried.
        engine: how the search proceeds, a name in ``ENGINES``.
        population: how many individuals are kept, and how many results make a generation.
        seed: decides every draw; 0 is a seed like any other.
        hall_of_fame: how many of the best are remembered.
        start: genomes to ask first, before the engine's own first ones.
        options: the engine's own, see ``engine_options``.

    Raises:
        ConfigError: an engine or option is unknown or out of range.
        SpaceError: ``space`` is none, or a genome of ``start`` is not of it.
    """

    def __init__(
        self,
        space: SearchSpace,
        engine: str = "surrogate_assisted",
        population: int = 20,
        seed: int = 0,
        *,
        hall_of_fame: int = 10,
        start: Sequence[Mapping[str, Any]] = (),
        **options: Any,
    ) -> None:
        if not isinstance(space, SearchSpace):
            raise SpaceError(f"Evolution: expected a ganas.SearchSpace, got {type(space).__name__}")
        population, hall_of_fame = _read_count("population", population), _read_count("hall_of_fame", hall_of_fame)
        seed = _read_whole("[evolution] seed", seed)
        options = {name: plain(value) for name, value in options.items()}
        self.space = space
        self._settings = {"engine": engine, "population": population, "seed": seed, "hall_of_fame": hall_of_fame}
        self._settings |= options
        self._engine = make_engine(engine, options)
        self._size = population
        self._rng = stream(seed, "evolution", engine)
        self._queue = deque(Child(space.genome(genome), Birth("start")) for genome in start)
        design = self._engine.initial(space, population, self._rng)[len(start) :]
        self._queue.extend(Child(genome, Birth("initial")) for genome in design)
        self._births: dict[Genome, Birth] = {}
        self._pending: dict[Genome, None] = {}
        self._results: list[Result] = []
        self._generation: list[Result] = []
        self._offspring: list[Individual] = []
        self._population: list[Individual] = []
        self._hall_of_fame = tools.HallOfFame(hall_of_fame, similar=_is_same_genome)
        self._front = tools.ParetoFront(similar=_is_same_genome)
        self.logbook = Logbook()

    def ask(self, count: int) -> list[Genome]:
        """Returns ``count`` genomes never asked or told before; fewer only where a finite space has no more.

        Raises:
            ConfigError: ``count`` is negative or no whole number.
        """
        count = _read_whole("ask", count)
        if count < 0:
            raise ConfigError(f"ask: count must be at least 0, got {count}")
        asked: list[Genome] = []
        idle_rounds = 0
        while len(asked) < count and len(self._births) < self.space.size:
            children = self._propose(count - len(asked), idle_rounds)
            if not children:
                break
            idle_rounds += 1
            for child in children:
                if len(asked) < count and child.genome not in self._births:
                    self._births[child.genome] = child.birth
                    self._pending[child.genome] = None
                    asked.append(child.genome)
                    idle_rounds = 0
        return asked

    def _propose(self, count: int, idle_rounds: int) -> list[Child]:
        """Returns children, known ones too: from the queue, then bred, then drawn, then whatever is left."""
        if self._queue:
            return [self._queue.popleft() for _ in range(min(count, len(self._queue)))]
        if self._population and idle_rounds < REDRAWS:
            known, pending = self._births.keys(), self._pending.keys()
            return self._engine.breed(
                Situation(self.space, self._size, self._population, self._results, pending, known, self._rng), count
            )
        if idle_rounds < 2 * REDRAWS:
            return [Child(self.space.sample(self._rng), Birth("random")) for _ in range(count)]
        if self.space.size > LISTABLE:
            return []
        left = [genome for genome in self.space.genomes() if genome not in self._births]
        return [Child(left[index], Birth("random")) for index in self._rng.permutation(len(left))[:count]]

    def tell(self, genomes: Sequence[Mapping[str, Any]], objectives: Sequence[Any]) -> None:
        """Hears how ``genomes`` did: per genome a row of numbers, None (it failed), or :class:`Stopped`.

        Rows with NaN or infinity are failures. Genomes that were never asked are taken as evaluated too (warm starts).

        Raises:
            SpaceError: a genome is not of the space or was told before, or rows differ in length. Nothing is heard.
        """
        if not hasattr(objectives, "__len__"):
            raise SpaceError(
                f"tell: expected a list with a row of numbers per genome, such as [[0.12]], got {objectives!r}"
            )
        if len(genomes) != len(objectives):
            raise SpaceError(f"tell: expected one row per genome, got {len(objectives)} for {len(genomes)} genomes")
        results = [self._result(genome, told) for genome, told in zip(genomes, objectives, strict=True)]
        fresh = {result.genome for result in results}
        if len(fresh) < len(results):
            raise SpaceError("tell: a genome is there twice; tell each once")
        lengths = {len(row.objectives) for row in (*self._results, *results) if row.objectives is not None}
        if len(lengths) > 1:
            found = " and ".join(map(str, sorted(lengths)))
            raise SpaceError(f"tell: expected as many objectives in every row, got {found}")
        for result in results:
            self._hear(result)

    def _result(self, given: Mapping[str, Any], told: Any) -> Result:
        genome = given if isinstance(given, Genome) and given in self._births else self.space.genome(given)
        if genome in self._births and genome not in self._pending:
            raise SpaceError(f"tell: {genome!r} was told before; tell each genome once")
        rung = plain(told.rung) if isinstance(told, Stopped) else None
        row = told.objectives if isinstance(told, Stopped) else told
        return Result(genome, self._births.get(genome, Birth("told")), _read_objectives(row), rung)

    def _hear(self, result: Result) -> None:
        """Remembers one result; after a whole generation (a steady engine: at once), survivors are chosen."""
        is_asked = result.genome in self._pending
        self._births[result.genome] = result.birth
        self._pending.pop(result.genome, None)
        self._results.append(result)
        if result.is_complete and result.objectives is not None:
            individual = Individual(result.genome, result.objectives, result.birth)
            self._offspring.append(individual)
            self._hall_of_fame.update([individual])
            self._front.update([individual])
        # What the user told unasked takes part in selection, but a generation is a number of trainings.
        if not is_asked:
            return
        self._generation.append(result)
        is_full = len(self._generation) == self._size
        if is_full or self._engine.is_steady:
            self._population = self._engine.survive(self._population, self._offspring, self._size)
            self._offspring = []
        if is_full:
            row = describe_generation(self._population, self._generation)
            self.logbook.record(generation=len(self.logbook), evaluations=len(self._results), **row)
            self._generation = []

    @property
    def best(self) -> Individual | None:
        """The individual with the smallest first objective so far (ties: the next objectives, then the earlier one)."""
        return next(iter(self.hall_of_fame), None)

    @property
    def front(self) -> list[Individual]:
        """The non-dominated individuals so far, by their first objective."""
        return _best_first(self._front)

    def hypervolume(self, reference: Sequence[float]) -> float:
        """Returns the volume between the front and a ``reference`` row of objectives, larger is better."""
        return hypervolume(self.front, reference)

    @property
    def hall_of_fame(self) -> list[Individual]:
        """The best individuals so far, best first."""
        return _best_first(self._hall_of_fame)

    @property
    def population(self) -> list[Individual]:
        """The individuals that children are bred from now."""
        return list(self._population)

    @property
    def results(self) -> list[Result]:
        """Everything told so far, in order."""
        return list(self._results)

    @property
    def pending(self) -> list[Genome]:
        """The genomes that were asked and not told yet, in order."""
        return list(self._pending)

    @property
    def generation(self) -> int:
        """The number of complete generations."""
        return len(self.logbook)

    def birth(self, genome: Genome) -> Birth:
        """Returns how a genome came to be.

        Raises:
            SpaceError: the genome was never asked or told.
        """
        if genome not in self._births:
            raise SpaceError(f"birth: {genome!r} was never asked or told")
        return self._births[genome]

    def state(self) -> dict[str, Any]:
        """Returns JSON-able data from which :meth:`from_state` goes on exactly."""
        return {
            "format": STATE_FORMAT,
            "settings": dict(self._settings),
            "generator": _to_json(self._rng.bit_generator.state),
            "queue": [_child_to_json(child.genome, child.birth) for child in self._queue],
            "pending": [_child_to_json(genome, self._births[genome]) for genome in self._pending],
            "results": [
                {
                    **_child_to_json(result.genome, result.birth),
                    "objectives": None if result.objectives is None else list(result.objectives),
                    "rung": result.rung,
                }
                for result in self._results
            ],
        }

    @classmethod
    def from_state(cls, space: SearchSpace, state: Mapping[str, Any]) -> Evolution:
        """Makes an evolution that goes on exactly from what :meth:`state` returned.

        Raises:
            SpaceError: the state is of another format, or of another space.
        """
        if state.get("format") != STATE_FORMAT:
            raise SpaceError(f"state: expected format {STATE_FORMAT}, got {state.get('format')!r}")
        evolution = cls(space, **state["settings"])
        parts = ("queue", "pending", "results")
        children = {part: [_child_from_json(space, row) for row in state[part]] for part in parts}
        for child, row in zip(children["results"], state["results"], strict=True):
            # Told genomes that had been asked were pending then, and count towards a generation.
            if child.birth != Birth("told"):
                evolution._pending[child.genome] = None
            objectives = None if row["objectives"] is None else tuple(row["objectives"])
            evolution._hear(Result(child.genome, child.birth, objectives, row["rung"]))
        for child in children["pending"]:
            evolution._births[child.genome] = child.birth
            evolution._pending[child.genome] = None
        evolution._queue = deque(children["queue"])
        evolution._rng.bit_generator.state = _from_json(state["generator"])
        return evolution


def _best_first(members: tools.HallOfFame) -> list[Individual]:
    # DEAP puts the newer of two equals first; with errors that are counts of rows, equals are common.
    oldest_first = list(members)[::-1]
    oldest_first.sort(key=attrgetter("objectives"))
    return oldest_first


def _is_same_genome(a: Individual, b: Individual) -> bool:
    return a.genome == b.genome


def _read_whole(place: str, value: Any) -> int:
    try:
        return int(operator.index(value))
    except TypeError:
        raise ConfigError(f"{place}: expected a whole number, got {value!r}") from None


def _read_count(name: str, value: Any) -> int:
    count = _read_whole(f"[evolution] {name}", value)
    if count < 1:
        raise ConfigError(f"[evolution] {name}: must be at least 1, got {count}")
    return count


def _read_objectives(told: Any) -> tuple[float, ...] | None:
    """Reads a row of objectives; None where it failed or is not finite."""
    if told is None:
        return None
    try:
        row = tuple(map(_read_number, told)) if not isinstance(told, str | bytes) else (_read_number(told),)
    except (TypeError, ValueError):
        raise SpaceError(f"tell: expected a row of numbers such as [0.12], None or Stopped, got {told!r}") from None
    if not row:
        raise SpaceError("tell: expected a row of at least one number, got an empty one")
    return row if all(map(math.isfinite, row)) else None


def _read_number(given: Any) -> float:
    number = plain(given)
    if isinstance(number, str | bytes):  # "12" would be the row 1, 2
        raise TypeError
    try:
        return float(number)
    except OverflowError:  # a whole number that no float holds
        return math.inf


def _child_to_json(genome: Genome, birth: Birth) -> dict[str, Any]:
    return {"genome": genome.to_json(), "operator": birth.operator, "parents": list(birth.parents)}


def _child_from_json(space: SearchSpace, row: Mapping[str, Any]) -> Child:
    return Child(space.genome(row["genome"]), Birth(row["operator"], tuple(row["parents"])))


def _to_json(state: Any) -> Any:
    """Makes a bit generator's state JSON-able: its arrays of 64-bit words become lists under the key ``words``."""
    if isinstance(state, Mapping):
        return {name: _to_json(value) for name, value in state.items()}
    return {"words": [int(word) for word in state]} if isinstance(state, np.ndarray) else state


def _from_json(data: Any) -> Any:
    if not isinstance(data, Mapping):
        return data
    if set(data) == {"words"}:
        return np.array(data["words"], np.uint64)
    return {name: _from_json(value) for name, value in data.items()}
