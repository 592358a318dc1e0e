"""Noise by counter: uniform, the same whatever the padding, and different in every draw; mutation by the paper's law."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ganas.cohorts import bucket_of
from ganas.evaluation import TrainingBudget
from ganas.search.plan import DenseLayer, Head, Mutation, NetworkPlan
from ganas.training.cohort.mutation import mutate
from ganas.training.cohort.noise import key_of, normal, uniform
from ganas.training.cohort.settings import lane_settings, stack_settings

SEEDS = tf.constant([1, 2], tf.uint32)


def keys(step=0, draw=0):
    return key_of(SEEDS, tf.constant([step, step], tf.int32), draw)


def test_draws_are_uniform_and_normal():
    draws = uniform(keys(), 300, 300, "float32").numpy()
    assert 0 < draws.min() < draws.max() < 1
    assert stats.kstest(draws[0].ravel(), "uniform").pvalue > 1e-3
    assert stats.kstest(normal(keys(), 300, 300, "float64")[1].numpy().ravel(), "norm").pvalue > 1e-3


def test_draws_do_not_depend_on_padding():
    narrow, wide = uniform(keys(), 5, 7, "float32"), uniform(keys(), 8, 104, "float32")
    np.testing.assert_array_equal(narrow, wide[:, :5, :7])


def test_neighbouring_steps_draws_lanes_rows_and_units_are_uncorrelated():
    base = uniform(keys(), 200, 200, "float64").numpy()
    others = [uniform(keys(step=1), 200, 200, "float64")[0], uniform(keys(draw=1), 200, 200, "float64")[0], base[1]]
    shifted = [np.roll(base[0], 1, axis=0), np.roll(base[0], 1, axis=1), base[0].T]
    for other in [*others, *shifted]:
        assert abs(np.corrcoef(base[0].ravel(), np.ravel(other))[0, 1]) < 0.03


def mutated(method, probability=1.0, ratio=0.1, steps=1):
    """Mutates a (20, 30) layer in a padded lane for some steps; returns it before and after, and the padded whole."""
    plan = NetworkPlan((DenseLayer(30),), Head(3), "mse", mutation=Mutation(probability, ratio, method))
    bucket = bucket_of(plan, (100, 20), TrainingBudget())
    before = np.zeros((bucket.lanes, 20, bucket.widths[0]), "float32")
    before[:, :, :30] = np.random.default_rng(0).normal(size=(20, 30))
    kernel = tf.Variable(before)
    settings = stack_settings(bucket, [lane_settings(bucket, plan, seed) for seed in range(bucket.lanes)])
    for step in range(steps):
        mutate(bucket, {0: kernel}, settings, tf.fill([bucket.lanes], step), tf.fill([bucket.lanes], True))
    return before, kernel.numpy()


@pytest.mark.parametrize("method", ["magnitude", "random", "smallest"])
def test_the_exact_share_of_own_weights_shrinks_and_keeps_its_sign(method):
    before, after = mutated(method)
    changed = after != before
    assert (changed.sum((1, 2)) == 60).all()
    assert not changed[:, :, 30:].any()
    shrink = after[changed] / before[changed]
    assert ((shrink > 0) & (shrink < 1)).all()
    size = np.abs(before[0, :, :30])
    if method == "magnitude":
        assert size[changed[0, :, :30]].min() >= size[~changed[0, :, :30]].max()
    if method == "smallest":
        assert size[changed[0, :, :30]].max() <= size[~changed[0, :, :30]].min()


def test_zero_probability_changes_not_one_bit():
    before, after = mutated("random", probability=0.0, steps=5)
    np.testing.assert_array_equal(before, after)


def test_the_random_method_shrinks_by_half_of_probability_times_ratio_per_step():
    before, after = mutated("random", probability=0.5, ratio=0.2, steps=100)
    kept = np.abs(after[:, :, :30]).sum() / np.abs(before[:, :, :30]).sum()
    assert kept == pytest.approx((1 - 0.5 * 0.2 / 2) ** 100, rel=0.25)
