"""The evaluator: each plan once, in order, the same alone and in company; what fails is an answer, not an exception."""

import threading
import time

import numpy as np
import pytest

import ganas
from ganas.errors import ConfigError, GanasError, RunError, SpaceError
from ganas.evaluation import Evaluation, TrainingBudget
from ganas.evaluator import Evaluator
from ganas.execution import InProcessExecutor, WorkerLost
from ganas.rungs import Rungs
from ganas.search.plan import mlp_plan
from ganas.search.words import LOSS_ALIASES
from ganas.tasks import load_task, task_from_arrays
from ganas.worker import begin_job

PLANS = [mlp_plan([(6, "relu")]), mlp_plan([(5, "tanh"), (4, "relu")]), mlp_plan([(3, "elu")], learning_rate=0.01)]


class Counting(InProcessExecutor):
    """Counts the members it trains, and loses the worker of every job that trains a plan of ``deadly_units``, or of any job."""

    def __init__(self, deadly_units=None, loses_all=False):
        super().__init__(1)
        self.deadly_units = deadly_units
        self.loses_all = loses_all
        self.trained = 0

    def run(self, function, jobs, kinds=()):
        for index, job in enumerate(jobs):
            is_deadly = any(member.plan.layers[0].units == self.deadly_units for member in job.members)
            if self.loses_all or (is_deadly and function is not begin_job):
                yield index, WorkerLost("a worker process died")
            else:
                self.trained += len(job.members)
                yield index, dict(super().run(function, [job]))[0]


def make(executor=None, **options):
    options = {"budget": TrainingBudget(epochs=2), **options}
    return Evaluator(options.pop("task", None) or load_task("iris"), executor=executor or Counting(), **options)


@pytest.fixture(scope="module")
def alone() -> list[Evaluation]:
    """Each plan, evaluated by an evaluator of its own."""
    return [make().evaluate(plan)[0] for plan in PLANS]


def answer(evaluation):
    """What an evaluation says, without its timing."""
    return evaluation.status, evaluation.seed, evaluation.error, evaluation.loss, evaluation.curves, evaluation.measures


def test_a_plan_is_trained_once_however_often_it_is_asked_for():
    executor = Counting()
    with make(executor) as evaluator:
        first = evaluator.evaluate([PLANS[0], PLANS[1], PLANS[0]])
        again = evaluator.evaluate(PLANS[0])
    assert executor.trained == 2
    assert first[0] is first[2] is again[0]


def test_answers_come_in_the_order_of_the_plans_and_do_not_depend_on_company(alone):
    with make() as evaluator:
        together = evaluator.evaluate(reversed(PLANS))
    assert [answer(one) for one in reversed(together)] == [answer(one) for one in alone]


def test_both_trainers_agree(alone):
    with make(trainer="keras") as evaluator:
        reference = evaluator.evaluate(PLANS)
    for one, other in zip(alone, reference, strict=True):
        assert (one.trainer, other.trainer) == ("cohort", "keras")
        assert one.seed == other.seed
        np.testing.assert_allclose(one.curves[0]["val_loss"], other.curves[0]["val_loss"], rtol=1e-4)
        assert one.error == pytest.approx(other.error)


def test_an_error_is_the_mean_over_folds_and_repeats():
    task = load_task("iris", folds=3)
    executor = Counting()
    with make(executor, task=task, repeats=2) as evaluator:
        evaluation = evaluator.evaluate(PLANS[0])[0]
        assert executor.trained == 6
        assert len(evaluation.curves) == 6
        assert evaluation.epochs == 12
    assert 0 <= evaluation.error <= 1
    assert evaluation.error == pytest.approx(1 - evaluation.measures["accuracy"])


def test_a_plan_over_the_limit_is_not_trained():
    executor = Counting()
    with make(executor, budget=TrainingBudget(epochs=1, max_parameters=50)) as evaluator:
        statuses = [one.status for one in evaluator.evaluate([mlp_plan([(2, "relu")]), mlp_plan([(50, "relu")])])]
    assert statuses == ["ok", "too_large"]
    assert executor.trained == 1


def test_a_plan_that_cannot_be_completed_fails_with_its_reason_and_takes_no_other_down():
    with make() as evaluator:
        good, bad = evaluator.evaluate([PLANS[0], mlp_plan([(3, "relu")], loss="nonsense")])
    assert good.is_ok
    assert bad.status == "failed"
    assert "nonsense" in bad.message


