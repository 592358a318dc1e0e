import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganas.errors import ConfigError, SpaceError
from ganas.search.mlp import FLAT_WORDS, LAYER_WORDS, SEARCH_DEFAULTS, TABLES, mlp_space
from ganas.search.plan import Corruption, DenseLayer, Head, Mutation, NetworkPlan, Optimizer, mlp_plan
from ganas.search.start import start_genomes

EVERYTHING = {
    "layers": [1, 5],
    "units": {"range": [8, 128], "log": True},
    "activation": ["relu", "leaky_relu(0.2)", "prelu", "elu(0.5)"],
    "dropout": {"range": [0, 0.5], "step": 0.1},
    "batch_normalization": [False, True],
    "loss": ["categorical_crossentropy", "mean_squared_error"],
    "optimizer": ["adam", "sgd"],
    "learning_rate": {"range": [1e-4, 1e-1], "log": True},
    "weight_decay": [0, 1e-4],
    "batch_size": [16, 32, 64],
    "kernel_initializer": ["he_normal", "glorot_uniform"],
    "l1": [0.0, 1e-5],
    "l2": [0.0, 1e-5],
    "normalization": ["after_activation", "before_activation"],
    "corruption": {"kind": ["none", "mask", "gaussian"], "rate": {"range": [0.05, 0.5]}},
    "weight_mutation": {"probability": [0.0, 0.1, 0.2], "ratio": [1e-4, 1e-3], "method": ["magnitude", "random"]},
}


@given(st.integers(0, 2**32))
def test_every_genome_stands_for_a_plan_and_the_plan_for_the_genome(seed: int) -> None:
    space = mlp_space(EVERYTHING)
    genome = space.sample(np.random.default_rng(seed))
    plan = space.decode(genome)
    assert len(plan.layers) == len(genome["layers"])
    assert space.encode(plan) == genome
    assert space.encode(replace(plan, head=Head(10, "softmax"))) == genome


def test_every_word_can_be_searched() -> None:
    assert set(EVERYTHING) == {"layers", *LAYER_WORDS, *(word for word in FLAT_WORDS if "." not in word), *TABLES}


def test_a_silent_section_searches_layers_and_learning_rate_only() -> None:
    space = mlp_space({})
    assert list(space.genes) == ["layers", "learning_rate"]
    assert list(space.groups["layers"].genes) == ["units", "activation"]
    assert mlp_space(SEARCH_DEFAULTS).genes == space.genes


def test_a_fixed_gene_is_in_the_plan_and_not_in_the_genome() -> None:
    space = mlp_space({"batch_size": 64, "dropout": 0.25, "activation": "tanh", "optimizer": "sgd"})
    genome = space.sample(np.random.default_rng(0))
    assert set(genome) == {"layers", "learning_rate"}
    assert all(set(row) == {"units"} for row in genome["layers"])
    plan = space.decode(genome)
    assert (plan.batch_size, plan.optimizer.name) == (64, "sgd")
    assert all((layer.dropout, layer.activation) == (0.25, "tanh") for layer in plan.layers)


def test_fixed_layers_are_in_the_plan_though_no_genome_holds_them() -> None:
    space = mlp_space({"layers": 2, "units": 32, "activation": "relu", "batch_size": [16, 32]})
    genome = space.sample(np.random.default_rng(0))
    assert "layers" not in genome
    assert [layer.units for layer in space.decode(genome).layers] == [32, 32]
    with pytest.raises(SpaceError, match="plan layers: expected 2, got 1"):
        space.encode(mlp_plan([32], batch_size=16))


def test_head_and_loss_are_left_to_the_task() -> None:
    space = mlp_space({})
    plan = space.decode(space.sample(np.random.default_rng(0)))
    assert plan.head is None
    assert plan.loss is None


def test_a_part_that_is_switched_off_is_neither_in_the_genome_nor_in_the_plan() -> None:
    space = mlp_space(EVERYTHING)
    rng = np.random.default_rng(0)
    for genome in (space.sample(rng) for _ in range(50)):
        plan = space.decode(genome)
        assert (plan.corruption is None) == (genome["corruption.kind"] == "none") == ("corruption.rate" not in genome)
        is_mutated = genome["weight_mutation.probability"] > 0
        assert (plan.mutation is not None) == is_mutated == ("weight_mutation.ratio" in genome)


def test_a_table_that_is_there_switches_its_part_on() -> None:
    space = mlp_space({"corruption": {"rate": 0.3}, "weight_mutation": {"probability": 0.2}})
    plan = space.decode(space.sample(np.random.default_rng(0)))
    assert plan.corruption == Corruption("mask", 0.3)
    assert plan.mutation == Mutation(0.2, 1e-4)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"optimizer": Optimizer("sgd", 1e-3, options={"momentum": 0.9})}, "optimizer options momentum"),
        ({"tied": True}, "tied"),
        ({"bottleneck": 0}, "bottleneck"),
    ],
)
def test_a_plan_that_says_what_no_word_says_has_no_genome(said, field) -> None:
    space = mlp_space({"optimizer": ["adam", "sgd"]})
    with pytest.raises(SpaceError, match=rf"^plan {field}: no word of \[search\] says it"):
        space.encode(NetworkPlan((DenseLayer(64),), **said))


