"""A model of the results: a Gaussian process over encoded genomes that says what to expect of one, and how sure it is.

How much each gene matters (its length in the kernel), and where between its ends (its warp), is learned from the results by
maximum a posteriori. That is a pure function of the results, so a model never depends on the history of a process.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

from ganas.evolution.kernel import Floats, Kernel, Warp, matern52, squared_distances

# Priors of the logarithms: mean and standard deviation. A gene's usual length grows with the root of the number of
# genes, so that a space of many genes is not taken for a rugged one (Hvarfner et al. 2024, https://arxiv.org/abs/2402.02229).
LENGTH_SPREAD = 0.7
SIGNAL_PRIOR = (0.0, 1.0)
NOISE_PRIOR = (-5.0, 2.0)
WARP_PRIOR = (0.0, 0.5)
BOUNDS = {"length": (-4.0, 6.0), "warp": (-2.0, 2.0), "signal": (-4.0, 4.0), "noise": (-9.0, 1.0)}
UNWARPED = np.zeros(0, np.intp)


class Surrogate:
    """A Gaussian process with zero mean, conditioned on rows ``x`` (n, columns) and scores ``y`` (n,), small is good.

    Attributes:
        expected: (n,) the mean score at rows ``x``: what was told, less what is taken for noise.
    """

    def __init__(self, kernel: Kernel, x: Floats, y: Floats) -> None:
        self.kernel, self.x, self.y = kernel, x, y
        self._placed = kernel.place(x)
        covariance = kernel.between(self._placed, self._placed)
        covariance[np.diag_indices(len(x))] += kernel.noise
        self._root = np.linalg.cholesky(covariance)
        self._weights: Floats = cho_solve((self._root, True), y, check_finite=False)
        self.expected: Floats = y - kernel.noise * self._weights

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Returns mean and standard deviation of the score expected at rows ``x`` (m, columns), each (m,)."""
        cross = self.kernel.between(self.kernel.place(x), self._placed)
        explained = solve_triangular(self._root, cross.T, lower=True, check_finite=False)
        variance = self.kernel.signal - (explained * explained).sum(0)
        return cross @ self._weights, np.sqrt(np.maximum(variance, 1e-12))

    def believing(self, x: Floats) -> Surrogate:
        """Returns the model that takes its own expectation at rows ``x`` for a result (Ginsbourger et al. 2010).

        Source: the Kriging believer, https://doi.org/10.1007/978-3-642-10701-6_6.
        """
        if not len(x):
            return self
        mean, _ = self.predict(x)
        return Surrogate(self.kernel, np.concatenate([self.x, x]), np.concatenate([self.y, mean]))


def fit_kernel(length_of: NDArray[np.intp], x: Floats, y: Floats, warped: NDArray[np.intp] = UNWARPED) -> Kernel:
    """Learns a length per gene, warps, the signal and the noise from rows ``x`` (n, columns) and scores ``y`` (n,).

    Args:
        length_of: (columns,) which length each column is measured in.
        warped: (warped,) the columns that are warped.
    """
    return _fit_kernel(tuple(length_of.tolist()), tuple(warped.tolist()), x.shape, x.tobytes(), y.tobytes())


@lru_cache(maxsize=16)
def _fit_kernel(
    length_of: tuple[int, ...], warped: tuple[int, ...], shape: tuple[int, int], x_bytes: bytes, y_bytes: bytes
) -> Kernel:
    """Remembers the last fits; arrays travel as bytes, which can be hashed."""
    x, y = np.frombuffer(x_bytes).reshape(shape), np.frombuffer(y_bytes)
    columns, places = np.array(length_of, dtype=np.intp), np.array(warped, dtype=np.intp)
    count = int(columns.max()) + 1
    usual = np.array(
        [0.5 * np.log(count)] * count + [WARP_PRIOR[0]] * 2 * len(places) + [SIGNAL_PRIOR[0], NOISE_PRIOR[0]]
    )
    spread = np.array([LENGTH_SPREAD] * count + [WARP_PRIOR[1]] * 2 * len(places) + [SIGNAL_PRIOR[1], NOISE_PRIOR[1]])
    bounds = [BOUNDS["length"]] * count + [BOUNDS["warp"]] * 2 * len(places) + [BOUNDS["signal"], BOUNDS["noise"]]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        value, slope = negative_log_likelihood(parameters, columns, x, y, places)
        away = (parameters - usual) / spread
        return value + 0.5 * float(away @ away), slope + away / spread

    best = minimize(loss, usual, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 40}).x
    return kernel_of(best, columns, places)


def kernel_of(parameters: Floats, length_of: NDArray[np.intp], warped: NDArray[np.intp] = UNWARPED) -> Kernel:
    """Makes a kernel of the logarithms of the lengths, of the warps' a and b, and of the signal's and noise's variance."""
    numbers = np.exp(parameters)
    count = len(parameters) - 2 - 2 * len(warped)
    a, b = numbers[count:-2].reshape(2, -1)
    return Kernel(numbers[:count][length_of], float(numbers[-2]), float(numbers[-1]), Warp(warped, a, b))


def negative_log_likelihood(
    parameters: Floats, length_of: NDArray[np.intp], x: Floats, y: Floats, warped: NDArray[np.intp] = UNWARPED
) -> tuple[float, Floats]:
    """Returns minus the log marginal likelihood (up to a constant) and its gradient.

    Args:
        parameters: see :func:`kernel_of`, as ``length_of`` and ``warped``.

    Source: Rasmussen & Williams 2006, equations 2.30 and 5.9. The gradient with respect to where the rows are placed comes
    first, and no (n, n) matrix per gene is made; what moves a column, its length or its warp, follows by the chain rule.
    """
    kernel = kernel_of(parameters, length_of, warped)
    placed = kernel.place(x)
    squared = squared_distances(placed, placed)
    np.fill_diagonal(squared, 0.0)
    correlation = matern52(squared)
    covariance = kernel.signal * correlation
    covariance[np.diag_indices(len(y))] += kernel.noise
    try:
        root = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(parameters)
    inverse = cho_solve((root, True), np.eye(len(y)), check_finite=False)
    weights = inverse @ y
    value = 0.5 * float(y @ weights) + float(np.log(np.diag(root)).sum())
    outer = inverse - np.outer(weights, weights)
    distance = np.sqrt(5.0 * squared)
    pull = outer * (kernel.signal * (5.0 / 6.0) * (1.0 + distance) * np.exp(-distance))
    by_place = 2.0 * (pull @ placed - pull.sum(1)[:, None] * placed)
    count = len(parameters) - 2 - 2 * len(warped)
    slope = np.empty_like(parameters)
    slope[:count] = np.bincount(length_of, -(by_place * placed).sum(0), minlength=count)
    if len(warped):
        by_warped = by_place[:, warped] / kernel.lengths[warped]
        slope[count:-2] = np.concatenate([(by_warped * each).sum(0) for each in kernel.warp.slopes(x)])
    slope[-2] = 0.5 * kernel.signal * float((outer * correlation).sum())
    slope[-1] = 0.5 * kernel.noise * float(np.trace(outer))
    return value, slope
