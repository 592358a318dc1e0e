"""The ask/tell door itself, whatever the engine; what every engine promises is in tests/contracts."""

import json
import subprocess
import sys

import numpy as np
import pytest

import ganas
from ganas.errors import ConfigError, SpaceError
from ganas.evolution import Birth, Evolution, Individual, Stopped
from ganas.search.genes import Choice, FloatRange, IntegerRange
from ganas.search.space import Genome, SearchSpace

SPACE = SearchSpace({"a": IntegerRange(0, 999), "b": Choice(list("xyz"))})


def evolve(rounds: int, count: int, **settings: object) -> Evolution:
    evolution = Evolution(SPACE, engine="generational", **settings)  # type: ignore[arg-type]
    for _ in range(rounds):
        genomes = evolution.ask(count)
        evolution.tell(genomes, [[genome["a"]] for genome in genomes])
    return evolution


def test_the_lines_of_the_guide_work_as_they_are_written() -> None:
    def my_error(genome: Genome) -> float:
        return float(abs(np.log10(genome["rate"]) + 3) + abs(dict(genome)["units"] - 64) / 64)

    space = ganas.SearchSpace(
        {
            "units": ganas.Choice([16, 32, 64, 128], ordered=True),
            "activation": ganas.Choice(["relu", "tanh"]),
            "layers": ganas.IntegerRange(1, 5),
            "rate": ganas.FloatRange(1e-4, 1e-1, log=True),
        }
    )
    evolution = ganas.Evolution(space, engine="generational", population=20, seed=0)
    for _ in range(12):
        genomes = evolution.ask(8)
        evolution.tell(genomes, [[my_error(g)] for g in genomes])
    assert evolution.best is evolution.hall_of_fame[0] is evolution.front[0]
    again = ganas.Evolution.from_state(space, evolution.state())
    assert again.ask(8) == evolution.ask(8)


def test_so_many_generations_of_so_many_individuals_are_so_many_different_genomes() -> None:
    evolution = evolve(rounds=10, count=20, population=20)
    assert evolution.generation == 10
    assert len({result.genome for result in evolution.results}) == 200


def test_asked_in_the_middle_of_a_generation_it_breeds_from_the_last_complete_one() -> None:
    evolution = evolve(rounds=2, count=10, population=10)
    parents = {individual.genome.digest for individual in evolution.population}
    first = evolution.ask(7)
    evolution.tell(first, [[0.0]] * 7)
    births = [evolution.birth(genome) for genome in (*first, *evolution.ask(9))]
    assert {parent for birth in births for parent in birth.parents} <= parents


def test_the_best_of_a_generation_survives_unless_a_child_is_better() -> None:
    evolution = evolve(rounds=6, count=10, population=10, elite=1)
    assert evolution.best in evolution.population
    bests = [row["best"] for row in evolution.logbook]
    assert bests == sorted(bests, reverse=True)


def test_results_may_be_told_in_parts_and_in_any_order() -> None:
    evolution = Evolution(SPACE, engine="generational", population=4, seed=0)
    genomes = evolution.ask(4)
    evolution.tell(genomes[2:], [[1.0], [2.0]])
    assert evolution.pending == genomes[:2]
    evolution.tell(genomes[:2], [[3.0], [4.0]])
    assert evolution.pending == []
    assert evolution.generation == 1


def test_nan_and_infinity_are_failures() -> None:
    evolution = Evolution(SPACE, engine="generational", population=4, seed=0)
    genomes = evolution.ask(4)
    evolution.tell(genomes, [[float("nan")], [float("inf")], None, np.array([0.5], np.float32)])
    assert [individual.genome for individual in evolution.hall_of_fame] == genomes[3:]
    assert evolution.logbook[0]["failures"] == 3
    json.dumps(evolution.state(), allow_nan=False)


def test_a_stopped_genome_is_remembered_with_its_rung_and_is_not_the_best() -> None:
    evolution = Evolution(SPACE, engine="generational", population=2, seed=0)
    genomes = evolution.ask(2)
    evolution.tell(genomes, [Stopped([0.1], rung=0), [0.2]])
    assert evolution.best is not None
    assert evolution.best.genome == genomes[1]
    assert (evolution.results[0].objectives, evolution.results[0].rung) == ((0.1,), 0)
    assert evolution.logbook[0]["stopped"] == 1


