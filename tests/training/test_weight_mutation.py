"""The weight-mutation callback in the ways Keras trains: before each step, nowhere else, and gone afterwards."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganas.errors import ConfigError, GanasError
from ganas.training.mutation import BLOCK, coin, replacements
from ganas.training.weight_mutation import WeightMutation

ROWS, STEPS = 40, 5
X = np.random.default_rng(0).normal(size=(ROWS, 6)).astype("float32")
Y = np.random.default_rng(1).normal(size=(ROWS, 1)).astype("float32")


def make_model(**compile_options):
    """Returns a network that SGD with learning rate 0 leaves alone, so that only mutation changes it."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(16, kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
            keras.layers.PReLU(alpha_initializer="ones"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=2), bias_initializer="ones"),
        ]
    )
    options = {"optimizer": keras.optimizers.SGD(0.0), "loss": "mse", "jit_compile": False, **compile_options}
    model.compile(**options)
    return model


def fit(model, *callbacks, epochs=1, **options):
    options = {"batch_size": ROWS // STEPS, "shuffle": False, "verbose": 0, **options}
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **options)


def kernels(model):
    return [variable.numpy().copy() for variable in model.trainable_variables if variable.name == "kernel"]


def expected_kernels(before, steps, *, probability=1.0, ratio=0.1, method="magnitude", seed=0):
    """The paper's procedure, in NumPy but for the draws."""
    now = [kernel.copy() for kernel in before]
    for step in steps:
        if coin(seed, step, probability):
            for layer, kernel in enumerate(now):
                places, values = replacements(kernel, ratio, method, seed, step, layer)
                kernel.reshape(-1)[places.numpy()] = values.numpy()
    return now


@pytest.mark.parametrize("method", ["magnitude", "random", "smallest"])
@pytest.mark.parametrize(
    "options",
    [{}, {"steps_per_execution": 3}, {"run_eagerly": True}],
    ids=["graph", "several steps", "eager"],
)
def test_each_step_mutates_once_however_keras_runs_it(options, method):
    model = make_model(**options)
    before = kernels(model)
    fit(model, WeightMutation(0.5, 0.1, method, seed=3), epochs=2)
    expected = expected_kernels(before, range(2 * STEPS), probability=0.5, method=method, seed=3)
    assert any((a != b).any() for a, b in zip(before, expected, strict=True))
    for found, right in zip(kernels(model), expected, strict=True):
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("probability", [0.02, 0.3])
def test_looking_ahead_misses_no_step_of_many_and_adds_none(probability):
    model = make_model()
    before = kernels(model)
    epochs = 3 * BLOCK // STEPS + 1
    fit(model, WeightMutation(probability, 0.1, seed=3), epochs=epochs)
    expected = expected_kernels(before, range(epochs * STEPS), probability=probability, seed=3)
    for found, right in zip(kernels(model), expected, strict=True):
        np.testing.assert_array_equal(found, right)


def test_an_optimizer_that_is_put_back_within_a_fit_mutates_its_steps_again():
    def put_back(epoch, logs):
        model.optimizer.iterations.assign(0)

    model = make_model()
    before = kernels(model)
    fit(model, WeightMutation(0.3, 0.1, seed=3), keras.callbacks.LambdaCallback(on_epoch_end=put_back), epochs=4)
    expected = expected_kernels(before, [*range(STEPS)] * 4, probability=0.3, seed=3)
    assert any((a != b).any() for a, b in zip(before, expected, strict=True))
    for found, right in zip(kernels(model), expected, strict=True):
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("steps_per_execution", [1, 3])
def test_data_of_unknown_length_mutate_nothing_where_they_end(steps_per_execution):
    model = make_model(steps_per_execution=steps_per_execution)
    before = kernels(model)
    batches = list(zip(np.split(X, STEPS), np.split(Y, STEPS), strict=True))
    shapes = (tf.TensorSpec((None, 6)), tf.TensorSpec((None, 1)))
    data = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=shapes)
    model.fit(data, epochs=2, verbose=0, callbacks=[WeightMutation(1.0, 0.1)])
    for found, right in zip(kernels(model), expected_kernels(before, range(2 * STEPS)), strict=True):
        np.testing.assert_array_equal(found, right)


