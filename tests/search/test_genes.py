import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganas.errors import SpaceError
from ganas.search.genes import Choice, FloatRange, Gene, IntegerRange, fixed


@st.composite
def integer_ranges(draw: st.DrawFn) -> IntegerRange:
    low = draw(st.integers(1, 300))
    return IntegerRange(low, low + draw(st.integers(0, 300)), log=draw(st.booleans()), step=draw(st.integers(1, 40)))


@st.composite
def float_ranges(draw: st.DrawFn) -> FloatRange:
    low = draw(st.floats(1e-6, 10))
    width = draw(st.floats(1e-3, 100))
    step = draw(st.none() | st.floats(width / 50, width))
    return FloatRange(low, low + width, log=draw(st.booleans()), step=step)


def choices() -> st.SearchStrategy[Choice]:
    return st.builds(
        lambda values, ordered: Choice(values, ordered=ordered),
        st.lists(st.integers(-5, 50) | st.text(max_size=4), min_size=1, max_size=9, unique=True),
        st.booleans(),
    )


genes = choices() | integer_ranges() | float_ranges()
seeds = st.integers(0, 2**32)
shares = st.floats(0, 1, exclude_max=True)


@given(genes, seeds)
def test_a_sample_is_one_of_the_genes_values(gene: Gene, seed: int) -> None:
    value = gene.sample(np.random.default_rng(seed))
    assert gene.contains(value)
    assert type(value) in (int, float, str)
    if gene.values:
        assert value in gene.values


@given(genes, seeds)
def test_a_move_gives_another_value_of_the_gene_wherever_there_is_one(gene: Gene, seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = gene.sample(rng)
    moved = gene.move(value, rng)
    assert gene.contains(moved)
    if gene.size > 1 and not (isinstance(gene, FloatRange) and gene.high - gene.low < 1e-4):
        assert moved != value


@given(genes, seeds)
def test_every_value_comes_back_from_its_place_in_the_unit_interval(gene: Gene, seed: int) -> None:
    value = gene.sample(np.random.default_rng(seed))
    unit = gene.to_unit(value)
    assert -1e-9 <= unit <= 1 + 1e-9
    back = gene.from_unit(unit)
    assert back == value or (isinstance(value, float) and math.isclose(back, value, rel_tol=1e-5))


@given(genes, shares, shares)
def test_quantiles_rise_with_the_share(gene: Gene, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert gene.to_unit(gene.quantile(low)) <= gene.to_unit(gene.quantile(high)) + 1e-12


@given(choices() | integer_ranges())
def test_the_size_counts_the_values(gene: Gene) -> None:
    assert gene.size == len(gene.values) == len(set(gene.values))
    assert all(map(gene.contains, gene.values))


@pytest.mark.parametrize("gene", [Choice("abcd"), IntegerRange(1, 4), IntegerRange(2, 8, step=2)])
def test_samples_are_spread_evenly_over_the_ends_too(gene: Gene) -> None:
    rng = np.random.default_rng(0)
    counts = Counter(gene.sample(rng) for _ in range(4000))
    assert len(counts) == 4
    assert min(counts.values()) > 850


def test_a_log_range_samples_each_octave_alike() -> None:
    rng = np.random.default_rng(0)
    samples = [IntegerRange(8, 127, log=True).sample(rng) for _ in range(4000)]
    octaves = Counter(int(math.log2(sample)) for sample in samples)
    assert set(octaves) == {3, 4, 5, 6}
    assert min(octaves.values()) > 850


def test_a_log_range_reaches_both_its_ends() -> None:
    rng = np.random.default_rng(0)
    samples = {IntegerRange(1, 20, log=True).sample(rng) for _ in range(3000)}
    assert samples == set(range(1, 21))


def test_moves_of_an_ordered_gene_are_mostly_small() -> None:
    rng = np.random.default_rng(0)
    gene = FloatRange(1e-4, 1e-1, log=True)
    steps = [abs(gene.to_unit(gene.move(3e-3, rng)) - gene.to_unit(3e-3)) for _ in range(2000)]
    assert np.median(steps) < 0.15
    assert max(steps) > 0.4


def test_moves_of_an_unordered_choice_take_any_other_value() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(Choice(["relu", "tanh", "elu", "silu"]).move("relu", rng) for _ in range(3000))
    assert set(counts) == {"tanh", "elu", "silu"}
    assert min(counts.values()) > 850


def test_steps_of_a_float_range_are_exact_decimals() -> None:
    assert FloatRange(0.0, 0.5, step=0.1).values == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert FloatRange(0.0, 0.99, step=0.1).values[-1] == 0.9


def test_true_is_not_one() -> None:
    assert not Choice([1, 2]).contains(True)
    assert not IntegerRange(0, 3).contains(True)
    assert not FloatRange(0, 3).contains(True)
    assert not Choice([True, False]).contains(1)


def test_a_fixed_gene_has_one_value() -> None:
    gene = fixed("relu")
    assert gene.size == 1
    assert gene.move("relu", np.random.default_rng(0)) == "relu"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Choice([]), "at least one value"),
        (lambda: Choice([1, 1.0]), "twice"),
        (lambda: IntegerRange(5, 1), "low <= high"),
        (lambda: IntegerRange(0, 4, log=True), "log space"),
        (lambda: IntegerRange(1, 4, step=0), "step"),
        (lambda: FloatRange(float("nan"), 1), "low <= high"),
        (lambda: FloatRange(0, float("inf")), "low <= high"),
        (lambda: FloatRange(0, 1, log=True), "log space"),
        (lambda: FloatRange(0, 1, step=-1.0), "step"),
    ],
)
def test_a_gene_that_makes_no_sense_is_refused(make: object, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()  # type: ignore[operator]
