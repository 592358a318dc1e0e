"""Data sets by name: listed without heavy imports, found in GANAS_DATA first, refused in one line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ganas.errors import DataError
from ganas.tasks import DATASETS, describe_datasets, load_task
from ganas.tasks import datasets as module

needs_data = pytest.mark.skipif("GANAS_DATA" not in os.environ, reason="GANAS_DATA names no folder of data sets")


def test_listing_the_data_sets_loads_nothing_heavy() -> None:
    heavy = "{'pandas', 'sklearn', 'tensorflow', 'scipy'}"
    code = f"import sys, ganas.tasks; ganas.tasks.describe_datasets(); print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_data_set_is_described() -> None:
    rows = describe_datasets()
    assert [row["name"] for row in rows[:-1]] == list(DATASETS)
    assert {row["name"]: row["is_here"] for row in rows}["digits"]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_bundled_data_sets_are_as_large_as_described(name: str) -> None:
    task = load_task(name)
    assert task.kind == DATASETS[name].kind
    assert task.inputs == DATASETS[name].columns
    assert sum(len(part) for part in (*task.splits.folds[0], task.splits.test)) == DATASETS[name].rows


def test_a_data_set_in_the_folder_is_taken_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.arange(60 * 4, dtype=np.uint8).reshape(60, 2, 2)
    labels = np.arange(60) % 3
    np.savez(tmp_path / "mnist.npz", x_train=images[:40], y_train=labels[:40], x_test=images[40:], y_test=labels[40:])
    monkeypatch.setenv("GANAS_DATA", str(tmp_path))
    task = load_task("mnist", validation=0.25)
    assert [len(rows) for rows in (*task.splits.folds[0], task.splits.test)] == [30, 10, 20]
    assert "the official ones" in " ".join(task.in_words())


def test_any_file_in_the_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.csv").write_text("a,b,target\n" + "".join(f"{i},{i * i % 7},{i % 2}\n" for i in range(30)))
    monkeypatch.setenv("GANAS_DATA", str(tmp_path))
    assert load_task("mine").name == "mine"
    assert load_task("mine.csv").name == "mine"


def test_a_data_set_that_cannot_be_had_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANAS_DATA", raising=False)

    def fail(*_: object, **__: object) -> object:
        return subprocess.CompletedProcess([], 1, "", "Traceback\nOSError: no route to host\n")

    monkeypatch.setattr(module.subprocess, "run", fail)
    with pytest.raises(
        DataError, match=r"GANAS_DATA is not set, and the download failed \(OSError: no route to host\)"
    ):
        load_task("mnist")


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(DataError, match="did you mean 'digits'"):
        load_task("digit")
    with pytest.raises(DataError, match="openml: and a number"):
        load_task("openml:credit")


@needs_data
@pytest.mark.parametrize(
    ("source", "kind", "rows"),
    [
        ("csv/auto_imports.csv", "regression", 201),
        ("csv/german.csv", "classification", 1000),
        ("csv/horse-colic.csv", "classification", 300),
        ("csv/sonar.csv", "classification", 208),
        ("pmlb/spambase.tsv.gz", "classification", 4601),
        ("pmlb/197_cpu_act", "regression", 8192),
    ],
)
def test_real_tables_become_tasks(source: str, kind: str, rows: int) -> None:
    task = load_task(source, target=-1)
    assert (task.kind, len(task.table)) == (kind, rows)
    data = task.fold(0).data
    assert np.isfinite(data.x_train).all()
    assert data.x_train.shape[1] == task.inputs


@needs_data
def test_mnist_has_its_official_test_rows() -> None:
    task = load_task("mnist", validation=10_000)
    assert [len(rows) for rows in (*task.splits.folds[0], task.splits.test)] == [50_000, 10_000, 10_000]


@pytest.mark.parametrize("source", ["iris", "openml:31", "mnist", "own.npz"])
@pytest.mark.parametrize(
    ("option", "value"), [("target", "price"), ("target", 0), ("test", "new.csv"), ("header", False), ("header", True)]
)
def test_what_is_said_of_reading_a_table_is_refused_for_data_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, option: str, value: object
) -> None:
    monkeypatch.delenv("GANAS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    np.savez("own.npz", X=np.eye(40), y=np.arange(40) % 2)
    message = rf"\[data\] {option}: is for CSV, TSV and Parquet files, and {source} .* got {value!r}, leave it out"
    with pytest.raises(DataError, match=message) as caught:
        load_task(source, **{option: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["iris", "own.npz"])
@pytest.mark.parametrize("target", [None, -1, "-1"])
def test_the_last_column_of_a_data_set_is_its_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, target: str | int | None
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("own.npz", X=np.eye(40), y=np.arange(40) % 2)
    assert load_task(source, target=target, test=None, header=None).kind == "classification"