def test_only_kernels_are_mutated_unless_asked():
    model = make_model()
    others = [v.numpy() for v in model.trainable_variables if v.name != "kernel"]
    fit(model, WeightMutation(1.0, 0.5))
    for before, after in zip(others, [v for v in model.trainable_variables if v.name != "kernel"], strict=True):
        np.testing.assert_array_equal(before, after)
    before = kernels(model)
    fit(model, WeightMutation(1.0, 1.0, weights=("bias", "alpha")))
    assert all((a == b).all() for a, b in zip(before, kernels(model), strict=True))
    assert (model.layers[1].alpha.numpy() < 1).all()
    assert (model.layers[-1].bias.numpy() < 1).all()


def test_zero_probability_changes_not_one_bit():
    plain, mutated = (
        make_model(optimizer=keras.optimizers.Adam(0.01)),
        make_model(optimizer=keras.optimizers.Adam(0.01)),
    )
    first = fit(plain, epochs=2, validation_data=(X, Y)).history
    second = fit(mutated, WeightMutation(0.0, 0.5), epochs=2, validation_data=(X, Y)).history
    assert first == second
    for a, b in zip(plain.get_weights(), mutated.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_zero_probability_changes_not_one_bit_with_data_of_unknown_length():
    """Where such data end, Keras itself counts one step more, which Adam's correction of its averages sees."""
    weights = []
    for callbacks in ([], [WeightMutation(0.0, 0.5)]):
        model = make_model(optimizer=keras.optimizers.Adam(0.01))
        signature = (tf.TensorSpec((None, *X.shape[1:])), tf.TensorSpec((None, *Y.shape[1:])))
        data = tf.data.Dataset.from_generator(lambda: iter([(X, Y), (X[:5], Y[:5])]), output_signature=signature)
        model.fit(data, epochs=3, verbose=0, callbacks=callbacks)
        weights.append(model.get_weights())
    for plain, mutated in zip(*weights, strict=True):
        np.testing.assert_array_equal(plain, mutated)


def test_the_optimizer_steps_from_the_mutated_weights():
    model = make_model(optimizer=keras.optimizers.SGD(0.1))
    twin = make_model(optimizer=keras.optimizers.SGD(0.1))
    before = kernels(model)
    fit(model, WeightMutation(1.0, 0.1, seed=5), batch_size=ROWS)
    for variable, value in zip(
        [v for v in twin.trainable_variables if v.name == "kernel"], expected_kernels(before, [0], seed=5), strict=True
    ):
        variable.assign(value)
    fit(twin, batch_size=ROWS)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_what_is_validated_are_the_weights_after_the_step():
    model = make_model()
    history = fit(model, WeightMutation(1.0, 0.3), validation_data=(X, Y)).history
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-6)


