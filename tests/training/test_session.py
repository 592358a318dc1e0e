"""One session per worker: silent, with its own threads, deterministic, and on TensorFlow only."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import keras
import pytest
import tensorflow as tf

from ganas.errors import RunError
from ganas.training.session import precision, prepare_session, silenced


def run(script, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_"))}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_fresh_session_is_silent_deterministic_and_has_the_threads_asked_for():
    result = run("""
        import random
        from ganas.training.session import prepare_session
        prepare_session(2)
        before = random.getstate()
        prepare_session(2)
        import tensorflow as tf, keras, sys
        from tensorflow.python.framework.config import is_op_determinism_enabled
        threading = tf.config.threading
        threads = threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()
        assert threads == (2, 2), threads
        assert is_op_determinism_enabled()
        assert random.getstate() == before
        print("heard", file=sys.stderr)
    """)
    assert result.returncode == 0, result.stderr
    assert result.stderr == "heard\n"
    assert result.stdout == ""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_is_refused_in_one_line_before_anything_is_loaded(backend):
    result = run(
        """
        import sys
        from ganas.errors import ConfigError
        from ganas.training.session import prepare_session
        try:
            prepare_session(1)
        except ConfigError as error:
            print(error)
        assert not {"tensorflow", "keras"} & set(sys.modules)
        """,
        KERAS_BACKEND=backend,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == (
        f"KERAS_BACKEND: ganas trains with tensorflow, found {backend!r}; unset it or set it to tensorflow\n"
    )


def test_a_session_with_other_threads_is_refused_once_tensorflow_runs():
    tf.zeros(1)
    with pytest.raises(RunError, match="already runs here with 1 threads, asked for 3"):
        prepare_session(3)


def test_silence_ends_also_after_an_exception(capfd):
    def fail():
        with silenced():
            os.write(2, b"noise")
            raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        fail()
    os.write(2, b"a word")
    assert capfd.readouterr().err == "a word"


def test_precision_lasts_as_long_as_its_block():
    with precision("float64"):
        assert keras.layers.Dense(2).compute_dtype == "float64"
    assert keras.layers.Dense(2).compute_dtype == "float32"
