"""ganas searches for neural network architectures with a genetic algorithm.

Names are imported when first used, so that ``import ganas`` costs nothing and never loads TensorFlow by itself.

- evolve: ``evolve``, ``resume``, ``load_run``
- evaluate: ``Evaluator``, ``TrainingBudget``, ``Evaluation``, ``mlp_plan``, ``NetworkPlan``, ``load_task``, ``task_from_arrays``
- search anything: ``Evolution``, ``Stopped``, ``SearchSpace``, ``LayerGroup``, ``Condition``, ``Choice``, ``IntegerRange``,
  ``FloatRange``
- in the manner of scikit-learn: ``AnomalyDetector``
- in training: ``WeightMutation``, a Keras callback
"""

import importlib
from typing import Any

from ganas.version import __version__

_HOMES = {
    "evolve": "ganas.python",
    "resume": "ganas.run",
    "load_run": "ganas.history",
    "Evaluator": "ganas.evaluator",
    "TrainingBudget": "ganas.evaluation",
    "Evaluation": "ganas.evaluation",
    "NetworkPlan": "ganas.search.plan",
    "DenseLayer": "ganas.search.plan",
    "mlp_plan": "ganas.search.plan",
    "load_task": "ganas.tasks",
    "task_from_arrays": "ganas.tasks",
    "Evolution": "ganas.evolution.evolution",
    "Stopped": "ganas.evolution.individual",
    "SearchSpace": "ganas.search.space",
    "LayerGroup": "ganas.search.space",
    "Condition": "ganas.search.space",
    "Choice": "ganas.search.genes",
    "IntegerRange": "ganas.search.genes",
    "FloatRange": "ganas.search.genes",
    "AnomalyDetector": "ganas.estimators",
    "WeightMutation": "ganas.training.weight_mutation",
    "GanasError": "ganas.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ganas' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
