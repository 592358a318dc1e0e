"""What makes a run this run: the name of its folder, and what must be the same for it to go on."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from ganas.config import RunConfig
from ganas.errors import RunError
from ganas.tasks.task import Task


def folder_name(config: RunConfig, task: Task) -> str:
    """Returns ``<date>-<name>-seed<k>``."""
    name = config.run.name or task.name
    return f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{name}-seed{config.run.seed}"


def fingerprint(config: RunConfig, task: Task) -> dict[str, Any]:
    """Returns what must be the same for a run to go on: data, splits, space, engine, seed, rungs, trainer and its threads."""
    training = config.training.model_dump(mode="json")
    evolution = config.evolution.model_dump(mode="json", exclude={"generations", "hall_of_fame"})
    rungs = config.budget.model_dump(mode="json", include={"rungs", "keep", "window"})
    return {
        "data": task.fingerprint(),
        "search": config.search,
        "training": training,
        "evolution": evolution,
        "seed": config.run.seed,
        "rungs": rungs,
    }


def refuse_changes(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuses to go on with a run whose ingredients changed.

    Raises:
        RunError: names what changed.
    """
    changed = [
        key for key in before if json.dumps(before[key], sort_keys=True) != json.dumps(now.get(key), sort_keys=True)
    ]
    if changed:
        raise RunError(f"{folder}: {', '.join(changed)} changed since the run began; start a new run instead")
