"""What happened in a run: computed first, drawn and written after. Reads runs; loads no TensorFlow.

- ``tables``: rows of plain data from a run's records (pure)
- ``words``: numbers as a person writes them; ``score``: the honest score in sentences
- ``figures``: those rows drawn; ``pictures``: first layers as pictures; matplotlib lives in this package only
- ``page``: ``report.md`` and a ``report.html`` that is one file
- ``comparison``, ``comparison_figures``, ``comparison_page``: the same of a comparison
- ``export``: a run as JSON and CSV
- ``code``, ``data_code``: a plan as a Keras script
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganas.history import Run


def write_report(run: Run, *, yardstick: Run | None = None) -> list[Path]:
    """Draws the figures of a run and writes ``report.md`` and ``report.html`` beside them; returns the files.

    ``yardstick`` is a random search on the same task to compare with; None: one in the same folder of runs, if there.

    Raises:
        RunError: the run's folder cannot be written.
    """
    from ganas.report.page import write_pages

    return write_pages(run, yardstick)
