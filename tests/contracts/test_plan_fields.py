"""What every field of a plan promises: whoever tells, prints, compares or trains plans knows it.

A field that is new needs a line in ``PAIRS``; these tests then name the places that do not know it yet.
"""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from ganas.cohorts import CARRIED
from ganas.comparison.config import PlanSection
from ganas.comparison.variants import make_plan
from ganas.evaluation import TrainingBudget
from ganas.report.code import code_of
from ganas.report.tables import training_in_words
from ganas.search.plan import Corruption, DenseLayer, Head, Mutation, NetworkPlan, Optimizer
from ganas.training.contract import Member, TrainingData, load_trainer

COLUMNS = 4
MUTATION = Mutation(0.5, 0.3)
PLAN = NetworkPlan(
    (DenseLayer(6), DenseLayer(3), DenseLayer(6)),
    Head(COLUMNS),
    "mean_squared_error",
    batch_size=8,
    bottleneck=1,
)
NORMALIZED = replace(PLAN, layers=(DenseLayer(6, batch_normalization=True), *PLAN.layers[1:]))
MUTATING = replace(PLAN, mutation=MUTATION)
OF_ENCODER = replace(PLAN, mutation=replace(MUTATION, layers="encoder"))
NOISY = replace(PLAN, corruption=Corruption("mask", 0.2))


def first_layer(**changes):
    return replace(PLAN, layers=(replace(PLAN.layers[0], **changes), *PLAN.layers[1:]))


def head(**changes):
    return replace(PLAN, head=replace(PLAN.head, **changes))


def optimizer(**changes):
    return replace(PLAN, optimizer=replace(PLAN.optimizer, **changes))


PAIRS = {
    NetworkPlan: {
        "layers": (PLAN, replace(PLAN, layers=(DenseLayer(6), DenseLayer(3)))),
        "head": (PLAN, head(activation="sigmoid")),
        "loss": (PLAN, replace(PLAN, loss="huber")),
        "optimizer": (PLAN, replace(PLAN, optimizer=Optimizer("sgd", 0.1))),
        "batch_size": (PLAN, replace(PLAN, batch_size=16)),
        "kernel_initializer": (PLAN, replace(PLAN, kernel_initializer="he_normal")),
        "l1": (PLAN, replace(PLAN, l1=0.1)),
        "l2": (PLAN, replace(PLAN, l2=0.1)),
        "normalization": (NORMALIZED, replace(NORMALIZED, normalization="before_activation")),
        "corruption": (PLAN, NOISY),
        "mutation": (PLAN, MUTATING),
        "bottleneck": (OF_ENCODER, replace(OF_ENCODER, bottleneck=0)),
        "tied": (PLAN, replace(PLAN, tied=True)),
    },
    DenseLayer: {
        "units": (PLAN, replace(PLAN, layers=(DenseLayer(7), *PLAN.layers[1:]))),
        "activation": (PLAN, first_layer(activation="tanh")),
        "batch_normalization": (PLAN, NORMALIZED),
        "dropout": (PLAN, first_layer(dropout=0.5)),
    },
    Head: {
        "units": (PLAN, head(units=COLUMNS + 1)),
        "activation": (PLAN, head(activation="sigmoid")),
        "batch_normalization": (PLAN, head(batch_normalization=True)),
    },
    Optimizer: {
        "name": (PLAN, optimizer(name="rmsprop")),
        "learning_rate": (PLAN, optimizer(learning_rate=0.1)),
        "weight_decay": (PLAN, optimizer(weight_decay=0.1)),
        "options": (PLAN, optimizer(options=(("beta_1", 0.5),))),
    },
    Corruption: {
        "kind": (NOISY, replace(PLAN, corruption=Corruption("gaussian", 0.2))),
        "rate": (NOISY, replace(PLAN, corruption=Corruption("mask", 0.4))),
    },
    Mutation: {
        "probability": (MUTATING, replace(PLAN, mutation=replace(MUTATION, probability=0.9))),
        "ratio": (MUTATING, replace(PLAN, mutation=replace(MUTATION, ratio=0.6))),
        "method": (MUTATING, replace(PLAN, mutation=replace(MUTATION, method="random"))),
        "layers": (MUTATING, OF_ENCODER),
    },
}
"""By part of a plan and field: two plans that differ in nothing else."""
FIELDS = [
    pytest.param(*pair, id=f"{kind.__name__}.{name}") for kind, pairs in PAIRS.items() for name, pair in pairs.items()
]


def test_every_field_of_a_plan_is_under_these_tests():
    assert {kind: list(pairs) for kind, pairs in PAIRS.items()} == {
        kind: [field.name for field in dataclasses.fields(kind)] for kind in PAIRS
    }
    assert set(PAIRS) == set(CARRIED)


@pytest.mark.parametrize(("plan", "other"), FIELDS)
def test_plans_that_differ_in_it_are_two_plans_and_survive_json(plan, other):
    assert plan != other
    assert plan.digest() != other.digest()
    assert NetworkPlan.from_json(other.to_json()) == other


@pytest.mark.parametrize(("plan", "other"), FIELDS)
def test_a_reader_can_tell_them_apart(plan, other):
    assert (plan.in_words(), training_in_words(plan)) != (other.in_words(), training_in_words(other))


# The data decide how many units the head has.
@pytest.mark.parametrize(("plan", "other"), [field for field in FIELDS if field.id != "Head.units"])
def test_their_printed_scripts_differ(make_run, plan, other):
    run = make_run()
    described = f'"""{plan.in_words()}', f'"""{other.in_words()}'
    assert code_of(plan, run).removeprefix(described[0]) != code_of(other, run).removeprefix(described[1])


def in_words_of_a_comparison(plan):
    """The settings of ``[base]`` that make ``plan``, but for its head."""
    data = plan.to_json()
    optimizer = data.pop("optimizer")
    data |= {"optimizer": optimizer.pop("name"), "optimizer_options": optimizer.pop("options"), **optimizer}
    data["weight_mutation"] = data.pop("mutation")
    del data["head"]
    return data


# Heads are the task's, but for what ``output_activation`` and ``output_batch_normalization`` say of autoencoders'.
@pytest.mark.parametrize(("plan", "other"), [field for field in FIELDS if "head" not in field.id.lower()])
def test_a_comparison_can_say_it(plan, other):
    for one in (plan, other):
        said = PlanSection(**in_words_of_a_comparison(one)).model_dump(exclude_none=True)
        assert make_plan(said) == replace(one, head=None)


@pytest.fixture(scope="module")
def trained():
    """Trains a plan with Keras, each once."""
    from ganas.training.session import prepare_session

    budget = TrainingBudget(epochs=1)
    prepare_session(budget.threads)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(24, COLUMNS)).astype("float32")
    outcomes = {}

    def train(plan):
        y = np.tile(x, 2)[:, : plan.head.units]
        if plan not in outcomes:
            data = TrainingData(x, y, x[:0], y[:0])
            (outcomes[plan],) = load_trainer("keras")([Member(plan, seed=1)], data, budget)
        return outcomes[plan]

    return train


@pytest.mark.parametrize(("plan", "other"), FIELDS)
def test_it_changes_what_keras_trains(trained, plan, other):
    one, two = trained(plan), trained(other)
    assert (one.status, two.status) == ("ok", "ok")
    shapes = [[weights.shape for weights in outcome.weights] for outcome in (one, two)]
    assert shapes[0] != shapes[1] or any(
        not np.array_equal(a, b) for a, b in zip(one.weights, two.weights, strict=True)
    )
