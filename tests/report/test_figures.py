"""The figures: drawn from rows, complete, and of what the rows say."""

from __future__ import annotations

import pytest

from ganas.report import figures, tables
from ganas.report.comparison_figures import draw_curves

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def run(make_run):
    return make_run()


def labels_of(figure):
    return [text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel()) if text]


def test_every_figure_is_written_as_png(run):
    written = figures.write_figures(run)
    assert set(written) == set(figures.FIGURES) - {"codes", "first_layer"}
    for path in written.values():
        assert path.read_bytes().startswith(PNG)


def test_the_same_run_draws_the_same_bytes(run):
    first = {name: path.read_bytes() for name, path in figures.write_figures(run).items()}
    assert {name: path.read_bytes() for name, path in figures.write_figures(run).items()} == first


def test_every_axis_says_what_it_shows(run):
    drawn = [draw(run, None) for draw in figures.FIGURES.values()]
    for figure in filter(None, drawn):
        assert len(labels_of(figure)) >= len(figure.axes)


def test_the_yardstick_is_drawn_only_where_there_is_one(run, make_run):
    rows = tables.progress_rows(run.records)
    other = tables.progress_rows(make_run("random-seed3", seed=3).records)

    def legend(figure):
        return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]

    assert "random search" not in legend(figures.draw_fitness(rows))
    assert "random search" in legend(figures.draw_fitness(rows, other))


def test_best_so_far_is_drawn_as_it_is_in_the_rows(run):
    rows = tables.progress_rows(run.records)
    lines = figures.draw_fitness(rows).axes[0].get_lines()
    best = next(line for line in lines if line.get_label() == "best so far")
    assert list(best.get_ydata()) == [row["best"] for row in rows if row["best"] is not None]


def test_rows_of_nothing_but_failures_can_be_drawn():
    rows = [{"evaluation": 1, "error": None, "best": None, "status": "failed"}]
    assert figures.draw_fitness(rows).axes
    assert figures.draw_front([]).axes
    assert figures.draw_architectures([]).axes
    assert figures.draw_learning([]).axes


def test_an_error_of_zero_can_be_drawn():
    rows = [{"number": 0, "parameters": 10, "error": 0.0, "on_front": True}]
    assert figures.draw_front(rows, winner=0).axes[0].get_yscale() == "linear"


def test_codes_are_drawn_beside_principal_components_of_the_same_widths():
    rows = [{"code": code, "error": 1 / code + bias, "is_best": bias == 0} for code in (2, 4, 8) for bias in (0, 0.1)]
    (axes,) = figures.draw_codes(rows, {2: 0.7, 8: 0.3}).axes
    best, components = axes.lines
    assert list(best.get_xdata()) == [2, 4, 8]
    assert list(components.get_ydata()) == [0.7, 0.3]
    assert labels_of(axes.figure) == ["units of the bottleneck", "validation error"]


def test_a_band_is_not_drawn_below_what_an_error_can_be():
    rows = [{"updates": 100 * step, "mean": 0.1, "low": -0.3, "high": 0.5} for step in (1, 2, 3)]
    (axes,) = draw_curves({"none": rows}, "error").axes
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > 0.5
