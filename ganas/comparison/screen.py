"""The screen of a comparison: what is compared, a live bar, a line per training, and the table at the end.

A listener of ``ganas.compare``. Where the output is no terminal the same is said in plain lines, without the bar.
"""

from __future__ import annotations

from rich.console import Console

from ganas.console import print_heading, print_lines, print_table
from ganas.evaluation import Evaluation
from ganas.history import Run
from ganas.listener import Summary
from ganas.report.comparison import ComparedVariants, facts_in_words, variant_rows
from ganas.report.comparison_page import with_interval
from ganas.report.words import number_in_words, seconds_in_words
from ganas.screen import Screen

COLUMNS = (
    ("variant", "variant"),
    ("validation", "validation error"),
    ("test", "test error"),
    ("difference", "difference"),
    ("p_corrected", "p (Holm)"),
    ("gap", "gap"),
    ("step_milliseconds", "ms/step"),
    ("parameters", "parameters"),
)
"""Of the table on the screen: key and heading; the report has more."""
FILES = {
    "report.md": "the tables and what they rest on",
    "variants.csv": "a row per variant",
    "trainings.csv": "a row per training, every measure",
    "curves.csv": "means and bands over updates",
    "figures": "as PNG",
}


class ComparisonScreen:
    """Prints a comparison as it goes on ``console``; ``quiet`` leaves only notices and the table."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self._screen = Screen(console, quiet=quiet)

    def on_start(self, summary: Summary) -> None:
        """Prints what will be compared and starts the bar."""
        self._screen.on_start(summary)

    def on_training(self, label: str, evaluation: Evaluation) -> None:
        """Moves the bar and prints how a training ended."""
        self._screen.on_evaluation(0, evaluation)
        if not self.quiet:
            self.console.print(training_line(label, evaluation), soft_wrap=True)

    def on_notice(self, text: str) -> None:
        """Prints a sentence."""
        self._screen.on_notice(text)

    def on_finish(self, run: Run) -> None:
        """Ends the bar and prints the table, and where the files are."""
        self.close()
        if run.status == "interrupted":
            print_heading(self.console, f"Interrupted; go on with: ganas resume {run.name}")
        else:
            print_comparison(self.console, run)

    def close(self) -> None:
        """Takes the bar off the screen."""
        self._screen.close()


def training_line(label: str, evaluation: Evaluation) -> str:
    """Says how a training ended, in one line."""
    if evaluation.is_ok:
        return f"{label}: error {number_in_words(evaluation.error)}, {seconds_in_words(evaluation.seconds)}"
    return f"{label}: {evaluation.status}: {evaluation.reason or 'no reason given'}"


def print_comparison(console: Console, run: Run) -> None:
    """Prints the table of a comparison, what it rests on, and its files; of an unfinished one what is known so far."""
    console.print(f"{run.name}: {run.facts['title']}: {run.state_in_words}", style="bold", soft_wrap=True)
    print_lines(console, facts_in_words(run))
    console.print()
    compared = ComparedVariants(run)
    rows, has_bases = variant_rows(compared), len(set(compared.against.values())) > 1
    shown = [
        {
            **row,
            "validation": with_interval(row, "validation_error", "validation_half_width"),
            "test": with_interval(row, "test_error", "test_half_width"),
            "difference": with_interval(row, "difference", "difference_half_width")
            + f" (to {row['against']})" * (has_bases and row["difference"] is not None),
        }
        for row in rows
    ]
    print_table(console, COLUMNS, shown)
    print_lines(console, [f"{row['variant']}: {row['failures']}" for row in rows if row["failures"]])
    there = {name: words for name, words in FILES.items() if (run.folder / name).exists()}
    if there:
        print_heading(console, "Files")
        width = max(len(str(run.folder / name)) for name in there)
        for name, words in there.items():
            console.print(f"  {run.folder / name!s:{width}}  {words}", soft_wrap=True)
