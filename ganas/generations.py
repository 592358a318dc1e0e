"""The generation log: one row for each generation that is complete."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from ganas.evaluation import Evaluation
from ganas.statistics import standard_deviation


def generation_row(told: Sequence[Evaluation], number: int, population: int, seconds: float) -> dict[str, Any]:
    """Returns the log row of generation ``number`` (from 1): of its own evaluations, and the best of all so far."""
    own = told[(number - 1) * population :]
    errors = [e.error for e in own if e.is_ok and e.error is not None]
    ranked = sorted((e for e in told if e.is_ok and e.error is not None), key=lambda e: (e.error or 0.0, e.parameters))
    return {
        "generation": number,
        "best": ranked[0].error if ranked else None,
        "mean": fmean(errors) if errors else None,
        "spread": standard_deviation(errors) if errors else None,
        "unique": len({e.plan.digest() for e in own}),
        "stopped": sum(e.status == "stopped" for e in own),
        "failures": sum(e.status not in ("ok", "stopped") for e in own),
        "parameters": ranked[0].parameters if ranked else None,
        "evaluations": len(told),
        "seconds": round(seconds, 1),
    }
