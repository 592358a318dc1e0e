"""Runs, halls of fame and candidates as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console

from ganas.cohorts import unsupported
from ganas.console import print_heading, print_lines, print_table
from ganas.history import HallMember, Run
from ganas.report.score import score_lines
from ganas.report.tables import Row, failure_rows, hall_rows, training_in_words
from ganas.report.words import number_in_words, seconds_in_words

FILES = {
    "best.keras": "the network; takes raw rows",
    "report.html": "the report, one file",
    "report.md": "the same as text",
    "figures": "as PNG",
    "hall_of_fame.json": "the best networks",
    "run.db": "everything, as SQLite",
    "config.toml": "every setting",
    "log.txt": "what happened",
}
"""What a run folder holds for a reader."""


def print_hall(console: Console, members: Iterable[HallMember]) -> None:
    """Prints the hall of fame, each architecture in words."""
    headings = {"rank": "rank", "error": "error", "parameters": "parameters", "epochs": "epochs", "network": "network"}
    print_table(console, list(headings.items()), hall_rows(members))


def print_front(console: Console, run: Run) -> None:
    """Prints the front of a search with several objectives, and its hypervolume."""
    names = run.facts.get("objectives", [])
    if len(names) < 2 or not run.front:
        return
    print_heading(console, "Front: no other is better in every objective")
    rows = []
    for record in run.front:
        assert record.evaluation is not None
        told = zip(names, record.objectives or (), strict=True)
        values = {name: int(value) if float(value).is_integer() else value for name, value in told}
        rows.append({"number": record.number, **values, "network": record.evaluation.plan.in_words()})
    print_table(console, [(key, key) for key in ("number", *names, "network")], rows)
    if run.generations and "hypervolume" in run.generations[-1]:
        last = run.generations[-1]
        corner = ", ".join(f"{value:.6g}" for value in last["reference"])
        console.print(f"  hypervolume {last['hypervolume']:.6g}, from [{corner}] on", soft_wrap=True)


def print_score(console: Console, result: dict[str, Any] | None) -> None:
    """Prints the honest score of a finished run."""
    if result is not None:
        print_heading(console, "Score")
        print_lines(console, score_lines(result))


def print_files(console: Console, run: Run) -> None:
    """Prints where the run's files are, those that exist."""
    print_heading(console, "Files")
    there = [(run.folder / name, words) for name, words in FILES.items() if (run.folder / name).exists()]
    width = max((len(str(path)) for path, _ in there), default=0)
    for path, words in there:
        console.print(f"  {path!s:{width}}  {words}", soft_wrap=True)


def print_run(console: Console, run: Run) -> None:
    """Prints a run: what was searched, the hall of fame, failures, score and files."""
    facts = run.facts
    console.print(f"{run.name}: {run.state_in_words}", style="bold", soft_wrap=True)
    spent = seconds_in_words(facts.get("seconds"))
    print_lines(console, [*facts.get("data", []), f"{len(run.evaluated)} evaluations in {spent}"])
    if run.hall_of_fame:
        print_heading(console, "Hall of fame")
        print_hall(console, run.hall_of_fame)
    print_front(console, run)
    failures = failure_rows(run.records)
    if failures:
        print_heading(console, "Not counted")
        print_table(console, [("status", "status"), ("count", "count"), ("example", "for example")], failures)
    print_score(console, run.result)
    print_files(console, run)


def print_member(console: Console, member: HallMember) -> None:
    """Prints one member of the hall of fame: what it is, how it did, where it came from."""
    evaluation, record = member.evaluation, member.record
    console.print(f"{member.rank}. {member.in_words()}", style="bold", soft_wrap=True)
    genes = [f"{name} = {value}" for name, value in record.genome.items() if not isinstance(value, list)]
    measures = [f"{name} {number_in_words(value)}" for name, value in evaluation.measures.items() if name != "error"]
    parents = f" of {' and '.join(map(str, record.parents))}" if record.parents else ""
    apart = unsupported(evaluation.plan) if evaluation.trainer == "keras" else None
    trainer = f"the {evaluation.trainer} trainer" + ("" if apart is None else f" ({apart})")
    kept = f"{evaluation.epochs} epochs trained, epoch {evaluation.best_epoch} kept"
    lines = [
        f"error {number_in_words(member.error)}" + "".join(f", {measure}" for measure in measures),
        f"{number_in_words(evaluation.parameters)} parameters, {kept}, {seconds_in_words(evaluation.seconds)}",
        f"training: {training_in_words(evaluation.plan)}, by {trainer}, seed {evaluation.seed}",
        *([f"genes: {', '.join(genes)}"] if genes else []),
        f"origin: number {record.number}, generation {record.generation}, {record.operator}{parents}",
    ]
    print_lines(console, lines)


def run_row(run: Run) -> Row:
    """Returns a run as a row of the list of runs; ``best`` is None of a comparison, which looks for none."""
    facts, result = run.facts, run.result
    evaluations, best = run.standing
    return {
        "run": run.name,
        "status": run.state,
        "task": facts.get("task", {}).get("kind", "–"),
        "evaluations": evaluations,
        "best": None if run.is_comparison else best,
        "validation": result["validation"]["mean"] if result else None,
        "test": result["test"]["mean"] if result and result["test"] else None,
    }


def print_runs(console: Console, rows: Sequence[Row]) -> None:
    """Prints the list of runs."""
    print_table(console, [(key, key) for key in ("run", "status", "evaluations", "best", "validation", "test")], rows)
