"""Named streams: the same names, the same draws; other names, others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganas.seeds import derive_seed, stream


@given(st.integers(0, 2**48), st.text())
def test_a_derived_seed_is_a_function_of_seed_and_names_and_fits_48_bits(seed, name):
    assert derive_seed(seed, name) == derive_seed(seed, name)
    assert 0 <= derive_seed(seed, name) < 2**48


def test_seeds_and_names_that_differ_give_streams_that_differ():
    paths = [(0,), (1,), (0, "a"), (0, "b"), (0, "a", 1), (0, "a", "1"), (0, "ab"), (0, "a", "b")]
    seeds = {derive_seed(*path) for path in paths}
    assert len(seeds) == len(paths)


def test_a_derived_seed_never_changes_between_versions():
    assert derive_seed(0, "training", 3) == 225958863262910


def test_a_stream_repeats_exactly():
    np.testing.assert_array_equal(stream(7, "x").random(5), stream(7, "x").random(5))
