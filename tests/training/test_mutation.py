"""The law of the weight mutation: which weights, how many, and how much they shrink."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ganas.training.mutation import METHODS, coin, replacements, top_places, uniform

WEIGHTS = np.random.default_rng(0).normal(size=(20, 15)).astype("float32")


@functools.cache
def traced(ratio, method, seed, layer):
    return tf.function(lambda weights, step: replacements(weights, ratio, method, seed, step, layer))


def mutated(weights, ratio, method, step, seed=0, layer=0):
    places, values = traced(ratio, method, seed, layer)(tf.constant(weights), tf.constant(step))
    after = weights.copy()
    after.reshape(-1)[places.numpy()] = values.numpy()
    return after


@settings(max_examples=40)
@given(
    size=st.integers(1, 400),
    ratio=st.floats(0, 1),
    method=st.sampled_from(sorted(METHODS)),
    seed=st.integers(0, 2**48),
    step=st.integers(0, 2**31 - 2),
)
def test_exactly_the_asked_share_shrinks_towards_zero_and_keeps_its_sign(size, ratio, method, seed, step):
    weights = np.random.default_rng(size).normal(size=size).astype("float32") + np.float32(3)
    places, values = replacements(tf.constant(weights), ratio, method, seed, step, 0)
    assert len(set(places.numpy().tolist())) == len(places)
    after = weights.copy()
    after[places.numpy()] = values.numpy()
    assert (np.sign(after) == np.sign(weights)).all()
    assert (np.abs(after) <= np.abs(weights)).all()
    # a draw may be so near to 1 that a weight stays what it was
    assert np.floor(ratio * size) - 1 <= (after != weights).sum() <= np.ceil(ratio * size)


def test_magnitude_picks_the_top_of_a_layer_and_smallest_its_bottom():
    order = np.argsort(-np.abs(WEIGHTS).reshape(-1))
    for method, right in (("magnitude", order[:30]), ("smallest", order[-30:])):
        changed = np.flatnonzero(mutated(WEIGHTS, 0.1, method, step=4).reshape(-1) != WEIGHTS.reshape(-1))
        assert set(changed) == set(right)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(("size", "count"), [(2**16, 7), (2**16 + 77, 1000), (300_001, 30), (90_000, 0)])
def test_many_scores_have_the_top_places_that_few_would_have(size, count, jit_compile):
    rng = np.random.default_rng(size)
    for scores in (rng.normal(size=size), rng.integers(50, size=size), np.full(size, -np.inf)):
        scores = tf.constant(scores, tf.float32)
        found = tf.function(lambda scores: top_places(scores, count), jit_compile=jit_compile)(scores)
        # of equal scores the first, as a stable sort has it
        assert found.numpy().tolist() == np.argsort(-scores.numpy(), kind="stable")[:count].tolist()


def test_a_fraction_of_a_weight_is_settled_by_a_draw():
    counts = [(mutated(WEIGHTS, 2.25 / 300, "magnitude", step) != WEIGHTS).sum() for step in range(400)]
    assert set(counts) == {2, 3}
    assert np.mean(counts) == pytest.approx(2.25, abs=4 * np.sqrt(0.25 * 0.75 / 400))


@pytest.mark.parametrize("ratio", [0.05, 0.4], ids=["draws", "sorted numbers"])
def test_random_picks_every_weight_equally_often(ratio):
    steps = 600
    hits = sum((mutated(WEIGHTS, ratio, "random", step) != WEIGHTS).astype(int) for step in range(steps)).reshape(-1)
    expected = steps * ratio
    chi_squared = ((hits - expected) ** 2).sum() / (expected * (1 - ratio))
    assert abs(chi_squared - 300) < 5 * np.sqrt(2 * 300)


def test_a_picked_weight_becomes_uniform_between_0_and_itself():
    ones = np.ones((100, 100), "float32")
    shares = np.sort(mutated(ones, 1.0, "random", step=0).reshape(-1))
    # Kolmogorov-Smirnov: 1.95 / sqrt(n) is the bound of one in a thousand
    assert np.abs(shares - np.arange(1, 10001) / 10001).max() < 1.95 / 100


def test_the_random_method_is_weight_decay_in_the_mean():
    probability, ratio, steps = 0.5, 0.2, 40
    weights = np.ones((100, 100), "float32")
    coins = 0
    for step in range(steps):
        if coin(7, step, probability):
            coins += 1
            weights = mutated(weights, ratio, "random", step, seed=7)
    shrink = (1 - ratio / 2) ** coins
    # E[w²] of one mutation is 1 - ratio + ratio / 3; the error of the mean over 10,000 weights follows
    spread = np.sqrt(((1 - ratio * 2 / 3) ** coins - shrink**2) / weights.size)
    assert weights.mean() == pytest.approx(shrink, abs=5 * spread)


def test_the_coin_falls_with_its_probability_and_never_at_0():
    def falls(probability):
        toss = tf.function(lambda step: coin(1, step, probability))
        return [bool(toss(tf.constant(step))) for step in range(2000)]

    assert np.mean(falls(0.1)) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 2000))
    assert not any(falls(0.0))
    assert all(falls(1.0))


def test_draws_depend_on_seed_step_and_layer_only():
    same = [mutated(WEIGHTS, 0.1, "random", step=3, seed=5, layer=1) for _ in range(2)]
    assert (same[0] == same[1]).all()
    for other in ({"step": 4}, {"seed": 6}, {"layer": 0}):
        arguments = {"step": 3, "seed": 5, "layer": 1, **other}
        assert (mutated(WEIGHTS, 0.1, "random", **arguments) != same[0]).any()


def test_draws_are_uniform_in_their_first_and_last_bits():
    draws = uniform(3, 0, (20000,)).numpy()
    assert draws.min() >= 0
    assert draws.max() < 1
    bits = (draws * 2**24).astype(np.int64)
    for bit in (0, 7, 15, 23):
        assert np.mean(bits >> bit & 1) == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(20000))
