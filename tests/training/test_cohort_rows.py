"""Large arrays are lent to TensorFlow without a copy; small ones are padded so that folds share a program."""

from __future__ import annotations

import joblib
import numpy as np

from ganas.training.cohort import rows as module
from ganas.training.cohort.rows import to_device
from ganas.training.contract import TrainingData


def memory_mapped(data, folder):
    joblib.dump(data, folder / "fold")
    return joblib.load(folder / "fold", mmap_mode="c")


def test_a_large_memory_map_is_lent_and_shared_by_workers(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PADDED_BYTES", 1000)
    x = np.arange(300 * 7, dtype="float32").reshape(300, 7)
    data = memory_mapped(TrainingData(x, x, x[:40], x[:40]), tmp_path)
    first, second = to_device(data, "float32"), to_device(data, "float32")
    for rows in (first, second):
        np.testing.assert_array_equal(rows.x, x)
        assert rows.x is rows.y or np.array_equal(rows.y, x)
    lent = list(tmp_path.glob("*.rows"))
    assert lent, "nothing was lent"
    assert not list(tmp_path.glob("*.[0-9]")), "a half-written file was left"


def test_small_arrays_are_padded_and_the_true_counts_are_kept():
    x = np.ones((61, 3), "float32")
    rows = to_device(TrainingData(x, x, x[:9], x[:9]), "float32")
    assert rows.shapes == (64, 64, True)
    assert (rows.count, rows.validation_count, rows.measured_count) == (61, 9, 9)
    assert float(rows.x.numpy().sum()) == 61 * 3


def test_no_validation_rows_stay_none(tmp_path):
    x = np.ones((61, 3), "float32")
    rows = to_device(TrainingData(x, x, x[:0], x[:0], x_measured=x[:5]), "float32")
    assert rows.shapes == (64, 0, False)
    assert rows.measured_count == 5
