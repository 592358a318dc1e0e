"""What goes wrong around a run: damaged rows, lost files, closed terminals, full disks; each is one line, or no matter at all."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ganas.cli import main
from ganas.config import make_config
from ganas.console import LastingStream
from ganas.errors import RunError
from ganas.evaluation import Evaluation
from ganas.history import Run, find_run
from ganas.interruption import StopRequest
from ganas.listener import SilentListener
from ganas.log import LOGGER, logging_to
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
FULL_DISK = Path("/dev/full")
on_linux = pytest.mark.skipif(not FULL_DISK.exists(), reason="/dev/full, a disk that is always full, is Linux's")


def run_command(
    *arguments: str, shell: str = "{}", cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs ``ganas`` in a shell, inside the command line ``shell``."""
    command = shell.format(f"{sys.executable} -m ganas {' '.join(arguments)}")
    path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **path, **environment},
        timeout=300,
        check=False,
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


def test_a_result_of_another_shape_is_shown_as_one_line(make_run, capsys):
    run = make_run()
    with contextlib.closing(sqlite3.connect(run.folder / "run.db")) as db, db:
        db.execute("UPDATE facts SET value = '{}' WHERE key = 'result'")
    assert main(["show", str(run.folder)]) == 2
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


# ---- terminals and pipes ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP on Windows")
def test_a_closed_terminal_interrupts_at_once_unless_the_process_was_told_to_ignore_it():
    before = signal.getsignal(signal.SIGHUP)
    try:
        for earlier in (signal.SIG_DFL, signal.SIG_IGN):
            signal.signal(signal.SIGHUP, earlier)
            stop = StopRequest()
            is_ignored = earlier is signal.SIG_IGN
            expected = contextlib.nullcontext() if is_ignored else pytest.raises(KeyboardInterrupt)
            with stop.on_signals(lambda text: None):
                if not is_ignored:
                    assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL  # or this process dies of it
                with expected:
                    os.kill(os.getpid(), signal.SIGHUP)
            assert stop.count == (0 if is_ignored else 2)
            assert signal.getsignal(signal.SIGHUP) is earlier
    finally:
        signal.signal(signal.SIGHUP, before)


SEARCH = [
    "evolve --runs-dir runs --data iris --population 2 --generations 2 --jobs 1 --name tiny --set training.epochs=1",
    "--set final.repeats=1 --set final.candidates=1 --set run.executor=in_process --set search.layers=1",
]


@on_linux
@pytest.mark.parametrize(
    "shell", ["set -o pipefail; {} | head -n 1", "{} > /dev/full"], ids=["reader gone", "full disk"]
)
def test_a_search_goes_on_to_its_end_when_its_output_cannot_be_written(shell, tmp_path):
    done = run_command(*SEARCH, shell=shell, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr, "Exception" in done.stderr) == (0, False, False), done.stderr
    run = Run(find_run("latest", tmp_path / "runs"))
    assert run.status == "finished"
    assert "the output cannot be written any more" in (run.folder / "log.txt").read_text(encoding="utf-8")


@on_linux
@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["show"], ["show", "--csv"], ["show", "--history"]])
def test_a_command_that_cannot_print_is_one_line_and_no_success(arguments, make_run, tmp_path):
    make_run()
    done = run_command(*arguments, shell="{} > /dev/full", cwd=tmp_path)
    assert done.returncode == 2
    assert is_one_line(done.stderr), done.stderr
    assert "the output, or a file: cannot be written (No space left on device)" in done.stderr


@pytest.mark.parametrize("arguments", [["list"], ["show"], ["datasets"], ["--help"]])
@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        ("{}", {"PYTHONIOENCODING": "ascii"}),
        ("{}", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        ("{} >&-", {}),
        ("{} <&- >&- 2>&-", {}),
    ],
    ids=["ascii", "C", "closed", "all closed"],
)
def test_a_command_prints_what_it_can(arguments, shell, environment, make_run, tmp_path):
    make_run()
    done = run_command(*arguments, shell=shell, cwd=tmp_path, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (shell == "{}")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
def test_a_folder_whose_name_is_no_text_is_listed(make_run, tmp_path):
    run = make_run()
    run.folder.rename(os.fsdecode(os.fsencode(run.folder) + b"\xff"))
    done = run_command("list", shell="{} | iconv -f latin1 -t utf8", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{run.name}ÿ" in done.stdout


def test_a_stream_that_breaks_falls_silent_with_one_word_in_the_log(caplog):
    class Broken(io.StringIO):
        def write(self, text):
            raise OSError(errno.EIO, "Input/output error")

    stream = LastingStream(Broken())
    with caplog.at_level(logging.WARNING, "ganas"):
        for _ in range(3):
            assert stream.write("text") == 4
            stream.flush()
    assert [record.message for record in caplog.records] == [
        "the output cannot be written any more (Input/output error); going on without it"
    ]


def test_an_end_of_file_within_a_command_is_no_interruption(monkeypatch, capsys):
    def damaged(*_, **__):
        raise EOFError("No data left in file")

    monkeypatch.setattr("ganas.run.evolve", damaged)
    with pytest.raises(EOFError, match="No data left"):
        main(["evolve"])


# ---- full disks, lost folders, strange names -----------------------------------------------------------------------------


@on_linux
def test_a_log_on_a_full_disk_hides_nothing_of_what_went_wrong(tmp_path, capsys):
    (tmp_path / "log.txt").symlink_to(FULL_DISK)

    def work():
        with logging_to(tmp_path):
            LOGGER.info("a word")
            raise RunError("the reason")

    with pytest.raises(RunError, match="the reason") as ended:
        work()
    assert ended.value.__context__ is None
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_opened_is_one_line(tmp_path):
    (tmp_path / "log.txt").mkdir()
    with pytest.raises(RunError, match=r"log\.txt: cannot be written"), logging_to(tmp_path):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that is in use")
def test_a_search_in_a_deleted_folder_is_one_line(tmp_path):
    done = run_command("evolve --data iris", shell="mkdir x; cd x; rmdir ../x; {}", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "ganas: the working folder was deleted; change to one that exists"
    assert "Traceback" not in done.stderr


def test_settings_that_are_no_text_are_refused_before_there_is_a_folder(tmp_path):
    with pytest.raises(RunError, match=r"config 'source = \"i\\udcff.csv\"': holds bytes that are no UTF-8") as refused:
        RunStore.create(tmp_path / "one", '[data]\nsource = "i\udcff.csv"\ntarget = "x"\n', {})
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "one").exists()