def test_a_part_of_a_plan_that_does_nothing_is_none() -> None:
    space = mlp_space({"weight_mutation": {"probability": [0.0, 0.1]}})
    idle = mlp_plan([64], mutation=Mutation(0.0, 0.3))
    assert space.encode(idle) == space.encode(mlp_plan([64]))


def test_a_plan_that_disagrees_with_what_is_fixed_has_no_genome() -> None:
    space = mlp_space({})
    with pytest.raises(SpaceError, match="plan batch_size: the search space fixes it at 32, got 64"):
        space.encode(mlp_plan([64], batch_size=64))
    with pytest.raises(SpaceError, match=r"plan corruption\.kind: the search space fixes it at 'none', got 'mask'"):
        space.encode(mlp_plan([64], corruption=Corruption("mask", 0.1)))
    with pytest.raises(SpaceError, match="units: 999 is not in 16 to 128"):
        space.encode(mlp_plan([999]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"unit": 3}, "[search] unit: unknown key; did you mean units?"),
        ({"units": 0}, "[search] units: must be a whole number of at least 1, got 0"),
        ({"layers": [3, 1]}, "[search] layers: a range needs low <= high, got 3 > 1"),
        ({"layers": 0}, "[search] layers: must be a whole number of at least 1, got 0"),
        ({"layers": [1, 2, 3]}, "[search] layers: must be"),
        ({"corruption": 3}, "[search] corruption: expected a table such as { kind = ... }, got 3"),
        ({"corruption": {"rat": 1}}, "[search] corruption rat: unknown key; did you mean rate?"),
        ({"corruption": {"rate": 1}}, "[search] corruption rate: must be a number of at least 0 and below 1, got 1"),
        ({"optimizer": "adma"}, "[search] optimizer: must be one of adadelta,"),
        ({"layers": 1, "units": 8, "activation": "relu", "learning_rate": 0.1}, "nothing is left to search"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused_in_one_line(words: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        mlp_space(words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_network_to_start_with_says_what_the_section_searches_of_a_part_that_is_on() -> None:
    words = {"weight_mutation": {"probability": 0.05, "ratio": [1e-4, 1e-3]}, "start": [{"layers": [64]}]}
    with pytest.raises(
        ConfigError, match=r"start\[0\]: say its weight_mutation too; the section does not fix its ratio"
    ):
        start_genomes(words)


def test_a_loss_is_the_same_gene_value_however_it_is_called() -> None:
    space = mlp_space({"loss": ["cross_entropy", "huber"]})
    for spelling in ("categorical_crossentropy", "crossentropy", "cross_entropy"):
        assert space.encode(mlp_plan([(64, "relu")], loss=spelling))["loss"] == "cross_entropy"
    with pytest.raises(SpaceError, match="loss"):
        space.encode(mlp_plan([(64, "relu")], loss="mse"))
    fixed = mlp_space({"loss": "mse"})
    assert fixed.decode(fixed.encode(mlp_plan([(64, "relu")], loss="mean_squared_error"))).loss == "mse"
    with pytest.raises(SpaceError, match="the search space fixes it at 'mse', got 'huber'"):
        fixed.encode(mlp_plan([(64, "relu")], loss="huber"))


def test_networks_to_start_with_are_genomes_of_the_space() -> None:
    layers = [64, [32, "tanh"], {"units": 16, "activation": "elu"}]
    words = {"batch_size": 64, "start": [{"layers": layers, "learning_rate": 3e-3}]}
    (genome,) = start_genomes(words)
    plan = mlp_space(words).decode(genome)
    assert plan.in_words() == "64 relu → 32 tanh → 16 elu"
    assert (plan.optimizer.learning_rate, plan.batch_size) == (3e-3, 64)
    assert json.loads(genome.key) == genome.to_json()


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (3, "[search] start: expected a list of networks, got 3"),
        ([3], "[search] start[0]: expected a network such as { layers = [64, 32] }, got 3"),
        ([{"layers": [64], "rate": 1}], "[search] start[0] rate: unknown key"),
        ([{"layers": [64]}, {"layers": []}], "[search] start[1]: plan layers: expected 1 to 4, got 0"),
        ([{"layers": [{"unit": 64}]}], "[search] start[0] layers unit: unknown key; did you mean units?"),
        (
            [{"layers": [64], "batch_size": 8}],
            "[search] start[0]: plan batch_size: the search space fixes it at 32, got 8",
        ),
        ([{"layers": ["many"]}], '[search] start[0] layers units: must be a whole number of at least 1, got "many"'),
        ([{"layers": [64], "learning_rate": "fast"}], "[search] start[0] learning_rate: must be a number above 0"),
        ([{"layers": [64], "loss": "huber"}], "[search] start[0] loss: this search leaves the loss to the task"),
        ([{"layers": 64}], "[search] start[0] layers: expected a list"),
        ([{"layers": [64], "corruption": 1}], "[search] start[0] corruption: expected a table, got 1"),
    ],
)
def test_a_network_to_start_with_that_makes_no_sense_is_refused(start: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        start_genomes({"start": start})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
