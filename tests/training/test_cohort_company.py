"""A member's answer is the same bits in any company, any place, before and after a pause; few programs are compiled."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ganas.cohorts import bucket_of
from ganas.evaluation import TrainingBudget
from ganas.search.plan import Corruption, DenseLayer, Head, Mutation, NetworkPlan, Optimizer
from ganas.training.cohort import compilations, train
from ganas.training.contract import Member, TrainingData

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 6)).astype("float32")
Y = np.eye(3, dtype="float32")[X[:, :3].argmax(1)]
DATA = TrainingData(X[:60], Y[:60], X[60:], Y[60:])
BUDGET = TrainingBudget(epochs=3)


def noisy(units, seed=0, rate=0.01, **changes):
    plan = NetworkPlan(
        (DenseLayer(units, "relu", True, 0.3), DenseLayer(5, "tanh")),
        Head(3, "softmax"),
        "categorical_crossentropy",
        Optimizer("adam", rate),
        batch_size=16,
        corruption=Corruption("mask", 0.2),
        mutation=Mutation(0.5, 0.1, ("magnitude", "random", "smallest")[units % 3]),
    )
    return Member(dataclasses.replace(plan, **changes), seed)


MEMBER = noisy(8, seed=7)


def same(a, b):
    return a.curves == b.curves and all((x == y).all() for x, y in zip(a.weights, b.weights, strict=True)) and (
        a.outputs == b.outputs
    ).all()  # fmt: skip


@pytest.fixture(scope="module")
def alone():
    return train([MEMBER], DATA, BUDGET)[0]


def test_company_and_place_change_no_bit(alone):
    company = [noisy(units, seed=units, batch_size=9 + units % 8) for units in range(1, 11)]
    company += [noisy(40, rate=1e4, layers=(DenseLayer(40, "exponential"),))]
    first = train([MEMBER, *company], DATA, BUDGET)
    last = train([*company, MEMBER], DATA, BUDGET)
    assert len(company) > bucket_of(MEMBER.plan, DATA.x_train.shape, BUDGET).lanes
    assert same(first[0], alone)
    assert same(last[-1], alone)
    assert all(same(a, b) for a, b in zip(first[1:-1], last[:-2], strict=True))


def test_survivors_regrouped_after_a_pause_end_as_if_never_paused(alone):
    company = [noisy(units, seed=units) for units in (3, 4, 5)]
    paused = train([*company, MEMBER], DATA, BUDGET, pause=1)
    again = dataclasses.replace(MEMBER, state=paused[-1].state)
    resumed = train([again, noisy(9, seed=9)], DATA, BUDGET)
    assert same(resumed[0], alone)


def test_a_diverged_member_harms_no_one_and_its_padding_stays_its_own(alone):
    wild = dataclasses.replace(MEMBER.plan, optimizer=Optimizer("adam", 1e30), mutation=Mutation(1, 0.1))
    diverged, mine = train([Member(wild, 1), MEMBER], DATA, BUDGET)
    assert diverged.status == "diverged"
    assert same(mine, alone)


def test_a_warmed_up_search_compiles_nothing_more(alone):
    before = compilations()
    assert before > 0
    train([noisy(units, seed=units, rate=units / 100, batch_size=16 - units) for units in range(1, 8)], DATA, BUDGET)
    fold = dataclasses.replace(DATA, x_train=X[:59], y_train=Y[:59])  # folds differ by a row
    train([MEMBER], fold, BUDGET)
    assert compilations() == before


def test_patience_is_each_members_own():
    patient = TrainingBudget(epochs=12, patience=2)
    members = [
        noisy(units, seed=units, rate=rate) for units, rate in ((4, 0.3), (8, 0.001), (12, 0.1), (16, 0.03), (20, 0.01))
    ]
    for outcome in train(members, DATA, patient):
        curve = outcome.curves["val_loss"]
        assert outcome.best_epoch == 1 + int(np.argmin(curve))
        assert outcome.epochs == min(12, outcome.best_epoch + 2)
