"""A file is there whole or not at all: an old one stays until the disk has the new one, and no half is left."""

import errno
import os
import stat
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


def test_a_file_has_its_name_only_once_the_disk_has_it_and_then_the_disk_has_the_name(tmp_path, monkeypatch):
    path, seen = tmp_path / "one.txt", []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append((stat.S_ISDIR(os.fstat(file).st_mode), path.exists())))
    with writing_whole(path) as part:
        part.write_text("new")
    assert (seen[:1], path.read_text()) == ([(False, False)], "new")
    assert seen[1:] == ([(True, True)] if os.name == "posix" else [])


@pytest.mark.skipif(os.name != "posix", reason="folders are not synchronised elsewhere")
def test_a_file_system_whose_folders_cannot_be_synchronised_keeps_the_file(tmp_path, monkeypatch):
    def refuse_folders(file):
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse_folders)
    with writing_whole(tmp_path / "one.txt") as part:
        part.write_text("new")
    assert (tmp_path / "one.txt").read_text() == "new"


def test_an_interrupted_writer_leaves_nothing_behind(tmp_path):
    def begin() -> None:
        with writing_whole(tmp_path / "one.txt") as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert not list(tmp_path.iterdir())
