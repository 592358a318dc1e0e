"""Buckets and jobs are decided in the parent, without TensorFlow, by each plan, the data's shape and the budget alone."""

import dataclasses
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganas.cohorts import bucket_of, left_to_keras, pack, unsupported, work
from ganas.evaluation import Evaluation, TrainingBudget
from ganas.search.plan import Head, Mutation, NetworkPlan, Optimizer, mlp_plan

BUDGET = TrainingBudget(epochs=20)
DIGITS = (1150, 64)


def classifier(*layers, **settings):
    return mlp_plan(layers, head=Head(10, "softmax"), loss="categorical_crossentropy", **settings)


def test_deciding_loads_no_tensorflow():
    code = "import sys, ganas.cohorts; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_plans_of_the_textbook_space_share_few_programs():
    plans = [classifier(*[(units, act)] * depth, learning_rate=rate)
             for units in (10, 57, 100) for act in ("relu", "tanh", "elu", "selu", "leaky_relu(0.2)")
             for depth in range(1, 11) for rate in (1e-4, 1e-2)]  # fmt: skip
    assert len({bucket_of(plan, DIGITS, BUDGET) for plan in plans}) == 4


def test_the_longer_a_training_the_more_its_program_is_its_own():
    plan = classifier((200, "tanh"), (80, "tanh"))
    buckets = [bucket_of(plan, (rows, 784), BUDGET) for rows in (1_000, 15_000, 22_000, 60_000)]
    assert [bucket.widths for bucket in buckets] == [(256, 256), (256, 128), (256, 96), (224, 96)]
    assert [bucket.lanes for bucket in buckets] == [2, 1, 1, 1]
    assert bucket_of(plan, (1_000, 784), TrainingBudget(epochs=1200)).widths == (224, 96)


def test_layers_are_padded_to_what_the_budget_says_is_widest():
    narrow = TrainingBudget(epochs=20, widest_layer=16)
    shapes = [(5,), (16, 3, 16), (17,)]
    plans = [classifier(*[(units, "relu") for units in shape]) for shape in shapes]
    assert [bucket_of(plan, DIGITS, narrow).widths for plan in plans] == [(16,) * 2, (16,) * 4, (104,) * 2]
    assert bucket_of(plans[0], DIGITS, narrow).lanes == 8


def test_large_networks_have_one_lane():
    assert bucket_of(classifier((50, "relu")), DIGITS, BUDGET).lanes == 4
    assert bucket_of(classifier((500, "relu"), (500, "relu")), DIGITS, BUDGET).lanes == 1


def test_a_bucket_holds_its_plan():
    for depth in (1, 3, 12):
        for units in (1, 104, 105, 2000):
            plan = classifier(*[(units, "relu")] * depth, batch_size=33)
            bucket = bucket_of(plan, DIGITS, BUDGET)
            assert len(bucket.widths) >= depth
            assert min(bucket.widths) >= units
            assert bucket.batch == 64


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"optimizer": Optimizer("lamb")}, "lamb"),
        ({"optimizer": Optimizer("adam", options=(("clipnorm", 1.0),))}, "clipnorm"),
        ({"loss": "dice"}, "dice"),
        ({"loss": None}, "no head or loss"),
        ({"mutation": Mutation(0.1, 0.1, layers="encoder")}, "bottleneck"),
    ],
)
def test_what_is_not_supported_has_a_reason(change, reason):
    plan = classifier((5, "relu"))
    assert unsupported(plan) is None
    assert reason in unsupported(dataclasses.replace(plan, **change))


def test_a_field_that_the_program_does_not_know_is_left_to_keras_unless_it_is_off():
    @dataclasses.dataclass(frozen=True)
    class Smoothed(NetworkPlan):
        label_smoothing: float = 0.0

    plan = Smoothed(**{one.name: getattr(classifier((5, "relu")), one.name) for one in dataclasses.fields(NetworkPlan)})
    assert unsupported(plan) is None
    assert unsupported(dataclasses.replace(plan, label_smoothing=0.1)) == "label_smoothing is not in its program yet"

    @dataclasses.dataclass(frozen=True)
    class Decaying(Mutation):
        decay: float = 0.0

    plan = classifier((5, "relu"))
    assert unsupported(dataclasses.replace(plan, mutation=Decaying(0.1, 0.1))) is None
    assert "decay" in unsupported(dataclasses.replace(plan, mutation=Decaying(0.1, 0.1, decay=0.5)))


def test_it_is_said_which_share_keras_took_and_why():
    plan, other = classifier((5, "relu")), classifier((5, "relu"), optimizer="lamb")
    together = [Evaluation(plan, 0, "ok", trainer="cohort", seconds=0.5)] * 2
    assert left_to_keras([*together, Evaluation(plan, 0, "ok", trainer="keras", seconds=1.0)]) is None
    alone = Evaluation(other, 0, "ok", trainer="keras", seconds=3.0)
    assert left_to_keras([*together, alone, Evaluation(other, 0, "too_large")]) == (
        "1 of its 3 networks were trained one by one by Keras, which took 75 % of the training time: "
        "optimizer lamb looks at whole tensors, or is unknown"
    )


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 5)), max_size=60), st.integers(1, 4))
def test_packing_puts_every_plan_into_one_job_of_its_bucket(shapes, jobs):
    plans = [classifier(*[(units, "relu")] * depth) for units, depth in shapes]
    packed = pack(plans, DIGITS, BUDGET, jobs)
    assert sorted(index for job in packed for index in job) == list(range(len(plans)))
    assert all(len({bucket_of(plans[index], DIGITS, BUDGET) for index in job}) == 1 for job in packed)


def test_a_plan_without_hidden_layers_has_a_bucket():
    assert bucket_of(NetworkPlan((), Head(3, "softmax"), "mse"), (90, 4), BUDGET).widths == ()


def test_empty_lanes_cost_what_full_ones_do():
    bucket = bucket_of(classifier((50, "relu")), DIGITS, BUDGET)
    assert work(bucket, 1) == work(bucket, bucket.lanes) < work(bucket, bucket.lanes + 1)


def test_a_batch_is_never_larger_than_the_rows_of_an_epoch():
    def batch(size, **drawn):
        return bucket_of(classifier((5, "relu"), batch_size=size), (100, 64), BUDGET, **drawn).batch

    assert [batch(size) for size in (1, 2, 33, 64, 65, 100)] == [1, 2, 64, 64, 128, 128]
    assert batch(101) == batch(100_000) == 128
    assert batch(100_000, epoch_rows=300) == 512  # rows of the data may be drawn more than once
    assert batch(64, epoch_rows=300) == 64
