"""Jobs: long ones first; those of one program say so."""

import pytest

from ganas.errors import RunError
from ganas.evaluation import TrainingBudget
from ganas.jobs import Training, combine, make_jobs
from ganas.search.plan import Head, mlp_plan
from ganas.training.contract import Member, Outcome
from ganas.worker import Job, Trained, begin_job

SHAPES = {"fold": (1150, 64)}
BUDGET = TrainingBudget(epochs=20)


def trainings(*widths):
    plans = [mlp_plan([(w, "relu")], head=Head(10, "softmax"), loss="categorical_crossentropy") for w in widths]
    return [Training(index, 0, Member(plan, index)) for index, plan in enumerate(plans)]


def test_the_longest_jobs_come_first():
    packages = make_jobs({("cohort", "fold"): trainings(30, 900, 400, 31)}, SHAPES, BUDGET, workers=1)
    assert [sorted(training.index for training in package.trainings) for package in packages] == [[1], [2], [0, 3]]
    assert [package.cost for package in packages] == sorted((package.cost for package in packages), reverse=True)


def test_jobs_of_one_bucket_share_a_program_and_keras_jobs_share_none():
    groups = {("cohort", "fold"): trainings(*range(20, 60)), ("keras", "fold"): trainings(20, 20)}
    packages = make_jobs(groups, SHAPES, BUDGET, workers=2)
    by_trainer = {name: [p.program for p in packages if p.job.trainer == name] for name in ("cohort", "keras")}
    assert len(by_trainer["cohort"]) > 1 == len(set(by_trainer["cohort"]))
    assert by_trainer["keras"] == [None, None]


def test_a_measure_that_a_fold_lacks_is_no_measure_of_the_candidate():
    plan = mlp_plan([4], head=Head(2, "softmax"), loss="categorical_crossentropy")
    parts = [Trained(Outcome("ok", loss=0.5), {"error": error, "accuracy": 1 - error}) for error in (0.1, 0.2, 0.3)]
    for place in (0, 2):
        ranked = [*parts]
        ranked[place] = Trained(Outcome("ok", loss=0.5), {"error": 0.2, "roc_auc": 0.9, "accuracy": 0.8})
        evaluation = combine(plan, 0, ranked, inputs=3)
        assert evaluation.error == pytest.approx(0.2, abs=0.04)
        assert set(evaluation.measures) == {"accuracy"}
    assert combine(plan, 0, [ranked[2]] * 2, inputs=3).measures == {"roc_auc": 0.9, "accuracy": 0.8}


def test_a_worker_that_cannot_begin_says_why_though_the_reason_begins_with_an_empty_line(monkeypatch):
    def break_off(threads):
        raise ImportError("\nno library\nof that name")

    monkeypatch.setattr("ganas.training.session.prepare_session", break_off)
    with pytest.raises(RunError, match=r"\(ImportError: no library\)"):
        begin_job(Job("keras", "fold", (), BUDGET))
