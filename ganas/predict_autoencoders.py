"""What is written about new rows by a finished autoencoder of reconstruction or features: what it gives back, or its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.history import Run
from ganas.tasks.inputs import columns_of_inputs, network_input_names
from ganas.tasks.preprocessing import Preprocessing
from ganas.training.contract import FloatArray

Column = NDArray[Any]
UNKNOWN = "(unknown)"
"""What stands for a word that was too rare in training to have an input of its own."""


def reconstructions(run: Run, pipeline: Mapping[str, Any], inputs: Mapping[str, Column]) -> dict[str, Column]:
    """Returns, by column of the output: ``error``, the mean squared error of scaled inputs, and ``reconstructed_<column>``.

    Numbers are in the units of their column, texts are the likeliest word; of principal components it is the components.

    Args:
        run: a finished search of reconstruction.
        pipeline: what its ``pipeline.json`` holds.
        inputs: (rows,) arrays of the new rows by input name. Loads TensorFlow in this process.
    """
    from ganas.training.export import answer_scaled

    preprocessing = Preprocessing.from_json(pipeline["preprocessing"])
    x = preprocessing.transform(columns_of_inputs(inputs, preprocessing))
    outputs = answer_scaled(run.folder / "best.keras", x)
    error = np.square(outputs - x, dtype=np.float64).mean(axis=1)
    given_back = values_of(outputs, preprocessing)
    return {"error": error, **{f"reconstructed_{name}": values for name, values in given_back.items()}}


def codes(run: Run, pipeline: Mapping[str, Any], inputs: Mapping[str, Column]) -> dict[str, Column]:
    """Returns ``feature_1``, ``feature_2``, ...: the bottleneck's (rows,) outputs; arguments as for :func:`reconstructions`."""
    from ganas.training.build import CODE
    from ganas.training.export import answer_scaled

    preprocessing = Preprocessing.from_json(pipeline["preprocessing"])
    x = preprocessing.transform(columns_of_inputs(inputs, preprocessing))
    outputs = answer_scaled(run.folder / "best.keras", x, layer=CODE)
    return {f"feature_{place + 1}": outputs[:, place] for place in range(outputs.shape[1])}


def values_of(outputs: FloatArray, preprocessing: Preprocessing) -> dict[str, Column]:
    """Takes (rows, inputs) scaled ``outputs`` back to (rows,) values by column; the inverse of ``Preprocessing.transform``."""
    if preprocessing.projection is not None:
        names = network_input_names(preprocessing)
        return {name: outputs[:, place] for place, name in enumerate(names)}
    numbers = preprocessing.numbers
    count = len(numbers.names)
    scaled = outputs[:, :count] * numbers.scale + numbers.shift
    values: dict[str, Column] = {name: scaled[:, place] for place, name in enumerate(numbers.names)}
    start = count + len(numbers.holed)
    for part in preprocessing.categories:
        words = np.array([UNKNOWN, *part.vocabulary][0 if part.has_unknown else 1 :], object)
        values[part.name] = words[outputs[:, start : start + len(words)].argmax(axis=1)]
        start += len(words)
    return values
