"""What every engine promises; a new one in ``ENGINES`` is under these tests by its name alone."""

import json
import random

import numpy as np
import pytest

from ganas.errors import ConfigError
from ganas.evolution import Evolution, Stopped
from ganas.evolution.engines import ENGINES, engine_options
from ganas.search.genes import Choice, FloatRange, IntegerRange
from ganas.search.space import Condition, Genome, LayerGroup, SearchSpace

FLAT = SearchSpace(
    {
        "units": Choice([16, 32, 64, 128], ordered=True),
        "activation": Choice(["relu", "tanh"]),
        "layers": IntegerRange(1, 5),
        "rate": FloatRange(1e-4, 1e-1, log=True),
    }
)
LAYERED = SearchSpace(
    {
        "layers": LayerGroup(
            IntegerRange(1, 4), {"units": IntegerRange(8, 128, log=True), "activation": Choice(["relu", "tanh", "elu"])}
        ),
        "optimizer": Choice(["sgd", "adam"]),
        "momentum": FloatRange(0, 0.99),
        "rate": FloatRange(1e-4, 1e-1, log=True),
    },
    conditions={"momentum": Condition("optimizer", ("sgd",))},
)
FINITE = SearchSpace({"a": Choice(list("xyz")), "b": IntegerRange(1, 4)})


def error(genome: Genome) -> float:
    distance = abs(np.log10(genome["rate"]) + 2)
    if isinstance(genome["layers"], int):
        return float(distance + abs(genome["layers"] - 3) + (genome["activation"] == "tanh") + genome["units"] / 100)
    units = sum(layer["units"] for layer in genome["layers"])
    return float(distance + abs(units - 150) / 100 + (genome["optimizer"] == "sgd"))


def objectives(genome: Genome) -> object:
    """Two objectives for most genomes; some fail, some are stopped at a rung: the same ones on every machine."""
    kind = int(genome.digest, 16) % 10
    row = [error(genome), float(len(genome.key))]
    return None if kind == 0 else [row[0], float("nan")] if kind == 1 else Stopped(row, 0) if kind == 2 else row


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("space", [FLAT, LAYERED], ids=["flat", "layered"])
def test_it_never_asks_the_same_genome_twice_and_only_genomes_of_the_space(engine: str, space: SearchSpace) -> None:
    evolution = Evolution(space, engine=engine, population=8, seed=0)
    asked: list[Genome] = []
    for count in (3, 8, 1, 12, 5):
        genomes = evolution.ask(count)
        assert len(genomes) == count
        assert all(space.genome(genome) == genome for genome in genomes)
        asked += genomes
        evolution.tell(genomes, [[error(genome)] for genome in genomes])
    assert len(set(asked)) == len(asked) == 29


def test_one_seed_gives_one_answer_and_another_seed_another(engine: str) -> None:
    def history(seed: int) -> list[Genome]:
        evolution = Evolution(LAYERED, engine=engine, population=4, seed=seed)
        for _ in range(4):
            genomes = evolution.ask(4)
            evolution.tell(genomes, [[error(genome)] for genome in genomes])
        return [result.genome for result in evolution.results]

    assert history(0) == history(0)
    assert history(0) != history(1)


