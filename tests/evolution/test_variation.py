from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganas.errors import ConfigError
from ganas.evolution.individual import Birth, Individual
from ganas.evolution.initial import latin_hypercube
from ganas.evolution.variation import (
    MUTATION_NUMBERS,
    Site,
    Variation,
    _pick,
    crossover,
    heavy_tailed_number,
    mutate,
    rate_number,
    sites,
    vary,
)
from ganas.search.genes import Choice, FloatRange, IntegerRange
from ganas.search.space import Condition, Genome, LayerGroup, SearchSpace

SPACE = SearchSpace(
    {
        "layers": LayerGroup(
            IntegerRange(1, 5), {"units": IntegerRange(8, 128, log=True), "activation": Choice(list("rte"))}
        ),
        "optimizer": Choice(["sgd", "adam"]),
        "momentum": FloatRange(0, 0.99),
        "batch_size": Choice([16, 32, 64], ordered=True),
    },
    conditions={"momentum": Condition("optimizer", ("sgd",))},
)
BY_TWO = SearchSpace({"layers": LayerGroup(IntegerRange(2, 6, step=2), {"units": IntegerRange(1, 999)})})
seeds = st.integers(0, 2**32)


def layers_of(*units: int) -> list[dict[str, object]]:
    return [{"units": one, "activation": "r"} for one in units]


def genome_of(*units: int) -> Genome:
    return SPACE.genome({"layers": layers_of(*units), "optimizer": "adam", "batch_size": 32})


@given(seeds)
def test_a_child_of_two_parents_is_of_the_space_and_takes_its_flat_genes_from_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = SPACE.sample(rng), SPACE.sample(rng)
    child = crossover(SPACE, a, b, rng)
    assert SPACE.genome(child) == child
    assert child["batch_size"] in (a["batch_size"], b["batch_size"])
    if "momentum" in child:
        assert child["momentum"] in (a.get("momentum"), b.get("momentum"))


