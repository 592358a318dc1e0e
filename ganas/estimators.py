"""Detectors in the manner of scikit-learn and PyOD: the door to anomaly detection from arrays and frames.

A detector searches autoencoders with narrow, bounded codes, keeps the few best, and scores rows by what all of them and
the views of ``ganas.tasks.anomaly_score`` say. Networks are trained, and answer, in worker processes, so that the caller's
process never loads TensorFlow.
"""

from __future__ import annotations

import atexit
import functools
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from ganas.errors import ConfigError, DataError, LabelError, first_line
from ganas.evaluation import TrainingBudget
from ganas.evaluator import Evaluator
from ganas.evolution import Evolution
from ganas.execution import Executor, WorkerLost, make_executor
from ganas.networks import Question, Scoring, answer_rows, score_rows
from ganas.search.autoencoder import autoencoder_space
from ganas.search.plan import NetworkPlan
from ganas.seeds import derive_seed
from ganas.tasks.anomaly import FEWEST_HELD_OUT, SCORES, anomaly_task, few_held_out
from ganas.tasks.anomaly_score import AnomalyScore
from ganas.tasks.autoencoding import AutoencoderTask
from ganas.tasks.columns import Columns, columns_by_name, columns_of_matrix
from ganas.tasks.detector import Detector, fit_detector
from ganas.tasks.frames import as_array, plain_names, table_of_arrays
from ganas.tasks.settings import DataSettings
from ganas.training.contract import FloatArray

MOST_TRAINING_ROWS = 5000
MOST_HELD_OUT_ROWS = 2000
HELD_OUT_SHARE = 0.2
UPDATES = 1500
"""Optimizer steps of one training, about: few rows are seen more often than many."""
FEWEST_EPOCHS, MOST_EPOCHS = 5, 150
HIDDEN_UNITS = 16
"""Of a hidden layer, where there is one: one width needs one compiled program, and wider ones brought nothing."""
VALUES_AT_ONCE = 2**23
"""Inputs, rows times columns, that a worker scores at a time."""
LARGE = 2**24
"""Inputs, rows times columns, from which on a second worker is worth its start."""
Doubles = NDArray[np.float64]


