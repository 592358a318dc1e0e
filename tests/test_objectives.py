"""What a search can minimise, and limits that a clock decides."""

import pytest

from ganas.errors import ConfigError
from ganas.evaluation import Evaluation, TrainingBudget
from ganas.evaluator import Evaluator
from ganas.execution import InProcessExecutor
from ganas.objectives import OBJECTIVES, check_objectives, objectives_of
from ganas.search.plan import Head, mlp_plan
from ganas.tasks import load_task

PLAN = mlp_plan([(8, "relu")], head=Head(3, "softmax"), loss="categorical_crossentropy", bottleneck=0)


def test_objectives_are_read_in_the_order_of_their_names():
    evaluation = Evaluation(PLAN, 0, "ok", 0.25, {"latency_ms": 0.5}, 0.75, 67, 5, 4, 1.5)
    names = list(OBJECTIVES)
    row = dict(zip(names, objectives_of(evaluation, names, 4), strict=True))
    assert row["error"] == 0.25
    assert row["loss"] == 0.75
    assert row["parameters"] == 67
    assert row["flops"] == 2 * (4 * 8 + 8 * 3)
    assert row["latency_ms"] == 0.5
    assert row["training_seconds"] == 1.5
    assert row["bottleneck"] == 8


@pytest.mark.parametrize("names", [["parameters", "error"], ["latency_ms"]])
def test_the_first_objective_says_how_well_a_network_does(names):
    with pytest.raises(ConfigError, match=rf"so it must be error or loss, got '{names[0]}'"):
        check_objectives(names)
    check_objectives(["loss", *names])


def test_a_failure_has_no_objectives():
    assert objectives_of(Evaluation(PLAN, 0, "diverged"), ["error", "parameters"], 4) is None


@pytest.mark.parametrize(("names", "message"), [(["eror"], "did you mean 'error'"), (["error", "error"], "each once")])
def test_objectives_that_make_no_sense_are_one_line(names, message):
    with pytest.raises(ConfigError, match=message):
        check_objectives(names)


def test_an_objective_that_no_network_of_the_task_has_is_one_line():
    with pytest.raises(
        ConfigError, match=r"^\[evolution\] objectives: 'bottleneck' is of autoencoders, and this task trains"
    ):
        check_objectives(["error", "bottleneck"], "mlp")
    check_objectives(["error", "flops", "latency_ms"], "mlp")
    check_objectives(["error", "bottleneck"], "autoencoder")


def test_a_network_slower_than_the_limit_is_too_large_and_says_why():
    budget = TrainingBudget(epochs=1, max_latency_ms=1e-6)
    with Evaluator(load_task("iris"), budget=budget, executor=InProcessExecutor(1)) as evaluator:
        evaluation = evaluator.evaluate(mlp_plan([(4, "relu")]))[0]
    assert evaluation.status == "too_large"
    assert evaluation.error is None
    assert "max_latency_ms" in evaluation.message


def test_a_measured_latency_is_positive():
    with Evaluator(
        load_task("iris"), budget=TrainingBudget(epochs=1), executor=InProcessExecutor(1), measures_latency=True
    ) as evaluator:
        assert evaluator.evaluate(mlp_plan([(4, "relu")]))[0].measures["latency_ms"] > 0


def test_another_keras_backend_is_one_line(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ConfigError, match="KERAS_BACKEND: ganas trains with tensorflow, found 'jax'"):
        Evaluator(load_task("iris"))