def test_the_plan_that_kills_its_worker_fails_alone():
    with make(Counting(deadly_units=3)) as evaluator:
        evaluations = evaluator.evaluate(PLANS)
    assert [one.status for one in evaluations] == ["ok", "ok", "failed"]
    assert "a worker process died" in evaluations[2].message


def test_a_worker_that_was_ended_for_another_batch_says_nothing_of_its_plan(alone):
    class Crowded(InProcessExecutor):
        left = 3

        def run(self, function, jobs, kinds=()):
            for index, job in enumerate(jobs):
                self.left -= 1
                yield (
                    index,
                    WorkerLost("ended with another batch's", was_ended=True) if self.left >= 0 else function(job),
                )

    with make(Crowded(1)) as evaluator:
        assert [answer(one) for one in evaluator.evaluate(PLANS)] == [answer(one) for one in alone]


def test_workers_that_die_before_they_train_are_no_failure_of_the_plans():
    executor = Counting(loses_all=True)
    with make(executor) as evaluator:
        with pytest.raises(RunError, match=r"die before they train anything \(a worker process died\); make room"):
            evaluator.evaluate(PLANS)
        executor.loses_all = False
        assert all(one.is_ok for one in evaluator.evaluate(PLANS))


def test_what_the_cohort_trainer_cannot_do_goes_to_keras_and_is_refused_where_it_was_asked_for():
    plan = mlp_plan([(4, "relu")], optimizer="lamb")
    with make() as evaluator, make(trainer="cohort") as strict:
        assert evaluator.evaluate(plan)[0].trainer == "keras"
        refused = strict.evaluate(plan)[0]
    assert refused.status == "failed"
    assert 'use "auto"' in refused.message


def test_a_candidate_stopped_at_a_rung_keeps_its_score_there_and_survivors_answer_as_if_never_paused():
    budget = TrainingBudget(epochs=4)
    with make(budget=budget, rungs=[Rungs((0.25,))]) as evaluator, make(budget=budget) as plain:
        evaluations = evaluator.evaluate(PLANS)
        whole = plain.evaluate(PLANS)
    assert {one.status for one in evaluations} == {"ok", "stopped"}
    for one, other in zip(evaluations, whole, strict=True):
        assert len(one.rungs) == 1
        if one.status == "ok":
            assert answer(one) == answer(other)
        else:
            assert one.epochs == 1
            assert one.rungs == ((1, one.error),)


def test_a_deadline_cuts_trainings_short_and_they_are_forgotten():
    epochs = 2000
    with make(budget=TrainingBudget(epochs=epochs)) as evaluator:
        (cut,) = evaluator.evaluate(PLANS[0], deadline=time.time() + 0.2)
        (whole,) = evaluator.evaluate(PLANS[0])
    assert (cut.status, cut.is_cut) == ("timed_out", True)
    assert 1 <= cut.epochs < epochs
    assert (whole.status, whole.epochs) == ("ok", epochs)


@pytest.mark.parametrize(("epochs", "survivors"), [(1, 0), (2, 1)])
def test_candidates_are_compared_at_a_rung_with_those_that_were_there_after_as_many_epochs(epochs, survivors):
    earlier = [Evaluation(mlp_plan([(units, "relu")]), 0, "stopped", rungs=((epochs, 0.0),)) for units in range(10, 30)]
    with make(budget=TrainingBudget(epochs=4), rungs=[Rungs((0.25,))]) as evaluator:
        evaluator.remember(earlier)
        statuses = [one.status for one in evaluator.evaluate(PLANS[:2])]
    assert statuses.count("ok") == survivors


def test_an_evaluation_survives_json(alone):
    assert Evaluation.from_json(alone[0].to_json()) == alone[0]


def test_every_alias_of_a_loss_trains():
    plans = [mlp_plan([(3, "relu")], loss=alias) for alias in LOSS_ALIASES]
    with make(budget=TrainingBudget(epochs=1)) as evaluator:
        evaluations = evaluator.evaluate(plans)
    assert {one.status for one in evaluations} == {"ok"}


def test_own_arrays_are_evaluated_in_a_few_lines():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    task = ganas.task_from_arrays(x, x[:, 0] * 2 + 1, kind="regression")
    with Evaluator(task, budget=ganas.TrainingBudget(epochs=30), executor=InProcessExecutor(1)) as evaluator:
        evaluation = evaluator.evaluate([ganas.mlp_plan([(8, "relu")], learning_rate=0.02)])[0]
    assert evaluation.is_ok
    assert evaluation.error < 1.5  # in units of the target, whose standard deviation is 2


