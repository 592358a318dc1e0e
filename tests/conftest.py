"""A run made by hand, without training: what the store, the report and the command line are read against."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from ganas.config import RunConfig, make_config
from ganas.evaluation import Evaluation
from ganas.history import Run
from ganas.search.plan import DenseLayer, Head, NetworkPlan, Optimizer
from ganas.store import Asked, RunStore

# The same examples each time, however long each takes; --hypothesis-profile=explore tries others.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
settings.load_profile("repeatable")

GENERATIONS, POPULATION = 6, 10
DIGITS_PIPELINE = {
    "task": "classification",
    "data": "digits",
    "preprocessing": {
        "numbers": {
            "names": [f"pixel_{index}" for index in range(64)],
            "fill": [0.0] * 64,
            "shift": [0.0] * 64,
            "scale": [16.0] * 64,
            "holed": [],
        },
        "categories": [],
        "projection": None,
        "is_matrix": False,
    },
    "output": {"labels": list(range(10))},
    "source": {"has_header": True, "columns": [], "target": ""},
}
"""What ``Task.pipeline`` says of digits."""


def make_evaluation(rng: np.random.Generator, generation: int) -> Evaluation:
    """Makes up an evaluation whose error falls with the generation; one in fifteen diverges."""
    layers = tuple(
        DenseLayer(int(2 ** rng.uniform(3, 7)), str(rng.choice(["relu", "tanh", "elu"], p=[0.5, 0.3, 0.2])))
        for _ in range(int(rng.integers(1, 5)))
    )
    plan = NetworkPlan(
        layers, Head(10, "softmax"), "categorical_crossentropy", Optimizer("adam", 10 ** rng.uniform(-4, -2))
    )
    seed = int(rng.integers(2**40))
    if rng.random() < 1 / 15:
        return Evaluation(
            plan, seed, "diverged", parameters=plan.parameters(64), epochs=2, message="the loss became NaN"
        )
    error = 0.02 + 0.12 * math.exp(-0.5 * generation) * float(rng.lognormal(0, 0.5))
    epochs = int(rng.integers(8, 20))
    falling = [error * 3 + math.exp(-0.4 * epoch) for epoch in range(epochs)]
    curves = {
        "loss": [0.7 * loss for loss in falling],
        "val_loss": [loss + 0.002 * i for i, loss in enumerate(falling)],
    }
    return Evaluation(
        plan,
        seed,
        "ok",
        error=error,
        measures={"accuracy": 1 - error},
        loss=curves["val_loss"][-1],
        parameters=plan.parameters(64),
        epochs=epochs,
        best_epoch=epochs - 2,
        seconds=0.1,
        curves=(curves,),
        trainer="cohort",
    )


def write_run(folder: Path, config: RunConfig, *, seed: int = 0) -> Run:
    """Writes a finished run of ``GENERATIONS`` × ``POPULATION`` made-up evaluations."""
    rng = np.random.default_rng(seed)
    facts = {
        "status": "running",
        "seed": seed,
        "created": "2025-01-01T12:00:00",
        "fingerprint": {"data": {"kind": "classification", "preprocessing": {"pixels": 16.0}}},
        "data": ["digits: 1,797 rows, columns: 64 of numbers; 0 missing values"],
        "versions": {"ganas": "0.1.0"},
        "from_arrays": False,
        "pipeline": DIGITS_PIPELINE,
    }
    store = RunStore.create(folder, config.to_toml(), facts)
    evaluations: list[Evaluation] = []
    for generation in range(1, GENERATIONS + 1):
        for _ in range(POPULATION):
            number = len(evaluations)
            evaluation = make_evaluation(rng, generation)
            parents = () if generation == 1 else (number - POPULATION, number - 1)
            operator = "crossover" if parents else "initial"
            layers = [{"units": layer.units, "activation": layer.activation} for layer in evaluation.plan.layers]
            store.add_asked([Asked(number, generation - 1, generation, {"layers": layers}, operator, parents)])
            store.add_evaluation(number, evaluation, [evaluation.error] if evaluation.error is not None else None)
            evaluations.append(evaluation)
        store.add_generation(generation, generation_row(generation, evaluations))
    best = min((e for e in evaluations if e.is_ok), key=lambda evaluation: evaluation.error or 0.0)
    store.put(status="finished", seconds=42.0, result=make_result(evaluations.index(best), best))
    store.add_reading("2025-01-01T12:01:00", len(evaluations), {"error": 0.031})
    store.close()
    return Run(folder)


def generation_row(generation: int, evaluations: list[Evaluation]) -> dict[str, object]:
    """Makes the row of the generation log."""
    latest = evaluations[-POPULATION:]
    errors = [evaluation.error for evaluation in latest if evaluation.error is not None]
    best = min((e for e in evaluations if e.is_ok), key=lambda evaluation: evaluation.error or 0.0)
    return {
        "generation": generation,
        "best": best.error,
        "mean": float(np.mean(errors)),
        "spread": float(np.std(errors)),
        "unique": len(latest),
        "failures": len(latest) - len(errors),
        "parameters": best.parameters,
        "evaluations": len(evaluations),
        "seconds": 2.5,
    }


def make_result(number: int, best: Evaluation) -> dict[str, object]:
    """Makes the result of a final assessment."""
    fresh = {"values": [0.03, 0.032, 0.031], "mean": 0.031, "sd": 0.001, "interval": [0.026, 0.036]}
    finalist = {"number": number, "in_words": best.plan.in_words(), "parameters": best.parameters, "mean": 0.031}
    return {
        "winner": {"number": number, "plan": best.plan.to_json(), "in_words": best.plan.in_words()},
        "parameters": best.parameters,
        "error_in_words": "1 - accuracy on 288 validation rows",
        "finalists": [{**finalist, "search_error": best.error, "errors": [0.031], "dropped_after": None}],
        "tied_with": [],
        "search_error": best.error,
        "optimism": 0.031 - (best.error or 0.0),
        "validation": fresh,
        "test": {**fresh, "mean": 0.033},
        "test_measures": {"accuracy": {**fresh, "mean": 0.967}},
        "saved": {"file": "best.keras", "seed": 1, "validation_error": 0.03, "test_error": 0.032},
        "time": "2025-01-01T12:01:00",
    }


@pytest.fixture(scope="session")
def written_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Returns a function that writes a run once per session, because every evaluation is a commit of its own."""
    folder, written = tmp_path_factory.mktemp("written"), dict[str, Path]()

    def write(seed: int, sections: dict[str, dict[str, object]]) -> Path:
        key = f"{seed} {sections}"
        if key not in written:
            written[key] = write_run(folder / str(len(written)), make_config(sections, "test"), seed=seed).folder
        return written[key]

    return write


@pytest.fixture
def make_run(tmp_path: Path, written_runs: Callable[..., Path]) -> Callable[..., Run]:
    """Returns a function that puts a finished run into ``tmp_path / "runs"`` by name, with settings of its own."""

    def make(name: str = "digits-seed0", *, seed: int = 0, **sections: dict[str, object]) -> Run:
        shutil.copytree(written_runs(seed, sections), tmp_path / "runs" / name)
        return Run(tmp_path / "runs" / name)

    return make
