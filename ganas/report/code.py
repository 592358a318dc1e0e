"""A plan as a short Keras script that rebuilds and trains the network: the network here, the data in ``data_code``.

The script needs Keras, NumPy, scikit-learn and, for tables, pandas; ganas only where the plan uses its regularizer. It
draws its own split and its own initial weights, so it finds a network as good, not the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganas.errors import RunError
from ganas.report.data_code import data_part
from ganas.search.activations import parse_activation
from ganas.search.plan import NetworkPlan

if TYPE_CHECKING:
    from ganas.history import Run

CLASSES = {"adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD", "schedulefreeadamw": "ScheduleFreeAdamW"}
"""Keras' optimizers whose class is not their capitalised name."""
MASK = '''
class Mask(layers.Layer):
    """Sets inputs to 0 with a probability while training."""

    def __init__(self, rate):
        super().__init__()
        self.rate, self.seed = rate, keras.random.SeedGenerator(0)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        kept = keras.random.uniform(keras.ops.shape(inputs), seed=self.seed) >= self.rate
        return inputs * keras.ops.cast(kept, inputs.dtype)

'''
TIED = '''
class TiedDense(layers.Layer):
    """A dense layer whose kernel is the transposed one of an earlier layer."""

    def __init__(self, source, activation=None):
        super().__init__()
        self.kernel = lambda: source.kernel
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        self.bias = self.add_weight(shape=(self.kernel().shape[0],), initializer="zeros", name="bias")

    def call(self, inputs):
        return self.activation(keras.ops.matmul(inputs, keras.ops.transpose(self.kernel())) + self.bias)

'''


def code_of(plan: NetworkPlan, run: Run) -> str:
    """Returns the script that loads the run's data and builds and trains ``plan``, a complete one, on it.

    Raises:
        RunError: the run is a comparison.
    """
    if run.is_comparison:
        raise RunError(
            f"{run.folder}: is a comparison, and scripts are printed of searches; {run.folder / 'config.toml'} has its networks"
        )
    data = data_part(run)
    imports = {*data.imports, "import keras", "from keras import layers"}
    imports |= {"import ganas"} if plan.mutation is not None else set()
    metrics = ', metrics=["accuracy"]' if data.kind == "classification" else ""
    mask = plan.corruption is not None and plan.corruption.kind == "mask"
    parts = [
        f'"""{plan.in_words()}: a network that ganas found for {data.name}."""',
        "",
        *sorted(imports, key=lambda line: (line.startswith("from"), line)),
        "",
        *([MASK] if mask else []),
        *([TIED] if plan.tied else []),
        "keras.utils.set_random_seed(0)",
        "",
        *data.lines,
        "",
        "model = keras.Sequential([",
        *(f"    {line}," for line in network_lines(plan)),
        "])",
        f'model.compile(optimizer={_optimizer(plan)}, loss="{plan.loss}"{metrics})',
        "model.summary()",
        "model.fit(",
        *(f"    {argument}," for argument in _fit_arguments(plan, run, data.parts)),
        ")",
        *data.ending,
    ]
    return "\n".join(parts) + "\n"


def _fit_arguments(plan: NetworkPlan, run: Run, parts: tuple[str, ...]) -> list[str]:
    training = run.config.training
    patience = training.patience or training.epochs
    callbacks = []
    if "validation" in parts:
        callbacks.append(f"keras.callbacks.EarlyStopping(patience={patience}, restore_best_weights=True)")
    if plan.mutation is not None:
        mutation = plan.mutation
        options = f"probability={mutation.probability:g}, ratio={mutation.ratio:g}, method={mutation.method!r}"
        options += f", layers=[{', '.join(map(_name, _mutated_apart(plan)))}]" if mutation.layers == "encoder" else ""
        callbacks.append(f"ganas.WeightMutation({options})")
    return [
        "x_train",
        "t_train",
        *(["validation_data=(x_validation, t_validation)"] if "validation" in parts else []),
        f"batch_size={plan.batch_size}",
        f"epochs={training.epochs}",
        *(["class_weight=class_weight"] if run.config.task.class_weights else []),
        *([f"callbacks=[{', '.join(callbacks)}]"] if callbacks else []),
        "verbose=2",
    ]


