"""One TensorFlow session per worker process: silenced, its threads set, its operations deterministic.

TensorFlow fixes its thread pools at the first operation and writes to file descriptor 2 from C++, so both are settled
here, before anything is trained. Nothing in this module draws a random number or sets a seed.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from ganas.errors import RunError
from ganas.machine import check_backend
from ganas.training.program_cache import use_program_cache


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Sends file descriptor 2 to the null device for a while: C++ logs do not pass through ``sys.stderr``."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # a daemon may have closed its standard error: nothing to silence
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Makes ``name`` (``float32`` or ``float64``) Keras' default for layers, losses and metrics for a while."""
    import keras

    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(name)
    # layers look at the policy, which keeps what it was when the first layer was made; losses and metrics at floatx
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


def prepare_session(threads: int) -> None:
    """Starts TensorFlow in this worker process with ``threads`` threads and deterministic operations; may be repeated.

    Raises:
        ConfigError: ``KERAS_BACKEND`` (or Keras' own settings file) names a backend other than TensorFlow.
        RunError: TensorFlow already runs in this process with another number of threads.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow" and "keras" in sys.modules:
        backend = sys.modules["keras"].config.backend()
    check_backend(backend)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    use_program_cache()
    with silenced():
        import tensorflow as tf

        _set_threads(tf.config.threading, threads)
        for gpu in tf.config.list_physical_devices("GPU"):
            # several workers may share one device: none may claim all of its memory
            with contextlib.suppress(RuntimeError):
                tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_op_determinism()
        import keras  # noqa: F401  (its first import logs too)

        tf.zeros(1)  # the first operation starts the thread pools and ends TensorFlow's opening words


def _set_threads(threading: object, threads: int) -> None:
    for kind in ("intra", "inter"):
        if getattr(threading, f"get_{kind}_op_parallelism_threads")() == threads:
            continue
        try:
            getattr(threading, f"set_{kind}_op_parallelism_threads")(threads)
        except RuntimeError:
            found = getattr(threading, f"get_{kind}_op_parallelism_threads")() or "its default number of"
            raise RunError(
                f"[training] threads: TensorFlow already runs here with {found} threads, asked for {threads}; "
                "train in a fresh process"
            ) from None
