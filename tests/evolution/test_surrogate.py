import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal, spearmanr

from ganas.evolution.kernel import Kernel
from ganas.evolution.scores import standard_scores
from ganas.evolution.surrogate import Surrogate, fit_kernel, negative_log_likelihood


def smooth(x: np.ndarray) -> np.ndarray:
    """The first column matters much, the second a little, the third not at all."""
    return np.asarray(np.sin(4 * x[:, 0]) + 0.3 * x[:, 1])


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 3))


def test_the_likelihood_is_that_of_the_normal_distribution() -> None:
    x, y = rows(12), smooth(rows(12))
    parameters = np.log([0.5, 0.8, 1.3, 1.7, 0.2])
    kernel = Kernel(np.exp(parameters[:3]), 1.7, 0.2)
    covariance = kernel(x, x) + 0.2 * np.eye(12)
    expected = -multivariate_normal(np.zeros(12), covariance).logpdf(y) - 6 * np.log(2 * np.pi)
    value, _ = negative_log_likelihood(parameters, np.arange(3), x, y)
    assert value == pytest.approx(expected)


def test_the_gradient_of_the_likelihood_is_its_slope() -> None:
    x, y, length_of = rows(15), smooth(rows(15)), np.array([0, 1, 1])
    parameters = np.array([-0.3, 0.4, 0.1, -2.0])
    slope = approx_fprime(parameters, lambda p: negative_log_likelihood(p, length_of, x, y)[0], 1e-7)
    assert negative_log_likelihood(parameters, length_of, x, y)[1] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_the_gradient_of_the_likelihood_is_its_slope_where_columns_are_warped() -> None:
    x, length_of, warped = rows(15), np.array([0, 1, 1]), np.array([0, 2])
    x[:3, 0], x[3:6, 0] = 0.0, 1.0  # most values of a choice of few numbers are the ends
    y = smooth(x)
    parameters = np.array([-0.3, 0.4, 0.3, -0.5, 0.2, -0.4, 0.1, -2.0])
    slope = approx_fprime(parameters, lambda p: negative_log_likelihood(p, length_of, x, y, warped)[0], 1e-7)
    assert negative_log_likelihood(parameters, length_of, x, y, warped)[1] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_a_warp_stretches_where_results_change() -> None:
    x, elsewhere = rows(40), rows(200, seed=1)

    def late(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.sin(6 * x[:, 0] ** 6) + 0.3 * x[:, 1])

    y, columns = standard_scores(late(x)), np.arange(3)
    plain = fit_kernel(columns, x, y)
    kernel = fit_kernel(columns, x, y, np.array([0]))
    placed = kernel.place(np.array([[0.0, 0, 0], [0.5, 0, 0], [1.0, 0, 0]]))[:, 0]
    assert placed[2] - placed[1] > 3 * (placed[1] - placed[0])

    def miss(kernel: Kernel) -> float:
        return float(np.abs(Surrogate(kernel, x, late(x)).predict(elsewhere)[0] - late(elsewhere)).mean())

    assert miss(kernel) < 0.8 * miss(plain)


def test_a_gene_that_matters_more_has_a_shorter_length() -> None:
    x = rows(60)
    kernel = fit_kernel(np.arange(3), x, standard_scores(smooth(x)))
    assert kernel.lengths[0] < kernel.lengths[1] < kernel.lengths[2]


def test_it_predicts_what_it_was_not_told_and_is_surest_where_it_was() -> None:
    x, elsewhere = rows(60), rows(200, seed=1)
    y = standard_scores(smooth(x))
    model = Surrogate(fit_kernel(np.arange(3), x, y), x, y)
    mean, deviation = model.predict(elsewhere)
    assert spearmanr(mean, smooth(elsewhere))[0] > 0.95
    assert model.predict(x)[1].max() < model.predict(x + 5)[1].min()
    assert deviation.min() > 0


def test_what_it_believes_leaves_its_expectations_and_takes_its_doubt() -> None:
    x = rows(20)
    model = Surrogate(fit_kernel(np.arange(3), x, standard_scores(smooth(x))), x, standard_scores(smooth(x)))
    pending, elsewhere = rows(3, seed=2), rows(50, seed=3)
    believing = model.believing(pending)
    assert believing.predict(elsewhere)[0] == pytest.approx(model.predict(elsewhere)[0], abs=1e-6)
    assert np.all(believing.predict(pending)[1] < model.predict(pending)[1])
    assert model.believing(pending[:0]) is model


def test_a_kernel_is_a_function_of_the_results_alone() -> None:
    x = rows(30)
    y = standard_scores(smooth(x))
    first = fit_kernel(np.arange(3), x, y)
    for seed in range(20):  # more than are remembered
        fit_kernel(np.arange(3), rows(8, seed), standard_scores(smooth(rows(8, seed))))
    again = fit_kernel(np.arange(3), x.copy(), y.copy())
    assert np.array_equal(first.lengths, again.lengths)
    assert (first.signal, first.noise) == (again.signal, again.noise)


def test_equal_results_are_no_trouble() -> None:
    x = rows(10)
    model = Surrogate(fit_kernel(np.arange(3), x, np.zeros(10)), x, np.zeros(10))
    assert np.isfinite(model.predict(rows(5, 1))).all()