@pytest.mark.parametrize("count", [1, 4, 7, 15])
@pytest.mark.parametrize("space", [FLAT, LAYERED], ids=["flat", "layered"])
def test_it_goes_on_exactly_from_its_state_as_json(engine: str, space: SearchSpace, count: int) -> None:
    evolution = Evolution(space, engine=engine, population=4, seed=3)
    for _ in range(max(2, 12 // count)):
        genomes = evolution.ask(count)
        if genomes[1:]:
            evolution.tell(genomes[1:], [objectives(genome) for genome in genomes[1:]])
        again = Evolution.from_state(space, json.loads(json.dumps(evolution.state())))
        evolution.tell(genomes[:1], [objectives(genomes[0])])
        again.tell(genomes[:1], [objectives(genomes[0])])
        assert again.state() == evolution.state()
        assert [one.genome for one in again.population] == [one.genome for one in evolution.population]
        assert list(again.logbook) == list(evolution.logbook)
        assert [one.genome for one in again.front] == [one.genome for one in evolution.front]
        assert again.ask(2) == evolution.ask(2)


def test_a_failed_or_stopped_genome_never_becomes_a_parent(engine: str) -> None:
    evolution = Evolution(LAYERED, engine=engine, population=6, seed=1)
    bad: set[str] = set()
    for _ in range(5):
        genomes = evolution.ask(6)
        rows = [objectives(genome) for genome in genomes]
        bad |= {genome.digest for genome in genomes if int(genome.digest, 16) % 10 < 3}
        evolution.tell(genomes, rows)
    assert bad
    individuals = [*evolution.population, *evolution.hall_of_fame, *evolution.front]
    assert not bad & {individual.genome.digest for individual in individuals}
    parents = {parent for result in evolution.results for parent in result.birth.parents}
    assert not bad & parents


def test_it_survives_a_start_where_everything_fails(engine: str) -> None:
    evolution = Evolution(FLAT, engine=engine, population=5, seed=0)
    for _ in range(4):
        genomes = evolution.ask(5)
        evolution.tell(genomes, [None] * 5)
    assert evolution.best is None
    assert evolution.front == evolution.hall_of_fame == []
    assert evolution.generation == 4
    genomes = evolution.ask(5)
    evolution.tell(genomes, [[error(genome)] for genome in genomes])
    assert len(evolution.ask(5)) == 5


def test_an_exhausted_space_gives_fewer_genomes_and_then_none(engine: str) -> None:
    evolution = Evolution(FINITE, engine=engine, population=4, seed=0)
    seen: set[Genome] = set()
    sizes = []
    for _ in range(5):
        genomes = evolution.ask(5)
        sizes.append(len(genomes))
        seen |= set(genomes)
        evolution.tell(genomes, [[genome["b"]] for genome in genomes])
    assert sizes == [5, 5, 2, 0, 0]
    assert seen == set(FINITE.genomes())


def test_asked_before_anything_is_told_it_still_gives_new_genomes(engine: str) -> None:
    evolution = Evolution(FLAT, engine=engine, population=4, seed=0)
    assert len({*evolution.ask(4), *evolution.ask(9), *evolution.ask(1)}) == 14


def test_it_leaves_the_callers_random_numbers_alone(engine: str) -> None:
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002  # the legacy generator is what must not move
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[union-attr,index]  # noqa: NPY002
    evolution = Evolution(FLAT, engine=engine, population=5, seed=0)
    for _ in range(3):
        genomes = evolution.ask(5)
        evolution.tell(genomes, [[error(genome)] for genome in genomes])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[union-attr,index]  # noqa: NPY002


def test_every_birth_names_an_operator_and_parents_that_were_told(engine: str) -> None:
    evolution = Evolution(LAYERED, engine=engine, population=6, seed=0)
    told: set[str] = set()
    for _ in range(6):
        genomes = evolution.ask(6)
        for genome in genomes:
            birth = evolution.birth(genome)
            assert birth.operator
            assert set(birth.parents) <= told
        evolution.tell(genomes, [[error(genome)] for genome in genomes])
        told |= {genome.digest for genome in genomes}


def test_genomes_told_unasked_take_part_but_are_never_asked(engine: str) -> None:
    evolution = Evolution(FLAT, engine=engine, population=5, seed=0)
    own = [{"units": 16, "activation": "relu", "layers": 3, "rate": 0.01}, FLAT.sample(np.random.default_rng(9))]
    evolution.tell(own, [[0.0], [5.0]])
    assert evolution.best is not None
    assert dict(evolution.best.genome) == own[0]
    assert evolution.generation == 0
    for _ in range(5):
        genomes = evolution.ask(5)
        assert not set(genomes) & {FLAT.genome(genome) for genome in own}
        evolution.tell(genomes, [[error(genome)] for genome in genomes])
    assert evolution.generation == 5


def test_its_defaults_are_its_options_and_an_unknown_one_is_refused_with_the_nearest(engine: str) -> None:
    options = engine_options(engine)
    Evolution(FLAT, engine=engine, **options)
    for name in options:
        with pytest.raises(ConfigError, match=f"did you mean '{name}'"):
            Evolution(FLAT, engine=engine, **{name[:-1] + "q": 1})
        with pytest.raises(ConfigError, match=rf"\[evolution\] {name}: expected"):
            Evolution(FLAT, engine=engine, **{name: [1]})


def test_selection_helps(engine: str) -> None:
    def mean_best(name: str, seeds: range) -> float:
        found = []
        for seed in seeds:
            evolution = Evolution(FLAT, engine=name, population=8, seed=seed)
            for _ in range(6):
                genomes = evolution.ask(8)
                evolution.tell(genomes, [[error(genome)] for genome in genomes])
            assert evolution.best is not None
            found.append(evolution.best.objectives[0])
        return float(np.mean(found))

    luck = mean_best("random", range(20))
    assert mean_best(engine, range(4)) < luck * (1.5 if engine == "random" else 0.9)