def test_the_logbook_has_a_row_per_generation() -> None:
    evolution = Evolution(SPACE, engine="random", population=4, seed=0)
    for _ in range(2):
        evolution.tell(evolution.ask(4), [[1.0], [2.0], [6.0], None])
    row = dict(evolution.logbook[1])
    assert row.pop("spread") == pytest.approx(np.std([1, 2, 6]))
    counts = {"unique": 3, "failures": 1, "stopped": 0}
    assert row == {"generation": 1, "evaluations": 8, "best": 1.0, "mean": 3.0, **counts}
    assert "failures" in str(evolution.logbook)


def test_a_generation_where_all_fail_has_a_row_without_numbers() -> None:
    evolution = Evolution(SPACE, engine="generational", population=2, seed=0)
    evolution.tell(evolution.ask(2), [None, None])
    assert evolution.logbook[0]["best"] is None
    assert evolution.logbook[0]["failures"] == 2


def test_the_front_holds_what_nothing_dominates() -> None:
    evolution = Evolution(SPACE, engine="nsga2", population=4, seed=0)
    rows = [[1.0, 9.0], [2.0, 5.0], [2.0, 6.0], [3.0, 1.0]]
    evolution.tell(evolution.ask(4), rows)
    assert sorted(individual.objectives for individual in evolution.front) == [(1.0, 9.0), (2.0, 5.0), (3.0, 1.0)]


def test_nsga2_finds_more_of_a_front_than_random_search() -> None:
    def hypervolume(engine: str, seed: int) -> float:
        evolution = Evolution(SPACE, engine=engine, population=10, seed=seed)
        for _ in range(8):
            genomes = evolution.ask(10)
            rows = [
                [g["a"] / 999 + "xyz".index(g["b"]), (1 - g["a"] / 999) ** 2 + "xyz".index(g["b"])] for g in genomes
            ]
            evolution.tell(genomes, rows)
        points = sorted(individual.objectives for individual in evolution.front)
        ends = [*[point[0] for point in points[1:]], 3.0]
        return sum((end - x) * (3 - y) for end, (x, y) in zip(ends, points, strict=True))

    assert np.mean([hypervolume("nsga2", s) for s in range(4)]) > np.mean([hypervolume("random", s) for s in range(4)])


def test_of_equals_the_earlier_is_the_better() -> None:
    evolution = Evolution(SPACE, engine="generational", population=3, seed=0)
    genomes = evolution.ask(3)
    evolution.tell(genomes, [[0.5], [0.25], [0.25]])
    assert [individual.genome for individual in evolution.hall_of_fame] == [genomes[1], genomes[2], genomes[0]]
    assert [individual.genome for individual in evolution.front] == genomes[1:]


def test_the_hall_of_fame_holds_the_best_in_order_and_no_more_than_asked() -> None:
    evolution = evolve(rounds=5, count=10, population=10, hall_of_fame=3)
    errors = sorted(result.objectives[0] for result in evolution.results if result.objectives)
    assert [individual.objectives[0] for individual in evolution.hall_of_fame] == errors[:3]


def test_seed_zero_is_a_seed() -> None:
    first, again, other = (Evolution(SPACE, engine="random", seed=seed).ask(5) for seed in (0, 0, 1))
    assert first == again != other


def test_genomes_to_start_with_are_asked_first() -> None:
    start = [{"a": 7, "b": "x"}, {"a": 8, "b": "y"}]
    evolution = Evolution(SPACE, engine="generational", population=4, seed=0, start=start)
    genomes = evolution.ask(4)
    assert [dict(genome) for genome in genomes[:2]] == start
    assert [evolution.birth(genome).operator for genome in genomes] == ["start", "start", "initial", "initial"]
    assert Evolution.from_state(SPACE, evolution.state()).ask(3) == evolution.ask(3)


def test_the_last_genomes_of_a_finite_space_are_found() -> None:
    space = SearchSpace({"a": IntegerRange(1, 600)})
    evolution = Evolution(space, engine="generational", population=50, seed=0)
    asked = 0
    while genomes := evolution.ask(133):
        asked += len(genomes)
        evolution.tell(genomes, [[genome["a"]] for genome in genomes])
    assert asked == 600


def test_a_continuum_that_prints_as_few_numbers_ends_too() -> None:
    space = SearchSpace({"rate": FloatRange(1.0, 1.00002)})
    assert len(Evolution(space, engine="random", population=4).ask(50)) < 50


def test_an_individual_is_its_own_copy_and_knows_its_objectives() -> None:
    individual = Individual(SPACE.genome({"a": 1, "b": "x"}), (0.1, 300.0), Birth("initial"))
    assert individual.objectives == (0.1, 300.0)
    other = Individual(SPACE.genome({"a": 2, "b": "x"}), (0.2, 300.0), Birth("initial"))
    assert individual.fitness.dominates(other.fitness)
    assert not other.fitness.dominates(individual.fitness)


