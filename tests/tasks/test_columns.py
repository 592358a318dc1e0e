"""Columns are sorted into numbers and texts, and what cannot help is dropped with a word."""

import numpy as np
import pandas as pd
import pytest

from ganas.errors import DataError
from ganas.tasks.columns import columns_of_frame, columns_of_matrix

ROWS = 40


def frame_with(name: str, values: object) -> pd.DataFrame:
    return pd.DataFrame({name: values, "kept": np.linspace(0, 1, ROWS)})


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("empty", [None] * ROWS, "has no values"),
        ("constant", [7] * ROWS, "is 7 in every row"),
        ("same", ["x"] * ROWS, "is 'x' in every row"),
        ("row", np.random.default_rng(0).permutation(ROWS) + 100, "numbers the rows"),
        ("customer_id", np.arange(ROWS) * 13, "numbers the rows"),
        ("customer_id", 1_000_000_000 + np.arange(ROWS) * 7, "numbers the rows"),
        ("moment", 1_700_000_000 + np.arange(ROWS), "numbers the rows"),
        ("post", 10**17 + np.arange(ROWS), "numbers the rows"),
        ("seconds", 1_700_000_000 + np.arange(ROWS) // 2, "from 1700000000 to 1700000019, which is one number"),
        ("name", [f"person {index}" for index in range(ROWS)], "40 different texts in 40 rows"),
        (
            "price",
            [f"{index},50" for index in range(ROWS)],
            "an identifier; if these are numbers, write 3.14, not 3,14",
        ),
        (
            "begun",
            [f"2024-05-{index} 08:30" for index in range(ROWS)],
            "an identifier; if these are dates, give numbers",
        ),
        ("day", pd.date_range("2024-01-01", periods=ROWS), "holds dates"),
    ],
)
def test_a_column_that_cannot_help_is_dropped_with_a_word(name: str, values: object, reason: str) -> None:
    columns, dropped, _ = columns_of_frame(frame_with(name, values), ROWS)
    assert columns.number_names == ("kept",)
    assert [column.name for column in dropped] == [name]
    assert reason in dropped[0].reason


def test_large_numbers_that_are_no_identifier_are_kept() -> None:
    columns, dropped, _ = columns_of_frame(frame_with("income", 1_000_000_000 + np.arange(ROWS) * 1_000_000), ROWS)
    assert columns.number_names == ("income", "kept")
    assert not dropped


def test_a_constant_with_holes_is_kept_because_the_holes_may_tell_something() -> None:
    columns, dropped, _ = columns_of_frame(frame_with("c", [1.0, None] * (ROWS // 2)), ROWS)
    assert "c" in columns.number_names
    assert not dropped


def test_numbers_written_as_texts_are_numbers_and_a_few_strays_are_holes() -> None:
    columns, _, notes = columns_of_frame(frame_with("n", [str(i % 7) for i in range(ROWS - 1)] + ["unknown"]), ROWS)
    assert columns.number_names == ("n", "kept")
    assert np.isnan(columns.numbers[-1, 0])
    assert notes == ["column 'n': 1 values that are no (finite) numbers count as missing"]


def test_truth_values_are_numbers_with_or_without_holes() -> None:
    frame = pd.DataFrame({"a": [True, False] * 20, "b": [True, None, "False", False] * 10})
    columns, _, _ = columns_of_frame(frame, ROWS)
    np.testing.assert_array_equal(columns.numbers[:4], np.array([[1, 1], [0, np.nan], [1, 0], [0, 0]], np.float32))


def test_a_categorical_column_of_digits_stays_one_of_texts() -> None:
    columns, _, _ = columns_of_frame(frame_with("c", pd.Categorical(["1", "2"] * 20)), ROWS)
    assert columns.text_names == ("c",)


def test_infinite_and_huge_numbers_are_holes() -> None:
    columns = columns_of_matrix(np.array([[1.0, np.inf], [1e300, 2.0]]))
    np.testing.assert_array_equal(columns.numbers, np.array([[1, np.nan], [np.nan, 2]], np.float32))


def test_a_table_of_useless_columns_is_one_clear_line() -> None:
    with pytest.raises(DataError, match="no column is left"):
        columns_of_frame(pd.DataFrame({"a": [1] * ROWS}), ROWS)


def test_the_digest_hears_every_value_and_name() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})
    first = columns_of_frame(frame, 3)[0].digest()
    assert columns_of_frame(frame.copy(), 3)[0].digest() == first
    assert columns_of_frame(frame.rename(columns={"a": "A"}), 3)[0].digest() != first
    assert columns_of_frame(frame.assign(b=["x", "y", "y"]), 3)[0].digest() != first
    assert columns_of_frame(frame.assign(a=[1.0, 2.0, 4.0]), 3)[0].digest() != first