def network_lines(plan: NetworkPlan) -> list[str]:
    """Returns the layers of a complete plan, the input first, an expression a line; layers that are used again get a name."""
    assert plan.head is not None
    lines = ["keras.Input((x_train.shape[1],))"]
    if plan.corruption is not None and plan.corruption.rate > 0:
        kinds = {"gaussian": "layers.GaussianNoise", "dropout": "layers.Dropout", "mask": "Mask"}
        lines.append(f"{kinds[plan.corruption.kind]}({plan.corruption.rate:g})")
    for index in range(len(plan.layers)):
        lines += _hidden_lines(plan, index)
    last = plan.head
    # rows that the script draws itself may need more or fewer inputs, and an autoencoder gives back what it gets
    units = last.units if plan.bottleneck is None else "x_train.shape[1]"
    lines.append(_dense(plan, len(plan.layers), units, None if last.activation == "linear" else last.activation))
    return [*lines, *["layers.BatchNormalization()"] * last.batch_normalization]


def _hidden_lines(plan: NetworkPlan, index: int) -> list[str]:
    layer = plan.layers[index]
    normalization = ["layers.BatchNormalization()"] * layer.batch_normalization
    dropout = [f"layers.Dropout({layer.dropout:g})"] * (layer.dropout > 0)
    simple, own = _activation(layer.activation)
    if normalization and plan.normalization == "before_activation":
        after = [f'layers.Activation("{simple}")'] if simple is not None else own
        return [_dense(plan, index, layer.units, None), *normalization, *after, *dropout]
    return [_dense(plan, index, layer.units, simple), *own, *normalization, *dropout]


def _activation(text: str) -> tuple[str | None, list[str]]:
    """Returns an activation as the word that ``Dense`` takes, or else as layers of its own."""
    activation = parse_activation(text)
    slope = activation.parameter
    layers = {
        "leaky_relu": [f"layers.LeakyReLU(negative_slope={slope})"],
        "prelu": [f"layers.PReLU(alpha_initializer=keras.initializers.Constant({slope}))"],
        "elu": [f"layers.ELU(alpha={slope})"],
        "celu": [f"layers.Activation(lambda x: keras.activations.celu(x, alpha={slope}))"],
    }
    is_word = slope == 1.0 and activation.name in ("elu", "celu")
    if is_word or activation.name not in layers:
        return (None if activation.name == "linear" else activation.name), []
    return None, layers[activation.name]


def _dense(plan: NetworkPlan, index: int, units: int | str, activation: str | None) -> str:
    """Returns dense layer ``index``, counted from the input; the head is the last."""
    sources = _tied_to(plan)
    function = [f'activation="{activation}"'] * (activation is not None)
    if index in sources:
        return f"TiedDense({', '.join([_name(sources[index]), *function])})"
    options = [str(units), *function]
    options += [f'kernel_initializer="{plan.kernel_initializer}"'] * (plan.kernel_initializer != "glorot_uniform")
    if plan.l1 or plan.l2:
        options.append(f"kernel_regularizer=keras.regularizers.L1L2(l1={plan.l1:g}, l2={plan.l2:g})")
    is_named = index in (*sources.values(), *_mutated_apart(plan))
    return f"{_name(index)} := " * is_named + f"layers.Dense({', '.join(options)})"


def _name(index: int) -> str:
    return f"dense_{index}"


def _tied_to(plan: NetworkPlan) -> dict[int, int]:
    """Returns, for each decoder layer of a tied plan, the encoder layer whose kernel it shares."""
    if not plan.tied or plan.bottleneck is None:
        return {}
    last = len(plan.layers)
    return {index: last - index for index in range(plan.bottleneck + 1, last + 1)}


def _mutated_apart(plan: NetworkPlan) -> range:
    """Returns the layers whose weights mutate where those of others do not."""
    if plan.mutation is None or plan.mutation.layers == "all" or plan.bottleneck is None:
        return range(0)
    return range(plan.bottleneck + 1)


def _optimizer(plan: NetworkPlan) -> str:
    optimizer = plan.optimizer
    key = optimizer.name.replace("_", "")
    name = CLASSES.get(key, key.capitalize())
    options = [f"learning_rate={optimizer.learning_rate:.6g}"]
    # AdamW decays unless told not to
    if optimizer.weight_decay or name.endswith("AdamW"):
        options.append(f"weight_decay={optimizer.weight_decay:.6g}")
    options += [f"{key}={value!r}" for key, value in optimizer.options]
    return f"keras.optimizers.{name}({', '.join(options)})"
