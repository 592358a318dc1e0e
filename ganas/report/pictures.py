"""The first layer of networks that look at images, as pictures: what each unit looks for. Reads files, then draws; no TensorFlow.

In white is what raises a unit's output, in black what lowers it; each picture has its own scale.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ganas.errors import first_line
from ganas.history import Run
from ganas.log import LOGGER
from ganas.npz import UNREADABLE, UnreadableNpz, open_npz
from ganas.report.figures import DARK, DOTS_PER_INCH
from ganas.weights import load_weights

UNITS_SHOWN = 12
"""Of a network: those with the largest weights."""
FIRST_LAYERS = "first_layers.npz"
KINDS = ("reconstruction", "features")
Kernel = NDArray[Any]


def picture_side(run: Run) -> int | None:
    """Returns the pixels along a side of a run's square images, None if its rows are none or its networks do not see them."""
    task = run.facts.get("task", {})
    if task.get("kind") not in KINDS:
        return None
    seen, side = run.facts["fingerprint"]["data"]["preprocessing"], math.isqrt(task["inputs"])
    is_square = side * side == task["inputs"]
    return side if is_square and seen["pixels"] and seen["pca"] is None else None


def exported_kernel(path: Path, inputs: int) -> Kernel | None:
    """Returns the (inputs, units) kernel of the first dense layer in a ``.keras`` file, None if there is none or it is damaged."""
    import h5py  # type: ignore[import-untyped]  # comes with Keras and ships no types

    found: list[Kernel] = []

    def look(name: str, thing: Any) -> None:
        if isinstance(thing, h5py.Dataset) and thing.ndim == 2 and thing.shape[0] == inputs and "/dense" in name:
            found.append(np.asarray(thing))

    try:
        with zipfile.ZipFile(path) as parts, h5py.File(io.BytesIO(parts.read("model.weights.h5"))) as weights:
            weights.visititems(look)
    except UNREADABLE as error:
        _leave_out(path, first_line(error))
    return found[0] if found else None


def draw_first_layer(kernels: Mapping[str, Kernel], side: int) -> Figure:
    """Draws a row of pictures per network, by name, of its first layer's (side², units) kernel."""
    figure = Figure(figsize=(7.2, 0.35 + 0.72 * len(kernels)), dpi=DOTS_PER_INCH, layout="constrained")
    parts = figure.subfigures(len(kernels), 1, squeeze=False)[:, 0]
    for part, (name, kernel) in zip(parts, kernels.items(), strict=True):
        part.suptitle(name, fontsize=8, color=DARK, x=0.005, horizontalalignment="left")
        strongest = np.argsort(-np.square(kernel).sum(axis=0), kind="stable")[:UNITS_SHOWN]
        for place, one in enumerate(part.subplots(1, UNITS_SHOWN)):
            one.set_axis_off()
            if place < len(strongest):
                picture = kernel[:, strongest[place]].reshape(side, side)
                limit = float(np.abs(picture).max()) or 1.0
                one.imshow(picture, cmap="gray", vmin=-limit, vmax=limit, interpolation="nearest")
    return figure


def run_pictures(run: Run) -> Figure | None:
    """Draws the first layer of a run's best network."""
    side, path = picture_side(run), run.folder / "best.keras"
    kernel = exported_kernel(path, side * side) if side is not None and path.is_file() else None
    return None if kernel is None or side is None else draw_first_layer({"best network": kernel}, side)


def keep_first_layers(run: Run, weights: Path) -> None:
    """Writes the first kernels of a comparison of image networks, a network of each variant, because its weights are not kept.

    Args:
        run: the comparison, finished.
        weights: the folder of its networks' weights, ``<number>.npz``.
    """
    if picture_side(run) is None:
        return
    numbers = {
        record.genome["variant"]: record.number
        for record in run.records
        if record.operator == "variant" and record.genome["seed"] == 0
    }
    files = {name: weights / f"{numbers[name]}.npz" for name in run.facts["variants"] if name in numbers}
    places = {name: f"variant_{place}" for place, name in enumerate(run.facts["variants"])}
    kernels: dict[str, Any] = {places[name]: load_weights(path)[0] for name, path in files.items() if path.is_file()}
    if kernels:
        np.savez(run.folder / FIRST_LAYERS, **kernels)


def comparison_pictures(run: Run) -> Figure | None:
    """Draws what :func:`keep_first_layers` wrote, None if it is not there or damaged."""
    side, path = picture_side(run), run.folder / FIRST_LAYERS
    if side is None or not path.is_file():
        return None
    names = {f"variant_{place}": name for place, name in enumerate(run.facts["variants"])}
    try:
        with open_npz(path) as arrays:
            kernels = {names[place]: arrays[place] for place in names if place in arrays}
    except UnreadableNpz as reason:
        _leave_out(path, str(reason))
        return None
    return draw_first_layer(kernels, side)


def _leave_out(path: Path, reason: str) -> None:
    LOGGER.warning("%s: cannot be read (%s); the report leaves out the pictures of the first layer", path, reason)
