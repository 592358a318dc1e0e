"""The figures of a run: fitness, the front of error against size, architectures over generations, learning curves.

Drawing only: what is drawn was computed by ``tables``. Colours are Okabe & Ito's, which colour-blind readers can tell
apart (https://jfly.uni-koeln.de/color/), and no figure speaks by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ganas.errors import RunError
from ganas.history import Run
from ganas.report import tables
from ganas.report.tables import Row

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
DARK, GREY, LIGHT = "#333333", "#999999", "#dddddd"
SHADES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
HATCHES = ("", "//", "..", "\\\\", "xx", "--", "++")
SIZE = (7.2, 4.2)
DOTS_PER_INCH = 150


def new_figure(rows: int = 1, *, height: float = SIZE[1], sharex: bool = False) -> tuple[Figure, list[Axes]]:
    """Makes a figure of ``rows`` panels, one above the other, with light axes and no frame."""
    figure = Figure(figsize=(SIZE[0], height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, 1, sharex=sharex, squeeze=False)[:, 0]
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color=LIGHT, linewidth=0.6)
        axes.set_axisbelow(True)
    return figure, list(panels)


def draw_fitness(rows: Sequence[Row], yardstick: Sequence[Row] = ()) -> Figure:
    """Draws every candidate's error and the best so far over evaluations; ``yardstick`` rows are a random search's."""
    figure, (axes,) = new_figure()
    counted = [row for row in rows if row["status"] == "ok"]
    axes.scatter(
        [row["evaluation"] for row in counted],
        [row["error"] for row in counted],
        s=10,
        color=GREY,
        alpha=0.6,
        linewidths=0,
    )
    if yardstick:
        _draw_best(axes, yardstick, ORANGE, "random search", style="--")
    _draw_best(axes, rows, BLUE, "best so far")
    failed = [row["evaluation"] for row in rows if row["status"] not in ("ok", "stopped")]
    _error_axis(axes, [row["error"] for row in counted] + [row["best"] for row in yardstick if row["best"] is not None])
    if failed:
        axes.plot(failed, [0.02] * len(failed), "x", color=RED, transform=axes.get_xaxis_transform(), markersize=5)
    axes.set_xlabel("evaluations (networks trained)")
    handles = [("candidate", "o", GREY), *([("failed", "x", RED)] if failed else [])]
    for label, marker, colour in handles:
        axes.plot([], [], marker, color=colour, markersize=5, label=label)
    axes.legend(fontsize=9, framealpha=0.9, edgecolor="none", loc="upper right")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def draw_front(rows: Sequence[Row], *, winner: int | None = None) -> Figure:
    """Draws error against size for every candidate, the front as a staircase, and the ``winner`` by its number."""
    figure, (axes,) = new_figure()
    others = [row for row in rows if not row["on_front"]]
    front = sorted((row for row in rows if row["on_front"]), key=lambda row: row["parameters"])
    axes.scatter(*_points(others), s=12, color=GREY, alpha=0.6, linewidths=0, label="candidate")
    axes.plot(
        *_points(front), drawstyle="steps-post", color=BLUE, linewidth=1.2, marker="o", markersize=5, label="front"
    )
    chosen = _points([row for row in rows if row["number"] == winner])
    axes.scatter(*chosen, s=150, marker="*", color=ORANGE, edgecolors=DARK, linewidths=0.7, zorder=5, label="winner")
    if rows:
        axes.set_xscale("log")
        plain_ticks(axes.xaxis, [row["parameters"] for row in rows])
    _error_axis(axes, [row["error"] for row in rows])
    axes.set_xlabel("parameters of the network")
    axes.legend(fontsize=9, framealpha=0.9, edgecolor="none")
    return figure


def draw_codes(rows: Sequence[Row], principal_components: Mapping[int, float]) -> Figure:
    """Draws error against the width of the code, the best of each width joined, and principal components at the same widths."""
    figure, (axes,) = new_figure()
    best = sorted((row for row in rows if row["is_best"]), key=lambda row: row["code"])
    axes.scatter(
        [row["code"] for row in rows], [row["error"] for row in rows], s=12, color=GREY, alpha=0.6, linewidths=0
    )
    axes.plot([row["code"] for row in best], [row["error"] for row in best], "o-", color=BLUE, label="best autoencoder")
    sizes = sorted(principal_components)
    errors = [principal_components[size] for size in sizes]
    if sizes:
        axes.plot(sizes, errors, "s--", color=ORANGE, markersize=4, label="principal components")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("units of the bottleneck")
    _error_axis(axes, [row["error"] for row in rows] + errors)
    axes.legend(fontsize=9, framealpha=0.9, edgecolor="none")
    return figure


def draw_architectures(rows: Sequence[Row]) -> Figure:
    """Draws depth and width (median, 10 % to 90 % quantile) and the activations' shares over generations."""
    figure, (depth, units, shares) = new_figure(3, height=6.4, sharex=True)
    generations = [row["generation"] for row in rows]
    for axes, key, label in ((depth, "depth", "hidden layers"), (units, "units", "units per layer")):
        low, middle, high = zip(*[row[key] for row in rows], strict=True) if rows else ((), (), ())
        axes.fill_between(generations, low, high, color=BLUE, alpha=0.18, linewidth=0)
        axes.plot(generations, middle, color=BLUE, marker="o", markersize=4, linewidth=1.4)
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
    depth.set_title("median, and the middle 80 % of the candidates", fontsize=9, color=DARK, loc="left")
    names = list(dict.fromkeys(name for row in rows for name in row["activations"]))
    floor = [0.0] * len(rows)
    for index, name in enumerate(names):
        values = [row["activations"].get(name, 0.0) for row in rows]
        hatch = HATCHES[index % len(HATCHES)]
        colour = SHADES[index % len(SHADES)]
        shares.bar(
            generations, values, bottom=floor, width=0.85, color=colour, hatch=hatch, edgecolor="white", label=name
        )
        floor = [a + b for a, b in zip(floor, values, strict=True)]
    shares.set_ylim(0, 1)
    shares.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))
    shares.set_ylabel("share of layers")
    shares.set_xlabel("generation")
    shares.xaxis.set_major_locator(MaxNLocator(integer=True))
    if names:
        shares.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def draw_learning(trainings: Sequence[Sequence[Row]], *, best_epoch: int | None = None, title: str = "") -> Figure:
    """Draws training and validation loss over epochs, a line per training, and the epoch whose weights were kept."""
    figure, (axes,) = new_figure()
    axes.set_title(title, fontsize=10, loc="left", color=DARK)
    for index, rows in enumerate(trainings):
        epochs = [row["epoch"] for row in rows]
        for key, colour, style, label in (("loss", GREY, "--", "training"), ("val_loss", BLUE, "-", "validation")):
            values = [math.nan if row[key] is None else row[key] for row in rows]
            if not all(map(math.isnan, values)):
                axes.plot(epochs, values, style, color=colour, linewidth=1.5, label=label if index == 0 else None)
    if best_epoch is not None and len(trainings) == 1:
        axes.axvline(best_epoch, color=ORANGE, linewidth=1.2, linestyle=":", label=f"kept: epoch {best_epoch}")
    shown = [value for rows in trainings for row in rows for value in (row["loss"], row["val_loss"])]
    _error_axis(axes, [value for value in shown if value is not None], "loss")
    axes.set_xlabel("epochs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if trainings:
        axes.legend(frameon=False, fontsize=9)
    return figure


def write_figures(run: Run, *, yardstick: Run | None = None) -> dict[str, Path]:
    """Draws every figure of ``FIGURES`` that the run has data for into its ``figures`` folder; returns name → file.

    Raises:
        RunError: the folder cannot be written.
    """
    folder = run.folder / "figures"
    written = {}
    for name, draw in FIGURES.items():
        figure = draw(run, yardstick)
        if figure is None:
            continue
        try:
            folder.mkdir(exist_ok=True)
            figure.savefig(folder / f"{name}.png", metadata={"Software": None})
        except OSError as error:
            raise RunError(f"{folder}: cannot be written ({error.strerror})") from None
        written[name] = folder / f"{name}.png"
    return written


def _fitness(run: Run, yardstick: Run | None) -> Figure | None:
    rows = tables.progress_rows(run.records)
    compared = tables.progress_rows(yardstick.records)[: len(rows)] if yardstick else []
    return draw_fitness(rows, compared) if rows else None


def _front(run: Run, yardstick: Run | None) -> Figure | None:
    rows = tables.size_rows(run.records, tables.size_front(run.records))
    winner = run.result["winner"]["number"] if run.result else None
    return draw_front(rows, winner=winner) if rows else None


def _codes(run: Run, yardstick: Run | None) -> Figure | None:
    rows = tables.code_rows(run.records)
    known = (run.result or {}).get("principal_components", {}).get("validation", {})
    return draw_codes(rows, {int(size): error for size, error in known.items()}) if rows else None


def _architectures(run: Run, yardstick: Run | None) -> Figure | None:
    rows = tables.architecture_rows(run.records)
    return draw_architectures(rows) if rows else None


def _learning(run: Run, yardstick: Run | None) -> Figure | None:
    members = run.hall_of_fame
    if not members or not members[0].evaluation.curves:
        return None
    best = members[0].evaluation
    return draw_learning(tables.learning_rows(best), best_epoch=best.best_epoch, title=members[0].in_words())


def _first_layer(run: Run, yardstick: Run | None) -> Figure | None:
    from ganas.report.pictures import run_pictures

    return run_pictures(run)


FIGURES: dict[str, Callable[[Run, Run | None], Figure | None]] = {
    "fitness": _fitness,
    "front": _front,
    "codes": _codes,
    "architectures": _architectures,
    "learning": _learning,
    "first_layer": _first_layer,
}
"""The figures of a report by file name, in its order: (run, random yardstick) → figure, or None without data for it."""


def _draw_best(axes: Axes, rows: Sequence[Row], colour: str, label: str, style: str = "-") -> None:
    known = [row for row in rows if row["best"] is not None]
    places, values = [row["evaluation"] for row in known], [row["best"] for row in known]
    axes.plot(places, values, style, drawstyle="steps-post", color=colour, linewidth=1.8, label=label)


def _points(rows: Sequence[Row]) -> tuple[list[int], list[float]]:
    return [row["parameters"] for row in rows], [row["error"] for row in rows]


def _error_axis(axes: Axes, values: Sequence[float], label: str = "validation error") -> None:
    """Labels the axis of errors, logarithmic where they span more than a factor of eight."""
    axes.set_ylabel(label)
    if values and min(values) > 0 and max(values) / min(values) > 8:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis, values)


def plain_ticks(axis: Any, values: Sequence[float]) -> None:
    """Writes the ticks of a logarithmic axis as plain numbers, more of them where few decades are shown."""
    decades = math.log10(max(values) / min(values)) if min(values) > 0 else 3
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())
