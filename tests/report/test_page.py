"""The report as pages."""

from __future__ import annotations

import re

import pytest

from ganas.errors import RunError
from ganas.history import Run
from ganas.report import write_report
from ganas.report.page import find_yardstick, table_of_texts


def test_both_pages_and_the_figures_are_written(make_run):
    run = make_run()
    written = write_report(run)
    assert [path.name for path in written[:2]] == ["report.md", "report.html"]
    assert all(path.is_file() for path in written)


def test_markdown_names_files_that_exist_and_holds_the_hall_of_fame(make_run):
    run = make_run()
    text = write_report(run)[0].read_text()
    linked = re.findall(r"!\[\w+\]\(([^)]+)\)", text)
    assert linked
    assert all((run.folder / name).is_file() for name in linked)
    assert all(member.in_words() in text for member in run.hall_of_fame)
    assert "winner:" in text


def test_html_is_one_file_that_asks_for_nothing_else(make_run):
    text = write_report(make_run())[1].read_text()
    assert text.count("data:image/png;base64,") == 4
    assert not re.search(r'(src|href)="(?!data:)', text)


def test_html_escapes_what_people_named(make_run):
    run = make_run(search={"activation": ["<b>relu</b>"]})
    assert "<b>relu" not in write_report(run)[1].read_text()


def test_a_report_written_twice_is_the_same(make_run):
    run = make_run()
    first = [path.read_bytes() for path in write_report(run)]
    assert [path.read_bytes() for path in write_report(Run(run.folder))] == first


def test_a_random_search_on_the_same_task_nearby_is_the_yardstick(make_run):
    run = make_run()
    assert find_yardstick(run) is None
    other = make_run("random-seed3", seed=3, evolution={"engine": "random"})
    found = find_yardstick(run)
    assert found is not None
    assert found.name == other.name
    assert find_yardstick(other) is None


def test_a_damaged_neighbour_does_not_prevent_a_report(make_run):
    run = make_run()
    broken = run.folder.parent / "zz-broken"
    broken.mkdir()
    (broken / "run.db").write_bytes(b"no database")
    assert find_yardstick(run) is None


def test_a_folder_that_cannot_be_written_is_one_line(make_run):
    run = make_run()
    (run.folder / "figures").write_text("in the way")
    with pytest.raises(RunError, match="cannot be written"):
        write_report(run)


def test_columns_that_no_row_has_are_left_out():
    table = table_of_texts([{"a": 0.5, "b": None}], {"a": "first", "b": "second"})
    assert table == {"headings": ["first"], "rows": [["0.5000"]]}
