"""What a worker process does with networks that are trained: it lets them answer rows. Only plain data goes in and out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ganas.search.plan import NetworkPlan
from ganas.tasks.anomaly_score import Doubles
from ganas.tasks.detector import Detector
from ganas.training.contract import FloatArray, Member, TrainingData


@dataclass(frozen=True)
class Question:
    """Rows for trained networks.

    Attributes:
        networks: complete plans with their weights in Keras' order.
        x: (rows, columns) float32 inputs.
        threads: TensorFlow's.
    """

    networks: tuple[tuple[NetworkPlan, tuple[FloatArray, ...]], ...]
    x: FloatArray
    threads: int = 1


@dataclass(frozen=True)
class Scoring:
    """Rows to be scored by a detector that listens to trained networks."""

    question: Question
    detector: Detector


def score_rows(job: Scoring) -> Doubles:
    """Returns the (rows,) scores; runs in a worker, so that the networks' outputs need not leave it."""
    answers = answer_rows(job.question)
    # as many threads as TensorFlow's, whatever the cores: each worker would take them all
    with threadpool_limits(job.question.threads):
        return job.detector.scores(job.question.x, answers)


def answer_rows(job: Question) -> list[FloatArray]:
    """Returns the (rows, units) float32 outputs of each network; runs in a worker."""
    from ganas.training.session import prepare_session, silenced

    prepare_session(job.threads)
    from ganas.training.build import build
    from ganas.training.fit import measured_outputs

    nothing = np.zeros((0, job.x.shape[1]), np.float32)
    data = TrainingData(nothing, nothing, nothing, nothing, x_measured=job.x)
    answers = []
    with silenced():
        for plan, weights in job.networks:
            model = build(plan, job.x.shape[1])
            model.set_weights(list(weights))
            answers.append(measured_outputs(model, Member(plan, 0), data))
    return answers
