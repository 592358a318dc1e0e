import numpy as np
import pytest

from ganas.evolution import Birth
from ganas.evolution.individual import Result
from ganas.evolution.scores import REACH, score_results, standard_scores
from ganas.search.space import Genome

COMPLETE = [0.1, 0.4, 0.2, 0.3]


def result(number: int, objectives: tuple[float, ...] | None, rung: int | None = None) -> Result:
    return Result(Genome({"a": number}), Birth("told"), objectives, rung)


def complete(values: list[float]) -> list[Result]:
    return [result(index, (value,)) for index, value in enumerate(values)]


def test_complete_results_are_ranked_by_their_objective() -> None:
    scores = score_results(complete(COMPLETE))
    assert scores.shape == (4, 1)
    assert np.argsort(scores[:, 0]).tolist() == [0, 2, 3, 1]


def test_a_failure_ranks_behind_everything() -> None:
    scores = score_results([result(9, None), *complete(COMPLETE), result(8, (0.05,), 0), result(7, None)])
    assert scores[0, 0] == scores[-1, 0] > scores[1:-1, 0].max()


def test_a_stopped_one_is_behind_three_quarters_whatever_its_score_was_at_the_rung() -> None:
    scores = score_results([*complete(COMPLETE), result(9, (0.0001,), 0)])[:, 0]
    assert np.sort(scores[:4])[2] < scores[4] < np.sort(scores[:4])[3]


def test_a_stopped_one_ranks_by_its_score_there_among_the_worst() -> None:
    stopped = [result(9, (0.9,), 1), result(8, (0.35,), 0), result(7, (0.15,), 0)]
    scores = score_results([*complete(COMPLETE), *stopped])[:, 0]
    # 0.1, 0.2, 0.3 and, not before three quarters, what was stopped at 0.15, then 0.35, 0.4, 0.9
    assert np.argsort(scores, kind="stable").tolist() == [0, 2, 3, 6, 5, 1, 4]


def test_one_stopped_far_behind_does_not_rank_before_the_worst_that_was_not() -> None:
    scores = score_results([*complete(COMPLETE), *(result(9 + extra, (9.0 + extra,), 0) for extra in range(8))])[:, 0]
    assert scores[4:].min() > scores[:4].max()


def test_scores_have_the_order_of_the_values_a_mean_of_0_and_a_deviation_of_1() -> None:
    values = np.array([3.0, 1.0, 2.5, 2.0, 2.0, 2.2])
    scores = standard_scores(values)
    assert np.argsort(scores, kind="stable").tolist() == np.argsort(values, kind="stable").tolist()
    assert scores[3] == scores[4]
    assert scores.mean() == pytest.approx(0.0, abs=1e-12)
    assert scores.std() == pytest.approx(1.0)


def test_halving_an_error_is_worth_as_much_wherever_it_is() -> None:
    scores = standard_scores(np.array([0.4, 0.2, 0.1, 0.05]))
    assert np.diff(scores) == pytest.approx(np.full(3, scores[1] - scores[0]))


@pytest.mark.parametrize("unit", [1e-9, 60.0])
def test_the_unit_does_not_matter(unit: float) -> None:
    values = np.array([0.3, 0.1, 0.2, 7.0, np.inf])
    assert standard_scores(unit * values) == pytest.approx(standard_scores(values))


def test_values_below_0_are_compared_by_their_differences() -> None:
    values = np.array([-0.9, -0.8, -0.7, -0.6])
    assert np.diff(standard_scores(values)) == pytest.approx(
        np.full(3, standard_scores(values)[1] - standard_scores(values)[0])
    )
    assert standard_scores(values - 5.0) == pytest.approx(standard_scores(values))


def test_what_is_far_behind_is_equally_far_and_a_failure_is_no_farther() -> None:
    best, middle = 0.1, 0.2
    worst = middle * (middle / best) ** REACH
    scores = standard_scores(np.array([best, middle, middle, middle, worst, 1e9, np.inf]))
    assert scores[4] == pytest.approx(scores[5])
    assert scores[5] == scores[6]
    assert np.isfinite(scores).all()
    nearer = standard_scores(np.array([best, middle, middle, middle, worst / 2, 1e9, np.inf]))
    assert nearer[4] < nearer[5]


def test_an_error_of_0_is_the_best_and_not_infinitely_so() -> None:
    scores = standard_scores(np.array([0.02, 0.0, 0.01, 0.04]))
    assert np.argsort(scores).tolist() == [1, 2, 0, 3]
    assert scores[2] - scores[1] == pytest.approx(scores[0] - scores[2])


@pytest.mark.parametrize("values", [[0.1], [0.1, 0.1, 0.1], [0.0, 0.0], [-2.0, -2.0]])
def test_where_nothing_differs_scores_are_0(values: list[float]) -> None:
    assert standard_scores(np.array(values)).tolist() == [0.0] * len(values)


@pytest.mark.parametrize("values", [[0.0, np.inf, 0.0], [0.3, np.inf, 0.3], [-2.0, np.inf, -2.0]])
def test_a_failure_is_behind_even_where_all_others_are_equal(values: list[float]) -> None:
    scores = standard_scores(np.array(values))
    assert scores[0] == scores[2] < scores[1] < np.inf


def test_where_most_are_as_good_as_the_best_the_others_still_differ() -> None:
    scores = standard_scores(np.array([0.1, 0.1, 0.1, 0.1, 0.11, 0.12, np.inf]))
    assert scores[0] == scores[3] < scores[4] < scores[5] < scores[6] < np.inf


def test_every_objective_has_scores_of_its_own() -> None:
    scores = score_results([result(0, (1.0, 9.0)), result(1, (2.0, 8.0)), result(2, (3.0, 7.0)), result(3, None)])
    assert scores.shape == (4, 2)
    for column, values in zip(scores.T, ([1.0, 2.0, 3.0, np.inf], [9.0, 8.0, 7.0, np.inf]), strict=True):
        assert column.tolist() == standard_scores(np.array(values)).tolist()