@pytest.mark.parametrize(
    ("options", "message"), [({"trainer": "torch"}, "trainer: must be"), ({"repeats": 0}, "repeats")]
)
def test_an_evaluator_that_makes_no_sense_is_one_line(options, message):
    with pytest.raises(ConfigError, match=message):
        make(task=task_from_arrays(np.eye(40), np.arange(40) % 2), **options)


def test_the_step_of_the_error_is_a_row_of_the_first_fold():
    task = load_task("iris", folds=3)
    with Evaluator(task, executor=InProcessExecutor(1)) as evaluator:
        assert evaluator.step() == 1 / len(task.fold(0).data.x_validation)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 2.5}, r"epochs: must be a whole number of at least 1, got 2.5"),
        ({"epochs": "5"}, r"epochs: must be a whole number of at least 1, got '5'"),
        ({"patience": True}, r"patience: must be a whole number of at least 1, got True"),
        ({"widest_layer": 0}, r"widest_layer: must be a whole number of at least 1, got 0"),
        ({"seconds": "1"}, r"seconds: must be a number above 0, got '1'"),
        ({"max_latency_ms": float("nan")}, r"max_latency_ms: must be a number above 0, got nan"),
    ],
)
def test_a_budget_that_makes_no_sense_is_one_line(setting, message):
    with pytest.raises(ConfigError, match=message):
        TrainingBudget(**setting)


@pytest.mark.parametrize("folds", [[0], [0, 1, 0], [0, 2], [0, -1]])
def test_folds_to_retrain_on_that_make_no_sense_are_one_line(folds):
    with (
        Evaluator(load_task("iris", folds=2), executor=InProcessExecutor(1)) as evaluator,
        pytest.raises(GanasError, match=r"folds must be empty or 2, one per pair, of 0 to 1, got \[0"),
    ):
        evaluator.retrain([(mlp_plan([(2, "relu")]), 0), (mlp_plan([(2, "relu")]), 1)], folds=folds)


def test_threads_that_share_an_evaluator_get_the_answers_of_one_alone(alone):
    answers = {}
    with make() as evaluator:
        beginning = threading.Barrier(4)

        def ask(number):
            beginning.wait()
            answers[number] = evaluator.evaluate(PLANS if number % 2 else reversed(PLANS))[:: 1 if number % 2 else -1]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expected = [answer(one) for one in alone]
    assert [[answer(one) for one in answers[number]] for number in range(4)] == [expected] * 4
    assert all(one is other for row in answers.values() for one, other in zip(row, answers[0], strict=True))


def test_a_plan_asked_for_again_while_it_is_trained_has_one_evaluation(alone):
    nested = []
    with make() as evaluator:

        def ask_again(index, _):
            if index == 0:
                nested.extend(evaluator.evaluate(PLANS))

        evaluations = evaluator.evaluate(PLANS, on_evaluation=ask_again)
    assert all(one is other for one, other in zip(nested, evaluations, strict=True))
    assert [answer(one) for one in evaluations] == [answer(one) for one in alone]


@pytest.mark.parametrize("executor", [None, Counting()], ids=["own workers", "given executor"])
def test_an_evaluator_that_is_closed_says_so_and_starts_no_worker(executor):
    with Evaluator(load_task("iris"), executor=executor) as evaluator:
        pass
    for ask in (
        lambda: evaluator.evaluate(PLANS),
        lambda: evaluator.retrain([(PLANS[0], 1)]),
        lambda: evaluator.publish("fold", evaluator.task.fold(0)),
        evaluator.step,
    ):
        with pytest.raises(GanasError, match="Evaluator: is closed") as caught:
            ask()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("plans", ["x", 5, None, [{"layers": []}], [PLANS[0], None], [[PLANS[0]]]])
def test_what_is_no_plan_is_one_line_before_anything_is_trained(plans):
    executor = Counting()
    with make(executor) as evaluator:
        with pytest.raises(SpaceError, match="Evaluator: expected a plan, such as") as caught:
            evaluator.evaluate(plans)
        with pytest.raises(SpaceError, match="Evaluator: expected a plan, such as"):
            evaluator.retrain([({"layers": []}, 1)])
    assert "\n" not in str(caught.value)
    assert executor.trained == 0


def test_a_plan_of_numpy_scalars_harms_no_companion(alone):
    plan = mlp_plan([(np.int64(6), "relu")], batch_size=np.int64(32), learning_rate=np.float64(1e-3))
    with make() as evaluator:
        evaluations = evaluator.evaluate([plan, *PLANS])
    assert evaluations[0] is evaluations[1]
    assert [answer(one) for one in evaluations[1:]] == [answer(one) for one in alone]
