"""Where a command writes: a closed terminal, a reader that is gone, a full disk, a deleted folder; one line, or no matter."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ganas.cli import main
from ganas.console import LastingStream
from ganas.errors import RunError
from ganas.history import Run, find_run
from ganas.interruption import StopRequest
from ganas.log import LOGGER, logging_to

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
    reason = "the output, or a file: cannot be written (No space left on device); make room, or write elsewhere"
    assert done.stderr == f"ganas: {reason}\n"


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