class Interruption(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt


def test_a_fit_that_ends_by_an_exception_leaves_no_mutation_behind():
    model = make_model()
    fit(model)
    own = model.train_function
    with pytest.raises(KeyboardInterrupt):
        fit(model, WeightMutation(1.0, 0.3), Interruption())
    before = kernels(model)
    fit(model)
    assert all((a == b).all() for a, b in zip(before, kernels(model), strict=True))
    assert "train_step" not in vars(model)
    assert model.train_function is own


def test_a_model_compiled_anew_after_an_exception_learns_by_its_new_optimizer():
    model = make_model()
    fit(model)
    with pytest.raises(KeyboardInterrupt):
        fit(model, WeightMutation(1.0, 0.3), Interruption())
    before = kernels(model)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", jit_compile=False)
    fit(model)
    assert model.optimizer.iterations.numpy() == STEPS
    assert all((a != b).any() for a, b in zip(before, kernels(model), strict=True))


class BatchOfMyOwn(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.train_on_batch(X[:8], Y[:8])


def test_batches_trained_within_a_fit_mutate_and_do_not_end_it():
    model = make_model()
    callback, epochs = WeightMutation(1.0, 0.3), []
    before = kernels(model)
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(kernels(model)))
    fit(model, callback, BatchOfMyOwn(), look, epochs=3)
    expected = expected_kernels(before, range(3 * (STEPS + 1)), ratio=0.3)
    for found, right in zip(kernels(model), expected, strict=True):
        np.testing.assert_array_equal(found, right)
    assert all((a[0] != b[0]).any() for a, b in itertools.pairwise(epochs))
    assert not {"train_step", "make_train_function", "train_on_batch"} & set(vars(model))


def test_a_loop_of_own_batches_mutates_until_it_ends():
    model = make_model()
    before = kernels(model)
    callbacks = keras.callbacks.CallbackList([WeightMutation(1.0, 0.3)], model=model)
    callbacks.on_train_begin()
    for begin in range(0, ROWS, 8):
        model.train_on_batch(X[begin : begin + 8], Y[begin : begin + 8])
    callbacks.on_train_end()
    expected = expected_kernels(before, range(STEPS), ratio=0.3)
    for found, right in zip(kernels(model), expected, strict=True):
        np.testing.assert_array_equal(found, right)
    after = kernels(model)
    model.train_on_batch(X, Y)
    assert all((a == b).all() for a, b in zip(kernels(model), after, strict=True))


def test_the_next_fit_has_its_own_step_again_without_retracing():
    model = make_model()
    fit(model)
    own = model.train_function
    fit(model, WeightMutation(1.0, 0.3))
    assert model.train_function is own
    assert not {"train_step", "make_train_function"} & set(vars(model))


def test_two_callbacks_mutate_their_own_layers_and_both_end():
    model = make_model()
    before = kernels(model)
    first, last = model.layers[0], model.layers[-1]
    fit(model, WeightMutation(1.0, 1.0, layers=[first]), WeightMutation(1.0, 1.0, layers=[last.name]))
    assert all((a != b).all() for a, b in zip(before, kernels(model), strict=True))
    after = kernels(model)
    fit(model)
    assert all((a == b).all() for a, b in zip(after, kernels(model), strict=True))


def test_layers_and_weights_may_come_from_a_generator():
    model = make_model()
    names = [layer.name for layer in model.layers]
    callback = WeightMutation(layers=(name for name in names), weights=(name for name in ["kernel"]))
    assert callback.selected(model) == callback.selected(model) == WeightMutation().selected(model)


def test_a_frozen_layer_is_left_alone_and_a_constraint_holds():
    model = make_model()
    model.layers[-1].trainable = False
    model.layers[0].kernel.constraint = keras.constraints.UnitNorm(axis=0)
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    frozen = model.layers[-1].kernel.numpy()
    seen = []
    probe = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda *_, **__: seen.append(model.layers[0].kernel.numpy())
    )
    fit(model, WeightMutation(1.0, 0.3, "random"), probe)
    np.testing.assert_array_equal(frozen, model.layers[-1].kernel)
    np.testing.assert_allclose(np.linalg.norm(seen[0], axis=0), 1, rtol=1e-5)


def test_gradient_accumulation_mutates_once_per_update():
    model = make_model(optimizer=keras.optimizers.SGD(0.0, gradient_accumulation_steps=2))
    before = kernels(model)
    fit(model, WeightMutation(1.0, 0.1))
    for found, right in zip(kernels(model), expected_kernels(before, range(3)), strict=True):
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize(("initial_scale", "steps"), [(1.0, STEPS), (2.0**60, 1)], ids=["no overflow", "overflow"])
def test_mixed_precision_mutates_float32_weights_once_per_step_that_counts(initial_scale, steps):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = make_model()
    finally:
        keras.config.set_dtype_policy("float32")
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0), initial_scale=initial_scale)
    model.compile(optimizer=optimizer, loss="mse", jit_compile=False)
    before = kernels(model)
    fit(model, WeightMutation(1.0, 0.1))
    for now, right in zip(kernels(model), expected_kernels(before, range(steps)), strict=True):
        assert now.dtype == np.float32
        np.testing.assert_array_equal(now, right)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = keras.Sequential([keras.layers.Dense(8, name="deep"), keras.layers.Dense(4, name="deeper")])
        self.outer = keras.layers.Dense(1, name="out")

    def call(self, inputs):
        return self.outer(self.inner(inputs))


