"""Preprocessing learns from training rows only, fills holes, scales, encodes, and survives JSON to the last bit."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from ganas.errors import DataError
from ganas.tasks.frames import table_of_arrays, table_of_frame
from ganas.tasks.preprocessing import Preprocessing, fit_preprocessing
from ganas.tasks.settings import DataSettings
from ganas.tasks.table import Table

TRAINING = np.arange(30)


@pytest.fixture
def table() -> Table:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "plain": rng.normal(50, 3, 40),
            "holed": np.where(np.arange(40) % 5 == 0, np.nan, rng.normal(-1, 9, 40)),
            "late hole": np.where(np.arange(40) == 39, np.nan, rng.normal(0, 1, 40)),
            "colour": (["red", "blue", "red", ""] * 9 + ["green", "violet", "red", "red"]),
        }
    )
    return table_of_frame(frame, np.arange(40) % 2, "made")


def test_numbers_are_scaled_as_scikit_learn_scales_them(table: Table) -> None:
    fitted = fit_preprocessing(table, TRAINING, DataSettings())
    expected = StandardScaler().fit(table.features.numbers[TRAINING, :1].astype(float))
    ours = fitted.transform(table.features)[:, :1]
    np.testing.assert_allclose(ours, expected.transform(table.features.numbers[:, :1].astype(float)), atol=1e-5)
    assert ours.dtype == np.float32


def test_holes_are_filled_with_the_training_median_and_said_where_training_rows_have_them(table: Table) -> None:
    fitted = fit_preprocessing(table, TRAINING, DataSettings())
    assert fitted.numbers.holed == (1,)
    values = table.features.numbers
    assert fitted.numbers.fill[1] == np.float32(np.nanmedian(values[TRAINING, 1].astype(float)))
    inputs = fitted.transform(table.features)
    assert np.isfinite(inputs).all()
    np.testing.assert_array_equal(inputs[:, 3], np.isnan(values[:, 1]))


def test_what_is_not_a_training_row_changes_nothing(table: Table) -> None:
    before = fit_preprocessing(table, TRAINING, DataSettings(pca=2)).to_json()
    table.features.numbers[30:] = 1e6
    table.features.texts[30:] = "new"
    assert fit_preprocessing(table, TRAINING, DataSettings(pca=2)).to_json() == before


def test_rare_and_new_words_are_unknown(table: Table) -> None:
    common = fit_preprocessing(table, TRAINING, DataSettings())
    assert common.categories[0].vocabulary == ("red", "blue", "")
    assert not common.categories[0].has_unknown
    assert common.transform(table.features)[36, -3:].tolist() == [
        0,
        0,
        0,
    ]  # green: nothing unknown was seen in training
    with_rare = fit_preprocessing(table, np.arange(40), DataSettings())
    assert with_rare.categories[0].has_unknown
    assert with_rare.transform(table.features)[36, -4:].tolist() == [1, 0, 0, 0]


def test_very_many_words_are_capped() -> None:
    words = [f"w{index % 90}" for index in range(900)]
    table = table_of_frame(pd.DataFrame({"w": words, "x": np.arange(900) % 7}), np.arange(900) % 2, "made")
    fitted = fit_preprocessing(table, np.arange(900), DataSettings())
    assert len(fitted.categories[0].vocabulary) == 50
    assert fitted.outputs == 1 + 51


def test_a_column_that_is_constant_in_the_training_rows_does_no_harm() -> None:
    values = np.array([[0.1, 1.0]] * 30 + [[0.9, 2.0]] * 10)
    values[:, 1] += np.arange(40)
    inputs = fit_preprocessing(table_of_arrays(values, np.arange(40) % 2, "made"), TRAINING, DataSettings())
    assert np.abs(inputs.transform(table_of_arrays(values, None, "made").features)).max() < 10


def test_pixels_are_divided_by_their_largest_value_alike() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 3)).astype(np.uint8)
    table = table_of_arrays(images, np.arange(20) % 2, "pictures")
    inputs = fit_preprocessing(table, np.arange(10), DataSettings()).transform(table.features)
    np.testing.assert_array_equal(inputs, images.reshape(20, 9).astype(np.float32) / 255)
    assert table.image_shape == (3, 3)


def test_min_max_scaling_puts_training_rows_between_0_and_1(table: Table) -> None:
    inputs = fit_preprocessing(table, TRAINING, DataSettings(scaling="min_max")).transform(
        table.features.take(TRAINING)
    )
    assert inputs.min() == 0
    assert inputs.max() == 1


def test_principal_components_are_those_of_scikit_learn() -> None:
    values = np.random.default_rng(0).normal(size=(50, 6)) @ np.random.default_rng(1).normal(size=(6, 6))
    table = table_of_arrays(values, np.arange(50) % 2, "made")
    ours = fit_preprocessing(table, np.arange(50), DataSettings(pca=3)).transform(table.features)
    theirs = PCA(3).fit_transform(StandardScaler().fit_transform(values))
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-4)


def test_more_components_than_columns_are_one_clear_line(table: Table) -> None:
    with pytest.raises(DataError, match=r"pca: 9 components of 7 inputs"):
        fit_preprocessing(table, TRAINING, DataSettings(pca=9))


@pytest.mark.parametrize("pca", [None, 3])
def test_json_brings_back_the_same_preprocessing_to_the_last_bit(table: Table, pca: int | None) -> None:
    fitted = fit_preprocessing(table, TRAINING, DataSettings(pca=pca))
    again = Preprocessing.from_json(json.loads(json.dumps(fitted.to_json())))
    np.testing.assert_array_equal(again.transform(table.features), fitted.transform(table.features))
    assert again.outputs == fitted.outputs == fitted.transform(table.features).shape[1]
    assert len(again.input_columns) == 7
