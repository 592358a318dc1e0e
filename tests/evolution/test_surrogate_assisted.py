import itertools
import json

import numpy as np
import pytest

from ganas.errors import ConfigError
from ganas.evolution import Evolution, Stopped
from ganas.evolution.kernel import encoding_of
from ganas.evolution.scores import standard_scores
from ganas.evolution.surrogate import Surrogate, fit_kernel
from ganas.evolution.surrogate_assisted import (
    DOUBT,
    expected_improvement,
    learned_results,
    middle_genome,
    random_chebyshev,
)
from ganas.search.genes import Choice, FloatRange, IntegerRange
from ganas.search.space import Genome, LayerGroup, SearchSpace

TABLE = SearchSpace(
    {
        "rate": Choice([5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1], ordered=True),
        "batch_size": Choice([8, 16, 32, 64], ordered=True),
        "activation": Choice(["relu", "tanh"]),
        "dropout": Choice([0.0, 0.3, 0.6], ordered=True),
        "units_1": Choice([16, 32, 64, 128, 256, 512], ordered=True),
        "units_2": Choice([16, 32, 64, 128, 256, 512], ordered=True),
    }
)
DEEP = SearchSpace(
    {
        "layers": LayerGroup(
            IntegerRange(1, 5), {"units": IntegerRange(8, 128, log=True), "activation": Choice(["relu", "tanh", "elu"])}
        ),
        "rate": FloatRange(1e-4, 1e-1, log=True),
    }
)


def table_error(genome: Genome) -> float:
    """Errors over orders of magnitude, with an optimum that moves, a diverging corner and a little noise of its own."""
    rate, units = np.log10(genome["rate"]), np.log2(genome["units_1"] * genome["units_2"])
    decades = 0.8 * abs(rate + 2.6 - 0.1 * np.log2(genome["batch_size"])) + 1.2 * genome["dropout"]
    decades += (
        2 * np.exp(-(units - 8) / 3) + 0.2 * (genome["activation"] == "tanh") + int(genome.digest, 16) % 97 / 2000
    )
    return float(10**decades + 1000 * (genome["rate"] == 0.1 and genome["activation"] == "relu"))


def deep_error(genome: Genome) -> float:
    layers = genome["layers"]
    units = sum(np.log2(layer["units"]) for layer in layers)
    wrong = sum(layer["activation"] == "tanh" for layer in layers)
    return float(abs(units - 17) + wrong + 3 * abs(np.log10(genome["rate"]) + 2.7) + (layers[0]["units"] < 32))


def best_of(space: SearchSpace, error: object, engine: str, seed: int, batch: int = 1, trainings: int = 32) -> float:
    evolution = Evolution(space, engine=engine, seed=seed)
    while len(evolution.results) < trainings:
        genomes = evolution.ask(batch)
        evolution.tell(genomes, [[error(genome)] for genome in genomes])  # type: ignore[operator]
    assert evolution.best is not None
    return evolution.best.objectives[0]


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize(("space", "error"), [(TABLE, table_error), (DEEP, deep_error)], ids=["table", "deep"])
def test_in_a_quarter_of_the_trainings_it_finds_more_than_random_search(
    space: SearchSpace, error: object, batch: int
) -> None:
    screened = [best_of(space, error, "surrogate_assisted", seed, batch, 40) for seed in range(3)]
    drawn = [best_of(space, error, "random", seed, 40, 160) for seed in range(3)]
    assert np.median(screened) < np.median(drawn)


def test_it_is_the_engine_unless_one_is_named() -> None:
    assert Evolution(TABLE).state()["settings"]["engine"] == "surrogate_assisted"


def test_the_first_genome_is_the_middle_of_the_space_and_the_others_fill_it() -> None:
    evolution = Evolution(TABLE, engine="surrogate_assisted", seed=0)
    first = evolution.ask(9)
    assert first[0] == middle_genome(TABLE, np.random.default_rng(0))
    assert dict(first[0]) == {
        "rate": 1e-2, "batch_size": 32, "activation": "relu", "dropout": 0.3, "units_1": 128, "units_2": 128
    }  # fmt: skip
    assert len({genome["units_1"] for genome in first}) >= 5
    assert {evolution.birth(genome).operator for genome in first} == {"initial"}
    assert [len(middle_genome(DEEP, np.random.default_rng(0))["layers"])] == [3]


def test_genomes_asked_together_lie_apart() -> None:
    evolution = Evolution(TABLE, engine="surrogate_assisted", seed=1, unscreened=0.0)
    genomes = evolution.ask(20)
    evolution.tell(genomes, [[table_error(genome)] for genome in genomes])
    together = encoding_of(TABLE).encode(evolution.ask(8))
    assert len(np.unique(together, axis=0)) == 8
    assert together.std(0).max() > 0.1


def test_results_are_told_in_any_batches_and_pending_ones_are_not_asked_again() -> None:
    evolution = Evolution(TABLE, engine="surrogate_assisted", seed=2)
    waiting = evolution.ask(12)
    evolution.tell(waiting[4:], [[table_error(genome)] for genome in waiting[4:]])
    more = evolution.ask(4)
    assert not set(more) & set(waiting)
    again = Evolution.from_state(TABLE, json.loads(json.dumps(evolution.state())))
    for one in (evolution, again):
        one.tell(waiting[:4], [[table_error(genome)] for genome in waiting[:4]])
    assert again.ask(3) == evolution.ask(3)


