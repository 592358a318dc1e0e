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
        "layers": LayerGroup(
            IntegerRange(1, 3), {"units": IntegerRange(8, 64, log=True), "activation": Choice(list("rt"))}
        ),
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


def conditioned(gene, values, other=Choice(list("xy"))):  # noqa: B008  # genes are frozen
    return SearchSpace({"a": gene, "b": other}, conditions={"b": Condition("a", values)})


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
def test_the_shape_of_a_genome_is_what_it_expresses_with_the_layers_of_its_groups(seed: int) -> None:
    genome = SPACE.sample(np.random.default_rng(seed))
    shape = dict(genome.shape)
    assert list(shape) == list(genome)
    assert shape["layers"] == len(genome["layers"])
    assert shape["optimizer"] is None


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


def test_zero_is_one_genome_whatever_its_sign() -> None:
    space = SearchSpace({"rate": FloatRange(-1, 1), "shift": Choice([0.0, 1.0])})
    genome = space.genome({"rate": -0.0, "shift": -0.0})
    assert genome == space.genome({"rate": 0.0, "shift": 0.0})
    assert genome.to_json() == {"rate": 0.0, "shift": 0.0}
    assert "-" not in genome.key


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
        ({"kind": np.array(["none", "mask"]), "layers": [{"units": 4}]}, "genome kind: array.* is not in none"),
        ({"kind": "mask", "rate": np.array([1, 2]), "layers": [{"units": 4}]}, "genome rate: array.* is not in 1 to 3"),
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
        (lambda: Condition("a", "adamw"), r"expected a tuple such as \('adamw',\), got 'adamw'"),  # type: ignore[arg-type]
        (lambda: Condition("a", True), r"expected a tuple such as \(True,\), got True"),  # type: ignore[arg-type]
        (lambda: Condition("a", np.array(1)), r"expected a tuple such as \(1,\), got 1"),  # type: ignore[arg-type]
        (lambda: Condition("a", ()), "at least one value"),
        (lambda: conditioned(Choice(["sgd", "adam"]), ("sgd", "sdg")), r"'b': 'sdg' is not in sgd \| adam of 'a'"),
        (lambda: conditioned(IntegerRange(0, 3), (True,)), "True is not in 0 to 3 of 'a'"),
        (lambda: conditioned(IntegerRange(0, 3), (7,)), "7 is not in 0 to 3 of 'a'"),
        (lambda: conditioned(LayerGroup(IntegerRange(1, 2), {"u": Choice([1, 2])}), (1,)), "'a' is a layer group"),
        (
            lambda: conditioned(Choice([1, 2]), (1,), LayerGroup(IntegerRange(1, 2), {"u": Choice([1, 2])})),
            "'b' is a layer group",
        ),
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


def test_a_value_beside_the_steps_is_the_genome_of_the_nearest_step() -> None:
    for log in (False, True):
        space = SearchSpace({"rate": FloatRange(0.1, 0.5, log=log, step=0.1), "name": Choice(list("xy"))})
        assert space.genome({"rate": 0.1 + 0.2, "name": "x"}) == space.genome({"rate": 0.3, "name": "x"})
        assert space.genome({"rate": 0.11, "name": "x"})["rate"] == 0.1


def test_a_condition_holds_for_the_step_nearest_to_what_is_given() -> None:
    space = conditioned(FloatRange(0.1, 0.5, step=0.1), (0.1 + 0.2,))
    assert space.size == len(list(space.genomes())) == 4 + 2
    assert space.genome({"a": 0.1 + 0.2, "b": "x"}) == space.genome({"a": 0.3, "b": "x"})
    assert "b" not in space.genome({"a": 0.2})


@pytest.mark.parametrize("beyond", [9, np.int64(9), np.float32(9.5)])
def test_a_number_of_a_condition_beyond_the_range_is_left_out_however_it_is_written(beyond: int) -> None:
    assert conditioned(IntegerRange(1, 5), (beyond, 2)).conditions["b"].values == (2,)


def test_a_condition_may_be_given_as_a_list() -> None:
    assert Condition("a", ["sgd"]) == Condition("a", ("sgd",))  # type: ignore[arg-type]


def switches(count: int) -> SearchSpace:
    genes = {f"{kind}{index}": Choice([True, False]) for index in range(count) for kind in "sv"}
    return SearchSpace(genes, conditions={f"v{index}": Condition(f"s{index}", (True,)) for index in range(count)})


def test_the_size_of_many_switches_is_the_product_of_theirs() -> None:
    assert switches(3).size == len(list(switches(3).genomes())) == 3**3
    assert switches(200).size == 3**200
    assert math.isinf(switches(700).size)


def test_the_size_counts_conditions_on_conditions() -> None:
    genes = {"a": IntegerRange(0, 4), "b": Choice(list("xyz")), "c": Choice(list("uv")), "d": Choice([1, 2, 3, 4])}
    conditions = {"b": Condition("a", (1, 2)), "c": Condition("b", ("x",)), "d": Condition("a", (2, 3))}
    space = SearchSpace(genes, conditions=conditions)
    assert space.size == len(list(space.genomes())) == 2 + (2 + 2) + (2 + 2) * 4 + 4


def test_deep_groups_are_counted_as_long_as_a_float_holds_the_number() -> None:
    row = {"units": Choice([1, 2, 3])}
    assert LayerGroup(IntegerRange(2, 8, step=3), row).size == 3**2 + 3**5 + 3**8
    assert LayerGroup(IntegerRange(7, 7, step=5), row).size == 3**7
    assert LayerGroup(IntegerRange(0, 0), row).size == 1
    assert LayerGroup(IntegerRange(1, 10**6), {"units": Choice([1])}).size == 10**6
    assert LayerGroup(IntegerRange(1, 120), row).size == sum(3**count for count in range(1, 121))
    for high in (1000, 10**6, 10**30):
        space = SearchSpace({"layers": LayerGroup(IntegerRange(1, high), row), "name": Choice(list("xy"))})
        assert math.isinf(space.size)
    with pytest.raises(SpaceError, match="1e300"):
        next(space.genomes())


def test_a_space_is_made_and_counted_without_listing_a_range() -> None:
    class Unlisted(FloatRange):
        @property
        def values(self):
            raise AssertionError("listed")

    assert SearchSpace({"rate": Unlisted(0, 1, step=1e-6)}).size == 1_000_001


def test_what_numpy_says_is_one_genome_with_what_python_says() -> None:
    genes = {"n": IntegerRange(1, 9), "rate": FloatRange(0, 1), "is_on": Choice([True, False]), "d": Choice([0.1, 0.2])}
    space = SearchSpace({**genes, "layers": LayerGroup(IntegerRange(1, 2), {"units": IntegerRange(1, 9)})})
    told = {"n": np.int64(3), "rate": np.float32(0.3), "is_on": np.bool_(True), "d": np.float32(0.1)}
    genome = space.genome({**told, "layers": [{"units": np.int32(4)}]})
    plain = {"n": 3, "rate": 0.3, "is_on": True, "d": 0.1, "layers": [{"units": 4}]}
    assert json.loads(json.dumps(genome.to_json())) == plain
    assert genome == space.genome(plain)
    assert Genome({**told, "layers": [{"units": np.int32(4)}]}) == genome
    assert Genome({**told, "rate": np.array(0.3, np.float32), "layers": [{"units": np.array(4)}]}) == genome
    assert space.genome({**plain, "rate": np.longdouble("0.3"), "n": np.array(3)}) == genome
    with pytest.raises(SpaceError, match="is not in 1 to 9"):
        space.genome({**plain, "n": np.float64(3.5)})
