"""A plan as a Keras model: the parts it is made of, what it counts, what it minimises."""

from __future__ import annotations

import dataclasses
import random

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganas.errors import SpaceError
from ganas.search.activations import ELEMENTWISE
from ganas.search.plan import Corruption, DenseLayer, Head, NetworkPlan, Optimizer, mlp_plan
from ganas.training.build import build, encoder
from ganas.training.objective import make_initializer, make_loss, make_optimizer
from ganas.training.tied import untied

X = np.random.default_rng(0).normal(size=(12, 5)).astype("float32")
HEAD = Head(3, "softmax")
ADAPTIVE = ["adam", "adamw", "adamax", "nadam", "rmsprop", "adagrad", "adadelta", "adafactor", "schedule_free_adamw"]
OPTIMIZERS = [*ADAPTIVE, "sgd", "lion", "ftrl", "lamb", "muon"]


def complete(*layers, **settings):
    return mlp_plan(layers, **{"head": HEAD, "loss": "categorical_crossentropy", **settings})


def autoencoder(*units, tied=True, **settings):
    layers = tuple(DenseLayer(one, "tanh") for one in units)
    return NetworkPlan(layers, Head(5), "mean_squared_error", bottleneck=len(units) // 2, tied=tied, **settings)


layer_plans = st.builds(
    DenseLayer,
    units=st.integers(1, 9),
    activation=st.sampled_from([*ELEMENTWISE, "elu(0.5)", "celu(0.3)", "prelu(0.1)"]),
    batch_normalization=st.booleans(),
    dropout=st.sampled_from([0.0, 0.3]),
)
plans = st.builds(
    NetworkPlan,
    layers=st.lists(layer_plans, max_size=4).map(tuple),
    head=st.builds(Head, units=st.integers(1, 4), activation=st.just("linear"), batch_normalization=st.booleans()),
    loss=st.just("mean_squared_error"),
    normalization=st.sampled_from(["after_activation", "before_activation"]),
    corruption=st.sampled_from(
        [None, Corruption("mask", 0.2), Corruption("gaussian", 0.1), Corruption("dropout", 0.5)]
    ),
    l2=st.sampled_from([0.0, 0.1]),
)


@settings(max_examples=25)
@given(plan=plans, inputs=st.integers(1, 6))
def test_a_plan_counts_the_parameters_that_keras_counts(plan, inputs):
    assert build(plan, inputs).count_params() == plan.parameters(inputs)


@settings(max_examples=10)
@given(code=st.lists(layer_plans, min_size=1, max_size=3))
def test_a_tied_plan_counts_each_shared_kernel_once(code):
    layers = (*code, *code[-2::-1])
    plan = NetworkPlan(layers, Head(4), "mean_squared_error", bottleneck=len(code) - 1, tied=True)
    assert build(plan, 4).count_params() == plan.parameters(4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("leaky_relu", np.where(X > 0, X, 0.01 * X)),
        ("leaky_relu(0.3)", np.where(X > 0, X, 0.3 * X)),
        ("prelu(0.1)", np.where(X > 0, X, 0.1 * X)),
        ("elu(0.5)", np.where(X > 0, X, 0.5 * np.expm1(X))),
        ("celu(0.5)", np.where(X > 0, X, 0.5 * np.expm1(X / 0.5))),
        ("hard_silu", X * np.clip(X / 6 + 0.5, 0, 1)),
    ],
)
def test_activations_have_the_slopes_that_their_names_say(text, expected):
    plan = complete(DenseLayer(5, text), head=Head(5), loss="mean_squared_error", kernel_initializer="identity")
    np.testing.assert_allclose(build(plan, 5)(X), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("normalization", "kinds"),
    [
        ("after_activation", ["Dense", "Activation", "BatchNormalization", "Dropout"]),
        ("before_activation", ["Dense", "BatchNormalization", "Activation", "Dropout"]),
    ],
)
def test_layers_follow_each_other_as_the_plan_says(normalization, kinds):
    model = build(complete(DenseLayer(4, "tanh", True, 0.5), normalization=normalization), 5)
    assert [type(layer).__name__ for layer in model.layers[1:5]] == kinds