@pytest.mark.parametrize(
    ("genomes", "rows", "message"),
    [
        ([{"a": 1, "b": "x"}], [], "tell: expected one row per genome, got 0 for 1 genomes"),
        ([{"a": 1, "b": "x"}], [0.5], r"expected a row of numbers such as \[0.12\], None or Stopped, got 0.5"),
        ([{"a": 1, "b": "x"}], [["low"]], "expected a row of numbers"),
        ([{"a": 1, "b": "x"}], ["12"], "expected a row of numbers such as .*, got '12'"),
        ([{"a": 1, "b": "x"}], [b"12"], "expected a row of numbers"),
        ([{"a": 1, "b": "x"}], [["12"]], "expected a row of numbers"),
        ([{"a": 1, "b": "x"}], [[]], "at least one number"),
        ([{"a": 1, "b": "x"}, {"a": 2, "b": "x"}], [[1.0], [1.0, 2.0]], "as many objectives in every row, got 1 and 2"),
        ([{"a": 1, "b": "x"}, {"a": 1, "b": "x"}], [[1.0], [1.0]], "a genome is there twice"),
        ([{"a": 1}], [[1.0]], r"missing genes \['b'\]"),
        (
            [{"a": 1, "b": "x"}],
            0.5,
            r"tell: expected a list with a row of numbers per genome, such as \[\[0.12\]\], got 0.5",
        ),
    ],
)
def test_what_cannot_be_told_is_refused_and_nothing_is_heard(genomes: list[object], rows: object, message: str) -> None:
    evolution = Evolution(SPACE, engine="generational", population=4)
    with pytest.raises(SpaceError, match=message):
        evolution.tell(genomes, rows)  # type: ignore[arg-type]
    assert evolution.results == []


def test_what_is_no_space_is_one_line() -> None:
    with pytest.raises(SpaceError, match=r"Evolution: expected a ganas.SearchSpace, got list"):
        Evolution([1, 2])  # type: ignore[arg-type]


