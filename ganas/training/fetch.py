"""Fetches a data set of images that Keras knows into an NPZ file: ``python -m ganas.training.fetch mnist mnist.npz``.

It runs as a process of its own, so that whoever wants the data need not load TensorFlow; Keras keeps the download in its cache.
"""

from __future__ import annotations

import sys

import numpy as np


def fetch(name: str, path: str) -> None:
    """Writes ``x_train, y_train, x_test, y_test`` of ``keras.datasets.<name>`` to ``path``."""
    import keras

    (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    np.savez(path, x_train=x_train, y_train=y_train.ravel(), x_test=x_test, y_test=y_test.ravel())


if __name__ == "__main__":
    fetch(*sys.argv[1:])
