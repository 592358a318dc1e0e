"""Networks of a run, trained again: on the run's data or not at all."""

import numpy as np
import pytest

from ganas.config import make_config
from ganas.errors import RunError
from ganas.evaluation import Evaluation
from ganas.history import Run
from ganas.identity import fingerprint
from ganas.predict_anomalies import anomalies
from ganas.rebuild import restore_files, retrain, task_of_run
from ganas.search.plan import DenseLayer, NetworkPlan
from ganas.settings import make_task
from ganas.store import Asked, RunStore

DOORS = {
    "model": lambda run, folder: run.member(1).model(),
    "train": lambda run, folder: retrain(run, run.member(1).plan, {}, output=folder / "a.keras", say=lambda text: None),
    "predict": lambda run, folder: anomalies(run, run.facts["pipeline"], {}),
}
"""The ways to have a run's data read again."""


@pytest.fixture
def run(tmp_path):
    """A search of anomalies in ``rows.csv`` with one candidate, which nobody trained."""
    rng = np.random.default_rng(0)
    rows = [
        ",".join(f"{value:.3f}" for value in row) + f",{'odd' if row[0] > 2 else 'usual'}"
        for row in rng.normal(size=(200, 3))
    ]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,kind", *rows]))
    data = {"source": str(tmp_path / "rows.csv"), "target": "kind"}
    config = make_config(
        {"data": data, "task": {"kind": "anomaly", "anomaly": "odd"}, "training": {"epochs": 1}}, "test"
    )
    task = make_task(config)
    facts = {"fingerprint": fingerprint(config, task), "pipeline": task.pipeline(), "from_arrays": False}
    store = RunStore.create(tmp_path / "run", config.to_toml(), {"status": "finished", **facts})
    store.add_asked([Asked(0, 0, 1, {"bottleneck": 2}, "initial", ())])
    plan = task.complete(NetworkPlan((DenseLayer(2),), bottleneck=0))
    store.add_evaluation(0, Evaluation(plan, 7, "ok", 0.25, parameters=17), [0.25])
    store.close()
    return Run(store.folder)


def test_the_task_of_a_run_is_that_of_the_search(run):
    assert task_of_run(run).fingerprint() == run.facts["fingerprint"]["data"]


@pytest.mark.parametrize("door", DOORS)
def test_data_that_changed_since_the_search_are_refused(door, run, tmp_path):
    table = tmp_path / "rows.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:-1], "0.5,0.5,0.5,usual"]))
    with pytest.raises(RunError, match="run: data changed since the run began"):
        DOORS[door](run, tmp_path)
    assert not (tmp_path / "a.keras").exists()


@pytest.mark.parametrize("door", DOORS)
def test_data_that_were_arrays_are_refused(door, run, tmp_path):
    store = RunStore.open(run.folder)
    store.put(from_arrays=True)
    store.close()
    with pytest.raises(RunError, match=r"its data were (given as )?arrays in Python"):
        DOORS[door](Run(run.folder), tmp_path)


def test_a_lost_network_is_not_made_again_from_a_damaged_result(run):
    store = RunStore.open(run.folder)
    store.put(result={"winner": {}})
    store.close()
    with pytest.raises(RunError, match=r"run\.db: damaged \(KeyError: 'plan'\)"):
        restore_files(Run(run.folder))
