"""A trained network with its preprocessing as one ``.keras`` file that takes raw rows.

The file holds built-in Keras layers and operations only, so it opens in Keras' safe mode without ganas. It repeats the steps of
``ganas.tasks.preprocessing`` in the same order and precision. Its inputs are a dict of one-dimensional columns by name
(numbers with NaN and texts with "" where missing; a "/" in a name is "_", which Keras asks for); where the data were
a matrix without names, such as images, the one input ``features`` (rows, columns) stands for all, because hundreds of
single columns would be slow to open and a nuisance to fill.

Keras wants the names of a model's inputs and layers to differ, and a column may have any name: preprocessing is therefore a
model within the model, where no input's name can meet that of a layer, and the few layers beside it avoid the inputs' names.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import RunError, first_line
from ganas.search.plan import NetworkPlan
from ganas.tasks.inputs import MATRIX_INPUT, input_names
from ganas.tasks.preprocessing import Categories, Numbers, Preprocessing, Projection
from ganas.training.contract import FloatArray
from ganas.whole import writing_whole

BATCH_ROWS = 4096


def export(plan: NetworkPlan, weights: Sequence[FloatArray], pipeline: Mapping[str, Any], path: str) -> Any:
    """Joins preprocessing, network and the meaning of its outputs, and writes them to ``path``.

    Args:
        plan: complete; tied weights are written out, because only built-in layers can be opened in safe mode.
        weights: in Keras' order.
        pipeline: what ``Task.pipeline`` returned.
        path: ends in ``.keras``.

    Returns:
        The ``keras.Model``: class probabilities (rows, classes), or numbers in target units (rows, 1), which are float64.

    Raises:
        RunError: ``path`` cannot be written.
    """
    import keras

    preprocessing = Preprocessing.from_json(pipeline["preprocessing"])
    inputs = _inputs(preprocessing)
    scaled = _preprocessed(preprocessing, inputs)
    outputs = _network(plan, weights, preprocessing.outputs, name=_free_name("network", inputs))(scaled)
    if "scale" in pipeline["output"]:
        mean, scale = pipeline["output"]["mean"], pipeline["output"]["scale"]
        # In doubles: far from 0, single-precision numbers lie further apart than the targets. Keras' Rescaling rounds them.
        rescaling = keras.layers.Dense(1, trainable=False, name=_free_name("target_units", inputs), dtype="float64")
        outputs = rescaling(outputs)
        rescaling.set_weights([np.array([[scale]]), np.array([mean])])
    model = keras.Model(inputs, outputs, name="ganas")
    with writing_whole(Path(path)) as part:
        model.save(part)
    return model


def answer(path: Path, inputs: Mapping[str, NDArray[Any]]) -> FloatArray:
    """Opens an exported model in safe mode and returns its (rows, units) outputs for columns by input name.

    Raises:
        RunError: it cannot be opened.
    """
    model = _open(path)
    rows = len(next(iter(inputs.values())))
    # Called, not model.predict: that compiles first, which takes longer than the answer for tables of many columns.
    batches = [slice(begin, begin + BATCH_ROWS) for begin in range(0, rows, BATCH_ROWS)]
    parts = [np.asarray(model({name: column[batch] for name, column in inputs.items()})) for batch in batches]
    return np.concatenate(parts)


def answer_scaled(path: Path, x: FloatArray, *, layer: str | None = None) -> FloatArray:
    """Opens an exported model in safe mode and returns its network's (rows, units) outputs for preprocessed ``x``.

    With ``layer``, those of the layer with that name instead of the last one's.

    Raises:
        RunError: it cannot be opened.
    """
    model = _open(path)
    import keras

    network = model.get_layer(_free_name("network", [given.name for given in model.inputs]))
    if layer is not None:
        network = keras.Model(network.input, network.get_layer(layer).output)
    parts = [np.asarray(network(x[begin : begin + BATCH_ROWS])) for begin in range(0, len(x), BATCH_ROWS)]
    return np.concatenate(parts)


def _open(path: Path) -> Any:
    from ganas.training.session import prepare_session

    prepare_session(threads=1)
    import keras

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{path}: cannot be opened ({first_line(error)}); delete it and resume the run, which makes it again"
        ) from None


def _network(plan: NetworkPlan, weights: Sequence[FloatArray], inputs: int, *, name: str) -> Any:
    import keras

    from ganas.training.build import build
    from ganas.training.tied import untied

    if plan.tied:
        plan, weights = untied(plan, weights)
    network = build(plan, inputs)
    network.set_weights(list(weights))
    return keras.Model(network.input, network.output, name=name)  # without loss and optimizer


def _inputs(preprocessing: Preprocessing) -> dict[str, Any]:
    """Returns the model's inputs by name: the one matrix, or the columns of numbers and then those of texts."""
    import keras

    numbers, texts = preprocessing.numbers.names, [part.name for part in preprocessing.categories]
    if preprocessing.is_matrix:
        return {MATRIX_INPUT: keras.Input((len(numbers),), name=MATRIX_INPUT)}
    names = input_names((*numbers, *texts))
    inputs = {names[name]: keras.Input((1,), name=names[name]) for name in numbers}
    return inputs | {names[name]: keras.Input((1,), name=names[name], dtype="string") for name in texts}