def test_it_keeps_away_from_where_networks_fail() -> None:
    def fails(genome: Genome) -> bool:
        return bool(genome["rate"] >= 1e-2)

    evolution = Evolution(TABLE, engine="surrogate_assisted", seed=0, unscreened=0.0)
    for _ in range(30):
        (genome,) = evolution.ask(1)
        evolution.tell([genome], [None if fails(genome) else [table_error(genome)]])
    tried = [fails(result.genome) for result in evolution.results]
    assert sum(tried[20:]) < sum(tried[:10])


@pytest.mark.parametrize("seed", range(3))
def test_what_was_stopped_early_teaches_it_where_not_to_look(seed: int) -> None:
    def is_stopped(genome: Genome) -> bool:
        return bool(genome["dropout"] > 0)

    evolution = Evolution(TABLE, engine="surrogate_assisted", seed=seed, unscreened=0.0)
    for _ in range(20):
        (genome,) = evolution.ask(1)
        error = table_error(genome)
        evolution.tell([genome], [Stopped([error / 100], 0) if is_stopped(genome) else [error]])
    stopped = [is_stopped(result.genome) for result in evolution.results]
    # Later, when the best that is not stopped has been found, anything is worth a try again.
    assert sum(stopped[10:]) < sum(stopped[:10])


def test_several_objectives_give_a_wider_front_than_random_search() -> None:
    def objectives(genome: Genome) -> list[float]:
        return [np.log10(table_error(genome)), float(np.log2(genome["units_1"] * genome["units_2"]))]

    def hypervolume(engine: str, seed: int) -> float:
        evolution = Evolution(TABLE, engine=engine, seed=seed)
        for _ in range(8):
            genomes = evolution.ask(5)
            evolution.tell(genomes, [objectives(genome) for genome in genomes])
        front = np.array(sorted(one.objectives for one in evolution.front))
        width = np.minimum(np.diff(np.append(front[:, 0], 4.0)), 10.0)
        return float((np.maximum(width, 0) * (20.0 - np.minimum.accumulate(front[:, 1]))).sum())

    screened = [hypervolume("surrogate_assisted", seed) for seed in range(3)]
    assert np.median(screened) > np.median([hypervolume("random", seed) for seed in range(3)])


def test_expected_improvement_is_the_mean_of_what_is_gained_with_doubt() -> None:
    x = np.random.default_rng(0).random((12, 2))
    y = standard_scores(1.0 + np.sin(7 * x[:, 0]) + x[:, 1])
    model = Surrogate(fit_kernel(np.arange(2), x, y), x, y)
    where = np.column_stack([np.linspace(0.55, 0.7, 6), np.linspace(0.0, 0.1, 6)])
    mean, deviation = model.predict(where)
    best = model.expected.min()
    draws = np.random.default_rng(1).normal(mean, DOUBT * deviation, (400_000, 6))
    gained = np.maximum(best - draws, 0).mean(0)
    assert gained.min() > 0.1
    assert np.exp(expected_improvement([model], where)) == pytest.approx(gained, rel=0.02)


def test_hopeless_genomes_still_have_an_order() -> None:
    x = np.linspace(0, 1, 8)[:, None]
    y = 30 * x[:, 0]
    model = Surrogate(fit_kernel(np.arange(1), x, y), x, y)
    promises = expected_improvement([model], np.linspace(0.1, 1, 50)[:, None])
    assert np.isfinite(promises).all()
    assert np.all(promises[:-1] > promises[-1])


def test_weights_of_a_promise_are_drawn_anew() -> None:
    x = np.linspace(0, 1, 11)[:, None]
    models = [
        Surrogate(fit_kernel(np.arange(1), x, y), x, y) for y in (standard_scores(x[:, 0]), standard_scores(-x[:, 0]))
    ]
    rng = np.random.default_rng(0)
    wanted = {int(random_chebyshev(2, rng)(models, x).argmax()) for _ in range(30)}
    assert len(wanted) > 3


@pytest.mark.parametrize(
    ("name", "value"), [("design", 0), ("children", 0), ("results", 7), ("unscreened", 1.5), ("tournament", 0)]
)
def test_an_option_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"\[evolution\] {name}: must be"):
        Evolution(TABLE, engine="surrogate_assisted", **{name: value})


def test_the_kernel_is_learned_anew_with_about_every_16th_part_more_results():
    learned = [learned_results(count) for count in range(1, 5000)]
    assert learned == sorted(learned)
    anew = sorted(set(learned))
    assert all(1 <= number <= count for count, number in enumerate(learned, start=1))
    assert all(later - earlier >= later // 17 for earlier, later in itertools.pairwise(anew) if earlier > 256)
    assert all(later - earlier <= max(1, later // 8) for earlier, later in itertools.pairwise(anew))
    assert sum(1000 <= number < 1064 for number in anew) == 1
