import numpy as np

from ganas.evolution import Birth
from ganas.evolution.individual import Result
from ganas.evolution.scores import score_results
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


def test_a_stopped_one_ranks_in_the_worse_half_whatever_its_score_was_at_the_rung() -> None:
    scores = score_results([*complete(COMPLETE), result(9, (0.0001,), 0)])[:, 0]
    assert np.sort(scores[:4])[1] < scores[4] < np.sort(scores[:4])[3]


def test_a_stopped_one_ranks_by_its_score_there_among_the_worse_half() -> None:
    stopped = [result(9, (0.9,), 1), result(8, (0.35,), 0), result(7, (0.15,), 0)]
    scores = score_results([*complete(COMPLETE), *stopped])[:, 0]
    # 0.1, then 0.2 and, not before the middle, what was stopped at 0.15, then 0.3, 0.35, 0.4, 0.9
    assert np.argsort(scores, kind="stable").tolist() == [0, 2, 6, 3, 5, 1, 4]


def test_one_stopped_far_behind_does_not_rank_before_the_worst_that_was_not() -> None:
    scores = score_results([*complete(COMPLETE), *(result(9 + extra, (9.0 + extra,), 0) for extra in range(8))])[:, 0]
    assert scores[4:].min() > scores[:4].max()


def test_every_objective_has_scores_of_its_own() -> None:
    scores = score_results([result(0, (1.0, 9.0)), result(1, (2.0, 8.0)), result(2, (3.0, 7.0)), result(3, None)])
    assert scores.shape == (4, 2)
    assert scores[:3, 0].tolist() == scores[2::-1, 1].tolist()