def _preprocessed(preprocessing: Preprocessing, inputs: Mapping[str, Any]) -> Any:
    """Returns the tensor that a network takes, made of the model's inputs by a model of its own."""
    import keras

    given = [keras.Input(one.shape[1:], dtype=one.dtype) for one in inputs.values()]
    numbers = preprocessing.numbers
    count = 1 if preprocessing.is_matrix else len(numbers.names)
    blocks = _scaled(_side_by_side(given[:count], "numbers"), numbers) if numbers.names else []
    blocks += [_encoded(words, part) for words, part in zip(given[count:], preprocessing.categories, strict=True)]
    features = _side_by_side(blocks, "features")
    if preprocessing.projection is not None:
        features = _projected(features, preprocessing.projection)
    return keras.Model(given, features, name=_free_name("preprocessing", inputs))(list(inputs.values()))


def _scaled(raw: Any, numbers: Numbers) -> list[Any]:
    from keras import ops

    missing = ops.isnan(raw)
    blocks = [(ops.where(missing, numbers.fill, raw) - numbers.shift) / numbers.scale]
    if numbers.holed:
        blocks.append(ops.cast(ops.take(missing, np.asarray(numbers.holed), axis=1), "float32"))
    return blocks


def _encoded(words: Any, part: Categories) -> Any:
    """One-hot codes; place 0 is what is not in the vocabulary, left out where training rows had nothing of the kind."""
    import keras

    vocabulary = list(part.vocabulary) or ["any word"]  # Keras takes no empty one
    unknown = _free_name("[UNK]", vocabulary)
    lookup = keras.layers.StringLookup(
        vocabulary=vocabulary, oov_token=unknown, num_oov_indices=1, output_mode="one_hot"
    )
    codes = lookup(words)
    if not part.vocabulary:
        return keras.ops.sum(codes, axis=1, keepdims=True)  # every word is unknown: 1
    return codes if part.has_unknown else codes[:, 1:]


def _projected(features: Any, projection: Projection) -> Any:
    import keras

    layer = keras.layers.Dense(projection.kernel.shape[1], trainable=False, name="principal_components")
    projected = layer(features)
    layer.set_weights([projection.kernel, projection.bias])
    return projected


def _side_by_side(tensors: list[Any], name: str) -> Any:
    import keras

    return keras.layers.Concatenate(name=name)(tensors) if len(tensors) > 1 else tensors[0]


def _free_name(name: str, taken: Collection[str]) -> str:
    """Returns ``name``, with "_" behind it as long as it is ``taken``."""
    while name in taken:
        name += "_"
    return name
