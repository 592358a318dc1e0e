"""A file is there whole or not at all: an old one stays until the disk has the new one, and no half is left."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from ganas.errors import RunError
from ganas.store import RunStore
from ganas.weights import save_weights
from ganas.whole import writing_whole


def write_json(path: Path) -> None:
    store = RunStore.create(path.parent / "run", "", {})
    store.folder = path.parent
    store.write_json(path.name, {"a": 1})


@pytest.mark.parametrize(
    ("name", "write"),
    [("one.npz", lambda path: save_weights(path, [np.ones(3, np.float32)])), ("one.json", write_json)],
)
def test_a_file_that_the_disk_does_not_take_leaves_the_one_before(name, write, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_bytes(b"old")

    def fill_the_disk(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill_the_disk)
    with pytest.raises(RunError, match=rf"{name}: cannot be written \(No space left on device\)"):
        write(path)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == [name]


def test_a_file_has_its_name_only_once_the_disk_has_it(tmp_path, monkeypatch):
    path, seen = tmp_path / "one.txt", []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append(path.exists()))
    with writing_whole(path) as part:
        part.write_text("new")
    assert (seen, path.read_text()) == ([False], "new")


def test_an_interrupted_writer_leaves_nothing_behind(tmp_path):
    def begin() -> None:
        with writing_whole(tmp_path / "one.txt") as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert not list(tmp_path.iterdir())
