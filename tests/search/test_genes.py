import math
from collections import Counter
from collections.abc import Callable
from typing import Any

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


@pytest.mark.parametrize("gene", [Choice(list("abcd")), IntegerRange(1, 4), IntegerRange(2, 8, step=2)])
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


def test_what_is_no_value_is_not_one_of_a_choice() -> None:
    gene = Choice([1, 2])
    assert not any(map(gene.contains, (np.array([1, 2]), [1], {}, math.nan)))  # type: ignore[arg-type]


def test_a_choice_takes_any_values_that_have_an_order() -> None:
    for values in ((1, 2), [1, 2], range(1, 3), np.array([1, 2]), {1: "a", 2: "b"}.keys(), iter([1, 2])):
        assert Choice(values) == Choice([1, 2])


def test_a_fixed_gene_has_one_value() -> None:
    gene = fixed("relu")
    assert gene.size == 1
    assert gene.move("relu", np.random.default_rng(0)) == "relu"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Choice([]), "at least one value"),
        (lambda: Choice([1, 1.0]), "twice"),
        (lambda: Choice("relu"), "a choice is of a list of values, got 'relu'"),
        (lambda: Choice({"relu"}), "a choice is of a list of values, got {'relu'}"),
        (lambda: Choice(3), "a choice is of a list of values, got 3"),  # type: ignore[arg-type]
        (lambda: Choice([(1, 2), (3,)]), r"texts, numbers, true, false or None, got \(1, 2\)"),  # type: ignore[list-item]
        (lambda: Choice([[1, 2], [3]]), r"texts, numbers, true, false or None, got \[1, 2\]"),  # type: ignore[list-item]
        (lambda: Choice([1.0, math.nan]), "a choice is of finite numbers, got nan"),
        (lambda: Choice([np.float32("inf")]), "a choice is of finite numbers, got inf"),
        (lambda: IntegerRange(1.5, 3), "a whole number as low, got 1.5"),  # type: ignore[arg-type]
        (lambda: IntegerRange(0, 10**400), "at most 1e300"),
        (lambda: FloatRange(0, 10**400), "at most 1e300"),
        (lambda: FloatRange(0, 1e301), "at most 1e300"),
        (lambda: FloatRange(None, 1), "a number as low, got None"),  # type: ignore[arg-type]
        (lambda: FloatRange(0, "1"), "a number as high, got '1'"),  # type: ignore[arg-type]
        (lambda: FloatRange(0, 1, step=math.inf), "step must be above 0, got inf"),
        (lambda: FloatRange(1e17, 1e17 + 100, step=1), "step must be at least 9e\\+01"),
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


@pytest.mark.parametrize(
    "gene",
    [
        FloatRange(1234567.0, 1234569.0),
        FloatRange(2e7, 2e7 + 100),
        FloatRange(-2e7 - 100, -2e7),
        FloatRange(1e6, 1e6 + 1, log=True),
    ],
)
def test_a_range_that_is_narrow_for_its_numbers_has_numbers_between_its_ends(gene: FloatRange) -> None:
    rng = np.random.default_rng(0)
    samples = {gene.sample(rng) for _ in range(100)}
    assert len(samples) > 95
    assert all(map(gene.contains, samples))


def test_numbers_of_a_range_that_is_not_narrow_have_six_digits() -> None:
    rng = np.random.default_rng(0)
    for gene in (FloatRange(3e-4, 3e-3, log=True), FloatRange(0, 0.99), FloatRange(-3, 4), FloatRange(1000, 1100)):
        samples = [gene.sample(rng) for _ in range(100)]
        assert samples == [float(f"{sample:.6g}") for sample in samples]


def test_steps_have_the_decimals_of_the_step_however_large_the_ends_are() -> None:
    assert FloatRange(1e6, 1e6 + 10, step=1).values == tuple(1e6 + index for index in range(11))
    assert FloatRange(1e6, 1e6 + 0.3, step=0.1).values == (1000000.0, 1000000.1, 1000000.2, 1000000.3)
    assert FloatRange(-0.3, 0.3, step=0.1).values == (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)
    assert FloatRange(0, 1, step=1 / 3).values == (0.0, 0.333333, 0.666667, 1.0)


def test_steps_begin_at_the_low_end_whatever_its_decimals() -> None:
    assert FloatRange(0.25, 300000.25, step=100000).values == (0.25, 100000.25, 200000.25, 300000.25)
    assert FloatRange(1e-7, 3, step=1).values == (1e-7, 1.0000001, 2.0000001)
    assert FloatRange(0.123456789, 0.4, step=0.1).values == (0.123456789, 0.223456789, 0.323456789)
    assert FloatRange(0, 300000, step=123456.7).values == (0.0, 123457.0, 246913.0)


@pytest.mark.parametrize("step", [None, 0.1])
def test_zero_has_no_sign(step: float | None) -> None:
    gene = FloatRange(-0.3, 0.3, step=step)
    assert [str(zero) for zero in (gene.nearest(-0.0), gene.from_unit(0.5), FloatRange(-0.0, 1, step=step).low)] == [
        "0.0"
    ] * 3
    assert "-0.0" not in map(str, gene.values)


def test_the_nearest_number_of_a_range_by_steps_is_on_them() -> None:
    gene = FloatRange(0.1, 0.5, step=0.1)
    assert [gene.nearest(value) for value in (0.1 + 0.2, 0.11, 0.5)] == [0.3, 0.1, 0.5]
    assert FloatRange(0.0, 0.99, step=0.1).nearest(0.99) == 0.9
    assert FloatRange(0.1, 0.3, step=0.1).contains(0.1 + 0.2)
    assert FloatRange(0.0, 1.0).nearest(0.123456789) == 0.123456789


@pytest.mark.parametrize(
    "gene", [IntegerRange(0, 2**64), IntegerRange(8, 10**30), IntegerRange(8, 10**30, log=True, step=3)]
)
def test_an_integer_range_may_be_wider_than_a_machine_word(gene: IntegerRange) -> None:
    rng = np.random.default_rng(0)
    assert gene.size == (gene.high - gene.low) // gene.step + 1
    sample = gene.sample(rng)
    assert gene.contains(sample)
    assert gene.contains(gene.move(sample, rng))


def test_an_end_may_be_the_largest_there_is() -> None:
    assert FloatRange(0, 1e300).high == IntegerRange(0, int(1e300)).high == 1e300


def test_ends_given_by_numpy_are_plain_numbers() -> None:
    integers, floats = IntegerRange(np.int64(1), np.int64(3)), FloatRange(np.float64(0), np.float32(1))  # type: ignore[arg-type]
    assert {type(end) for end in (integers.low, integers.high)} == {int}
    assert {type(end) for end in (floats.low, floats.high)} == {float}


@pytest.mark.parametrize(
    "kind", [np.float16, np.float32, np.float64, np.longdouble, lambda one: np.array(one, np.float32)]
)
def test_a_number_of_numpy_is_the_one_it_prints_as(kind: Callable[[float], Any]) -> None:
    (listed,), ends = Choice([kind(0.1)]).values, FloatRange(kind(0.1), kind(0.7), step=kind(0.2))
    assert [type(value) for value in (listed, ends.low)] == [float, float]
    assert (listed, ends) == (0.1, FloatRange(0.1, 0.7, step=0.2))