@given(seeds)
def test_a_childs_layers_are_whole_layers_of_its_parents_and_no_more_than_the_deeper_has(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = SPACE.sample(rng), SPACE.sample(rng)
    child = crossover(SPACE, a, b, rng)
    depths = sorted((len(a["layers"]), len(b["layers"])))
    assert depths[0] <= len(child["layers"]) <= depths[1]
    assert all(row in (*a["layers"], *b["layers"]) for row in child["layers"])


def test_layers_are_aligned_by_relative_depth() -> None:
    rng = np.random.default_rng(0)
    shallow, deep = genome_of(10, 20), genome_of(100, 101, 102, 103)
    children = [crossover(SPACE, shallow, deep, rng) for _ in range(200)]
    assert {len(child["layers"]) for child in children} == {2, 3, 4}
    for child in children:
        units = [row["units"] for row in child["layers"]]
        assert units[0] in (10, 100, 101)
        assert units[-1] in (20, 102, 103)
        assert units == [one for _, one in sorted(zip(range(len(units)), units, strict=True))]
        assert not (10 in units and 20 in units[: units.index(10)])


def test_a_child_of_equal_parents_is_equal() -> None:
    genome = genome_of(10, 20, 30)
    assert crossover(SPACE, genome, genome, np.random.default_rng(0)) == genome


@given(seeds, st.integers(1, 30), st.sampled_from([SPACE, BY_TWO]))
def test_a_mutant_is_of_the_space_and_differs(seed: int, number: int, space: SearchSpace) -> None:
    rng = np.random.default_rng(seed)
    genome = space.sample(rng)
    mutant, operators = mutate(space, genome, rng, number=number)
    assert space.genome(mutant) == mutant
    assert mutant != genome
    assert len(operators) == min(number, len(sites(space, genome)))


def test_one_mutation_changes_one_thing_and_is_named() -> None:
    rng = np.random.default_rng(0)
    genome = genome_of(16, 32, 64)
    named: Counter[str] = Counter()
    for _ in range(600):
        mutant, (operator,) = mutate(SPACE, genome, rng, number=1)
        named[operator] += 1
        before, after = list(genome["layers"]), list(mutant["layers"])
        if operator in ("insert layer", "duplicate layer"):
            assert len(after) == 4
            assert any(after[:index] + after[index + 1 :] == before for index in range(4))
        elif operator == "remove layer":
            assert any(before[:index] + before[index + 1 :] == after for index in range(3))
        elif operator == "swap optimizer":
            assert mutant["optimizer"] == "sgd"
            assert "momentum" in mutant
        else:
            changed = [(x, y) for x, y in zip(before, after, strict=True) if x != y]
            assert len(changed) + (genome["batch_size"] != mutant["batch_size"]) == 1
    layerwise = {"insert layer", "remove layer", "duplicate layer", "step units", "swap activation"}
    assert set(named) == layerwise | {"swap optimizer", "step batch_size"}


def test_an_inactive_gene_is_no_place_for_a_mutation() -> None:
    genome = genome_of(8)
    assert ("momentum", None, None) not in sites(SPACE, genome)


def test_a_space_of_one_genome_has_no_mutants() -> None:
    space = SearchSpace({"only": Choice([1])})
    genome = space.genome({"only": 1})
    assert mutate(space, genome, np.random.default_rng(0), number=1) == (genome, [])


def test_one_site_is_drawn_as_several_are() -> None:
    for count in range(1, 60):
        available: list[Site] = [(f"gene {number}", None, None) for number in range(count)]
        one, many = np.random.default_rng(count), np.random.default_rng(count)
        drawn = [_pick(available, 1, one) for _ in range(5)]
        assert drawn == [[available[index] for index in many.choice(count, 1, replace=False)] for _ in range(5)]
        assert one.bit_generator.state == many.bit_generator.state


def test_depth_does_not_drift_under_mutation_alone() -> None:
    rng = np.random.default_rng(0)
    genome = genome_of(16, 16, 16)
    depths = []
    for _ in range(4000):
        genome, _ = mutate(SPACE, genome, rng, number=1)
        depths.append(len(genome["layers"]))
    assert 2.5 < np.mean(depths) < 3.5


def test_the_textbook_number_of_mutations_is_binomial() -> None:
    rng = np.random.default_rng(0)
    draws = [rate_number(20, rng, 0.1) for _ in range(5000)]
    assert np.mean(draws) == pytest.approx(2.0, abs=0.1)
    assert min(draws) == 0


def test_the_heavy_tailed_number_follows_its_power_law() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(heavy_tailed_number(20, rng, 0.1) for _ in range(20000))
    assert set(counts) <= set(range(1, 21))
    assert counts[1] / counts[4] == pytest.approx(4**1.5, rel=0.15)
    assert max(counts) > 15


@given(seeds, st.sampled_from(sorted(MUTATION_NUMBERS)), st.sampled_from([0.0, 0.5, 1.0]))
def test_a_child_differs_from_its_mother_and_names_its_parents(seed: int, mutation: str, rate: float) -> None:
    rng = np.random.default_rng(seed)
    mother, father = (Individual(SPACE.sample(rng), (0.5,), Birth("initial")) for _ in range(2))
    child = vary(SPACE, mother, father, rng, Variation(crossover=rate, mutation=mutation, mutation_rate=rate))
    assert child.genome != mother.genome
    is_crossed = child.birth.operator.startswith("crossover")
    parents = (mother, father) if is_crossed else (mother,)
    assert child.birth.parents == tuple(parent.genome.digest for parent in parents)
    if rate in (0.0, 1.0):
        assert is_crossed == (rate == 1.0 and father.genome != mother.genome)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crossover": 1.5}, r"\[evolution\] crossover: must be in \[0, 1\], got 1.5"),
        ({"mutation_rate": -0.1}, r"\[evolution\] mutation_rate: must be in \[0, 1\], got -0.1"),
        ({"mutation": "some"}, r"\[evolution\] mutation: must be one of rate, heavy_tailed, got 'some'"),
    ],
)
def test_a_variation_out_of_range_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Variation(**settings)  # type: ignore[arg-type]


def test_a_latin_hypercube_takes_one_value_from_every_share_of_every_gene() -> None:
    designs = latin_hypercube(SPACE, 15, np.random.default_rng(0))
    assert all(SPACE.genome(design) == design for design in designs)
    assert Counter(len(design["layers"]) for design in designs) == dict.fromkeys(range(1, 6), 3)
    assert Counter(design["batch_size"] for design in designs) == {16: 5, 32: 5, 64: 5}
    assert Counter(design["layers"][0]["activation"] for design in designs) == {"r": 5, "t": 5, "e": 5}
    units = SPACE.groups["layers"].genes["units"]
    places = sorted(units.to_unit(design["layers"][0]["units"]) for design in designs)
    assert np.abs(np.array(places) - (np.arange(15) + 0.5) / 15).max() < 0.06
