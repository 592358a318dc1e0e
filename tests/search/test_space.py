import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganas.errors import SpaceError
from ganas.search.genes import Choice, FloatRange, IntegerRange
from ganas.search.space import Condition, Genome, LayerGroup, SearchSpace

SPACE = SearchSpace(
    {
        "layers": LayerGroup(IntegerRange(1, 3), {"units": IntegerRange(8, 64, log=True), "activation": Choice("rt")}),
        "optimizer": Choice(["sgd", "adam"]),
        "momentum": FloatRange(0, 0.99),
        "batch_size": Choice([16, 32], ordered=True),
    },
    conditions={"momentum": Condition("optimizer", ("sgd",))},
)
SMALL = SearchSpace(
    {
        "kind": Choice(["none", "mask"]),
        "rate": IntegerRange(1, 3),
        "layers": LayerGroup(IntegerRange(1, 2), {"units": Choice([4, 8])}),
    },
    conditions={"rate": Condition("kind", ("mask",))},
)
seeds = st.integers(0, 2**32)


@given(seeds)
def test_a_sample_is_a_genome_of_the_space(seed: int) -> None:
    genome = SPACE.sample(np.random.default_rng(seed))
    assert SPACE.genome(genome) == genome


@given(seeds)
def test_a_genome_holds_only_what_is_expressed(seed: int) -> None:
    genome = SPACE.sample(np.random.default_rng(seed))
    assert ("momentum" in genome) == (genome["optimizer"] == "sgd")
    assert 1 <= len(genome["layers"]) <= 3
    assert all(set(row) == {"units", "activation"} for row in genome["layers"])


@given(seeds)
def test_a_genome_comes_back_from_json_and_pickle_equal(seed: int) -> None:
    genome = SPACE.sample(np.random.default_rng(seed))
    copies = [
        Genome(json.loads(json.dumps(genome.to_json()))),
        pickle.loads(pickle.dumps(genome)),
        Genome(dict(genome)),
    ]
    for copy in copies:
        assert copy == genome
        assert hash(copy) == hash(genome)
        assert copy.digest == genome.digest


@given(seeds)
def test_expressing_a_genome_of_the_space_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    genome = SPACE.sample(rng)
    before = rng.bit_generator.state
    assert SPACE.express(genome.to_json(), rng) == genome
    assert rng.bit_generator.state == before


def test_what_becomes_active_is_drawn_and_what_becomes_inactive_is_dropped() -> None:
    rng = np.random.default_rng(0)
    rows = [{"units": 8, "activation": "r"}]
    drawn = SPACE.express({"layers": rows, "optimizer": "sgd", "batch_size": 16}, rng)
    assert 0 <= drawn["momentum"] <= 0.99
    dropped = SPACE.express({"layers": rows, "optimizer": "adam", "momentum": 0.5, "batch_size": 16}, rng)
    assert "momentum" not in dropped


def test_a_genome_cannot_be_changed_through_what_it_hands_out() -> None:
    genome = SPACE.sample(np.random.default_rng(0))
    key = genome.key
    genome["layers"][0]["units"] = 99
    genome.to_json()["layers"].clear()
    assert genome.key == key
    assert genome == Genome(json.loads(key))


def test_the_size_of_a_finite_space_is_the_number_of_its_genomes() -> None:
    genomes = list(SMALL.genomes())
    assert len(genomes) == len(set(genomes)) == SMALL.size == (1 + 3) * (2 + 4)
    assert all(SMALL.genome(genome) == genome for genome in genomes)


def test_the_size_counts_what_depends_on_a_gene_of_many_values() -> None:
    space = SearchSpace(
        {"switch": IntegerRange(0, 99), "a": Choice([1, 2, 3]), "b": Choice([1, 2])},
        conditions={"a": Condition("switch", tuple(range(1, 100))), "b": Condition("switch", (0, 1, 500))},
    )
    assert space.size == len(list(space.genomes())) == 1 * 2 + 1 * 3 * 2 + 98 * 3


def test_a_space_with_a_continuum_has_no_size_and_no_list() -> None:
    assert math.isinf(SPACE.size)
    with pytest.raises(SpaceError, match="cannot be listed"):
        next(SPACE.genomes())


def test_a_whole_number_of_a_float_range_is_the_same_genome_as_its_float() -> None:
    space = SearchSpace({"rate": FloatRange(0, 2)})
    assert space.genome({"rate": 1}) == space.genome({"rate": 1.0})


def test_a_number_that_is_listed_is_one_genome_however_it_is_written():
    space = SearchSpace({"units": Choice([1, 2, 4])})
    assert space.genome({"units": 1.0}) == space.genome({"units": 1})
    assert space.genome({"units": np.float64(4)}).to_json() == {"units": 4}
    assert isinstance(space.genome({"units": 4.0})["units"], int)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "none"}, r"missing genes \['layers'\]"),
        ({"kind": "none", "rate": 1, "layers": [{"units": 4}]}, r"unknown or inactive genes \['rate'\]"),
        ({"kind": "mask", "rate": 9, "layers": [{"units": 4}]}, "9 is not in 1 to 3"),
        ({"kind": "none", "layers": []}, "expected a list of 1 to 2 layers, got 0"),
        ({"kind": "none", "layers": [{"units": 4, "bias": 1}]}, r"inactive genes \['bias'\]"),
        ({"kind": "none", "layers": [{"units": 5}]}, r"units: 5 is not in 4 \| 8"),
        ({"kind": "none", "layers": 3}, "expected a list"),
        ({"kind": "none", "layers": [3]}, "expected the values of units"),
    ],
)
def test_a_genome_that_is_not_of_the_space_is_refused_in_one_line(values: dict[str, object], message: str) -> None:
    with pytest.raises(SpaceError, match=message) as caught:
        SMALL.genome(values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SearchSpace({}), "empty"),
        (lambda: SearchSpace({"units": [1, 2]}), "expected a gene"),  # type: ignore[dict-item]
        (lambda: SearchSpace({"a": Choice([1, 2])}, conditions={"a": Condition("a", (1,))}), "comes before"),
        (lambda: SearchSpace({"a": Choice([1, 2])}, conditions={"b": Condition("a", (1,))}), "comes before"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(make: object, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()  # type: ignore[operator]


def test_a_genome_stands_for_itself_unless_the_space_decodes() -> None:
    plain = SearchSpace({"units": Choice([1, 2])})
    genome = plain.genome({"units": 2})
    assert plain.decode(genome) is genome
    assert plain.encode({"units": 2}) == genome
    doubled = SearchSpace(plain.genes, decode=lambda g: 2 * g["units"], encode=lambda n: {"units": n // 2})
    assert doubled.decode(genome) == 4
    assert doubled.encode(4) == genome
