"""The reference trainer says what a person's own ``Model.fit`` would say, also in double precision."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest

from ganas.evaluation import TrainingBudget
from ganas.search.plan import DenseLayer, Head, Mutation, NetworkPlan, mlp_plan
from ganas.training.build import build
from ganas.training.contract import Member, TrainingData
from ganas.training.fit import train
from ganas.training.streams import batch_order

rng = np.random.default_rng(0)
X = rng.normal(size=(70, 4)).astype("float32")
Y = (X[:, :1] - X[:, 1:2] ** 2 + rng.normal(size=(70, 1))).astype("float32")
DATA = TrainingData(X[:50], Y[:50], X[50:], Y[50:])
REGRESSOR = mlp_plan([(16, "tanh")], head=Head(1), loss="mean_squared_error", batch_size=8, learning_rate=0.1)


class InOrder(keras.utils.PyDataset):
    """Each epoch's batches in the order of the shared stream."""

    def __init__(self, seed):
        super().__init__()
        self.seed, self.epoch = seed, 0

    def __len__(self):
        return 7

    def __getitem__(self, index):
        rows = batch_order(self.seed, self.epoch, 50)[index * 8 : index * 8 + 8]
        return DATA.x_train[rows], DATA.y_train[rows]


def test_curves_and_best_weights_are_those_of_model_fit_with_early_stopping():
    outcome = train([Member(REGRESSOR, 4)], DATA, TrainingBudget(epochs=30, patience=3))[0]
    assert outcome.status == "ok", outcome.message
    model = build(REGRESSOR, 4, seed=4)
    batches = InOrder(4)
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    history = {"loss": [], "val_loss": []}

    class Record(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            batches.epoch = epoch

        def on_epoch_end(self, epoch, logs=None):
            for name in history:
                history[name].append(logs[name])

    validation = (DATA.x_validation, DATA.y_validation)
    fitted = model.fit(
        batches, epochs=30, validation_data=validation, shuffle=False, verbose=0, callbacks=[Record(), stopping]
    )
    assert len(fitted.epoch) == outcome.epochs < 30
    assert outcome.best_epoch == stopping.best_epoch + 1
    for name, curve in history.items():
        np.testing.assert_allclose(outcome.curves[name], curve, rtol=1e-5)
    for mine, theirs in zip(outcome.weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def test_double_precision_is_double_throughout_and_ends_with_the_training():
    plan = mlp_plan(
        [DenseLayer(6, "prelu", True, 0.1)], head=Head(1), loss="huber", l2=0.1, mutation=Mutation(0.5, 0.1)
    )
    outcome = train([Member(plan, 4)], DATA, TrainingBudget(epochs=1, precision="float64"))[0]
    assert outcome.status == "ok", outcome.message
    assert {weights.dtype for weights in outcome.weights} == {np.dtype("float64")}
    assert outcome.outputs.dtype == np.float32
    loss = outcome.curves["val_loss"][0]
    assert loss != float(np.float32(loss))
    assert keras.config.floatx() == "float32"


def test_mutation_of_the_encoder_needs_a_bottleneck():
    mutation = Mutation(1.0, 1.0, layers="encoder")
    plan = mlp_plan([(4, "tanh")], head=Head(1), loss="mse", mutation=mutation)
    assert "needs a plan with a bottleneck" in train([Member(plan, 1)], DATA, TrainingBudget(epochs=1))[0].message


def test_mutation_of_the_encoder_leaves_the_decoder_alone():
    layers = (DenseLayer(5, "tanh"), DenseLayer(2, "tanh"), DenseLayer(5, "tanh"))
    plan = NetworkPlan(
        layers, Head(4), "mse", bottleneck=1, batch_size=50, mutation=Mutation(1.0, 1.0, "random", "encoder")
    )
    start = build(plan, 4, seed=1).get_weights()
    data = TrainingData(X, X, X[:5], X[:5])
    outcome = train([Member(plan, 1)], data, TrainingBudget(epochs=3, restore_best=False))[0]
    kernels = [index for index, weights in enumerate(start) if weights.ndim == 2]
    shares = [np.abs(outcome.weights[index]).mean() / np.abs(start[index]).mean() for index in kernels]
    assert max(shares[:2]) < 0.3
    assert min(shares[2:]) > 0.9


def test_training_touches_no_global_generator():
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002  (a caller's)
    train([Member(REGRESSOR, 4)], DATA, TrainingBudget(epochs=1))
    assert states == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


@pytest.mark.parametrize("rows", [8, 9, 50])
def test_an_epoch_visits_each_row_once(rows):
    order = batch_order(3, 0, rows)
    assert sorted(order) == list(range(rows))
    assert (order != batch_order(3, 1, rows)).any()
