"""The figures of a comparison: curves with bands, the end of them enlarged, and box plots. Drawing only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ganas.report.comparison import LAST_PART, ComparedVariants, curve_rows
from ganas.report.figures import BLUE, DARK, GREY, SHADES, new_figure, plain_ticks
from ganas.report.pictures import comparison_pictures
from ganas.report.tables import Row

STYLES = ("-", "--", "-.", ":")


def draw_curves(curves: Mapping[str, Sequence[Row]], label: str, *, from_share: float = 0.0) -> Figure:
    """Draws a line with its 95 % band per variant over optimizer updates, from a share of the last update on."""
    figure, (axes,) = new_figure()
    last = max(rows[-1]["updates"] for rows in curves.values())
    for index, (name, rows) in enumerate(curves.items()):
        shown = [row for row in rows if row["updates"] >= from_share * last]
        updates = [row["updates"] for row in shown]
        colour, style = SHADES[index % len(SHADES)], STYLES[index % len(STYLES)]
        axes.fill_between(
            updates,
            [row["low"] for row in shown],
            [row["high"] for row in shown],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(updates, [row["mean"] for row in shown], linestyle=style, color=colour, linewidth=1.5, label=name)
    values = [row["mean"] for rows in curves.values() for row in rows if row["updates"] >= from_share * last]
    if not from_share and min(values) > 0 and max(values) / min(values) > 8:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis, values)
    elif min(values) >= 0 > axes.get_ylim()[0]:
        axes.set_ylim(bottom=0)  # a band may reach below what an error can be
    axes.set_xlabel("optimizer updates")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("mean over seeds, and its 95 % interval", fontsize=9, color=DARK, loc="left")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def draw_boxes(errors: Mapping[str, Sequence[float]], label: str) -> Figure:
    """Draws a box per variant and every seed as a dot."""
    figure, (axes,) = new_figure(height=1.2 + 0.42 * len(errors))
    names = list(errors)
    axes.boxplot(
        [list(errors[name]) for name in names],
        orientation="horizontal",
        widths=0.55,
        showfliers=False,
        medianprops={"color": BLUE, "linewidth": 1.8},
    )
    for place, name in enumerate(names, start=1):
        axes.scatter(errors[name], [place] * len(errors[name]), s=14, color=GREY, zorder=3, linewidths=0)
    axes.set_yticks(range(1, len(names) + 1), names)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_xlabel(label)
    return figure


def _error_curves(compared: ComparedVariants) -> Figure | None:
    curves = _curves(compared, "error")
    return draw_curves(curves, compared.run.facts["task"]["error_in_words"]) if curves else None


def _last_part(compared: ComparedVariants) -> Figure | None:
    curves = _curves(compared, "error")
    if not curves or min(len(rows) for rows in curves.values()) < 10:
        return None
    return draw_curves(curves, compared.run.facts["task"]["error_in_words"], from_share=1 - LAST_PART)


def _training_loss(compared: ComparedVariants) -> Figure | None:
    """Draws training losses if they can be compared: all variants must have the same loss."""
    losses = {one.evaluation.plan.loss for trainings in compared.trainings.values() for one in trainings}
    curves = _curves(compared, "loss")
    return draw_curves(curves, "training loss (while training)") if curves and len(losses) == 1 else None


def _boxes(compared: ComparedVariants) -> Figure | None:
    rows = "test" if compared.has_test else "validation"
    errors = {name: list(compared.errors(name, rows).values()) for name in compared.names}
    known = {name: values for name, values in errors.items() if values}
    return draw_boxes(known, f"{rows} error") if known else None


def _curves(compared: ComparedVariants, key: str) -> dict[str, list[Row]]:
    """Returns the variants' curves up to where half of their seeds have stopped: what is left is a mean of others."""
    curves = {name: curve_rows(compared, name, key) for name in compared.names}
    return {name: [row for row in rows if 2 * row["seeds"] > rows[0]["seeds"]] for name, rows in curves.items() if rows}


COMPARISON_FIGURES: dict[str, Callable[[ComparedVariants], Figure | None]] = {
    "error": _error_curves,
    "error_last_part": _last_part,
    "training_loss": _training_loss,
    "boxes": _boxes,
    "first_layer": lambda compared: comparison_pictures(compared.run),
}
"""The figures of a comparison by file name; None where there is nothing to draw."""
