"""A run as data for other programs: JSON of a run or a member, CSV of every candidate."""

from __future__ import annotations

import csv
import json
import tomllib
from typing import Any, TextIO

from ganas.history import Run
from ganas.report.tables import candidate_rows


def to_json(run: Run, rank: int | None = None) -> str:
    """Returns JSON of a member of the hall of fame with its curves, or (``rank`` None) of the run."""
    if rank is not None:
        member = run.member(rank)
        return _dump({**member.to_json(), "curves": list(member.evaluation.curves)})
    facts = {key: value for key, value in run.facts.items() if key not in ("result", "pipeline")}
    return _dump(
        {
            "run": run.name,
            "folder": str(run.folder),
            "facts": facts,
            "config": tomllib.loads((run.folder / "config.toml").read_text(encoding="utf-8")),
            "generations": run.generations,
            "hall_of_fame": [member.to_json() for member in run.hall_of_fame],
            "result": run.result,
            "readings": run.readings,
        }
    )


def write_csv(stream: TextIO, run: Run) -> None:
    """Writes a line per evaluated candidate, under the names of the columns."""
    rows = candidate_rows(run.records)
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _dump(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
