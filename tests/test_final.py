"""What a run reports of its winner's further trainings."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ganas.config import make_config
from ganas.errors import RunError
from ganas.evaluation import Evaluation, TrainingBudget
from ganas.evaluator import Evaluator
from ganas.execution import InProcessExecutor, WorkerLost
from ganas.final import Finalist, assess_winner, further_folds, race, summary
from ganas.search.plan import mlp_plan
from ganas.settings import make_task
from ganas.tasks import load_task
from ganas.training.contract import Outcome
from ganas.worker import Trained, assess


def test_trainings_that_err_on_as_many_rows_have_an_interval_of_a_row_each_way():
    assert summary([0.1] * 5, step=1 / 50)["interval"] == pytest.approx([0.08, 0.12])


def test_trainings_that_differ_by_a_row_have_the_interval_of_their_spread():
    values = [0.1, 0.1, 0.12, 0.1, 0.1]
    assert summary(values, step=1 / 50)["interval"] == summary(values)["interval"]


def test_one_training_has_no_interval():
    assert summary([0.1], step=1 / 50)["interval"] is None


def test_the_seed_reported_is_that_of_the_saved_network_also_where_the_first_training_failed(tmp_path, caplog):
    class FirstFails(Evaluator):
        def retrain(self, pairs, *, folds=(), **options):
            self.pairs = pairs
            trained = super().retrain(pairs[1:], folds=folds[1:], **options)
            return [Trained(Outcome("failed", message="out of luck")), *trained]

    executor = InProcessExecutor(1)
    with FirstFails(load_task("iris"), budget=TrainingBudget(epochs=1), executor=executor) as evaluator:
        (evaluation,) = evaluator.evaluate(mlp_plan([(2, "relu")]))
        result = assess_winner(evaluator, [Finalist(0, evaluation)], repeats=2, folder=tmp_path)
    assert result["saved"]["seed"] == evaluator.pairs[1][1]
    assert len(result["validation"]["values"]) == 1
    assert "out of luck" in caplog.text


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_worker_that_dies_over_the_test_rows_is_replaced_once(tmp_path, deaths):
    class Dying(InProcessExecutor):
        left = deaths

        def run(self, function, jobs, kinds=()):
            if function is not assess or not self.left:
                yield from super().run(function, jobs, kinds)
                return
            self.left -= 1
            yield 0, WorkerLost("a worker process died")

    with Evaluator(load_task("iris"), budget=TrainingBudget(epochs=1), executor=Dying(1)) as evaluator:
        (evaluation,) = evaluator.evaluate(mlp_plan([(2, "relu")]))
        winner = [Finalist(0, evaluation)]
        if deaths == 1:
            assert len(assess_winner(evaluator, winner, repeats=2, folder=tmp_path)["test"]["values"]) == 2
        else:
            with pytest.raises(RunError, match=r"a worker process died; resume the run, its search is kept$"):
                assess_winner(evaluator, winner, repeats=2, folder=tmp_path)


def test_test_rows_that_a_worker_cannot_read_are_one_line(tmp_path):
    class Loses(Evaluator):
        def publish(self, name, fold):
            path = super().publish(name, fold)
            if name == "test":
                Path(path).unlink()
            return path

    with Loses(load_task("iris"), budget=TrainingBudget(epochs=1), executor=InProcessExecutor(1)) as evaluator:
        (evaluation,) = evaluator.evaluate(mlp_plan([(2, "relu")]))
        with pytest.raises(RunError, match=r"nor the rows \(FileNotFoundError: .*its search is kept"):
            assess_winner(evaluator, [Finalist(0, evaluation)], repeats=2, folder=tmp_path)


@pytest.mark.parametrize(
    ("repeats", "folds", "expected"),
    [
        (5, 1, ([0, 0, 0, 0, 0], 5)),
        (5, 3, ([0, 1, 2, 0, 1, 2, 0, 0, 0], 6)),
        (2, 4, ([0, 1, 2, 3, 0], 4)),
    ],
)
def test_further_trainings_come_to_each_fold_equally_often_and_often_enough_to_the_first(repeats, folds, expected):
    assert further_folds(repeats, folds) == expected


def test_with_folds_the_fresh_error_is_of_all_of_them_as_the_search_error_is(tmp_path):
    class Watched(Evaluator):
        seen = ()

        def retrain(self, pairs, *, folds=(), **options):
            trained = super().retrain(pairs, folds=folds, **options)
            self.seen = (*self.seen, list(zip(folds, trained, strict=True)))
            return trained

    task = make_task(make_config({"data": {"source": "iris", "folds": 3}}, "test"))
    plans = [mlp_plan([(2, "relu")]), mlp_plan([(3, "tanh")])]
    with Watched(task, budget=TrainingBudget(epochs=2), executor=InProcessExecutor(1)) as evaluator:
        finalists = [Finalist(number, one) for number, one in enumerate(evaluator.evaluate(plans))]
        result = assess_winner(evaluator, finalists, repeats=3, folder=tmp_path)
    raced, further = evaluator.seen
    assert sorted(fold for fold, _ in raced) == [0, 0, 1, 1, 2, 2]
    assert [fold for fold, _ in further] == [0, 1, 2, 0, 0]
    errors = [one.measures["error"] for _, one in further]
    assert result["validation"]["values"] == errors[:3]
    assert len(result["test"]["values"]) == 3
    assert result["saved"]["validation_error"] == errors[0]


def test_who_is_worse_on_every_fold_does_not_win_for_being_smaller():
    """The folds differ by more than the networks; errors are by fold, .02 apart."""

    class Scripted:
        seed, task = 0, SimpleNamespace(folds=3)

        def retrain(self, pairs, *, folds):
            behind = [0.02 if plan.layers[0].units == 2 else 0.0 for plan, _ in pairs]
            spread = [0.1 + 0.06 * fold + seed % 7 * 1e-4 for (_, seed), fold in zip(pairs, folds, strict=True)]
            errors = [sum(both) for both in zip(behind, spread, strict=True)]
            return [Trained(Outcome("ok"), {"error": error}) for error in errors]

    small, large = (Evaluation(mlp_plan([(units, "relu")]), 0, "ok", 0.1, parameters=units) for units in (2, 9))
    finalists = [Finalist(0, small), Finalist(1, large)]
    assert race(Scripted(), finalists, 5, print).evaluation is large
    assert finalists[0].dropped_after == 3
