"""The searches that benchmarks/wall_clock.py compares; each runs as a process of its own until it is killed.

    python benchmarks/timed_searches.py NAME JOB.json

A job holds the sections of a config, for data, splits, epochs and patience. Every network that has been trained is a line of
JSON on standard output: its ``layers``, pairs of units and activation, its learning ``rate``, and its validation ``error``, of
the epoch with the lowest validation loss. All search the space that ganas searches where nothing is said.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from contestants import make_model

from ganas.config import make_config
from ganas.evaluation import Evaluation
from ganas.listener import SilentListener
from ganas.search.mlp import SEARCH_DEFAULTS
from ganas.settings import make_task

Sections = dict[str, Any]
FOREVER = 10**6
"""Networks, generations or brackets: more than there is time for."""


def ganas_search(job: Sections, engine: str) -> None:
    """Searches as ``ganas evolve`` does, with another engine."""
    import ganas

    class Reporter(SilentListener):
        def on_evaluation(self, number: int, evaluation: Evaluation) -> None:
            if evaluation.error is not None and evaluation.is_ok:
                plan = evaluation.plan
                layers = [[layer.units, layer.activation] for layer in plan.layers]
                report({"layers": layers, "rate": plan.optimizer.learning_rate}, evaluation.error)

    evolution = {"engine": engine, "generations": FOREVER}
    with tempfile.TemporaryDirectory() as folder:
        ganas.evolve(make_config({**job, "evolution": evolution}, "wall_clock"), runs_dir=folder, listener=Reporter())


def optuna_search(job: Sections, sampler: str) -> None:
    """One of Optuna's samplers, with its default pruner, which stops what is worse than the median of that epoch."""
    import keras
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    keras_job = KerasJob(job)

    def objective(trial: Any) -> float:
        def tell(epoch: int, logs: Any) -> None:
            trial.report(1 - logs["val_accuracy"], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        candidate = draw(
            lambda name, low, high: trial.suggest_int(name, low, high, log=name != "layers"),
            lambda name, low, high: trial.suggest_float(name, low, high, log=True),
            trial.suggest_categorical,
        )
        keras.backend.clear_session()
        told = keras.callbacks.LambdaCallback(on_epoch_end=tell)
        return keras_job.fit(keras_job.build(candidate), candidate, callbacks=[told])[0]

    study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=job["run"]["seed"]))
    study.optimize(objective, n_trials=FOREVER)


def keras_tuner(job: Sections, tuner: str, **options: Any) -> None:
    """One of KerasTuner's tuners with its defaults."""
    import keras_tuner as kt

    keras_job = KerasJob(job)

    class Networks(kt.HyperModel):  # type: ignore[misc]  # ships no types
        def _candidate(self, hp: Any) -> dict[str, Any]:
            return draw(
                lambda name, low, high: hp.Int(name, low, high, sampling="linear" if name == "layers" else "log"),
                lambda name, low, high: hp.Float(name, low, high, sampling="log"),
                hp.Choice,
            )

        def build(self, hp: Any) -> Any:
            return keras_job.build(self._candidate(hp))

        def fit(self, hp: Any, model: Any, *_: Any, **kept: Any) -> Any:
            return keras_job.fit(model, self._candidate(hp), **kept)[1]

    with tempfile.TemporaryDirectory() as folder:
        search = getattr(kt, tuner)(
            Networks(),
            "val_accuracy",
            seed=job["run"]["seed"] + 1,  # its seed 0 means none
            directory=folder,
            project_name="benchmark",
            **options,
        )
        # it wants the package tensorboard, which TensorFlow no longer brings, even where no log is asked for
        search._configure_tensorboard_dir = lambda *_: None
        search.search(epochs=keras_job.epochs, verbose=0)


class KerasJob:
    """Networks that are built and trained as a user of Keras would: ``Model.fit`` with early stopping."""

    def __init__(self, job: Sections) -> None:
        config = make_config(job, "wall_clock")
        self._data = make_task(config).fold(0).data
        self.epochs, self._patience = config.training.epochs, config.training.patience

    def build(self, candidate: dict[str, Any]) -> Any:
        """Returns the compiled model of a candidate."""
        return make_model(candidate, self._data.x_train.shape[1], self._data.y_train.shape[1])

    def fit(self, model: Any, candidate: dict[str, Any], callbacks: Any = (), **kept: Any) -> tuple[float, Any]:
        """Trains the model, reports it, and returns its error and the history."""
        import keras

        data = self._data
        patience = keras.callbacks.EarlyStopping("val_loss", patience=self._patience, restore_best_weights=True)
        history = model.fit(
            data.x_train,
            data.y_train,
            batch_size=SEARCH_DEFAULTS["batch_size"],
            validation_data=(data.x_validation, data.y_validation),
            callbacks=[patience, *callbacks],
            **{"epochs": self.epochs, "verbose": 0, **kept},
        )
        best = min(range(len(history.epoch)), key=history.history["val_loss"].__getitem__)
        error = 1 - float(history.history["val_accuracy"][best])
        report(candidate, error)
        return error, history


def draw(integer: Callable[..., int], number: Callable[..., float], choice: Callable[..., str]) -> dict[str, Any]:
    """Returns a candidate of ganas' default space, from a library's three ways to draw a value by its name."""
    depth = integer("layers", *SEARCH_DEFAULTS["layers"])
    activations, units = SEARCH_DEFAULTS["activation"], SEARCH_DEFAULTS["units"]["range"]
    layers = [[integer(f"units_{layer}", *units), choice(f"activation_{layer}", activations)] for layer in range(depth)]
    return {"layers": layers, "rate": number("rate", *SEARCH_DEFAULTS["learning_rate"]["range"])}


def report(candidate: dict[str, Any], error: float) -> None:
    """Writes the line of a trained network."""
    print("\n" + json.dumps({**candidate, "error": error}), flush=True)


SEARCHES: dict[str, Callable[[Sections], None]] = {
    "ganas": lambda job: ganas_search(job, "surrogate_assisted"),
    "ganas, random search": lambda job: ganas_search(job, "random"),
    "ganas, regularized evolution": lambda job: ganas_search(job, "regularized"),
    "Optuna TPE": lambda job: optuna_search(job, "TPESampler"),
    "Optuna GP": lambda job: optuna_search(job, "GPSampler"),
    "KerasTuner Bayesian": lambda job: keras_tuner(job, "BayesianOptimization", max_trials=FOREVER),
    "KerasTuner Hyperband": lambda job: keras_tuner(
        job, "Hyperband", max_epochs=make_config(job, "wall_clock").training.epochs, hyperband_iterations=FOREVER
    ),
}

if __name__ == "__main__":
    with open(sys.argv[2]) as file:
        SEARCHES[sys.argv[1]](json.load(file))
