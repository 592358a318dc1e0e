"""``ganas.evolve``: a search from a script, on a config file or on arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganas.config import RunConfig, load_config, make_config
from ganas.errors import ConfigError
from ganas.listener import Listener
from ganas.run import evolve as run_evolve
from ganas.tasks import task_from_arrays

if TYPE_CHECKING:
    from ganas.history import Run

SHORTCUTS = {
    "seed": "run",
    "jobs": "run",
    "minutes": "run",
    "name": "run",
    "engine": "evolution",
    "population": "evolution",
    "generations": "evolution",
    "epochs": "training",
    "patience": "training",
    "trainer": "training",
}
"""Settings that may be given as plain keywords, and their sections."""


def evolve(
    config: str | Path | RunConfig | None = None,
    *,
    data: tuple[Any, Any] | None = None,
    task: str | None = None,
    runs_dir: str | Path = "runs",
    listener: Listener | None = None,
    **settings: Any,
) -> Run:
    """Searches for a network and returns the finished run.

    Args:
        config: a config file, a ``RunConfig``, or None: the defaults.
        data: arrays or data frames ``(X, y)`` instead of ``[data]``; ``task`` then says the kind (None: inferred).
        task: the task's kind.
        runs_dir: where the run folder is made.
        listener: hears how it goes.
        settings: any of ``seed, jobs, minutes, name, engine, population, generations, epochs, patience, trainer``, or a
            whole section as a dictionary, such as ``search={"layers": [1, 3]}``.

    Raises:
        GanasError: a setting, the data or the folder cannot be used; nothing has been trained then.
    """
    settings_read = config if isinstance(config, RunConfig) else load_config(config)
    tables = settings_read.model_dump(exclude_unset=True)
    for name, value in settings.items():
        if name in SHORTCUTS:
            tables.setdefault(SHORTCUTS[name], {})[name] = value
        elif name in RunConfig.model_fields and isinstance(value, dict):
            tables.setdefault(name, {}).update(value)
        else:
            known = ", ".join([*SHORTCUTS, *RunConfig.model_fields])
            raise ConfigError(f"evolve: unknown setting {name!r}; known are {known}")
    if task is not None:
        tables.setdefault("task", {})["kind"] = task

    made = make_config(tables, "evolve")
    given = None
    if data is not None:
        section = made.data
        given = task_from_arrays(
            *data,
            **made.task.model_dump(),
            pca=section.pca,
            validation=section.validation,
            test_fraction=section.test_fraction,
            folds=section.folds,
        )
    return run_evolve(made, task=given, runs_dir=runs_dir, listener=listener)