def test_unbuilt_and_subclassed_models_with_nested_layers_are_mutated():
    model = Subclassed()
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", jit_compile=False)
    callback = WeightMutation(1.0, 1.0, layers=["deep", "out"])
    fit(model, callback)
    assert [variable.path.split("/")[-2] for variable in callback.selected(model)] == ["deep", "out"]
    # 5 steps of shrinking all weights: 1/2 each on average
    assert np.abs(model.inner.layers[0].kernel).mean() < 0.1
    assert np.abs(model.inner.layers[1].kernel).mean() > 0.2


class OwnWeights(keras.Model):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 1), name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel)


def test_an_unbuilt_model_that_has_weights_and_no_layers_is_mutated():
    model = OwnWeights()
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", jit_compile=False)
    callback = WeightMutation(1.0, 1.0)
    fit(model, callback)
    assert [variable.name for variable in callback.selected(model)] == ["kernel"]


class OwnStep(Subclassed):
    """Its training step applies ``optimizers`` of its own, each with a learning rate of 0, as a GAN has two."""

    def __init__(self, *optimizers):
        super().__init__()
        self.own = list(optimizers)

    def train_step(self, data):
        zeros = [keras.ops.zeros_like(variable) for variable in self.trainable_variables]
        for optimizer in self.own:
            optimizer.apply(zeros, self.trainable_variables)
        return {"loss": keras.ops.sum(zeros[0])}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_training_step_of_its_own_mutates_anew_at_each_step_whatever_optimizers_it_has(count):
    model = OwnStep(*(keras.optimizers.SGD(0.0) for _ in range(count)))
    model(X)
    # a GAN's two optimizers leave the one that Keras compiles unused
    model.compile(jit_compile=False)
    before = kernels(model)
    fit(model, WeightMutation(0.5, 0.1, "random", seed=3), epochs=2)
    steps = range(0, 2 * STEPS * max(count, 1), max(count, 1))
    expected = expected_kernels(before, steps, probability=0.5, method="random", seed=3)
    for found, right in zip(kernels(model), expected, strict=True):
        np.testing.assert_array_equal(found, right)


class Adversarial(keras.Model):
    """Two networks that are trained in one step, as a GAN's: it cannot be called, and never counts as built itself."""

    def __init__(self):
        super().__init__()
        self.generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)])
        self.discriminator = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
        self.own = keras.optimizers.SGD(0.0)

    def train_step(self, data):
        score = self.discriminator(self.generator(data[0][:, :2]))
        self.own.apply(
            [keras.ops.zeros_like(variable) for variable in self.trainable_variables], self.trainable_variables
        )
        return {"loss": keras.ops.mean(score)}


def test_a_model_of_networks_that_cannot_itself_be_called_is_mutated():
    model = Adversarial()
    model.compile(jit_compile=False)
    before = kernels(model)
    fit(model, WeightMutation(1.0, 0.1, "random", seed=3))
    expected = expected_kernels(before, range(STEPS), method="random", seed=3)
    for found, right in zip(kernels(model), expected, strict=True):
        np.testing.assert_array_equal(found, right)


def test_convolutions_and_recurrent_layers_have_kernels_too():
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Reshape((6, 1)),
            keras.layers.Conv1D(2, 3),
            keras.layers.LSTM(2),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer="sgd", loss="mse", jit_compile=False)
    callback = WeightMutation(1.0, 0.3)
    fit(model, callback)
    assert [variable.name for variable in callback.selected(model)] == [
        "kernel",
        "kernel",
        "recurrent_kernel",
        "kernel",
    ]


def test_training_goes_on_from_a_saved_model_as_if_never_interrupted(tmp_path):
    def trained(epochs):
        model = make_model(optimizer=keras.optimizers.SGD(0.01, momentum=0.9))
        fit(model, WeightMutation(0.5, 0.1, "random", seed=7), epochs=epochs)
        return model

    whole = trained(2)
    trained(1).save(tmp_path / "half.keras")
    resumed = keras.models.load_model(tmp_path / "half.keras")
    fit(resumed, WeightMutation(0.5, 0.1, "random", seed=7))
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "arguments",
    [
        {"probability": 1.5},
        {"ratio": -0.1},
        {"probability": float("nan")},
        {"probability": "often"},
        {"method": "largest"},
        {"seed": 0.5},
        {"layers": "dense"},
        {"layers": [7]},
        {"layers": [None]},
        {"layers": 5},
        {"layers": keras.layers.Dense(1)},
        {"weights": 5},
        {"weights": "kernel"},
        {"weights": ["kernel", 3]},
        {"weights": ()},
    ],
)
def test_bad_arguments_are_one_clear_line(arguments):
    with pytest.raises(ConfigError, match=r"^WeightMutation: ") as caught:
        WeightMutation(**arguments)
    assert "\n" not in str(caught.value)


