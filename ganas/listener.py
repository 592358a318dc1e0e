"""Who hears how a search or a comparison goes; the command line's screen is one listener."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ganas.evaluation import Evaluation
from ganas.history import Run


@dataclass(frozen=True)
class Summary:
    """What is about to be searched, for a reader: lines on data, genes and budget, and how many evaluations are planned."""

    run: str
    lines: tuple[str, ...]
    evaluations: int
    done: int


class Listener(Protocol):
    """Hears how a search goes; the command line's screen is one."""

    def on_start(self, summary: Summary) -> None:
        """Hears what will be searched, before the first training."""

    def on_evaluation(self, number: int, evaluation: Evaluation) -> None:
        """Hears of each evaluation as it arrives."""

    def on_generation(self, row: dict[str, Any]) -> None:
        """Hears of each complete generation."""

    def on_notice(self, text: str) -> None:
        """Hears a sentence that a person should read."""

    def on_finish(self, run: Run) -> None:
        """Hears that the run has ended; its result is in ``run``."""


class SilentListener:
    """Hears and says nothing."""

    def on_start(self, summary: Summary) -> None:
        """Says nothing."""

    def on_evaluation(self, number: int, evaluation: Evaluation) -> None:
        """Says nothing."""

    def on_generation(self, row: dict[str, Any]) -> None:
        """Says nothing."""

    def on_notice(self, text: str) -> None:
        """Says nothing."""

    def on_finish(self, run: Run) -> None:
        """Says nothing."""
