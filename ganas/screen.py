"""The screen of a search: what is searched, a live bar, one aligned row per generation, and how it ended.

A listener of ``ganas.run``. Where the output is no terminal the same is said in plain lines, without the bar.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from ganas.console import print_heading, print_lines
from ganas.evaluation import Evaluation
from ganas.history import Run
from ganas.printing import print_files, print_front, print_hall, print_score
from ganas.report.score import score_lines
from ganas.report.words import number_in_words, seconds_in_words

if TYPE_CHECKING:
    from ganas.listener import Summary

COLUMNS = (
    ("generation", "gen", 3),
    ("best", "best", 8),
    ("mean", "mean", 8),
    ("spread", "spread", 8),
    ("unique", "unique", 6),
    ("stopped", "stopped", 7),
    ("failures", "failed", 6),
    ("parameters", "parameters", 10),
    ("evaluations", "evals", 6),
    ("seconds", "seconds", 7),
)
"""Of the generation log: key, heading, width; one row fits 80 columns, what is wider pushes the rest on."""


def heading_line() -> str:
    """Returns the headings of the generation log."""
    return " ".join(f"{heading:>{width}}" for _, heading, width in COLUMNS)


def generation_line(row: dict[str, Any]) -> str:
    """Returns a row of the generation log, aligned under :func:`heading_line`."""
    cells = {**row, "seconds": f"{row['seconds']:.1f}" if row.get("seconds") is not None else "–"}
    texts = [
        cells[key] if isinstance(cells.get(key), str) else number_in_words(cells.get(key)) for key, _, _ in COLUMNS
    ]
    return " ".join(f"{text:>{width}}" for text, (_, _, width) in zip(texts, COLUMNS, strict=True))


class Remaining(ProgressColumn):
    """The time left, from the mean pace of this sitting: results come in bursts, which rich's own estimate takes for pace."""

    def render(self, task: Task) -> Text:
        """Renders ``1 min 20 s left``, and ``12 s so far`` while the first networks are compiled."""
        heard, first, updated = task.fields["heard"], task.fields["started"], task.fields["updated"]
        if task.total is None or task.completed >= task.total:
            return Text("")
        if not heard:
            return Text(f"{seconds_in_words(int(time.monotonic() - first))} so far")
        left = (updated - first) / heard * (task.total - task.completed) - (time.monotonic() - updated)
        return Text(f"{seconds_in_words(max(1.0, left))} left")


class Screen:
    """Prints a search as it goes on ``console``; ``quiet`` leaves only notices and the final score."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self._progress: Progress | None = None
        self._bar: Any = None
        self._heard = 0
        self._best: float | None = None
        self._has_heading = False

    def on_start(self, summary: Summary) -> None:
        """Prints what will be searched and starts the bar."""
        if self.quiet:
            return
        self.console.print(summary.run, style="bold", soft_wrap=True)
        print_lines(self.console, summary.lines)
        if summary.done:
            print_lines(self.console, [f"going on after {summary.done} evaluations"])
        self.console.print()
        if self.console.is_terminal:
            columns = ("{task.description}", "{task.fields[best]}")
            self._progress = Progress(
                TextColumn(columns[0], markup=False),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn(columns[1], markup=False),
                Remaining(),
                console=self.console,
                transient=True,
            )
            now = time.monotonic()
            fields: dict[str, Any] = {"best": "", "heard": 0, "started": now, "updated": now}
            self._bar = self._progress.add_task(
                "searching", total=summary.evaluations, completed=summary.done, **fields
            )
            self._progress.start()

    def on_evaluation(self, number: int, evaluation: Evaluation) -> None:
        """Moves the bar."""
        if evaluation.is_ok and evaluation.error is not None:
            self._best = evaluation.error if self._best is None else min(self._best, evaluation.error)
        self._heard += 1
        if self._progress is not None:
            best = "" if self._best is None else f"best {number_in_words(self._best)}"
            fields: dict[str, Any] = {"best": best, "heard": self._heard, "updated": time.monotonic()}
            self._progress.update(self._bar, advance=1, **fields)

    def on_generation(self, row: dict[str, Any]) -> None:
        """Prints the row of a generation, under headings before the first."""
        if self.quiet:
            return
        if not self._has_heading:
            self.console.print(heading_line(), style="dim", soft_wrap=True)
            self._has_heading = True
        self.console.print(generation_line(row), soft_wrap=True)

    def on_notice(self, text: str) -> None:
        """Prints a sentence."""
        self.console.print(text, soft_wrap=not self.console.is_terminal)

    def on_finish(self, run: Run) -> None:
        """Ends the bar; prints the hall of fame, the score and where the files are."""
        self.close()
        if self.quiet:
            print_lines(self.console, [*(score_lines(run.result) if run.result else []), str(run.folder)], indent=0)
            return
        members = run.hall_of_fame
        if members:
            print_heading(self.console, "Hall of fame")
            print_hall(self.console, members)
        print_front(self.console, run)
        print_score(self.console, run.result)
        print_files(self.console, run)
        if run.status == "interrupted":
            print_heading(self.console, f"Interrupted; go on with: ganas resume {run.name}")

    def close(self) -> None:
        """Takes the bar off the screen; does nothing if there is none."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
