"""What a run reports of its winner's further trainings."""

import pytest

from ganas.evaluation import TrainingBudget
from ganas.evaluator import Evaluator
from ganas.execution import InProcessExecutor
from ganas.final import Finalist, assess_winner, summary
from ganas.search.plan import mlp_plan
from ganas.tasks import load_task
from ganas.training.contract import Outcome
from ganas.worker import Trained


def test_trainings_that_err_on_as_many_rows_have_an_interval_of_a_row_each_way():
    assert summary([0.1] * 5, step=1 / 50)["interval"] == pytest.approx([0.08, 0.12])


def test_trainings_that_differ_by_a_row_have_the_interval_of_their_spread():
    values = [0.1, 0.1, 0.12, 0.1, 0.1]
    assert summary(values, step=1 / 50)["interval"] == summary(values)["interval"]


def test_one_training_has_no_interval():
    assert summary([0.1], step=1 / 50)["interval"] is None


def test_the_seed_reported_is_that_of_the_saved_network_also_where_the_first_training_failed(tmp_path, caplog):
    class FirstFails(Evaluator):
        def retrain(self, pairs, **options):
            self.pairs = pairs
            return [Trained(Outcome("failed", message="out of luck")), *super().retrain(pairs[1:], **options)]

    executor = InProcessExecutor(1)
    with FirstFails(load_task("iris"), budget=TrainingBudget(epochs=1), executor=executor) as evaluator:
        (evaluation,) = evaluator.evaluate(mlp_plan([(2, "relu")]))
        result = assess_winner(evaluator, [Finalist(0, evaluation)], repeats=2, folder=tmp_path)
    assert result["saved"]["seed"] == evaluator.pairs[1][1]
    assert len(result["validation"]["values"]) == 1
    assert "out of luck" in caplog.text
