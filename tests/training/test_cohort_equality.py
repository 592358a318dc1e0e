"""The cohort trainer answers what ``Model.fit`` answers: in float64 to 1e-6 over ten epochs, whatever the plan."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganas.evaluation import TrainingBudget
from ganas.search.activations import ELEMENTWISE, parse_activation
from ganas.search.plan import DenseLayer, Head, NetworkPlan, Optimizer
from ganas.training.build import _activation, build
from ganas.training.cohort import train
from ganas.training.cohort.activations import coefficients, mixture
from ganas.training.cohort.layout import cut, initial_weights, pad
from ganas.training.contract import Member, TrainingData
from ganas.training.fit import train as train_by_keras

ROWS, COLUMNS, CLASSES = 70, 6, 3
EXACT = TrainingBudget(epochs=10, precision="float64")


def make_data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS + 30, COLUMNS)).astype("float32")
    y = np.eye(CLASSES, dtype="float32")[(x[:, :CLASSES] + rng.normal(size=(len(x), CLASSES))).argmax(1)]
    weights = rng.uniform(0.5, 2, ROWS).astype("float32")
    return TrainingData(x[:ROWS], y[:ROWS], x[ROWS:], y[ROWS:], w_train=weights)


DATA = make_data()
HEAD = Head(CLASSES, "softmax")


def plan(*layers, **changes):
    changes = {"head": HEAD, "loss": "categorical_crossentropy", "batch_size": 16, **changes}
    return NetworkPlan(layers or (DenseLayer(9, "relu"), DenseLayer(4, "tanh")), **changes)


def assert_agrees(plans, budget=EXACT, tolerance=1e-6, data=DATA):
    members = [Member(one, seed) for seed, one in enumerate(plans)]
    found = train(members, data, budget)
    expected = train_by_keras(members, data, budget)
    for member, mine, keras_own in zip(members, found, expected, strict=True):
        assert mine.status == keras_own.status == "ok", mine.message + keras_own.message
        for curve in ("loss", "val_loss"):
            np.testing.assert_allclose(mine.curves[curve], keras_own.curves[curve], rtol=tolerance)
        model = build(member.plan, COLUMNS)
        model.set_weights(mine.weights)
        np.testing.assert_allclose(model(DATA.x_validation).numpy(), mine.outputs, atol=1e-5)


OPTIMIZERS = [
    Optimizer("sgd", 0.05, 0.01, (("momentum", 0.9), ("nesterov", True))),
    Optimizer("nadam", 0.01),
    Optimizer("ftrl", 0.05),
    Optimizer("schedule_free_adam_w", 0.01),
    Optimizer("adam", 0.01, options=(("ema_overwrite_frequency", 3), ("use_ema", True))),
    Optimizer("adamw", 0.01, 0.05, (("clipvalue", 0.1),)),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.name)
def test_optimizers_agree_with_each_member_at_its_own_learning_rate(optimizer):
    slower = Optimizer(optimizer.name, optimizer.learning_rate / 3, optimizer.weight_decay / 2, optimizer.options)
    assert_agrees([plan(optimizer=optimizer), plan(optimizer=slower)])


def test_depths_widths_activations_and_batch_sizes_agree_in_one_cohort():
    assert_agrees(
        [
            plan(DenseLayer(1, "tanh"), batch_size=9),
            plan(DenseLayer(12, "elu(0.5)"), DenseLayer(3, "sigmoid")),
            plan(DenseLayer(5, "selu"), DenseLayer(100, "silu"), batch_size=13),
            plan(DenseLayer(31, "celu(0.7)"), DenseLayer(7, "leaky_relu(0.2)")),
        ]
    )


def test_batches_larger_than_the_data_agree():
    layers = DenseLayer(5, "tanh", True), DenseLayer(7)
    plans = [plan(*layers, batch_size=size) for size in (ROWS - 1, ROWS, ROWS + 1, 100_000)]
    assert_agrees(plans)
    drawn = np.random.default_rng(1).integers(0, ROWS, 3 * ROWS)
    assert_agrees(plans[2:], data=dataclasses.replace(DATA, drawn=drawn))


@pytest.mark.parametrize("normalization", ["after_activation", "before_activation"])
def test_normalisation_slopes_and_penalties_agree(normalization):
    layers = DenseLayer(5, "prelu", True), DenseLayer(7, "mish", True)
    assert_agrees(
        [plan(*layers, normalization=normalization, l1=1e-3, l2=1e-2), plan(DenseLayer(4, "prelu", True), l2=0.1)]
    )


@pytest.mark.parametrize("loss", ["mean_squared_error", "kl_divergence", "huber", "categorical_focal_crossentropy"])
def test_losses_agree(loss):
    assert_agrees([plan(DenseLayer(9, "relu"), loss=loss)])


def test_a_tied_autoencoder_with_sigmoid_outputs_agrees():
    layers = tuple(DenseLayer(units, "tanh") for units in (5, 2, 5))
    tied = NetworkPlan(layers, Head(COLUMNS, "sigmoid"), "binary_crossentropy", bottleneck=1, tied=True, l2=1e-3)
    x = 1 / (1 + np.exp(-DATA.x_train))
    data = TrainingData(x, x, x[:9], x[:9])
    budget = TrainingBudget(epochs=5, precision="float64")
    mine, keras_own = (one([Member(tied, 1)], data, budget)[0] for one in (train, train_by_keras))
    np.testing.assert_allclose(mine.curves["val_loss"], keras_own.curves["val_loss"], rtol=1e-6)


def test_single_precision_agrees_over_the_first_steps():
    assert_agrees([plan()], TrainingBudget(epochs=4), 1e-4)


drawn_layers = st.lists(
    st.builds(DenseLayer, st.integers(1, 30), st.sampled_from(["relu", "tanh", "elu", "prelu", "gelu"]), st.booleans()),
    min_size=1,
    max_size=4,
)
drawn_plans = st.builds(
    lambda layers, rate, batch, l2: plan(*layers, optimizer=Optimizer("adam", rate), batch_size=batch, l2=l2),
    drawn_layers,
    st.floats(1e-4, 3e-2),
    st.integers(8, 16),
    st.sampled_from([0.0, 1e-2]),
)


@settings(max_examples=2, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(drawn_plans, min_size=1, max_size=2))
def test_drawn_plans_agree(plans):
    assert_agrees(plans)


@pytest.mark.parametrize("text", [*ELEMENTWISE, "elu(0.3)", "celu(2)"])
def test_activations_and_their_slopes_are_keras_own_and_finite_for_every_lane(text):
    x = tf.constant([[-50.0, -2, -0.3, -1e-7, 0, 1e-7, 0.3, 2, 50]])[:, None]
    stacked = tf.concat([x, x], 0)
    rows = tf.constant(np.stack([coefficients(parse_activation(one)) for one in (text, "exponential")]), tf.float32)
    slopes = tf.fill(x.shape, 0.25)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, stacked])
        expected = x
        for layer in _activation(text, 0, None):
            expected = layer(expected)
        found = mixture(stacked, rows, tf.concat([slopes, slopes], 0), True)
        mine = found[0]
    np.testing.assert_allclose(mine, expected[0], rtol=1e-6, atol=1e-7)
    if text not in ("hard_shrink", "soft_shrink", "prelu", "relu6"):  # whose slope at a kink is anyone's choice
        np.testing.assert_allclose(tape.gradient(mine, stacked)[0], tape.gradient(expected, x)[0], rtol=1e-5, atol=1e-6)
    assert np.isfinite(tape.gradient(mine, stacked)).all()


def test_members_begin_with_the_weights_that_keras_builds():
    from ganas.cohorts import bucket_of

    one = plan(
        DenseLayer(5, "prelu", True), DenseLayer(7), kernel_initializer="he_normal", normalization="before_activation"
    )
    weights = initial_weights(one, COLUMNS, 3, "float32")
    for mine, keras_own in zip(weights, build(one, COLUMNS, 3).get_weights(), strict=True):
        np.testing.assert_array_equal(mine, keras_own)
    bucket = bucket_of(one, (100, COLUMNS), TrainingBudget())
    for before, after in zip(weights, cut(bucket, one, pad(bucket, one, weights)), strict=True):
        np.testing.assert_array_equal(before, after)


def test_keras_optimizers_keep_the_private_names_that_lanes_rely_on():
    nadam = keras.optimizers.Nadam()
    nadam.build([keras.Variable(np.zeros(2))])
    assert {"_iterations", "_u_product"} <= set(vars(nadam))
    averaged = keras.optimizers.SGD(use_ema=True)
    averaged.build([keras.Variable(np.zeros(2))])
    assert len(averaged._model_variables_moving_average) == 1
