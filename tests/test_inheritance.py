"""A child that inherits answers as its parent did, and a search that hands weights down repeats and resumes exactly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import ganas
from ganas.config import make_config
from ganas.errors import RunError
from ganas.execution import InProcessExecutor
from ganas.history import load_run
from ganas.inheritance import Estate, inherit
from ganas.listener import SilentListener
from ganas.run import evolve, resume
from ganas.search.plan import DenseLayer, Head, NetworkPlan, mlp_plan
from ganas.training.build import build
from ganas.training.session import prepare_session
from ganas.weights import load_weights, save_weights

INPUTS = 5
PARENT = NetworkPlan(
    (DenseLayer(4, "prelu", True, 0.2), DenseLayer(3, "relu")),
    head=Head(2, "softmax", True),
    loss="categorical_crossentropy",
)


@pytest.fixture(autouse=True, scope="module")
def session():
    """TensorFlow as the trainers want it, before anything else starts it."""
    prepare_session(1)


def model_of(plan, seed=0):
    """A network with random weights everywhere, moving statistics included."""
    rng, model = np.random.default_rng(seed), build(plan, INPUTS)
    shapes = [weight.shape for weight in model.get_weights()]
    # variances must be above 0
    model.set_weights([rng.normal(size=shape) if len(shape) > 1 else rng.uniform(0.2, 1.5, shape) for shape in shapes])
    return model


def changed(*layers, **settings):
    return dataclasses.replace(PARENT, layers=layers, **settings)


CHILDREN = {
    "the same, trained otherwise": changed(*PARENT.layers, batch_size=7),
    "wider": changed(DenseLayer(9, "prelu", True), DenseLayer(5, "relu")),
    "deeper": changed(*PARENT.layers, DenseLayer(3, "relu"), DenseLayer(3, "linear")),
    "wider and deeper": changed(
        DenseLayer(6, "prelu", True), DenseLayer(6, "linear"), DenseLayer(7, "relu"), DenseLayer(8, "elu", dropout=0.1)
    ),
}


@pytest.mark.parametrize("normalization", ["after_activation", "before_activation"])
@pytest.mark.parametrize("name", CHILDREN)
def test_a_child_begins_with_the_answers_of_its_parent(name, normalization):
    parent = dataclasses.replace(PARENT, normalization=normalization)
    child = dataclasses.replace(CHILDREN[name], normalization=normalization)
    x = np.random.default_rng(1).normal(size=(50, INPUTS)).astype("float32")
    before, after = model_of(parent), build(child, INPUTS)
    weights = inherit(parent, before.get_weights(), child, np.random.default_rng(2))
    after.set_weights(list(weights))
    np.testing.assert_allclose(after(x), before(x), rtol=1e-4, atol=1e-5)


def test_copies_of_a_unit_do_not_stay_the_same():
    wide = CHILDREN["wider"]
    weights = inherit(PARENT, model_of(PARENT).get_weights(), wide, np.random.default_rng(0))
    into_second = weights[7]
    assert into_second.shape == (9, 5)
    assert len({tuple(row) for row in into_second}) == 9


@pytest.mark.parametrize(
    "child",
    [
        changed(DenseLayer(3, "prelu", True), DenseLayer(3, "relu")),
        changed(DenseLayer(4, "prelu", True)),
        changed(DenseLayer(4, "tanh", True), DenseLayer(3, "relu")),
        changed(DenseLayer(4, "prelu"), DenseLayer(3, "relu")),
        changed(*PARENT.layers, DenseLayer(3, "tanh")),
        changed(*PARENT.layers, DenseLayer(2, "relu")),
        changed(PARENT.layers[0], DenseLayer(4, "relu"), PARENT.layers[1]),
        changed(*PARENT.layers, head=Head(2, "softmax")),
        changed(*PARENT.layers, normalization="before_activation"),
    ],
    ids=["narrower", "gone", "activation", "normalization", "tanh", "narrow", "negative", "head", "order"],
)
def test_what_cannot_be_handed_down_is_not(child):
    assert inherit(PARENT, model_of(PARENT).get_weights(), child, np.random.default_rng(0)) is None


def test_a_plan_whose_weights_cannot_be_kept_is_trained_again_and_not_inherited_from(tmp_path):
    class Full(Estate):
        is_full = True

        def leave(self, *legacy):
            if self.is_full:
                raise RunError("no space left")
            super().leave(*legacy)

    task, estate, executor = ganas.load_task("iris"), Full(tmp_path), InProcessExecutor(1)
    with ganas.Evaluator(task, budget=ganas.TrainingBudget(epochs=1), executor=executor, estate=estate) as evaluator:
        with pytest.raises(RunError):
            evaluator.evaluate(mlp_plan([4]))
        estate.is_full = False
        parent = task.complete(mlp_plan([4]))
        assert "inherited_epochs" not in evaluator.evaluate(mlp_plan([8]), parents=[[parent]])[0].measures
        evaluator.evaluate(parent)
        assert evaluator.evaluate(mlp_plan([9]), parents=[[parent]])[0].measures["inherited_epochs"] == 1


@pytest.mark.parametrize(("folds", "repeats", "trainer"), [(1, 1, "cohort"), (1, 2, "keras"), (2, 2, "cohort")])
def test_an_evaluator_counts_what_went_into_inherited_weights(folds, repeats, trainer, tmp_path):
    task = ganas.load_task("iris", folds=folds)
    parent = task.complete(mlp_plan([(8, "relu")], learning_rate=0.01))
    child = task.complete(mlp_plan([(12, "relu")], learning_rate=0.01))
    stranger = task.complete(mlp_plan([(12, "tanh")], learning_rate=0.01))

    def evaluated(estate):
        budget, executor = ganas.TrainingBudget(epochs=8), InProcessExecutor(1)
        with ganas.Evaluator(
            task, budget=budget, executor=executor, repeats=repeats, trainer=trainer, estate=estate
        ) as evaluator:
            first = evaluator.evaluate(parent)[0]
            return first, *evaluator.evaluate([child, stranger], parents=[[stranger, parent], [parent]])

    first, heir, other = evaluated(Estate(tmp_path))
    assert first.measures.get("inherited_epochs") is None
    assert heir.measures["inherited_epochs"] == 8 * folds * repeats
    assert "inherited_epochs" not in other.measures
    for mine, before in zip(heir.curves, first.curves, strict=True):
        assert mine["loss"][0] < 1.1 * before["loss"][-1]
    alone = evaluated(None)
    assert alone[1].curves[0]["loss"][0] > heir.curves[0]["loss"][0]
    assert (alone[0].curves, alone[2].curves) == (first.curves, other.curves)


HANDING_DOWN = make_config(
    {
        "run": {"executor": "in_process"},
        "data": {"source": "iris"},
        "search": {"layers": [1, 3], "units": [4, 8, 16], "activation": "relu", "learning_rate": [0.01, 0.02]},
        "evolution": {"engine": "generational", "population": 4, "generations": 3},
        "training": {"epochs": 3, "inherit": True},
        "final": {"candidates": 1, "repeats": 2},
    },
    "test",
)


def test_a_search_that_hands_weights_down_resumes_to_the_same_history(tmp_path):
    class Break(SilentListener):
        def on_evaluation(self, number, evaluation):
            if number == 5:
                raise MemoryError

    whole = evolve(HANDING_DOWN, runs_dir=tmp_path / "whole")
    heirs = [one.number for one in whole.evaluated if "inherited_epochs" in one.evaluation.measures]
    assert min(heirs) <= 5 < max(heirs)
    with pytest.raises(MemoryError):
        evolve(HANDING_DOWN, runs_dir=tmp_path / "broken", listener=Break())
    resumed = resume(load_run("latest", tmp_path / "broken").folder)
    assert list(resumed.history_lines()) == list(whole.history_lines())
    assert resumed.result["test"]["values"] == whole.result["test"]["values"]
    warm = {"run.warm_start": str(whole.folder), "run.seed": 5}
    warmed = evolve(HANDING_DOWN.with_values(warm, "test"), runs_dir=tmp_path / "warm")
    assert warmed.status == "finished"
    assert all(each.model() is not None for each in warmed.hall_of_fame), "weights stay with the earlier run"
    member = next(one for one in whole.hall_of_fame if "inherited_epochs" in one.evaluation.measures)
    fold = ganas.load_task("iris").fold(0)
    answers = member.model()(fold.data.x_validation).numpy()
    assert fold.measure(answers)["error"] == pytest.approx(member.error)


def damaged(data: bytes) -> dict[str, bytes]:
    half = len(data) // 2
    return {
        "empty": b"",
        "cut": data[:half],
        "changed": data[:100] + bytes([data[100] ^ 1]) + data[101:],
        "text": b"no weights" * 100,
        "zip": data.replace(b"arr_1", b"arr_7"),
    }


@pytest.mark.parametrize("damage", ["empty", "cut", "changed", "text", "zip"])
def test_damaged_weights_are_one_line_that_names_the_file(damage, tmp_path):
    path = tmp_path / "one.npz"
    arrays = [np.arange(60, dtype=np.float32), np.ones(3, np.float32)]
    save_weights(path, arrays)
    assert all(np.array_equal(one, other) for one, other in zip(load_weights(path), arrays, strict=True))
    path.write_bytes(damaged(path.read_bytes())[damage])
    with pytest.raises(RunError, match=r"one\.npz: weights cannot be read \(.*put a whole copy") as refused:
        load_weights(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("count", [0, 3])
def test_weights_of_other_trainings_than_there_were_are_one_line(count, tmp_path):
    save_weights(tmp_path / f"{PARENT.digest()}.npz", [np.ones(2, np.float32)] * count)
    with pytest.raises(RunError, match=rf"\.npz: damaged \({count} arrays, of 2 trainings\); put a whole copy"):
        Estate(tmp_path).of(PARENT, 2)


def test_weights_that_cannot_be_written_are_one_line(tmp_path):
    with pytest.raises(RunError, match=r"one\.npz: cannot be written"):
        save_weights(tmp_path / "gone" / "one.npz", [np.ones(3, np.float32)])


def test_the_folder_of_a_deleted_run_is_not_made_again(tmp_path):
    evaluation = ganas.Evaluation(PARENT, 0, "ok", error=0.5)
    with pytest.raises(RunError, match="cannot be written"):
        Estate(tmp_path / "gone" / "weights").leave(evaluation, [[np.ones(3, np.float32)]])
    assert not (tmp_path / "gone").exists()
