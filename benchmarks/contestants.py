"""The ways to train many networks that benchmarks/trainers.py compares; each runs as a process of its own.

    python benchmarks/contestants.py NAME JOB.json

A job names the data, the candidates, and how each is trained. The answer on standard output is one line of JSON: the errors
of the candidates; ``ready``, the seconds from the start of the process until imports and data were there; and, for those
that can go on, ``warm``, the seconds of a second round. Every import happens inside the function that needs it, so that a
contestant pays for its own.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def since_start() -> float:
    """Returns the seconds this process has lived."""
    import psutil

    return time.time() - psutil.Process().create_time()


def tree_megabytes() -> float:
    """Returns the memory of this process and its children, shared pages counted once, in MB."""
    import psutil

    tree = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return float(sum(process.memory_full_info().pss for process in tree)) / 1e6


def ganas_cohort(job: dict[str, Any]) -> dict[str, Any]:
    from ganas.evaluation import TrainingBudget
    from ganas.evaluator import Evaluator
    from ganas.execution import make_executor
    from ganas.tasks import load_task
    from ganas.worker import prepare

    budget = TrainingBudget(epochs=job["epochs"])
    executor = make_executor("loky", job["jobs"])
    executor.start(functools.partial(prepare, budget.threads))  # as a search does: while data are read
    task = load_task(job["data"])
    rounds = []
    errors: list[float | None] = []
    megabytes: list[float] = []
    ready, programs = since_start(), 0
    for seed in (0,) if job.get("watches_memory") else (0, 1):
        started = time.perf_counter()
        evaluator = Evaluator(task, budget=budget, seed=seed, trainer="cohort", executor=executor)
        plans = [_plan(candidate, job) for candidate in job["candidates"]]
        ask = job.get("ask") or len(plans)
        found = []
        for start in range(0, len(plans), ask):
            found += evaluator.evaluate(plans[start : start + ask])
            if job.get("watches_memory"):
                megabytes.append(tree_megabytes())
        rounds.append(time.perf_counter() - started)
        errors = errors or [evaluation.error for evaluation in found]
        programs = sum(evaluator.programs.values())
    executor.close(kill=True)
    warm = rounds[1] if len(rounds) > 1 else None
    return {"errors": errors, "ready": ready, "warm": warm, "programs": programs, "megabytes": megabytes}


def keras_loop(job: dict[str, Any]) -> dict[str, Any]:
    import keras  # noqa: F401  # counted as an import, not as training

    arrays, ready = _arrays(job), since_start()
    return {"ready": ready, "errors": [_fit(candidate, job, arrays) for candidate in job["candidates"]]}


def keras_tuner(job: dict[str, Any]) -> dict[str, Any]:
    import tempfile

    import keras_tuner as kt

    x, y, xv, yv = _arrays(job)
    candidates, ready = job["candidates"], since_start()

    def build(hp: Any) -> Any:
        return make_model(candidates[hp.Choice("candidate", list(range(len(candidates))))], x.shape[1], y.shape[1])

    with tempfile.TemporaryDirectory() as folder:
        tuner = kt.RandomSearch(
            build, "val_accuracy", max_trials=len(candidates), seed=0, directory=folder, project_name="benchmark"
        )
        # it wants the package tensorboard, which TensorFlow no longer brings, even where no log is asked for
        tuner._configure_tensorboard_dir = lambda *_: None
        tuner.search(x, y, validation_data=(xv, yv), epochs=job["epochs"], batch_size=job["batch"], verbose=0)
        trials = tuner.oracle.get_best_trials(len(candidates))
    return {"ready": ready, "errors": [1 - trial.score for trial in trials]}


def optuna_keras(job: dict[str, Any]) -> dict[str, Any]:
    import keras  # noqa: F401  # counted as an import, not as training
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    arrays, ready = _arrays(job), since_start()
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    count = len(job["candidates"])
    for index in range(count):
        study.enqueue_trial({"candidate": index})
    study.optimize(
        lambda trial: _fit(job["candidates"][trial.suggest_int("candidate", 0, count - 1)], job, arrays), n_trials=count
    )
    return {"ready": ready, "errors": [trial.value for trial in study.trials]}


def joblib_keras(job: dict[str, Any]) -> dict[str, Any]:
    import joblib

    arrays, ready = _arrays(job), since_start()
    tasks = (joblib.delayed(_fit)(candidate, job, arrays) for candidate in job["candidates"])
    return {"ready": ready, "errors": joblib.Parallel(n_jobs=job["jobs"])(tasks)}


def scikit_learn(job: dict[str, Any]) -> dict[str, Any]:
    from sklearn.neural_network import MLPClassifier

    x, y, xv, yv = _arrays(job)
    rounds, errors, ready = [], [], since_start()
    for seed in (0, 1):
        started = time.perf_counter()
        for candidate in job["candidates"]:
            # one activation for all layers and no ELU: its nearest network, at its own pace
            model = MLPClassifier(
                [units for units, _ in candidate["layers"]],
                activation="tanh" if candidate["layers"][0][1] == "tanh" else "relu",
                learning_rate_init=candidate["rate"],
                batch_size=job["batch"],
                max_iter=job["epochs"],
                n_iter_no_change=job["epochs"],
                random_state=seed,
            )
            model.fit(x, y.argmax(1))
            errors.append(1 - float((model.predict(xv) == yv.argmax(1)).mean()))
        rounds.append(time.perf_counter() - started)
    return {"errors": errors[: len(job["candidates"])], "ready": ready, "warm": rounds[1]}


def sgemm(job: dict[str, Any]) -> dict[str, Any]:
    """Measures the peak of single-precision matrix products of this machine, all cores, in GFLOP/s."""
    import numpy as np

    a = np.ones((3072, 3072), "float32")
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        a @ a
        best = max(best, 2 * 3072**3 / (time.perf_counter() - started) / 1e9)
    return {"errors": [], "gflops": best}


def _arrays(job: dict[str, Any]) -> Any:
    from ganas.tasks import load_task

    data = load_task(job["data"]).fold(0).data
    return data.x_train, data.y_train, data.x_validation, data.y_validation


def _plan(candidate: dict[str, Any], job: dict[str, Any]) -> Any:
    from ganas.search.plan import mlp_plan

    layers = [tuple(layer) for layer in candidate["layers"]]
    return mlp_plan(layers, learning_rate=candidate["rate"], batch_size=job["batch"])


def make_model(candidate: dict[str, Any], inputs: int, outputs: int) -> Any:
    """Returns the compiled Keras model of a candidate: its ``layers``, pairs of units and activation, and ``rate``."""
    import keras

    layers = [keras.layers.Dense(units, activation=activation) for units, activation in candidate["layers"]]
    model = keras.Sequential([keras.Input((inputs,)), *layers, keras.layers.Dense(outputs, activation="softmax")])
    model.compile(keras.optimizers.Adam(candidate["rate"]), "categorical_crossentropy", metrics=["accuracy"])
    return model


def _fit(candidate: dict[str, Any], job: dict[str, Any], arrays: Any) -> float:
    import keras

    x, y, xv, yv = arrays
    keras.backend.clear_session()
    model = make_model(candidate, x.shape[1], y.shape[1])
    history = model.fit(x, y, validation_data=(xv, yv), epochs=job["epochs"], batch_size=job["batch"], verbose=0)
    # the epoch that ganas restores
    best = min(range(job["epochs"]), key=history.history["val_loss"].__getitem__)
    return 1 - float(history.history["val_accuracy"][best])


CONTESTANTS = {
    "ganas": ganas_cohort,
    "Model.fit loop": keras_loop,
    "KerasTuner RandomSearch": keras_tuner,
    "Optuna + Keras": optuna_keras,
    "joblib + Keras": joblib_keras,
    "scikit-learn MLPClassifier": scikit_learn,
    "sgemm": sgemm,
}

if __name__ == "__main__":
    with open(sys.argv[2]) as file:
        print("\n" + json.dumps(CONTESTANTS[sys.argv[1]](json.load(file))))
