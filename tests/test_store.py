"""The run folder: what is written is read back; damage, strangers and crowds are refused in one line."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ganas.errors import RunError
from ganas.evaluation import Evaluation
from ganas.history import Run, find_run, first_reason, load_run
from ganas.search.plan import Head, mlp_plan
from ganas.store import Asked, RunStore

PLAN = mlp_plan([(8, "relu")], head=Head(3, "softmax"), loss="categorical_crossentropy")


def evaluation(error=0.25, status="ok", **options):
    return Evaluation(PLAN, 7, status, error, {"accuracy": 1 - (error or 0)}, 0.5, 100, 5, 4, 1.5, **options)


@pytest.fixture
def folder(tmp_path):
    """A stopped run of three candidates: good, better, failed."""
    store = RunStore.create(tmp_path / "runs" / "one", "", {"status": "interrupted", "hall_of_fame": 10})
    store.add_asked([Asked(i, 0, 1, {"units": i}, "initial", ()) for i in range(3)])
    store.add_evaluation(0, evaluation(0.25, curves=({"loss": [0.5], "val_loss": [0.6]},)), [0.25])
    store.add_evaluation(1, evaluation(0.125), [0.125])
    store.add_evaluation(2, evaluation(None, "failed", message="why"), None)
    store.close()
    return store.folder


def test_what_was_written_is_read_back_equal(folder):
    records = Run(folder).records
    assert [record.number for record in records] == [0, 1, 2]
    assert records[0].evaluation == evaluation(0.25, curves=({"loss": [0.5], "val_loss": [0.6]},))
    assert records[2].evaluation == evaluation(None, "failed", message="why")
    assert records[2].objectives is None


def test_files_are_utf8_whatever_the_locale(tmp_path):
    code = (
        "import sys; from pathlib import Path; from ganas.store import RunStore\n"
        "store = RunStore.create(Path(sys.argv[1]), '# Besan\\u00e7on', {'status': 'running'})\n"
        "store.write_json('hall_of_fame.json', '64 \\u2192 3')"
    )
    folder = tmp_path / "one"
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env={**os.environ, **locale})
    assert (folder / "config.toml").read_text(encoding="utf-8") == "# Besançon"
    assert "→" in (folder / "hall_of_fame.json").read_text(encoding="utf-8")


def test_more_than_the_hall_of_fame_can_be_asked_for(folder):
    with contextlib.closing(RunStore.open(folder)) as store:
        store.put(hall_of_fame=1)
    run = Run(folder)
    assert [member.rank for member in run.hall_of_fame] == [1]
    assert [member.rank for member in run.best(5)] == [1, 2]


def test_the_hall_of_fame_is_ranked_and_holds_no_failure(folder):
    assert [(m.rank, m.error) for m in Run(folder).hall_of_fame] == [(1, 0.125), (2, 0.25)]


def test_the_canonical_history_holds_no_timing(folder):
    lines = list(Run(folder).history_lines())
    assert lines[1] == '{"genome":{"units":1},"number":1,"objectives":[0.125],"seed":7,"status":"ok"}'


def test_a_closed_run_is_one_plain_file_that_opens_where_nothing_can_be_written(folder):
    assert not (folder / "run.db-wal").exists()
    folder.chmod(0o555)
    try:
        assert len(Run(folder).records) == 3
        assert not (folder / "run.db-wal").exists()
    finally:
        folder.chmod(0o755)


def test_a_second_process_is_refused_and_the_lock_dies_with_its_process(folder):
    code = "import sys, pathlib; from ganas.store import RunStore; RunStore.open(pathlib.Path(sys.argv[1])); "
    code += "print('open', flush=True); "
    holder = subprocess.Popen([sys.executable, "-c", code + "sys.stdin.read()", folder], stdin=-1, stdout=-1, text=True)
    assert holder.stdout.readline() == "open\n"
    with pytest.raises(RunError, match="another process is working on this run"):
        RunStore.open(folder)
    holder.kill()
    holder.wait()
    RunStore.open(folder).close()


@pytest.mark.parametrize(
    "spoil", [Path.mkdir, lambda path: path.write_bytes(b"garbage" * 1000)], ids=["folder", "text"]
)
def test_a_damaged_lock_is_one_line_that_says_what_to_do(spoil, folder):
    (folder / "lock.db").unlink()
    spoil(folder / "lock.db")
    with pytest.raises(RunError, match=r"lock\.db: cannot be written \(.*delete that file"):
        RunStore.open(folder)


def test_a_run_that_cannot_be_opened_is_free_again(folder):
    whole = (folder / "run.db").read_bytes()
    (folder / "run.db").write_bytes(b"no database" * 1000)
    with pytest.raises(RunError) as refused:
        RunStore(folder)
    (folder / "run.db").write_bytes(whole)
    RunStore(folder).close()
    assert "not a database" in str(refused.value)  # whoever keeps the error keeps what it refers to


def test_a_run_can_be_read_while_it_is_written(folder):
    store = RunStore.open(folder)
    store.add_asked([Asked(3, 1, 1, {"units": 9}, "initial", ())])
    assert len(Run(folder).records) == 4
    store.close()


def test_an_interruption_as_a_transaction_begins_leaves_none_open(folder):
    with contextlib.closing(RunStore.open(folder)) as store:
        database = store._db

        class Interrupted:
            def execute(self, statement, *values):
                database.execute(statement, *values)
                if statement.startswith("BEGIN"):
                    raise KeyboardInterrupt

            in_transaction = property(lambda self: database.in_transaction)

        store._db = Interrupted()
        with pytest.raises(KeyboardInterrupt), store.transaction():
            pass
        store._db = database
        assert not database.in_transaction


def test_a_transaction_that_breaks_leaves_nothing_behind(folder):
    store = RunStore.open(folder)

    def break_off():
        with store.transaction():
            store.put(engine={"half": "done"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert store.get("engine") is None
    store.close()


def test_a_reason_that_begins_with_an_empty_line_is_told(folder):
    with contextlib.closing(RunStore.open(folder)) as store:
        store.add_evaluation(0, evaluation(None, "failed", message="\nno room\nat all"), None)
    assert first_reason(Run(folder)) == "the first reason: no room"


def test_a_damaged_database_is_one_line(folder):
    (folder / "run.db").write_bytes(b"no database" * 1000)
    with pytest.raises(RunError, match=r"run\.db: cannot be read or written \(file is not a database\)"):
        load_run(folder)


def test_a_truncated_database_is_one_line(folder):
    data = (folder / "run.db").read_bytes()
    (folder / "run.db").write_bytes(data[: len(data) // 3])
    with pytest.raises(RunError, match=r"run\.db: cannot be read"):
        list(Run(folder).history_lines())


def test_a_run_of_another_version_is_refused(folder):
    with sqlite3.connect(folder / "run.db") as db:
        db.execute("UPDATE facts SET value = '99' WHERE key = 'version'")
    with pytest.raises(RunError, match="another version of ganas"):
        load_run(folder)


def test_a_run_killed_while_its_folder_is_made_is_no_run_yet(folder, monkeypatch):
    monkeypatch.setattr("ganas.store.SCHEMA", "CREATE TABLE facts (key, value); CREATE nonsense")
    with pytest.raises(RunError, match="syntax error"):
        RunStore.create(folder.parent / "two", "", {})
    assert find_run("latest", folder.parent) == folder


def test_settings_that_are_no_text_are_refused_before_there_is_a_folder(tmp_path):
    with pytest.raises(RunError, match=r"config 'source = \"i\\udcff.csv\"': holds bytes that are no UTF-8") as refused:
        RunStore.create(tmp_path / "one", '[data]\nsource = "i\udcff.csv"\ntarget = "x"\n', {})
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "one").exists()


def test_a_folder_is_never_overwritten(folder):
    with pytest.raises(RunError, match="exists already"):
        RunStore.create(folder, "", {})


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write anywhere")
def test_a_read_only_runs_directory_is_one_line(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(RunError, match="cannot be written"):
        RunStore.create(tmp_path / "runs" / "x", "", {})


def test_a_runs_directory_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        RunStore.create(tmp_path / "runs" / "x", "", {})


def test_a_full_disk_is_one_line_and_what_was_committed_stays(folder):
    store = RunStore.open(folder)
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(RunError, match="database or disk is full"):
        store.put(**{f"fact{number}": "x" * 1000 for number in range(1000)})
    store.close()
    assert len(Run(folder).evaluated) == 3


def test_a_disk_that_fills_within_a_transaction_is_said_to_be_full(folder):
    store = RunStore.open(folder)
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(RunError, match="database or disk is full"):
        store.add_asked([Asked(number, 1, 1, {"units": "x" * 3000}, "initial", ()) for number in range(3, 200)])
    store.close()
    assert len(Run(folder).records) == 3


def test_runs_are_found_by_path_name_part_and_latest(folder):
    runs = folder.parent
    other = RunStore.create(runs / "two-more", "", {"status": "finished"})
    other.close()
    os.utime(folder / "config.toml", (1, 1))
    assert find_run(folder) == folder
    assert find_run("one", runs) == folder
    assert find_run("two", runs) == runs / "two-more"
    assert find_run("latest", runs) == runs / "two-more"
    with pytest.raises(RunError, match="run three: not found"):
        find_run("three", runs)
    with pytest.raises(RunError, match="2 runs match"):
        find_run("o", runs)
