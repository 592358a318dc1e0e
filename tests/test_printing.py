"""Runs as a person reads them: also those that stopped at an odd moment, or lack something."""

import io

import pytest
from rich.console import Console

from ganas.history import Run
from ganas.printing import print_run, run_row
from ganas.store import Asked, RunStore


def with_objectives(run: Run, rows: list[list[float]]) -> Run:
    """Gives a run two objectives, and ``rows`` of them to its first candidates that count, none to the others."""
    store = RunStore.open(run.folder)
    store.put(objectives=["error", "latency_ms"])
    left = iter(rows)
    for record in run.evaluated:
        store.add_evaluation(record.number, record.evaluation, next(left, None) if record.is_ok else None)
    store.close()
    return Run(run.folder)


def printed(run: Run) -> str:
    stream = io.StringIO()
    print_run(Console(file=stream, width=300), run)
    return stream.getvalue()


def test_a_run_that_was_killed_says_how_to_go_on_and_one_that_goes_on_does_not(make_run):
    folder = make_run().folder
    store = RunStore.open(folder)
    store.put(status="running")
    assert (Run(folder).state, printed(Run(folder)).splitlines()[0]) == ("running", f"{folder.name}: running")
    store.close()
    assert run_row(Run(folder))["status"] == "broken off"
    assert printed(Run(folder)).splitlines()[0] == f"{folder.name}: broken off; go on with: ganas resume {folder.name}"
    store = RunStore.open(folder)
    store.put(status="finished")
    store.close()
    assert printed(Run(folder)).splitlines()[0] == f"{folder.name}: finished"


@pytest.mark.parametrize(
    ("rows", "front"),
    [
        ([], []),
        ([[0.5, 1.0], [0.25, 2.0], [0.5, 2.0]], [(0.25, 2.0), (0.5, 1.0)]),
        ([[0.5, 1.5]], [(0.5, 1.5)]),
        ([[0.5, row] for row in (5.0, 4.0, 3.0, 4.0, 6.0)], [(0.5, 3.0)]),
    ],
)
def test_a_front_is_of_the_candidates_that_have_all_objectives(make_run, rows, front):
    run = with_objectives(make_run(), rows)
    assert [record.objectives for record in run.front] == front
    assert ("Front: " in printed(run)) == bool(front)


def test_the_list_counts_what_was_evaluated_after_the_last_whole_generation(make_run):
    run = make_run()
    best = run.hall_of_fame[0].evaluation
    store = RunStore.open(run.folder)
    store.add_asked([Asked(number, 6, 7, {"layers": []}, "mutation", ()) for number in (60, 61)])
    store.add_evaluation(60, best.__class__(best.plan, 1, "ok", error=best.error / 2), [best.error / 2])
    store.close()
    row = run_row(Run(run.folder))
    assert (row["evaluations"], row["best"]) == (61, best.error / 2)


def test_the_list_reads_no_records(make_run, monkeypatch):
    run = make_run()
    monkeypatch.setattr(Run, "records", property(lambda run: pytest.fail("the records were read")))
    row = run_row(run)
    assert (row["evaluations"], row["best"]) == (60, run.generations[-1]["best"])


def test_the_list_counts_the_trainings_of_a_comparison_and_names_no_best(make_run):
    store = RunStore.open(make_run().folder)
    store.put(kind="comparison", status="interrupted")
    store.close()
    row = run_row(Run(store.folder))
    assert (row["evaluations"], row["best"]) == (60, None)
