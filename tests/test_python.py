"""``ganas.evolve``: sections as dictionaries, and arrays that are split and prepared as ``[data]`` says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ganas
from ganas.config import make_config
from ganas.errors import ConfigError

X = np.random.default_rng(0).normal(size=(80, 3))
Y = np.where(X[:, 0] > 0, "yes", "no")
DATA = {
    "scaling": "min_max",
    "seed": 7,
    "train_rows": 20,
    "pca": 2,
    "validation": 0.3,
    "test_fraction": 0.1,
    "folds": 2,
}


@pytest.fixture
def searched(monkeypatch):
    """What a search would have been begun with: its config and task."""
    monkeypatch.setattr("ganas.python.run_evolve", lambda config, *, task, **others: (config, task))


@pytest.mark.usefixtures("searched")
@pytest.mark.parametrize("name", list(DATA))
def test_arrays_are_split_and_prepared_as_the_config_says(name):
    config = make_config({"data": {name: DATA[name]}, "task": {"metric": "log_loss"}}, "test")
    _, task = ganas.evolve(config, data=(X, Y))
    assert getattr(task.settings, name) == DATA[name]
    assert task.settings.metric == "log_loss"


@pytest.mark.usefixtures("searched")
def test_arrays_stand_in_for_the_file_that_the_config_names():
    config = make_config({"data": {"source": "no.csv", "target": "price", "test": "no.csv", "header": True}}, "test")
    _, task = ganas.evolve(config, data=(pd.DataFrame(X), Y), task="classification")
    assert (len(task.table), task.kind) == (80, "classification")


@pytest.mark.usefixtures("searched")
def test_every_section_may_be_a_dictionary_and_keeps_what_the_config_says_beside_it():
    config = make_config({"data": {"source": "iris", "folds": 3}, "task": {"metric": "log_loss"}}, "test")
    said = {"data": {"source": "wine"}, "task": {"kind": "classification"}, "evolution": {"population": 4}}
    made, task = ganas.evolve(config, **said, generations=2)
    assert task is None
    assert (made.data.source, made.data.folds, made.task.kind, made.task.metric) == (
        "wine",
        3,
        "classification",
        "log_loss",
    )
    assert (made.evolution.population, made.evolution.generations) == (4, 2)


@pytest.mark.usefixtures("searched")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": {"sorce": "iris"}}, r"evolve \[data\] sorce: unknown key; did you mean source"),
        ({"task": {"knd": "anomaly"}}, r"evolve \[task\] knd: unknown key; did you mean kind"),
        ({"task": 5}, r"evolve \[task\] kind: must be a string"),
        ({"data": X}, r"evolve data: must be \(X, y\), or .* got ndarray"),
        ({"data": (X,)}, r"evolve data: must be \(X, y\), or .* got tuple"),
        ({"colour": "red"}, "evolve: unknown setting 'colour'"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(settings, message):
    with pytest.raises(ConfigError, match=message) as caught:
        ganas.evolve(**settings)
    assert "\n" not in str(caught.value)
