"""Preprocessing: from raw columns to the float32 inputs of a network, fitted on training rows only.

Numbers: the training median where missing (and one more input per column that says so, where training rows have holes),
then scaled. Texts: one input per category seen at least twice in training rows, the most frequent first; all others share
one input "unknown" (all zeros if there was nothing unknown in training). Then, if asked, principal components.

Every step is one that ``ganas.training.export`` repeats with built-in Keras layers, in the same order and in float32, so that
an exported model computes the same from raw rows; it is plain data (:meth:`Preprocessing.to_json`), never a pickle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError
from ganas.tasks.columns import Columns
from ganas.tasks.settings import DataSettings
from ganas.tasks.table import Table

MOST_CATEGORIES = 50
FEWEST_ROWS_OF_A_CATEGORY = 2
CONSTANT = 1e-7
"""A column whose spread is below this share of its size is constant as far as float32 can tell."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Numbers:
    """How the number columns become inputs; each (columns,) float32.

    Attributes:
        names: of the columns.
        fill: what stands in for a missing value.
        shift, scale: the input is ``(value - shift) / scale``.
        holed: the places of the columns that get an input "is missing".
    """

    names: tuple[str, ...]
    fill: Floats
    shift: Floats
    scale: Floats
    holed: tuple[int, ...] = ()

    def transform(self, numbers: NDArray[Any]) -> Floats:
        """Returns (rows, columns + holed) inputs."""
        values = numbers.astype(np.float32)
        missing = np.isnan(values) if numbers.dtype != np.uint8 else np.zeros((1, 1), bool)
        if missing.any():
            values = np.where(missing, self.fill, values)
        # In place: the values of images fill much of a small machine's memory.
        values -= self.shift
        values /= self.scale
        return (
            np.concatenate([values, missing[:, list(self.holed)]], axis=1, dtype=np.float32) if self.holed else values
        )


@dataclass(frozen=True)
class Categories:
    """How one text column becomes inputs: "unknown" where it has one, then one per word of the vocabulary ("" is missing)."""

    name: str
    vocabulary: tuple[str, ...]
    has_unknown: bool

    def transform(self, words: NDArray[np.object_]) -> Floats:
        """Returns (rows, inputs) of 0 and 1."""
        place = {word: index + 1 for index, word in enumerate(self.vocabulary)}
        codes = np.fromiter((place.get(word, 0) for word in words), np.intp, len(words))
        return np.eye(len(self.vocabulary) + 1, dtype=np.float32)[codes][:, 0 if self.has_unknown else 1 :]


@dataclass(frozen=True)
class Projection:
    """Principal components: ``inputs @ kernel + bias``; (inputs, components) and (components,) float32."""

    kernel: Floats
    bias: Floats


