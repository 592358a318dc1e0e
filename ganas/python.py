"""``ganas.evolve``: a search from a script, on a config file or on arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganas.config import RunConfig, load_config, make_config
from ganas.errors import ConfigError
from ganas.listener import Listener
from ganas.run import evolve as run_evolve
from ganas.tasks import task_from_arrays
from ganas.tasks.files import FILE_SETTINGS
from ganas.tasks.task import Task

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
    data: tuple[Any, Any] | dict[str, Any] | None = None,
    task: str | dict[str, Any] | None = None,
    runs_dir: str | Path = "runs",
    listener: Listener | None = None,
    **settings: Any,
) -> Run:
    """Searches for a network and returns the finished run.

    A request to stop (Ctrl-C, SIGTERM) ends it sooner, as on the command line; the run that is returned then has the status
    ``interrupted``, and the script goes on.

    Args:
        config: a config file, a ``RunConfig``, or None: the defaults.
        data: arrays or data frames ``(X, y)`` instead of the source that ``[data]`` names, whose splits and preprocessing
            count all the same; or the section as a dictionary.
        task: the task's kind (None: inferred), or the section as a dictionary.
        runs_dir: where the run folder is made.
        listener: hears how it goes.
        settings: any of ``seed, jobs, minutes, name, engine, population, generations, epochs, patience, trainer``, or a
            whole section as a dictionary, such as ``search={"layers": [1, 3]}``.

    Raises:
        GanasError: a setting, the data or the folder cannot be used; nothing has been trained then.
    """
    settings_read = config if isinstance(config, RunConfig) else load_config(config)
    tables = settings_read.model_dump(exclude_unset=True)
    if isinstance(data, dict):
        settings["data"] = data
    if task is not None:
        settings["task"] = task if isinstance(task, dict) else {"kind": task}
    for name, value in settings.items():
        if name in SHORTCUTS:
            tables.setdefault(SHORTCUTS[name], {})[name] = value
        elif name in RunConfig.model_fields and isinstance(value, dict):
            tables.setdefault(name, {}).update(value)
        else:
            known = ", ".join([*SHORTCUTS, *RunConfig.model_fields])
            raise ConfigError(f"evolve: unknown setting {name!r}; known are {known}")

    made = make_config(tables, "evolve")
    given = None if data is None or isinstance(data, dict) else _task_of_arrays(data, made)
    return run_evolve(made, task=given, runs_dir=runs_dir, listener=listener)


def _task_of_arrays(data: Any, config: RunConfig) -> Task:
    """Makes the task of ``(X, y)``, split and prepared as ``[data]`` says."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ConfigError(
            f"evolve data: must be (X, y), or (X, None) without a target, or the section as a dictionary, got {type(data).__name__}"
        )
    said = config.data.model_dump(exclude={"source", *FILE_SETTINGS})
    features, target = data
    return task_from_arrays(features, target, **config.task.model_dump(), **said)
