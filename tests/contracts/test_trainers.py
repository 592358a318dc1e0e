"""The contract of all trainers: the same suite for each of ``TRAINERS``. Adding a name there puts it under these tests."""

from __future__ import annotations

import dataclasses
import gc
import pickle
import time

import numpy as np
import pytest

from ganas.evaluation import TrainingBudget
from ganas.search.plan import Corruption, DenseLayer, Head, Mutation, NetworkPlan, Optimizer, mlp_plan
from ganas.training.contract import TRAINERS, Member, TrainingData, load_trainer

COLUMNS, CLASSES = 6, 3
HEAD = Head(CLASSES, "softmax")
BUDGET = TrainingBudget(epochs=3)


def classification_data(rows=60, validation=24):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows + validation, COLUMNS)).astype("float32")
    labels = (x[:, :CLASSES] + rng.normal(size=(len(x), CLASSES))).argmax(1)
    y = np.eye(CLASSES, dtype="float32")[labels]
    return TrainingData(x[:rows], y[:rows], x[rows:], y[rows:])


DATA = classification_data()


def classifier(*layers, **settings):
    # 60 rows in batches of 16: the last batch of an epoch is smaller
    settings = {"head": HEAD, "loss": "categorical_crossentropy", "batch_size": 16, "learning_rate": 0.01, **settings}
    return mlp_plan(layers or [(8, "relu")], **settings)


RICH = classifier(DenseLayer(8, "prelu", True, 0.2), DenseLayer(5, "leaky_relu(0.2)", True), l2=0.01, l1=0.001)
PLANS = {
    "plain": classifier(),
    "no hidden layer": dataclasses.replace(classifier(), layers=()),
    "rich": RICH,
    "before activation": dataclasses.replace(
        RICH, normalization="before_activation", optimizer=Optimizer("rmsprop", 0.01)
    ),
    "decay": classifier((7, "tanh"), (4, "elu(0.5)"), weight_decay=0.1, optimizer="sgd", loss="mean_squared_error"),
    "normalised head": classifier(head=Head(CLASSES, "linear", True), loss="huber", kernel_initializer="he_normal"),
    "noisy": classifier(corruption=Corruption("mask", 0.2), mutation=Mutation(0.5, 0.1, "random")),
}


@pytest.fixture(params=sorted(TRAINERS), scope="module")
def train(request):
    """The function under test, in a deterministic session."""
    from ganas.training.session import prepare_session

    prepare_session(BUDGET.threads)
    return load_trainer(request.param)


@pytest.fixture(scope="module")
def outcomes(train):
    """Each plan's outcome with seed 1, trained in one company."""
    members = [Member(plan, seed=1) for plan in PLANS.values()]
    return dict(zip(PLANS, train(members, DATA, BUDGET), strict=True))


def rebuilt(plan, outcome):
    """A real Keras model of the outcome."""
    from ganas.training.build import build

    model = build(plan, COLUMNS)
    model.set_weights([np.asarray(weights) for weights in outcome.weights])
    return model


