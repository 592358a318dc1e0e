import numpy as np
import pytest

from ganas.evolution.kernel import Kernel, Warp, encoding_of, matern52, squared_distances
from ganas.search.genes import Choice, FloatRange, IntegerRange
from ganas.search.space import Condition, Genome, LayerGroup, SearchSpace

FLAT = SearchSpace(
    {
        "optimizer": Choice(["sgd", "adam", "rmsprop"]),
        "momentum": FloatRange(0, 0.9),
        "rate": FloatRange(1e-4, 1e-1, log=True),
        "fixed": Choice([32]),
    },
    conditions={"momentum": Condition("optimizer", ("sgd",))},
)
DEEP = SearchSpace(
    {
        "layers": LayerGroup(
            IntegerRange(0, 6), {"units": IntegerRange(8, 128, log=True), "activation": Choice(["relu", "tanh"])}
        ),
        "rate": FloatRange(1e-4, 1e-1, log=True),
    }
)


def distance(space: SearchSpace, a: dict[str, object], b: dict[str, object]) -> float:
    x = encoding_of(space).encode([Genome(a), Genome(b)])
    return float(np.sqrt(squared_distances(x, x)[0, 1]))


def test_two_values_of_an_unordered_gene_differ_by_one_whichever_they_are() -> None:
    genomes = [{"optimizer": name, "rate": 0.01, "fixed": 32} for name in ("adam", "rmsprop")]
    assert distance(FLAT, *genomes) == pytest.approx(1)
    sgd = {"optimizer": "sgd", "momentum": 0.45, "rate": 0.01, "fixed": 32}
    assert distance(FLAT, genomes[0], sgd) == pytest.approx(1)


def test_an_ordered_gene_is_compared_in_the_space_it_is_drawn_in() -> None:
    rates = [{"optimizer": "adam", "rate": rate, "fixed": 32} for rate in (1e-4, 1e-3, 1e-2)]
    assert distance(FLAT, rates[0], rates[1]) == pytest.approx(1 / 3)
    assert distance(FLAT, rates[0], rates[2]) == pytest.approx(2 / 3)


def test_a_choice_of_numbers_lies_on_a_line_even_where_nobody_said_so() -> None:
    space = SearchSpace({"units": Choice([64, 16, 512]), "name": Choice(["64", "16", "512"])})
    genomes = [{"units": units, "name": "16"} for units in (16, 64, 512)]
    assert distance(space, genomes[0], genomes[1]) == pytest.approx(1 / 2)
    assert distance(space, genomes[0], genomes[2]) == pytest.approx(1)
    assert encoding_of(space).length_of.tolist() == [0, 1, 1, 1]


def test_the_values_of_a_wide_range_are_not_listed() -> None:
    class Unlisted:
        def __iter__(self):
            raise AssertionError

    class Wide(IntegerRange):
        size, values = 10**9, Unlisted()

    space = SearchSpace({"width": Wide(1, 10**9)})
    assert distance(space, {"width": 1}, {"width": 10**9}) == pytest.approx(1)


def test_a_gene_with_one_value_has_no_column() -> None:
    encoding = encoding_of(FLAT)
    assert encoding.names == ("optimizer", "momentum", "rate")
    assert encoding.length_of.tolist() == [0, 0, 0, 1, 2]


def test_genomes_of_every_depth_have_rows_of_one_length_that_differ_where_they_do() -> None:
    rng = np.random.default_rng(0)
    genomes = list({DEEP.sample(rng): None for _ in range(300)})
    rows = encoding_of(DEEP).encode(genomes)
    assert rows.shape == (len(genomes), len(encoding_of(DEEP).length_of))
    assert {len(genome["layers"]) for genome in genomes} == set(range(7))
    assert np.isfinite(rows).all()
    distances = squared_distances(rows, rows) + np.eye(len(genomes))
    assert distances.min() > 0


def test_the_order_of_layers_counts_but_less_than_what_they_are() -> None:
    def layers(*units: int) -> dict[str, object]:
        return {"layers": [{"units": number, "activation": "relu"} for number in units], "rate": 0.01}

    turned = distance(DEEP, layers(8, 128), layers(128, 8))
    other = distance(DEEP, layers(8, 8), layers(128, 128))
    assert 0 < turned < other


def test_a_row_does_not_depend_on_what_was_encoded_with_it() -> None:
    rng = np.random.default_rng(1)
    genomes = [DEEP.sample(rng) for _ in range(20)]
    together = encoding_of(DEEP).encode(genomes)
    alone = np.concatenate([encoding_of(DEEP).encode([genome]) for genome in reversed(genomes)])[::-1]
    assert np.array_equal(together, alone)


def test_materns_correlation_falls_from_one_and_is_that_of_the_book() -> None:
    distances = np.linspace(0, 5, 50)
    correlation = matern52(distances**2)
    assert correlation[0] == 1
    assert np.all(np.diff(correlation) < 0)
    root = np.sqrt(5)
    assert matern52(np.array([1.0]))[0] == pytest.approx((1 + root + 5 / 3) * np.exp(-root))


def test_covariances_of_random_genomes_are_positive_definite() -> None:
    rng = np.random.default_rng(2)
    x = encoding_of(DEEP).encode({DEEP.sample(rng): None for _ in range(60)})
    covariance = Kernel(np.full(x.shape[1], 0.7), 2.0, 0.1)(x, x)
    assert np.allclose(np.diag(covariance), 2.0)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9


def test_a_group_that_never_has_a_layer_says_nothing():
    space = SearchSpace(
        {"layers": LayerGroup(IntegerRange(0, 0), {"units": Choice([8, 16])}), "rate": FloatRange(0.0, 1.0)}
    )
    assert distance(space, {"layers": [], "rate": 0.0}, {"layers": [], "rate": 0.0}) == 0.0


def test_a_warp_keeps_the_order_the_ends_and_the_other_columns() -> None:
    x = np.linspace(0.0, 1.0, 21)[:, None] * np.ones(3)
    one = np.ones(1)
    assert Warp(np.array([1]), one, one)(x) == pytest.approx(x)
    for a, b in [(0.2, 3.0), (4.0, 0.5), (7.0, 7.0)]:
        warped = Warp(np.array([1]), a * one, b * one)(x)
        assert np.array_equal(warped[:, [0, 2]], x[:, [0, 2]])
        assert np.all(np.diff(warped[:, 1]) > 0)
        assert warped[[0, -1], 1].tolist() == [0.0, 1.0]


def test_places_are_warped_where_there_are_no_layers() -> None:
    genes = {
        "two": Choice([1, 2], ordered=True),
        "name": Choice(list("xyz")),
        "units": Choice([16, 32, 64]),
        "rate": FloatRange(1e-4, 1e-1, log=True),
    }
    encoding = encoding_of(SearchSpace(genes))
    assert [encoding.names[encoding.length_of[column]] for column in encoding.warped] == ["units", "rate"]
    layers = LayerGroup(IntegerRange(1, 3), {"units": IntegerRange(4, 64)})
    assert len(encoding_of(SearchSpace({**genes, "layers": layers})).warped) == 0


def test_a_place_beyond_an_end_by_rounding_is_that_end() -> None:
    top = 2**53 + 3
    gene = IntegerRange(1, top)
    assert gene.to_unit(top) > 1.0
    space = SearchSpace({"whole": gene})
    assert encoding_of(space).encode([space.genome({"whole": top})]).tolist() == [[1.0]]
