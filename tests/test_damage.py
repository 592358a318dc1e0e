"""What becomes of a run's folder: damaged rows, lost files; each is one line, or no matter at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from ganas.cli import main
from ganas.config import make_config
from ganas.errors import RunError
from ganas.evaluation import Evaluation
from ganas.history import Run, find_run
from ganas.listener import SilentListener
from ganas.run import evolve
from ganas.search.plan import Head, mlp_plan
from ganas.store import Asked, RunStore

PLAN = mlp_plan([(8, "relu")], head=Head(3, "softmax"), loss="categorical_crossentropy")
TINY = make_config(
    {
        "run": {"executor": "in_process", "name": "tiny"},
        "data": {"source": "iris"},
        "search": {"layers": 1, "units": [2, 3, 4, 5, 6, 7, 8, 9]},
        "evolution": {"population": 2, "generations": 3},
        "training": {"epochs": 1},
        "final": {"candidates": 1, "repeats": 1},
    },
    "test",
)


def is_one_line(text: str) -> bool:
    return text.startswith("ganas: ") and text.count("\n") == 1


# ---- damaged rows --------------------------------------------------------------------------------------------------------

DAMAGES = {
    "curves": "UPDATE evaluations SET curves = '[{' WHERE number = 3",
    "curves of another shape": "UPDATE evaluations SET curves = '7'",
    "plan": "UPDATE evaluations SET plan = '{\"layers\": 3}' WHERE number = 3",
    "status": "UPDATE evaluations SET status = 'okk' WHERE number = 3",
    "error": "UPDATE evaluations SET error = 'x' WHERE number = 3",
    "message": "UPDATE evaluations SET message = x'ff' WHERE number = 3",
    "objectives": "UPDATE evaluations SET objectives = '[\"x\"]' WHERE number = 3",
    "genome": "UPDATE individuals SET genome = '' WHERE number = 3",
    "parents": "UPDATE individuals SET parents = CAST(x'ff5b5d' AS TEXT) WHERE number = 3",
    "fact": "UPDATE facts SET value = '{' WHERE key = 'data'",
    "bytes": "UPDATE facts SET value = x'ff22' WHERE key = 'seed'",
    "fact of another kind": "UPDATE facts SET value = '7' WHERE key = 'data'",
    "status missing": "DELETE FROM facts WHERE key = 'status'",
    "version": "UPDATE facts SET value = '{' WHERE key = 'version'",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_rows_are_one_line_and_keep_no_other_run_from_the_list(damage, make_run, capsys):
    whole, run = make_run("whole"), make_run("hurt")
    with contextlib.closing(sqlite3.connect(run.folder / "run.db")) as db, db:
        db.execute(DAMAGES[damage])
    for arguments in (["show"], ["show", "--json"]):
        code = main([*arguments, str(run.folder)])
        printed = capsys.readouterr()
        assert code == 2, damage
        assert is_one_line(printed.err)
        assert "hurt/run.db: " in printed.err
    assert main(["list", "--runs-dir", str(run.folder.parent)]) == 0
    assert whole.name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM facts WHERE key = 'from_arrays'", "fact from_arrays is missing"),
        ("INSERT OR REPLACE INTO facts VALUES ('told', '\"x\"')", "TypeError: fact told is 'x'"),
        ("INSERT OR REPLACE INTO facts VALUES ('batch', '\"x\"')", "TypeError: fact batch is 'x'"),
        ("INSERT OR REPLACE INTO facts VALUES ('searched', '[1]')", "TypeError: fact searched is [1]"),
    ],
)
def test_a_damaged_run_is_not_resumed_in_one_line(statement, reason, make_run, capsys):
    run = make_run()
    with contextlib.closing(sqlite3.connect(run.folder / "run.db")) as db, db:
        db.execute(statement)
    assert main(["resume", str(run.folder), "--generations", "9"]) == 2
    printed = capsys.readouterr().err
    assert is_one_line(printed)
    assert f"damaged ({reason})" in printed


@pytest.mark.parametrize("result", ["{}", '{"winner": {}}'])
@pytest.mark.parametrize("command", ["show", "report"])
def test_a_result_of_another_shape_is_told_in_one_line(command, result, make_run, capsys):
    run = make_run()
    with contextlib.closing(sqlite3.connect(run.folder / "run.db")) as db, db:
        db.execute("UPDATE facts SET value = ? WHERE key = 'result'", (result,))
    assert main([command, str(run.folder)]) == 2
    printed = capsys.readouterr().err
    assert is_one_line(printed)
    assert "run.db: damaged (KeyError: " in printed


def test_a_result_of_another_shape_keeps_no_other_run_from_the_list(make_run, capsys):
    make_run("whole")
    run = make_run("hurt")
    with contextlib.closing(sqlite3.connect(run.folder / "run.db")) as db, db:
        db.execute("UPDATE facts SET value = '{\"test\": 3}' WHERE key = 'result'")
    assert main(["list", "--runs-dir", str(run.folder.parent)]) == 0
    printed = capsys.readouterr()
    assert "whole" in printed.out
    assert "left out: " in printed.err


def test_a_damaged_state_of_the_engine_is_one_line(make_run):
    with contextlib.closing(RunStore.open(make_run().folder)) as store:
        store._db.execute("INSERT OR REPLACE INTO facts VALUES ('engine', '{')")
        with pytest.raises(RunError, match=r"run\.db: damaged"):
            store.get("engine")


# ---- lost files ----------------------------------------------------------------------------------------------------------


def test_the_latest_run_is_found_beside_one_without_settings(make_run):
    old, bare, new = make_run("old"), make_run("bare"), make_run("new")
    (bare.folder / "config.toml").unlink()
    for seconds, path in enumerate([old.folder / "config.toml", bare.folder / "run.db", new.folder / "config.toml"]):
        os.utime(path, (seconds, seconds))
    assert find_run("latest", new.folder.parent) == new.folder
    os.utime(bare.folder / "run.db", (9, 9))
    assert find_run("latest", new.folder.parent) == bare.folder


def test_the_latest_run_is_found_while_another_vanishes(make_run, monkeypatch):
    run = make_run()
    folders = [run.folder, run.folder.parent / "vanished"]
    monkeypatch.setattr("ganas.history.list_folders", lambda runs_dir: folders)
    assert find_run("latest", run.folder.parent) == run.folder


def forbid_shared_memory(folder: Path) -> None:
    """Keeps SQLite from making ``run.db-shm``, as a read-only place does, for an administrator too."""
    (folder / "run.db-shm").symlink_to(folder / "nowhere" / "run.db-shm")


@pytest.fixture
def killed(tmp_path):
    """A run whose process was killed: its last changes are in ``run.db-wal``, and nothing beside it can be written."""
    store = RunStore.create(tmp_path / "writing", "", {"status": "running"})
    store.add_asked([Asked(0, 0, 1, {"units": 8}, "initial", ())])
    store.add_evaluation(0, Evaluation(PLAN, 7, "ok", 0.25), [0.25])
    (tmp_path / "killed").mkdir()
    for name in ("run.db", "run.db-wal"):
        shutil.copy(store.folder / name, tmp_path / "killed" / name)
    store.close()
    forbid_shared_memory(tmp_path / "killed")
    return tmp_path / "killed"


def test_a_killed_run_in_a_read_only_place_is_not_shown_without_its_last_changes(killed):
    with pytest.raises(RunError, match=r"run\.db-wal holds its last changes.*copy the folder") as refused:
        list(Run(killed).records)
    assert "\n" not in str(refused.value)
    (killed / "run.db-shm").unlink()
    assert len(Run(killed).evaluated) == 1


def test_an_empty_log_of_changes_is_no_obstacle_in_a_read_only_place(make_run):
    run = make_run()
    with contextlib.closing(sqlite3.connect(run.folder / "run.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
    (run.folder / "run.db-wal").write_bytes(b"")
    forbid_shared_memory(run.folder)
    assert len(Run(run.folder).records) == 60


def test_a_store_knows_when_its_folder_is_deleted_or_replaced(make_run):
    run = make_run()
    store = RunStore.open(run.folder)
    store.refuse_if_gone()
    shutil.copy(run.folder / "run.db", run.folder / "copy.db")
    (run.folder / "copy.db").replace(run.folder / "run.db")
    with pytest.raises(RunError, match="was deleted, moved or replaced"):
        store.refuse_if_gone()
    shutil.rmtree(run.folder)
    with pytest.raises(RunError, match="was deleted, moved or replaced"):
        store.refuse_if_gone()
    store.close()


def test_a_search_whose_folder_is_deleted_ends_with_the_batch(tmp_path):
    class Delete(SilentListener):
        heard = 0

        def on_evaluation(self, number, evaluation):
            self.heard += 1
            if number == 0:
                (folder,) = tmp_path.iterdir()
                shutil.rmtree(folder)

    listener = Delete()
    with pytest.raises(RunError, match=r"run\.db"):
        evolve(TINY, runs_dir=tmp_path, listener=listener)
    assert listener.heard <= 2
    assert list(tmp_path.iterdir()) == []