def assert_same(a, b):
    assert (a.status, a.curves, a.epochs, a.best_epoch, a.loss) == (b.status, b.curves, b.epochs, b.best_epoch, b.loss)
    np.testing.assert_array_equal(a.outputs, b.outputs)
    for one, other in zip(a.weights, b.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_is_trained_to_its_end(outcomes, name):
    outcome = outcomes[name]
    assert outcome.status == "ok", outcome.message
    assert outcome.is_finished
    assert outcome.epochs == BUDGET.epochs
    assert {curve: len(values) for curve, values in outcome.curves.items()} == {"loss": 3, "val_loss": 3}
    assert outcome.outputs.shape == (24, CLASSES)
    assert outcome.outputs.dtype == np.float32
    assert outcome.seconds > 0


@pytest.mark.parametrize("name", PLANS)
def test_loss_outputs_and_weights_are_those_of_the_best_epoch(outcomes, name):
    outcome = outcomes[name]
    curve = outcome.curves["val_loss"]
    assert outcome.best_epoch == 1 + int(np.argmin(curve))
    assert outcome.loss == curve[outcome.best_epoch - 1]
    model = rebuilt(PLANS[name], outcome)
    np.testing.assert_allclose(model(DATA.x_validation).numpy(), outcome.outputs, atol=1e-5)
    found = model.evaluate(DATA.x_validation, DATA.y_validation, verbose=0)
    assert found == pytest.approx(outcome.loss, rel=1e-4, abs=1e-6)


def test_the_same_seed_gives_the_same_answer_in_any_company_and_place(train, outcomes):
    other = classifier((9, "gelu"), (8, "relu"), (3, "tanh"))
    mixed = train([Member(other, 5), Member(RICH, 2), Member(RICH, 1)], DATA, BUDGET)
    assert_same(mixed[2], outcomes["rich"])
    assert mixed[1].curves != outcomes["rich"].curves
    assert mixed[0].outputs.shape == (24, CLASSES)


def test_patience_ends_the_training_so_many_epochs_after_the_best(train):
    plan = classifier((32, "relu"), learning_rate=0.1)
    outcome = train([Member(plan, 1)], DATA, TrainingBudget(epochs=40, patience=2))[0]
    curve = outcome.curves["val_loss"]
    assert outcome.status == "ok"
    assert outcome.is_finished
    assert outcome.epochs == len(curve) == outcome.best_epoch + 2 < 40
    assert outcome.loss == min(curve)


def test_the_last_epoch_is_kept_where_the_budget_says_so(train):
    plan = classifier((32, "relu"), learning_rate=0.1)
    outcome = train([Member(plan, 1)], DATA, TrainingBudget(epochs=6, restore_best=False))[0]
    assert outcome.best_epoch == 6
    assert outcome.loss == outcome.curves["val_loss"][-1] > min(outcome.curves["val_loss"])
    found = rebuilt(plan, outcome).evaluate(DATA.x_validation, DATA.y_validation, verbose=0)
    assert found == pytest.approx(outcome.loss, rel=1e-4)


def test_without_validation_rows_the_training_loss_is_watched(train):
    empty = dataclasses.replace(
        DATA, x_validation=DATA.x_validation[:0], y_validation=DATA.y_validation[:0], x_measured=DATA.x_train[:7]
    )
    outcome = train([Member(PLANS["plain"], 1)], empty, BUDGET)[0]
    assert set(outcome.curves) == {"loss"}
    assert outcome.loss == min(outcome.curves["loss"])
    assert outcome.outputs.shape == (7, CLASSES)


def test_a_diverged_or_failing_member_harms_no_one(train, outcomes):
    diverging = dataclasses.replace(PLANS["plain"], optimizer=Optimizer("sgd", 1e30), loss="mean_squared_error")
    diverging = dataclasses.replace(diverging, head=Head(CLASSES, "linear"))
    impossible = dataclasses.replace(PLANS["plain"], optimizer=Optimizer("no_such_optimizer"))
    plans = [PLANS["plain"], diverging, impossible, RICH]
    first, diverged, failed, last = train([Member(plan, 1) for plan in plans], DATA, BUDGET)
    assert_same(first, outcomes["plain"])
    assert_same(last, outcomes["rich"])
    assert diverged.status == "diverged"
    assert diverged.message
    assert failed.status == "failed"
    assert "no_such_optimizer" in failed.message.splitlines()[0]
    assert "Traceback" in failed.message


def test_a_member_that_takes_too_long_is_timed_out(train):
    outcome = train([Member(PLANS["plain"], 1)], DATA, TrainingBudget(epochs=50, seconds=1e-6))[0]
    assert outcome.status == "timed_out"
    assert 1 <= outcome.epochs < 50
    assert not outcome.is_cut


def test_a_deadline_cuts_a_member_whatever_its_own_limit(train):
    outcome = train([Member(PLANS["plain"], 1)], DATA, TrainingBudget(epochs=50, seconds=1e6, deadline=time.time()))[0]
    assert (outcome.status, outcome.is_cut) == ("timed_out", True)
    assert 1 <= outcome.epochs < 50


def test_the_time_before_a_pause_does_not_count_against_a_deadline(train):
    paused = train([Member(PLANS["plain"], 1)], DATA, BUDGET, pause=1)[0]
    long_ago = {name: 1e6 if name in ("seconds", "elapsed") else value for name, value in paused.state.items()}
    budget = dataclasses.replace(BUDGET, deadline=time.time() + 600)
    assert train([Member(PLANS["plain"], 1, state=long_ago)], DATA, budget)[0].status == "ok"


def plain_data(value):
    if isinstance(value, dict):
        return all(plain_data(one) for one in value.values())
    if isinstance(value, list | tuple):
        return all(plain_data(one) for one in value)
    return value is None or isinstance(value, np.ndarray | np.generic | str | int | float | bool)


@pytest.mark.parametrize("name", ["rich", "noisy", "decay"])
def test_a_paused_training_goes_on_to_exactly_the_uninterrupted_result(train, outcomes, name):
    paused = train([Member(PLANS[name], 1)], DATA, BUDGET, pause=1)[0]
    assert not paused.is_finished
    assert paused.epochs == paused.best_epoch == 1
    assert plain_data(paused.state)
    state = pickle.loads(pickle.dumps(paused.state))
    other = Member(PLANS["plain"], 3)
    _, resumed = train([other, Member(PLANS[name], 1, state=state)], DATA, BUDGET)
    assert resumed.is_finished
    assert resumed.state is None
    assert_same(resumed, outcomes[name])


def test_patience_counts_on_over_a_pause(train):
    plan, budget = classifier((32, "relu"), learning_rate=0.1), TrainingBudget(epochs=40, patience=3)
    whole = train([Member(plan, 1)], DATA, budget)[0]
    outcome = train([Member(plan, 1)], DATA, budget, pause=whole.best_epoch + 1)[0]
    assert not outcome.is_finished
    resumed = train([Member(plan, 1, state=outcome.state)], DATA, budget, pause=39)[0]
    assert_same(resumed, whole)


def test_given_weights_are_where_training_starts(train, outcomes):
    still = dataclasses.replace(PLANS["plain"], optimizer=Optimizer("sgd", 1e-12))
    given = outcomes["plain"].weights
    outcome = train([Member(still, 9, weights=given)], DATA, TrainingBudget(epochs=1))[0]
    for before, after in zip(given, outcome.weights, strict=True):
        np.testing.assert_allclose(before, after, atol=1e-7)


def test_row_weights_scale_the_training_loss_only(train):
    still = classifier(optimizer="sgd", learning_rate=1e-12)
    twice = dataclasses.replace(DATA, w_train=np.full(len(DATA.x_train), 2, "float32"))
    plain = train([Member(still, 1)], DATA, TrainingBudget(epochs=1))[0]
    weighted = train([Member(still, 1)], twice, TrainingBudget(epochs=1))[0]
    assert weighted.curves["loss"][0] == pytest.approx(2 * plain.curves["loss"][0], rel=1e-5)
    assert weighted.curves["val_loss"][0] == pytest.approx(plain.curves["val_loss"][0], rel=1e-5)


def test_drawn_rows_train_as_if_they_were_all_there_is(train):
    drawn = np.array([3, 59, 3, 17, 40, 8, 8, 21, 33] * 8)
    weights = np.linspace(0.5, 1.5, 60, dtype="float32")
    by_index = train([Member(classifier(), 1)], dataclasses.replace(DATA, w_train=weights, drawn=drawn), BUDGET)[0]
    whole = dataclasses.replace(DATA, x_train=DATA.x_train[drawn], y_train=DATA.y_train[drawn], w_train=weights[drawn])
    copied = train([Member(classifier(), 1)], whole, BUDGET)[0]
    assert by_index.status == "ok", by_index.message
    assert by_index.curves == copied.curves
    assert (by_index.outputs == copied.outputs).all()


@pytest.mark.parametrize("tied", [False, True])
def test_an_autoencoder_answers_with_its_bottleneck_where_asked(train, tied):
    from ganas.training.build import encoder

    plan = NetworkPlan(
        (DenseLayer(5, "tanh"), DenseLayer(2, "relu", True, 0.1), DenseLayer(5, "tanh")),
        head=Head(COLUMNS),
        loss="mean_squared_error",
        bottleneck=1,
        tied=tied,
        corruption=Corruption("gaussian", 0.1),
    )
    x = DATA.x_train
    data = TrainingData(x, x, x[:9], x[:9], x_measured=x[:5], measured_layer="bottleneck")
    outcome = train([Member(plan, 1)], data, TrainingBudget(epochs=1))[0]
    assert outcome.status == "ok", outcome.message
    assert outcome.outputs.shape == (5, 2)
    code = encoder(rebuilt(plan, outcome), plan)(x[:5]).numpy()
    np.testing.assert_allclose(code, outcome.outputs, atol=1e-5)


def traced_graphs():
    """How many graphs TensorFlow has traced in this process and still holds."""
    gc.collect()
    return sum(type(thing).__name__.endswith("FuncGraph") for thing in gc.get_objects())


def test_no_traced_graph_outlives_its_network(train):
    from ganas.training.cohort import program

    known, before = set(program._programs), traced_graphs()
    train([Member(classifier(batch_size=8, optimizer="nadam"), seed=1)], DATA, BUDGET)
    for bucket in set(program._programs) - known:  # a cohort's program is kept for its next members
        del program._programs[bucket]
    assert traced_graphs() == before