class AnomalyDetector(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Finds unusual rows with a small evolved ensemble of autoencoders.

    Args:
        false_alarm_rate: share of normal rows that may be flagged; the threshold is a quantile of held-out rows' scores.
        score: ``"combined"``: reconstruction error with rarity, distance and neighbours; ``"reconstruction"``: error alone.
        members: networks in the ensemble; 1: the single best.
        population: networks per generation of the search.
        generations: of the search, the initial one included.
        search: the words of ``[search]``, such as ``{"bottleneck": [2, 4]}``, over the defaults.
        jobs: worker processes, or ``"auto"``: one per core where the table is large. Each loads TensorFlow for itself, which
            for small tables costs as much as it saves. The answer does not depend on it.
        seed: decides every draw.

    Attributes:
        decision_scores_: (rows,) scores of the rows given to ``fit``.
        threshold_: rows with a higher score are flagged.
        labels_: (rows,) 0 or 1 of the rows given to ``fit``.
        plans_: the networks of the ensemble.
        held_out_rows_: how many rows the threshold rests on.
    """

    def __init__(
        self,
        *,
        false_alarm_rate: float = 0.01,
        score: str = "combined",
        members: int = 5,
        population: int = 12,
        generations: int = 2,
        search: dict[str, Any] | None = None,
        jobs: int | str = "auto",
        seed: int = 0,
    ) -> None:
        self.false_alarm_rate = false_alarm_rate
        self.score = score
        self.members = members
        self.population = population
        self.generations = generations
        self.search = search
        self.jobs = jobs
        self.seed = seed

    # ---- fitting -------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> AnomalyDetector:
        """Learns what is usual from (rows, columns) numbers or a frame of any types.

        Args:
            X: the rows. Missing values and texts are fine in a frame.
            y: (rows,) labels, 1 for an anomaly: only rows labelled 0 are learnt from. None: all rows are.

        Raises:
            DataError: the rows cannot be used: no normal ones, a single column, a column that is the label.
            LabelError: a label is neither 0 nor 1.
            ConfigError: a setting is out of range.
        """
        if self.members < 1:
            raise ConfigError(f"AnomalyDetector members: must be at least 1, got {self.members}")
        given = _as_table_input(X)
        labels = None if y is None else _as_labels(y)
        task = self._make_task(given, labels)
        executor = make_executor("loky", self._workers(np.size(given)))
        try:
            networks = self._find_networks(task, executor)
            self.plans_ = [plan for plan, _ in networks]
            self._networks = tuple(networks)
            self._preprocessing = task.preprocessing
            self._features = task.table.features
            self._columns = task.table.source.columns
            self.n_features_in_ = np.shape(given)[1]
            self._fit_detector(task, executor)
            self.decision_scores_ = self._scores(self._inputs(given), executor)
        finally:
            executor.close()
        self.threshold_ = self._detector.threshold
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)
        return self

    def _make_task(self, given: Any, labels: NDArray[Any] | None) -> AutoencoderTask:
        rows = len(given)
        held_out = max(1, min(round(HELD_OUT_SHARE * rows), MOST_HELD_OUT_ROWS))
        settings = DataSettings(
            kind="anomaly",
            test_fraction=0,
            validation=held_out,
            train_rows=MOST_TRAINING_ROWS if rows - held_out > MOST_TRAINING_ROWS else None,
            score=self.score,
            false_alarm_rate=self.false_alarm_rate,
            seed=self.seed,
        )
        return anomaly_task(table_of_arrays(given, labels, "AnomalyDetector"), settings)

    def _find_networks(
        self, task: AutoencoderTask, executor: Executor
    ) -> list[tuple[NetworkPlan, tuple[FloatArray, ...]]]:
        """Searches, and returns the best plans with weights trained from fresh seeds."""
        rows = len(task.purpose.learnt(task.splits.folds[0][0]))
        words = {**default_words(task.inputs, rows), **(self.search or {})}
        space = autoencoder_space(words, task.inputs)
        batch_size = int(words["batch_size"]) if isinstance(words["batch_size"], int) else 64
        epochs = int(np.clip(UPDATES * batch_size / rows, FEWEST_EPOCHS, MOST_EPOCHS))
        budget = TrainingBudget(epochs=epochs, patience=max(3, epochs // 5), widest_layer=HIDDEN_UNITS)
        seed = derive_seed(self.seed, "anomaly detector")
        evolution = Evolution(space, "generational", self.population, seed, hall_of_fame=self.members)
        with Evaluator(task, budget=budget, seed=seed, executor=executor) as evaluator:
            for _ in range(self.generations):
                genomes = evolution.ask(self.population)
                if not genomes:
                    break
                evaluations = evaluator.evaluate([space.decode(genome) for genome in genomes])
                evolution.tell(genomes, [[e.error] if e.is_ok and e.error is not None else None for e in evaluations])
            plans = [space.decode(individual.genome) for individual in evolution.hall_of_fame]
            pairs = [(plan, derive_seed(seed, "member", plan.digest())) for plan in plans]
            trained = evaluator.retrain(pairs)
        kept = [
            (task.complete(plan), one.outcome.weights)
            for plan, one in zip(plans, trained, strict=True)
            if one.outcome.status == "ok"
        ]
        if not kept:
            reasons = (one.outcome.message or one.outcome.status for one in trained)
            reason = next((first_line(each) for each in reasons), "every network of the search failed")
            raise DataError(f"AnomalyDetector: no network could be trained: {reason}")
        return kept

    def _fit_detector(self, task: AutoencoderTask, executor: Executor) -> None:
        learnt, held_out = (task.purpose.learnt(rows) for rows in task.splits.folds[0])
        x = np.concatenate(
            [self._preprocessing.transform(task.table.features.take(rows)) for rows in (learnt, held_out)]
        )
        self._detector = fit_detector(
            x,
            self._answers(x, executor),
            reference=len(learnt),
            score=AnomalyScore.fit(x[: len(learnt)], views=SCORES[self.score], seed=self.seed),
            false_alarm_rate=self.false_alarm_rate,
        )
        self.held_out_rows_ = len(held_out)
        if self.held_out_rows_ < FEWEST_HELD_OUT:
            message = few_held_out(self.held_out_rows_, self.false_alarm_rate)
            warnings.warn(f"AnomalyDetector: {message}", stacklevel=3)

    # ---- answering -----------------------------------------------------------------------------------------------------

    def decision_function(self, X: Any) -> Doubles:
        """Returns (rows,) scores; the higher, the more unusual."""
        x = self._checked(X)
        return self._scores(x, answering_workers(self.jobs))

    def predict(self, X: Any) -> NDArray[np.int_]:
        """Returns (rows,) 1 for rows whose score is above ``threshold_``, else 0."""
        return (self.decision_function(X) > self.threshold_).astype(int)

    def threshold_at(self, false_alarm_rate: float) -> float:
        """Returns the threshold that goes with another rate of false alarms than the one it was fitted with."""
        return self._detector_or_raise().threshold_at(false_alarm_rate)

    def predict_proba(self, X: Any) -> Doubles:
        """Returns (rows, 2): the share of held-out rows at least as unusual, and the share of those less so."""
        shares = self._detector_or_raise().probabilities(self.decision_function(X))
        return np.column_stack([1 - shares, shares])

    def contributions(self, X: Any) -> Doubles:
        """Returns (rows, inputs) how much of each score is owed to each input; ``input_columns_`` names their columns."""
        x = self._checked(X)
        return self._detector.contributions(x, self._answers(x, answering_workers(self.jobs)))

    def view_scores(self, X: Any) -> dict[str, Doubles]:
        """Returns what each view of the score says alone, (rows,) by name, and ``best_network``: reconstruction by one network."""
        x = self._checked(X)
        answers = self._answers(x, answering_workers(self.jobs))
        best = self._detector.with_best_network().by_view(x, answers[:1])["reconstruction"]
        return {**self._detector.by_view(x, answers), "best_network": best}

    @property
    def input_columns_(self) -> tuple[str, ...]:
        """The column that each network input comes from."""
        self._detector_or_raise()
        columns: tuple[str, ...] = self._preprocessing.input_columns
        return columns

    def _checked(self, given: Any) -> FloatArray:
        self._detector_or_raise()
        table_input = _as_table_input(given)
        columns = np.shape(table_input)[1]
        if columns != self.n_features_in_:
            raise DataError(f"AnomalyDetector: rows have {columns} columns; it was fitted with {self.n_features_in_}")
        return self._inputs(
            _as_numbers(table_input) if self._features.is_matrix else self._as_fitted(given, table_input)
        )

    def _as_fitted(self, given: Any, table_input: Any) -> Any:
        """Returns a frame with the columns of ``fit``: of a frame by name, of an array by position if all are of numbers."""
        import pandas as pd

        features: Columns = self._features
        if not isinstance(given, pd.DataFrame) and not features.text_names:
            return pd.DataFrame(table_input).set_axis(list(self._columns), axis=1)
        if isinstance(table_input, np.ndarray):
            raise DataError(
                f"AnomalyDetector: got an array of numbers; it was fitted with columns of texts "
                f"({', '.join(features.text_names[:8])}), so give a frame with the columns of fit"
            )
        counts = Counter(table_input.columns)
        for name in (*features.number_names, *features.text_names):
            if counts[name] != 1:
                found = "two columns are" if counts[name] else "no column is"
                raise DataError(
                    f"AnomalyDetector: {found} called {name!r} among {', '.join(list(counts)[:8])}; give a frame with the columns "
                    "of fit"
                )
        return table_input

    def _detector_or_raise(self) -> Detector:
        if not hasattr(self, "_detector"):
            raise NotFittedError("AnomalyDetector: is not fitted yet; call fit first")
        detector: Detector = self._detector
        return detector

    def _inputs(self, given: Any) -> FloatArray:
        """Returns the networks' (rows, inputs) of rows like those given to ``fit``."""
        features: Columns = self._features
        if features.is_matrix:
            columns = columns_of_matrix(np.asarray(given))
        else:
            columns = columns_by_name(given, features.number_names, features.text_names)
        inputs: FloatArray = self._preprocessing.transform(columns)
        return inputs

    def _workers(self, values: int) -> int | str:
        """Returns how many worker processes so many inputs are worth."""
        return self.jobs if self.jobs != "auto" or values >= LARGE else 1

    def _scores(self, x: FloatArray, executor: Executor) -> Doubles:
        rows = max(1, VALUES_AT_ONCE // x.shape[1])
        blocks = [x[start : start + rows] for start in range(0, max(1, len(x)), rows)]
        jobs = [Scoring(Question(self._networks, block), self._detector) for block in blocks]
        return np.concatenate(_results(executor, score_rows, jobs))

    def _answers(self, x: FloatArray, executor: Executor) -> list[FloatArray]:
        (answers,) = _results(executor, answer_rows, [Question(self._networks, x)])
        return list(answers)


def _results(executor: Executor, function: Callable[[Any], Any], jobs: Sequence[Any]) -> list[Any]:
    """Returns the result of each job, in order."""
    results = dict(executor.run(function, jobs))
    lost = next((one for one in results.values() if isinstance(one, WorkerLost)), None)
    if lost is not None:
        raise DataError(f"AnomalyDetector: {lost.message}")
    return [results[index] for index in range(len(jobs))]


@functools.cache
def answering_workers(jobs: int | str) -> Executor:
    """Returns the worker processes in which fitted detectors answer; they end with this process."""
    executor = make_executor("loky", jobs)
    atexit.register(executor.close, kill=True)
    return executor


def default_words(inputs: int, rows: int) -> dict[str, Any]:
    """Returns what a detector searches: at most one hidden layer around a code of a bounded activation and a quarter's width.

    Bounded codes saturate on values beyond the training rows', so that what lies far out cannot be given back.
    """
    return {
        "layers": {"range": [0, 1]},
        "units": HIDDEN_UNITS,
        "activation": ["tanh", "relu", "elu"],
        "bottleneck": {"range": [1, max(1, min(inputs // 4, HIDDEN_UNITS))], "log": True},
        "bottleneck_activation": ["tanh", "sigmoid"],
        "learning_rate": {"range": [1e-3, 1e-2], "log": True},
        "batch_size": 32 if rows < 2000 else 64,
    }


def _as_labels(given: Any) -> NDArray[np.int_]:
    """Returns labels as 0 and 1; refuses others, because scikit-learn's 1 for a normal row means the opposite here."""
    import pandas as pd

    labels = as_array(given)
    flat = labels.astype(object).ravel()
    is_known = pd.Series(flat, dtype=object).isin([0, 1]).to_numpy()
    if not is_known.all():
        raise LabelError(
            f"AnomalyDetector y: labels must be 0 (normal) or 1 (anomaly), got {flat[~is_known][0]!r}; "
            "give scikit-learn's (1 normal, -1 outlier) as y == -1"
        )
    return labels.astype(int)


def _as_numbers(table_input: Any) -> NDArray[Any]:
    """Returns the (rows, columns) numbers of an array or a frame, by position; missing values are NaN."""
    if isinstance(table_input, np.ndarray):
        return table_input
    numbers = []
    for name, series in table_input.items():
        try:
            if series.dtype.kind in "mM":
                raise TypeError("dates")
            numbers.append(series.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError):
            raise DataError(
                f"AnomalyDetector: column {str(name)!r} holds more than numbers ({series.dtype}); it was fitted on an array of "
                "numbers, so give numbers"
            ) from None
    return np.stack(numbers, axis=1)


def _as_table_input(given: Any) -> Any:
    """Returns a frame with plain column names, numbers as (rows, columns) float32, and an array of anything else as a frame."""
    import pandas as pd

    if isinstance(given, pd.DataFrame):
        return given.set_axis(plain_names(given.columns), axis=1)
    array = as_array(given)
    if array.ndim != 2:
        raise DataError(f"AnomalyDetector: expected rows and columns, got an array of shape {array.shape}")
    if array.dtype.kind in "OUSMm":
        return _as_table_input(pd.DataFrame(array).infer_objects())
    # as float32, because bytes would be taken for pixels and scaled alike
    return array.astype(np.float32)