def test_a_selection_without_weights_names_what_there_is():
    with pytest.raises(GanasError, match=r"no trainable kernel in layers .*nowhere.*it has: .*kernel"):
        fit(make_model(), WeightMutation(layers=["nowhere"]))


def run_without_determinism(script):
    """Runs a script in a fresh interpreter: under deterministic operations Keras compiles nothing with XLA."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=180)
    assert run.returncode == 0, run.stderr[-2000:]


def test_xla_mutates_bit_for_bit_as_graph_mode_does():
    run_without_determinism("""
        import keras, numpy as np
        from ganas.training.weight_mutation import WeightMutation
        x, y = np.ones((40, 6), "float32"), np.ones((40, 1), "float32")
        def run(method, **options):
            model = keras.Sequential([keras.Input((6,))] + [
                keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed=units)) for units in (16, 1)])
            model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", **options)
            model.fit(x, y, batch_size=8, verbose=0, shuffle=False, callbacks=[WeightMutation(0.7, 0.05, method, seed=1)])
            assert model.jit_compile == options["jit_compile"]
            return model.layers[0].kernel.numpy()
        for method, steps in (("magnitude", 1), ("random", 3)):
            assert (run(method, jit_compile=False) == run(method, jit_compile=True, steps_per_execution=steps)).all(), method
    """)


def test_xla_compiles_a_step_once_and_looks_ahead_as_graph_mode_does():
    run_without_determinism("""
        import time, keras, numpy as np
        from ganas.training.weight_mutation import WeightMutation
        x, y = np.ones((40, 6), "float32"), np.ones((40, 1), "float32")
        def run(**options):
            ends = []
            model = keras.Sequential([keras.Input((6,))] + [
                keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed=units)) for units in (16, 1)])
            model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", **options)
            clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.process_time()))
            begin = time.process_time()
            model.fit(x, y, batch_size=4, epochs=20, verbose=0, shuffle=False, callbacks=[WeightMutation(0.1, 0.05, seed=1), clock])
            assert model.jit_compile == options["jit_compile"]
            return model.layers[0].kernel.numpy(), ends[0] - begin, ends[-1] - ends[0]
        graph, (xla, first, others) = run(jit_compile=False)[0], run(jit_compile=True)
        assert (graph == xla).all()
        assert others < 5 * first, f"{first:.1f} s for the first epoch and its compilation, {others:.1f} s for 19 more"
    """)


def test_replicas_of_a_mirrored_strategy_stay_equal_and_mutate_as_one_device_does():
    run_without_determinism("""
        import keras, numpy as np, tensorflow as tf
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
        from ganas.training.weight_mutation import WeightMutation
        x, y = np.ones((16, 6), "float32"), np.ones((16, 1), "float32")
        def run(strategy):
            with strategy.scope():
                model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(50, kernel_initializer="ones"),
                                          keras.layers.Dense(1, kernel_initializer="ones")])
                model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", jit_compile=False)
            model.fit(x, y, batch_size=4, verbose=0, shuffle=False, callbacks=[WeightMutation(0.5, 0.1, "random", seed=1)])
            return model
        mirrored = run(tf.distribute.MirroredStrategy(["/CPU:0", "/CPU:1"]))
        single = run(tf.distribute.get_strategy())
        for strategy in (tf.distribute.MirroredStrategy(["/CPU:0"]), tf.distribute.OneDeviceStrategy("/CPU:0")):
            alone = run(strategy)
            assert (alone.layers[0].kernel.numpy() == single.layers[0].kernel.numpy()).all()
        copies = [part.numpy() for part in mirrored.layers[0].kernel.value.values]
        assert len(copies) == 2 and (copies[0] == copies[1]).all()
        assert (copies[0] == single.layers[0].kernel.numpy()).all() and (copies[0] != 1).any()
    """)