def test_a_genome_is_told_once() -> None:
    evolution = evolve(rounds=1, count=4, population=4)
    with pytest.raises(SpaceError, match="was told before"):
        evolution.tell([evolution.results[0].genome], [[0.0]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "genrational"}, r"engine: 'genrational' is unknown; did you mean 'generational'\?"),
        ({"engine": "generational", "population": 0}, r"\[evolution\] population: must be at least 1, got 0"),
        ({"population": 3.5}, r"\[evolution\] population: expected a whole number, got 3.5"),
        ({"seed": "four"}, r"\[evolution\] seed: expected a whole number, got 'four'"),
        ({"engine": "generational", "hall_of_fame": 0}, r"\[evolution\] hall_of_fame: must be at least 1, got 0"),
        ({"engine": "generational", "tournament": 0}, r"\[evolution\] tournament: must be at least 1, got 0"),
        ({"engine": "generational", "tournament": 2.5}, r"\[evolution\] tournament: expected int, such as 3, got 2.5"),
        ({"engine": "random", "crossover": 0.5}, r"\[evolution\] crossover: not an option of engine 'random'"),
        ({"engine": "regularized", "sample": 0}, r"\[evolution\] sample: must be at least 1, got 0"),
        ({"engine": "mu_plus_lambda", "survivors": -1}, r"\[evolution\] survivors: must be at least 0, got -1"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_one_line(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Evolution(SPACE, **settings)  # type: ignore[arg-type]


def test_a_state_of_another_format_or_space_is_refused() -> None:
    state = evolve(rounds=1, count=4, population=4).state()
    with pytest.raises(SpaceError, match="expected format"):
        Evolution.from_state(SPACE, {**state, "format": 0})
    with pytest.raises(SpaceError, match="unknown or inactive genes"):
        Evolution.from_state(SearchSpace({"a": IntegerRange(0, 999)}), state)


def test_asking_for_less_than_nothing_is_refused() -> None:
    evolution = Evolution(SPACE, engine="random")
    assert evolution.ask(0) == []
    with pytest.raises(ConfigError, match="ask: count must be at least 0, got -1"):
        evolution.ask(-1)


@pytest.mark.parametrize("count", [2.5, "3", None])
def test_asking_for_what_is_no_number_of_genomes_is_refused(count: object) -> None:
    evolution = Evolution(SPACE, engine="random")
    with pytest.raises(ConfigError, match="ask: expected a whole number, got"):
        evolution.ask(count)  # type: ignore[arg-type]
    assert len(evolution.ask(np.int64(3))) == 3  # type: ignore[arg-type]


def test_mu_of_the_best_survive_and_the_oldest_die_in_regularized_evolution() -> None:
    evolution = Evolution(SPACE, engine="mu_plus_lambda", population=8, survivors=3)
    genomes = evolution.ask(8)
    evolution.tell(genomes, [[float(rank)] for rank in range(8)])
    assert [individual.genome for individual in evolution.population] == genomes[:3]
    aging = Evolution(SPACE, engine="regularized", population=3)
    genomes = aging.ask(5)
    aging.tell(genomes, [[float(rank)] for rank in range(5)])
    assert [individual.genome for individual in aging.population] == genomes[2:]


def test_an_evolution_needs_no_keras() -> None:
    code = (
        "import sys, ganas; evolution = ganas.Evolution(ganas.SearchSpace({'a': ganas.Choice([1, 2, 3])}));"
        "evolution.tell(*[(genomes, [[1.0]] * 2) for genomes in [evolution.ask(2)]][0]);"
        "assert not {'tensorflow', 'keras', 'matplotlib', 'joblib'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_number_that_no_float_holds_is_a_failure() -> None:
    evolution = Evolution(SPACE, engine="random", population=2)
    evolution.tell(evolution.ask(2), [[10**400], Stopped([-(10**400)], rung=0)])
    assert [result.objectives for result in evolution.results] == [None, None]


def test_what_was_told_beside_the_steps_is_not_asked_again_and_hides_nothing() -> None:
    space = SearchSpace({"a": FloatRange(0, 0.5, step=0.1)})
    evolution = Evolution(space, engine="random")
    evolution.tell([{"a": 0.11}, {"a": 0.1 + 0.2}], [[1.0], [2.0]])
    assert sorted(genome["a"] for genome in evolution.ask(100)) == [0.0, 0.2, 0.4, 0.5]
    with pytest.raises(SpaceError, match="told before"):
        evolution.tell([{"a": 0.12}], [[1.0]])


def test_settings_given_by_numpy_are_plain_in_the_state() -> None:
    evolution = Evolution(SPACE, seed=np.int64(4), population=np.int64(3), hall_of_fame=np.int32(2))  # type: ignore[arg-type]
    again = Evolution.from_state(SPACE, json.loads(json.dumps(evolution.state())))
    assert again.ask(5) == evolution.ask(5) == Evolution(SPACE, seed=4, population=3).ask(5)
    evolution = Evolution(SPACE, crossover=np.float32(0.1), children=np.int64(9))  # type: ignore[arg-type]
    assert evolution.state()["settings"].items() >= {"crossover": 0.1, "children": 9}.items()


def test_what_numpy_tells_is_plain_in_the_state() -> None:
    evolution = Evolution(SPACE, engine="random", population=3)
    rows = [np.array([0.1], np.float32), [np.array(0.2, np.float16)], Stopped([np.longdouble("0.3")], rung=np.int64(1))]  # type: ignore[arg-type]
    evolution.tell(evolution.ask(3), rows)
    told = [(row["objectives"], row["rung"]) for row in json.loads(json.dumps(evolution.state()))["results"]]
    assert told == [([0.1], None), ([0.2], None), ([0.3], 1)]


def test_a_state_does_not_change_with_what_is_done_to_another() -> None:
    evolution = Evolution(SPACE, seed=4)
    evolution.state()["settings"]["seed"] = 5
    assert evolution.state()["settings"]["seed"] == 4


def test_the_logbook_prints_before_the_first_generation() -> None:
    evolution = Evolution(SPACE, engine="random", population=2)
    assert str(evolution.logbook).split() == evolution.logbook.stream.split() == evolution.logbook.header
    evolution.tell(evolution.ask(2), [[1.0], [2.0]])
    assert len(str(evolution.logbook).splitlines()) == len(evolution.logbook.stream.splitlines()) == 2
    evolution.tell(evolution.ask(2), [[1.0], [2.0]])
    assert len(str(evolution.logbook).splitlines()) == 3
    assert evolution.logbook.stream.split()[:2] == ["1", "4"]


def test_a_space_with_integers_beyond_a_machine_word_is_searched() -> None:
    space = SearchSpace({"a": IntegerRange(8, 10**30, log=True), "b": IntegerRange(0, 2**64)})
    evolution = Evolution(space, population=4)
    for _ in range(4):
        genomes = evolution.ask(4)
        evolution.tell(genomes, [[genome["a"] / 1e30] for genome in genomes])
    assert len(evolution.results) == 16
