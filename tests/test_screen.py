"""The screen of a search: aligned rows, the same in plain lines, nothing too wide."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ganas.evaluation import Evaluation
from ganas.listener import Listener, Summary
from ganas.screen import COLUMNS, Remaining, Screen, generation_line, heading_line
from ganas.search.plan import mlp_plan


def make_screen(*, width: int = 80, terminal: bool = False, quiet: bool = False) -> tuple[Screen, io.StringIO]:
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=terminal, highlight=False, markup=False, color_system=None
    )
    return Screen(console, quiet=quiet), stream


def tell(screen: Screen, run) -> None:
    """Tells the screen of a whole search, as ``ganas.run`` does."""
    records = run.evaluated
    screen.on_start(Summary(run.name, ("digits: 1,797 rows", "layers: 1 to 4"), len(records), 0))
    for record in records:
        screen.on_evaluation(record.number, record.evaluation)
    for row in run.generations:
        screen.on_generation(row)
    screen.on_notice("The search ends: 6 generations are done.")
    screen.on_finish(run)


def test_the_screen_is_a_listener():
    screen: Listener = make_screen()[0]
    assert screen is not None


def test_a_row_lies_under_its_headings_and_fits_eighty_columns(make_run):
    heading = heading_line()
    assert len(heading) <= 80
    for row in make_run().generations:
        line = generation_line(row)
        assert len(line) == len(heading)
        assert line.split()[0] == str(row["generation"])
        assert line.split()[-1] == f"{row['seconds']:.1f}"


def test_a_generation_without_a_success_is_still_aligned():
    row = {key: None for key, _, _ in COLUMNS} | {"generation": 1, "failures": 20, "evaluations": 20, "seconds": 1.0}
    assert len(generation_line(row)) == len(heading_line())
    assert "–" in generation_line(row)


def test_a_large_run_keeps_its_columns_apart():
    row = {key: 123456 for key, _, _ in COLUMNS} | {"best": 12345.678, "mean": 1e-9, "spread": 1e9, "generation": 100}
    row |= {"unique": 1000, "stopped": 1000, "failures": 1000, "parameters": 12_345_678, "evaluations": 100_000}
    assert len(generation_line(row).split()) == len(COLUMNS)


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(make_run, width):
    screen, stream = make_screen(width=width, terminal=True)
    run = make_run()
    tell(screen, run)
    before_files = stream.getvalue().split("Files")[0]
    visible = [line.split("\r")[-1] for line in before_files.splitlines() if "\x1b" not in line]
    assert any(run.hall_of_fame[0].in_words() in line for line in visible)
    assert max(map(len, visible)) <= width


def test_plain_lines_say_what_was_searched_how_it_went_and_how_good_the_winner_is(make_run):
    screen, stream = make_screen(width=120)
    run = make_run()
    tell(screen, run)
    text = stream.getvalue()
    assert "\x1b" not in text
    in_order = [run.name, "layers: 1 to 4", heading_line(), generation_line(run.generations[0]), "The search ends"]
    in_order += ["Hall of fame", run.hall_of_fame[9].in_words(), "Score", "validation: 0.0310 ± 0.0010", "run.db"]
    places = [text.index(words) for words in in_order]
    assert places == sorted(places)
    assert text.count(heading_line()) == 1


def test_a_quiet_screen_prints_notices_and_the_score_only(make_run):
    screen, stream = make_screen(quiet=True)
    run = make_run()
    tell(screen, run)
    text = stream.getvalue()
    assert "The search ends" in text
    assert "validation: 0.0310 ± 0.0010" in text
    assert str(run.folder) in text
    assert "rank" not in text
    assert heading_line() not in text


def test_the_bar_knows_how_far_the_search_is():
    screen, _ = make_screen(terminal=True)
    screen.on_start(Summary("run", (), 10, 4))
    ok = Evaluation(mlp_plan([4]), 0, "ok", error=0.25)
    for number, evaluation in enumerate([ok, Evaluation(mlp_plan([5]), 0, "failed")], start=4):
        screen.on_evaluation(number, evaluation)
    task = screen._progress.tasks[0]
    assert (task.completed, task.total, task.fields["best"]) == (6, 10, "best 0.2500")
    screen.close()
    screen.close()


def test_an_interrupted_search_says_how_to_go_on(make_run):
    screen, stream = make_screen()
    run = make_run()
    run.facts["status"] = "interrupted"
    run.facts["result"] = None
    tell(screen, run)
    assert f"go on with: ganas resume {run.name}" in stream.getvalue()
    assert "Score" not in stream.getvalue()


def test_the_bar_counts_seconds_until_there_is_a_pace_to_foretell_the_rest_from():
    screen, _ = make_screen(terminal=True)
    screen.on_start(Summary("run", (), 10, 0))
    task = screen._progress.tasks[0]
    assert Remaining().render(task).plain.endswith(" s so far")
    screen.on_evaluation(0, Evaluation(mlp_plan([4]), 0, "ok", error=0.25))
    assert Remaining().render(task).plain.endswith(" left")
    screen.close()
