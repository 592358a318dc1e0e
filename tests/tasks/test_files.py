"""Tables as people have them become the same clean table; what cannot be read is one clear line."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ganas.errors import DataError
from ganas.tasks import load_task, task_from_arrays
from ganas.tasks.files import read_frame, read_table, resolve_target
from ganas.tasks.frames import plain_names, table_of_arrays
from ganas.tasks.inputs import read_inputs
from ganas.tasks.settings import DataSettings
from ganas.tasks.text import encoding_of, looks_like_header

TARGETED = DataSettings(target=-1)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a,b,target", "1,2,x", "3,4,y"], True),
        (["0,1,2,target", "1,2,3,4", "5,6,7,8"], True),
        (["0,1,2,3,4", "9,8,7,6,5", "2,2,2,2,2"], True),
        (["1,2,x", "3,4,y"], False),
        (["3,?,alfa,13495", "1,?,audi,16500"], False),
        (["colour,shape", "red,round", "blue,square"], True),
        (["red,round", "blue,square", "red,square"], False),
        (["?,2,M", "1,2,R"], False),
        (['"",class,sex', '"1",third,man', '"2",first,woman'], True),
        ([",red,round", ",blue,round"], False),
        ([",0,1,2,3,4", "0,9,8,7,6,5", "1,5,4,3,2,1"], True),
        (["K,NA,CA,t", "1,2,3,x", "3,4,5,y"], True),
        (["red,NA", "blue,square", "red,square"], False),
        (["2020_01,2020_02,label", "1.5,2,red", "2.5,3,blue", "3.5,4,red"], True),
    ],
)
def test_a_header_is_told_from_a_row(lines: list[str], expected: bool) -> None:
    assert looks_like_header(lines, ",") is expected


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    text = "\n".join(separator.join(row) for row in (["a", "b", "c"], ["1", "2.5", "x"], ["2", "3.5", "y"]))
    frame, has_header = read_frame(write(tmp_path / "t.csv", text))
    assert has_header
    assert frame.columns.tolist() == ["a", "b", "c"]
    assert frame["b"].tolist() == [2.5, 3.5]


def test_gzipped_parquet_and_npz_files_give_the_same_table_as_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.0], "b": [4.0, 6.0, 5.0], "target": [0, 1, 0]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(frame.to_csv(index=False, sep="\t").encode()))
    np.savez(tmp_path / "t.npz", X=frame[["a", "b"]].to_numpy(), y=frame["target"].to_numpy())
    names = ["t.csv", "t.tsv.gz", "t.npz"]
    if pytest.importorskip("pyarrow", reason="Parquet needs the extra"):
        frame.to_parquet(tmp_path / "t.parquet")
        names.append("t.parquet")
    for name in names:
        table = read_table(tmp_path / name, DataSettings())
        assert table.features.numbers.tolist() == [[1.5, 4.0], [2.5, 6.0], [3.0, 5.0]], name
        assert table.target is not None
        assert table.target.tolist() == [0, 1, 0], name


def test_missing_markers_are_holes_and_rows_without_target_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "n, word, y\n1, ?, p\nNA, red, q\n?, , p\n4, blue, ?\n")
    table = read_table(path, TARGETED)
    assert table.target is not None
    assert table.target.tolist() == ["p", "q", "p"]
    np.testing.assert_array_equal(table.features.numbers[:, 0], np.array([1, np.nan, np.nan], np.float32))
    assert table.features.texts[:, 0].tolist() == ["", "red", ""]
    assert "left out 1 rows whose target is missing" in table.notes


def test_blanks_behind_cells_and_names_are_no_part_of_them(tmp_path: Path) -> None:
    rows = [f"{row} | {'? ' if row % 4 == 0 else row / 2} | {'uv'[row % 2]} \t| ?" for row in range(12)]
    frame, _ = read_frame(write(tmp_path / "t.csv", "\n".join(["a | b | c | none ", *rows])))
    assert frame.columns.tolist() == ["a", "b", "c", "none"]
    assert frame["b"].isna().tolist() == [row % 4 == 0 for row in range(12)]
    assert frame["b"][1] == 0.5
    assert set(frame["c"]) == {"u", "v"}
    assert frame["none"].isna().all()
    kept, _ = read_frame(tmp_path / "t.csv", texts=("b",))
    assert kept["b"][1] == "0.5"
    assert kept["b"].isna().sum() == 3


def test_blanks_between_quotes_are_no_part_of_cells_either(tmp_path: Path) -> None:
    frame, _ = read_frame(write(tmp_path / "t.csv", 'a,b,c\n" 1"," u",5\n"2 "," ?",6\n" NA ","v ",7\n'))
    np.testing.assert_array_equal(frame["a"], [1, 2, np.nan])
    assert frame["b"].fillna("").tolist() == ["u", "", "v"]


@pytest.mark.parametrize(
    "text",
    [
        "a\n1.5\n\n-1.5\n",
        "\n \na\n1.5\n\n-1.5\n\n  \n",
        "\ufeff\n\na\n1.5\n\n-1.5\n",
        "a\r1.5\r\r-1.5\r\r",
        "a\r\n1.5\r\n\r\n-1.5\r\n\r\n",
    ],
    ids=["plain", "blank ends", "byte order mark", "Mac's line ends", "Windows' line ends"],
)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_an_empty_line_between_rows_of_one_column_is_a_missing_value(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    np.testing.assert_array_equal(read_frame(tmp_path / name)[0]["a"], [1.5, np.nan, -1.5])


def test_what_is_masked_is_missing() -> None:
    numbers = np.ma.masked_less(np.arange(12.0).reshape(6, 2), 3)
    assert np.isnan(table_of_arrays(numbers, np.arange(6), "t").features.numbers).sum() == 3
    words = np.ma.masked_array([["a", "b"], ["b", "a"], ["a", "a"]] * 3, mask=[[True, False]] + [[False, False]] * 8)
    assert table_of_arrays(words, np.arange(9), "t").features.texts[0, 0] == ""


def test_a_file_that_is_not_utf8_is_read_as_latin_1(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("town,y\nKöln,1\nBonn,2\nKöln,1\n".encode("latin-1"))
    assert read_frame(tmp_path / "t.csv")[0]["town"].tolist() == ["Köln", "Bonn", "Köln"]


def test_a_file_of_utf8_is_told_by_its_whole_characters(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "x" + "ä" * 60_000)
    assert encoding_of(path) == "utf-8-sig"


@pytest.mark.parametrize(
    "lines",
    [
        ["x1,x2,target", "r0,0.13,-0.2,1", "r1,0.2,1.5,0"],
        ["x1,x2,target", "0.13,-0.2,1,", "0.2,1.5,0,left over"],
    ],
)
def test_a_header_with_too_few_names_is_refused_because_columns_would_shift(tmp_path: Path, lines: list[str]) -> None:
    path = write(tmp_path / "t.csv", "\n".join(lines))
    with pytest.raises(DataError, match=r"t\.csv: rows have more fields than there are column names"):
        read_table(path, DataSettings())


@pytest.mark.parametrize("end", [",", ",,", ", ,"])
def test_empty_fields_at_the_end_of_every_row_are_no_columns(tmp_path: Path, end: str) -> None:
    table = read_table(write(tmp_path / "t.csv", f"a,b,y\n1,10,0{end}\n2,30,1{end}\n3,20,0{end}\n"), TARGETED)
    assert table.features.numbers.tolist() == [[1, 10], [2, 30], [3, 20]]


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("has_header", [True, False])
def test_lines_of_any_length_are_read_to_their_ends(tmp_path: Path, has_header: bool, separator: str) -> None:
    width = 30_000
    first = [str(place) for place in range(width)] if has_header else ["0.12"] * width
    text = "\n".join(separator.join(row) for row in (first, ["0.25"] * width, ["0.75"] * width))
    frame, found_header = read_frame(write(tmp_path / "t.csv", text))
    assert found_header is has_header
    assert frame.shape == (3 - has_header, width)
    assert frame.iloc[-1].tolist() == [0.75] * width


def test_a_test_file_gives_the_last_rows_by_column_name(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b,y\n1,10,0\n2,30,1\n3,20,0\n")
    test = write(tmp_path / "new.csv", "y,b,a\n1,40,4\n")
    table = read_table(path, DataSettings(target="y", test=str(test)))
    assert table.test_rows == 1
    assert table.features.numbers[-1].tolist() == [4, 40]
    lacking = write(tmp_path / "lacking.csv", "y,b\n1,40\n")
    with pytest.raises(DataError, match="columns a are missing"):
        read_table(path, DataSettings(target="y", test=str(lacking)))


def test_words_that_look_like_numbers_in_a_test_file_stay_the_words_of_the_main_file(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "code,n,y\n" + "01,4,1\n2,5,2\nA,6,other\n" * 10)
    test = write(tmp_path / "new.csv", "code,n,y\n01,4,1\n,5,2\n2,,\n")
    settings = DataSettings(target="y", test=str(test))
    table = read_table(path, settings)
    assert table.features.texts[-2:, 0].tolist() == ["01", ""]
    assert table.features.numbers[-2:, 0].tolist() == [4, 5]
    task = load_task(path, target="y", test=str(test))
    assert task.pipeline()["output"]["labels"] == ["1", "2", "other"]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("größe,n,y", "größe"),
        ("n,n,y", "n.1"),
        (",n,y", "Unnamed: 0"),
        ('"of two\nlines",n,y', "of two\nlines"),
        (" code ,n,y", "code"),
        ("code,code ,y", "code "),
    ],
)
def test_words_stay_words_under_any_name(tmp_path: Path, header: str, name: str) -> None:
    (tmp_path / "t.csv").write_bytes(f"{header}\n01,01,1\n02,02,2\n".encode("latin-1"))
    kept, _ = read_frame(tmp_path / "t.csv", texts=(name,))
    assert kept[name].tolist() == ["01", "02"]
    assert kept["y"].tolist() == [1, 2]
    assert read_frame(tmp_path / "t.csv")[0][name].tolist() == [1, 2]


@pytest.mark.parametrize("kind", ["frame", "parquet"])
def test_names_of_frames_and_of_every_kind_of_file_are_those_without_blanks(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"a ": np.arange(40) / 8, " b": np.arange(40) % 7, "y ": np.arange(40) % 2})
    frame.to_csv(tmp_path / "t.csv", index=False)
    if kind == "frame":
        task = task_from_arrays(frame[["a ", " b"]], frame["y "])
    else:
        pytest.importorskip("pyarrow", reason="Parquet needs the extra")
        frame.to_parquet(tmp_path / "t.parquet")
        task = load_task(tmp_path / "t.parquet", target="y ", test=str(tmp_path / "t.csv"))
    assert task.table.features.number_names == ("a", "b")
    inputs, _ = read_inputs(tmp_path / "t.csv", task.pipeline())
    np.testing.assert_array_equal(inputs["b"], frame[" b"])


def test_names_that_differ_only_in_blanks_keep_them() -> None:
    assert plain_names(["a", "a ", 3]) == ["a", "a ", "3"]
    assert plain_names(["a ", " b", 3]) == ["a", "b", "3"]


def test_truth_values_with_holes_in_the_main_file_stay_truth_values(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "is_old,n,y\n" + "True,4,0\n,5,1\nFalse,6,0\n" * 10)
    test = write(tmp_path / "new.csv", "is_old,n,y\nTrue,4,0\nFalse,5,1\n")
    table = read_table(path, DataSettings(target="y", test=str(test)))
    assert table.features.numbers[-2:].tolist() == [[1, 4], [0, 5]]


@pytest.mark.parametrize("hole", [float("nan"), None])
def test_a_hole_in_a_list_of_labels_is_no_class(hole: object) -> None:
    labels = ["a", "b", hole]
    with pytest.raises(DataError, match="1 targets are missing"):
        table_of_arrays(np.arange(6.0).reshape(3, 2), labels, "t")
    table = table_of_arrays([["red", 1.5], [hole, 2.5], ["red", 3.5]], labels, "t")
    assert table.target is not None
    assert table.target.tolist() == ["a", "b"]
    assert table.features.texts[:, 0].tolist() == ["red", ""]


def test_a_target_is_found_by_name_by_position_or_by_being_called_so() -> None:
    columns = ["a", "b", "Class"]
    assert resolve_target("b", columns, "t") == "b"
    assert resolve_target(-1, columns, "t") == "Class"
    assert resolve_target("0", columns, "t") == "a"
    assert resolve_target(None, columns, "t") == "Class"
    assert resolve_target(None, ["a", "b"], "t") is None


def test_a_missing_target_column_is_told_with_the_nearest_name() -> None:
    with pytest.raises(DataError, match="no column 'prize'; did you mean 'price'"):
        resolve_target("prize", ["size", "price"], "houses.csv")
    with pytest.raises(DataError, match="no position 7"):
        resolve_target(7, ["size", "price"], "houses.csv")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"a,b,y\n", "holds no rows"),
        ("t.csv", b"just some words\nand more of them\n", "found one column"),
        ("t.csv", b"\x89PNG\0\0\0", "is no text"),
        ("t.csv.gz", gzip.compress(b"a,b,y\n" + b"1,2,3\n" * 50_000)[:60], "is it complete"),
        ("t.npz", b"PK\x03\x04 cut off", "is it complete"),
        ("t.parquet", b"PAR1 cut off", "is it complete"),
        ("t.xlsx", b"anything", "unknown kind of file"),
        ("t.csv", b'a,b,y\n1,2,3\n4,5,"6\n7,8,9\n', "is it complete"),
    ],
)
def test_an_unreadable_file_is_one_clear_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="Parquet needs the extra")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_table(tmp_path / name, TARGETED)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "nowhere.csv", TARGETED)


def test_an_npz_file_of_objects_is_refused_rather_than_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.array([[{}], [{}]], object), y=np.array([0, 1]))
    with pytest.raises(DataError, match="plain arrays"):
        read_table(tmp_path / "t.npz", TARGETED)


def test_an_npz_file_with_other_arrays_says_which_it_expected(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", rows=np.zeros((3, 2)))
    with pytest.raises(DataError, match="has arrays rows; expected x_train, y_train"):
        read_table(tmp_path / "t.npz", TARGETED)
