"""Jobs: long ones first; those of one program say so."""

from ganas.evaluation import TrainingBudget
from ganas.jobs import Training, make_jobs
from ganas.search.plan import Head, mlp_plan
from ganas.training.contract import Member

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