@dataclass(frozen=True)
class Preprocessing:
    """All steps together; ``is_matrix``: the numbers are one array without column names."""

    numbers: Numbers
    categories: tuple[Categories, ...] = ()
    projection: Projection | None = None
    is_matrix: bool = False

    def transform(self, columns: Columns) -> Floats:
        """Returns the (rows, inputs) float32 inputs of raw ``columns``."""
        blocks = [self.numbers.transform(columns.numbers)]
        blocks += [part.transform(columns.texts[:, place]) for place, part in enumerate(self.categories)]
        inputs = np.concatenate(blocks, axis=1) if len(blocks) > 1 else blocks[0]
        return inputs if self.projection is None else _project(inputs, self.projection)

    @property
    def outputs(self) -> int:
        """The number of inputs a network gets."""
        if self.projection is not None:
            return int(self.projection.kernel.shape[1])
        return len(self.input_columns)

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The column that each input (before principal components) comes from."""
        names = self.numbers.names
        repeated = [part.name for part in self.categories for _ in range(len(part.vocabulary) + part.has_unknown)]
        return (*names, *(names[place] for place in self.numbers.holed), *repeated)

    def to_json(self) -> dict[str, Any]:
        """Returns JSON-able data from which :meth:`from_json` makes the same preprocessing, to the last bit."""
        numbers, projection = self.numbers, self.projection
        return {
            "numbers": {
                "names": list(numbers.names),
                **{name: [float(value) for value in getattr(numbers, name)] for name in ("fill", "shift", "scale")},
                "holed": list(numbers.holed),
            },
            "categories": [
                {"name": part.name, "vocabulary": list(part.vocabulary), "has_unknown": part.has_unknown}
                for part in self.categories
            ],
            "projection": projection and {"kernel": projection.kernel.tolist(), "bias": projection.bias.tolist()},
            "is_matrix": self.is_matrix,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preprocessing:
        """Makes the preprocessing that :meth:`to_json` returned."""
        given, projection = data["numbers"], data["projection"]
        fill, shift, scale = (np.asarray(given[name], np.float32) for name in ("fill", "shift", "scale"))
        return cls(
            Numbers(tuple(given["names"]), fill, shift, scale, tuple(given["holed"])),
            tuple(
                Categories(part["name"], tuple(part["vocabulary"]), part["has_unknown"]) for part in data["categories"]
            ),
            projection and Projection(*(np.asarray(projection[name], np.float32) for name in ("kernel", "bias"))),
            data["is_matrix"],
        )


def fit_preprocessing(table: Table, rows: NDArray[np.intp], settings: DataSettings) -> Preprocessing:
    """Fits the preprocessing of ``table`` on its training ``rows``.

    Raises:
        DataError: there are no rows, or more principal components are asked for than there are inputs or training rows.
    """
    if not len(rows):
        raise DataError(f"{table.name}: none of the rows is one to train on; give some that are")
    training = table.features.take(rows)
    numbers = _fit_numbers(training, table.pixel_maximum, settings.scaling)
    categories = tuple(
        _fit_categories(name, training.texts[:, place]) for place, name in enumerate(training.text_names)
    )
    fitted = Preprocessing(numbers, categories, None, training.is_matrix)
    if settings.pca is None:
        return fitted
    return Preprocessing(
        numbers, categories, _fit_projection(fitted.transform(training), settings.pca), training.is_matrix
    )


def _fit_numbers(training: Columns, pixel_maximum: float | None, scaling: str) -> Numbers:
    count = len(training.number_names)
    fill, shift, scale = np.zeros(count), np.zeros(count), np.ones(count)
    if training.numbers.dtype == np.uint8 and pixel_maximum is not None:
        return Numbers(training.number_names, _float32(fill), _float32(shift), _float32(scale * pixel_maximum))
    holed = []
    for place in range(count):
        values = training.numbers[:, place].astype(np.float64)
        missing = np.isnan(values)
        holed += [place] * bool(missing.any())
        fill[place] = np.median(values[~missing]) if not missing.all() else 0.0
        shift[place], scale[place] = _scaling(np.where(missing, fill[place], values), pixel_maximum, scaling)
    return Numbers(training.number_names, _float32(fill), _float32(shift), _float32(scale), tuple(holed))


def _float32(values: NDArray[np.float64]) -> Floats:
    return values.astype(np.float32)


def _scaling(values: NDArray[np.float64], pixel_maximum: float | None, scaling: str) -> tuple[float, float]:
    """Returns shift and scale of a column without holes."""
    if pixel_maximum is not None:
        return 0.0, pixel_maximum
    if scaling == "min_max":
        shift, scale = values.min(), values.max() - values.min()
    else:
        shift, scale = values.mean(), values.std()
    return float(shift), float(scale if scale > CONSTANT * np.abs(values).max() else 1.0)


def _fit_categories(name: str, words: NDArray[np.object_]) -> Categories:
    counts = Counter(words)
    frequent = [word for word, count in counts.items() if count >= FEWEST_ROWS_OF_A_CATEGORY]
    vocabulary = sorted(frequent, key=lambda word: (-counts[word], word))[:MOST_CATEGORIES]
    return Categories(name, tuple(vocabulary), has_unknown=len(vocabulary) < len(counts))


def _fit_projection(inputs: Floats, components: int) -> Projection:
    """Finds the ``components`` directions of largest variance (Pearson 1901); the sign makes each one's largest weight positive."""
    from threadpoolctl import threadpool_limits

    rows, width = inputs.shape
    if components > min(rows, width):
        raise DataError(
            f"[data] pca: {components} components of {width} inputs and {rows} training rows; ask for fewer"
        )
    values = inputs.astype(np.float64)
    mean = values.mean(axis=0)
    # One thread: the last bits of a product may depend on the number of threads, and answers must not.
    with threadpool_limits(limits=1):
        _, vectors = np.linalg.eigh((values - mean).T @ (values - mean))
        kernel = vectors[:, ::-1][:, :components]
        kernel = kernel * np.sign(kernel[np.abs(kernel).argmax(axis=0), np.arange(components)])
        return Projection(kernel.astype(np.float32), (-mean @ kernel).astype(np.float32))


def _project(inputs: Floats, projection: Projection) -> Floats:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return inputs @ projection.kernel + projection.bias
