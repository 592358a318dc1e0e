"""A plan holds Python's own values in range: equal plans have equal digests, what makes no sense is one line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ganas.errors import SpaceError
from ganas.search.plan import Corruption, DenseLayer, Head, Mutation, NetworkPlan, Optimizer, mlp_plan

INFINITE, NO_NUMBER = float("inf"), float("nan")


def test_an_ordinary_plan_keeps_its_digest_forever():
    plan = mlp_plan([(64, "relu"), DenseLayer(32, "tanh", True, 0.2)], batch_size=16, l2=1e-4)
    assert plan.digest() == "3c5cf2324836862e"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (mlp_plan([4], l2=0, l1=1), mlp_plan([4], l2=0.0, l1=1.0)),
        (mlp_plan([4], l2=-0.0), mlp_plan([4])),
        (mlp_plan([4], learning_rate=1, weight_decay=0), mlp_plan([4], learning_rate=1.0)),
        (mlp_plan([DenseLayer(4, dropout=0, batch_normalization=1)]), mlp_plan([DenseLayer(4, "relu", True)])),
        (mlp_plan([4], head=Head(2, batch_normalization=0), tied=0), mlp_plan([4], head=Head(2))),
        (mlp_plan([4], corruption=Corruption("gaussian", 1)), mlp_plan([4], corruption=Corruption("gaussian", 1.0))),
        (mlp_plan([4], mutation=Mutation(1, 0)), mlp_plan([4], mutation=Mutation(1.0, 0.0))),
        (
            NetworkPlan((), optimizer=Optimizer("sgd", options=(("nesterov", 1), ("momentum", 0)))),
            NetworkPlan((), optimizer=Optimizer("sgd", options=(("momentum", 0.0), ("nesterov", True)))),
        ),
        (NetworkPlan([DenseLayer(4)]), NetworkPlan((DenseLayer(4),))),
    ],
)
def test_equal_plans_have_equal_digests(one, other):
    assert one == other
    assert hash(one) == hash(other)
    assert json.dumps(one.to_json()) == json.dumps(other.to_json())
    assert one.digest() == other.digest() == NetworkPlan.from_json(json.loads(json.dumps(one.to_json()))).digest()


def test_scalars_of_numpy_are_taken_as_pythons_own():
    layers = [np.int64(4), (np.int32(3), "tanh"), [np.int64(2), np.str_("relu"), np.bool_(True), np.float64(0.5)]]
    plan = mlp_plan(
        layers, batch_size=np.int64(16), learning_rate=np.float32(0.5), l1=np.array(0.25), bottleneck=np.int8(1)
    )
    own = [4, (3, "tanh"), (2, "relu", True, 0.5)]
    assert plan == mlp_plan(own, batch_size=16, learning_rate=0.5, l1=0.25, bottleneck=1)
    assert plan.digest() == mlp_plan(own, batch_size=16, learning_rate=0.5, l1=0.25, bottleneck=1).digest()


@pytest.mark.parametrize("text", ["leaky_relu(-0.1)", "celu(0)"])
def test_a_plan_that_could_not_be_trained_is_read_back_and_refused_when_it_is_to_be_trained(text):
    plan = NetworkPlan.from_json({"layers": [{"units": 4, "activation": text}]})
    assert NetworkPlan.from_json(plan.to_json()) == plan
    with pytest.raises(SpaceError, match="activation"):
        plan.completed(Head(1), "mean_squared_error")


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble, lambda one: np.array(one, np.float32)])
def test_a_number_of_numpy_is_the_one_it_prints_as(kind):
    plan = mlp_plan([DenseLayer(4, np.array("tanh"), dropout=kind(0.1))], l2=kind(1e-3))
    assert plan == mlp_plan([DenseLayer(4, "tanh", dropout=0.1)], l2=1e-3)
    with pytest.raises(SpaceError, match="l2: must be a finite number of at least 0, got nan"):
        mlp_plan([4], l2=np.ma.masked)


def test_options_that_are_whole_numbers_or_absent_stay_so():
    options = (("clipnorm", None), ("ema_overwrite_frequency", 3), ("use_ema", True))
    assert Optimizer("adam", options=options).options == options
    assert type(Optimizer("adam", options=options).options[1][1]) is int


@pytest.mark.parametrize(
    ("make", "message"),
    [
        *(
            (lambda key=key, value=value: mlp_plan([4], **{key: value}), f"{key}: must be a finite number")
            for key in ("l1", "l2", "weight_decay", "learning_rate")
            for value in (-1, NO_NUMBER, INFINITE, "0.1", None, True, 10**400)
        ),
        (lambda: mlp_plan([4], learning_rate=0), "learning_rate: must be a finite number above 0, got 0"),
        *(
            (lambda value=value: mlp_plan([4], batch_size=value), "batch_size: must be a whole number of at least 1")
            for value in (0, 2.5, True, "8", None, np.float64(8), np.array([8]))
        ),
        *(
            (lambda layer=layer: mlp_plan([layer]), "layer units: must be a whole number of at least 1")
            for layer in (0, 4.5, True, "4", None, (4.5, "relu"), ("4", "relu"), np.eye(9))
        ),
        (lambda: mlp_plan([()]), "plan: .*units"),
        (lambda: mlp_plan([(4, 5)]), "layer activation: must be a name, got 5"),
        (lambda: mlp_plan(4), "layers: must be a list, got 4"),
        (lambda: NetworkPlan(np.array(4)), "layers: must be a list, got 4"),
        (lambda: mlp_plan("relu"), "layers: must be a list, got 'relu'"),
        (lambda: mlp_plan([4], optimizer=Optimizer()), "optimizer: must be a name"),
        (lambda: mlp_plan([4], loss=3), "loss: must be a name, got 3"),
        (lambda: mlp_plan([4], head=3), "head: must be of type Head, got 3"),
        (lambda: mlp_plan([4], bottleneck=0.0), "bottleneck: must be a whole number"),
        (lambda: mlp_plan([4], tied="no"), "tied: must be true or false, got 'no'"),
        (lambda: NetworkPlan([4]), "layers: must be of type DenseLayer, got 4"),
        (lambda: NetworkPlan((), optimizer="adam"), "optimizer: must be of type Optimizer, got 'adam'"),
        (lambda: DenseLayer(4, dropout=NO_NUMBER), r"layer dropout: must be a number in \[0, 1\), got nan"),
        (lambda: DenseLayer(4, dropout=1), r"layer dropout: must be a number in \[0, 1\), got 1"),
        (lambda: DenseLayer(4, batch_normalization=2), "layer batch_normalization: must be true or false, got 2"),
        (lambda: DenseLayer(4, "elu(1e999)"), "activation 'elu"),
        (lambda: DenseLayer(4, "softmax"), "softmax is for heads"),
        (lambda: mlp_plan([(4, "leaky_relu(-0.1)")]), r"'leaky_relu\(-0.1\)': the slope of leaky_relu must be at least 0"),
        (lambda: mlp_plan([DenseLayer(4, "celu(0)")]), r"activation 'celu\(0\)': the alpha of celu must not be 0"),
        (lambda: Head(2.0), "head units: must be a whole number of at least 1, got 2.0"),
        (lambda: Corruption("gaussian", INFINITE), "corruption rate of gaussian: must be a finite number"),
        (lambda: Corruption("mask", 1), r"corruption rate of mask: must be a number in \[0, 1\), got 1"),
        (lambda: Mutation(NO_NUMBER, 0.1), r"weight mutation probability: must be a number in \[0, 1\], got nan"),
        (lambda: Optimizer("sgd", options=(("momentum", NO_NUMBER),)), "optimizer option momentum: must be a finite"),
        (lambda: Optimizer("sgd", options=5), "optimizer options: must be pairs of a name and a number, got 5"),
        (lambda: NetworkPlan.from_json("x"), "plan: "),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_one_line(make, message):
    with pytest.raises(SpaceError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