@pytest.mark.parametrize("kind", ["mask", "gaussian", "dropout"])
def test_corruption_acts_in_training_only_and_loads_in_safe_mode(kind, tmp_path):
    plan = complete(corruption=Corruption(kind, 0.4), head=Head(5), loss="mse", kernel_initializer="identity")
    model = build(plan, 5, seed=1)
    ones = np.ones((2000, 5), "float32")
    np.testing.assert_array_equal(model(ones), ones)
    noisy = model(ones, training=True).numpy()
    if kind == "gaussian":
        assert noisy.std() == pytest.approx(0.4, rel=0.05)
    else:
        assert set(np.unique(noisy.round(4))) == {0.0, 1.0 if kind == "mask" else np.float32(1.6667)}
        assert (noisy == 0).mean() == pytest.approx(0.4, abs=0.03)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(ones), ones)


def test_the_seed_decides_the_weights_and_no_global_generator_is_touched():
    random_state, numpy_state = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002  (a caller's)
    plan = complete(DenseLayer(6, "prelu", True, 0.2), corruption=Corruption("gaussian", 0.1), optimizer="adamw")
    first, same, other = (build(plan, 5, seed).get_weights() for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, same, strict=True))
    assert (first[0] != other[0]).any()
    assert random.getstate() == random_state
    assert np.random.get_state()[1].tolist() == numpy_state  # noqa: NPY002


def test_cross_entropy_behind_a_softmax_is_taken_of_the_logits():
    plan = complete(kernel_initializer="zeros", optimizer="sgd", learning_rate=1.0)
    model = build(plan, 5)
    # 200 in the logits: a probability of 1e-87 is 0 in float32, and its clipped logarithm would be 16
    model.set_weights([np.zeros((5, 3), "float32"), np.array([0, 200, 0], "float32")])
    y = np.eye(3, dtype="float32")[[0] * len(X)]
    assert model.evaluate(X, y, verbose=0) == pytest.approx(200, rel=1e-6)


def test_tied_decoder_kernels_stay_the_transposed_encoder_kernels_through_training():
    plan = autoencoder(4, 2, 4, optimizer=Optimizer("adam", 0.01), l2=0.01)
    model = build(plan, 5)
    before = model.get_weights()
    model.fit(X, X, epochs=2, verbose=0, shuffle=False)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    assert len(model.losses) == 2
    free, weights = untied(plan, model.get_weights())
    assert not free.tied
    plain = build(free, 5)
    plain.set_weights(weights)
    np.testing.assert_allclose(plain(X), model(X), atol=1e-6)
    np.testing.assert_array_equal(weights[0].T, weights[6])
    assert encoder(model, plan)(X).shape == (12, 2)


@pytest.mark.parametrize(
    "plan",
    [
        complete((4, "tanh"), head=None),
        complete((4, "tanh"), loss=None),
        complete((4, "tanh"), loss="no_such_loss"),
        complete((4, "tanh"), optimizer="no_such_optimizer"),
        complete((4, "tanh"), kernel_initializer="no_such_initializer"),
        dataclasses.replace(complete((4, "tanh")), optimizer=Optimizer("adam", options=(("no_such_option", 1),))),
        autoencoder(4, 2, 3),
        autoencoder(4, 2),
    ],
    ids=["head", "loss missing", "loss", "optimizer", "initializer", "option", "not mirrored", "not in the middle"],
)
def test_a_plan_that_cannot_be_built_is_one_clear_line(plan):
    with pytest.raises(SpaceError) as caught:
        build(plan, 5)
    assert "\n" not in str(caught.value)


def test_only_an_autoencoder_has_an_encoder():
    plan = complete((4, "tanh"))
    with pytest.raises(SpaceError, match="no bottleneck"):
        encoder(build(plan, 5), plan)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_of_keras_is_found_by_its_name(name):
    plain = make_optimizer(Optimizer(name, 0.5))
    assert float(plain.learning_rate) == 0.5
    assert not plain.weight_decay
    assert make_optimizer(Optimizer(name, 0.5, weight_decay=0.1)).weight_decay == 0.1


def test_options_reach_the_optimizer():
    optimizer = make_optimizer(Optimizer("sgd", 1, options=(("momentum", 0.9), ("nesterov", True))))
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)


@pytest.mark.parametrize(
    "name",
    ["mse", "mae", "huber", "log_cosh", "kl_divergence", "categorical_crossentropy", "binary_crossentropy", "poisson"],
)
def test_losses_are_keras_own_by_name(name):
    assert callable(make_loss(name))


@pytest.mark.parametrize(
    "name", ["glorot_uniform", "he_normal", "lecun_uniform", "orthogonal", "random_normal", "zeros"]
)
def test_initializers_are_keras_own_with_the_seed_given(name):
    drawn = [np.asarray(make_initializer(name, seed=3)((4, 4))) for _ in range(2)]
    np.testing.assert_array_equal(*drawn)
