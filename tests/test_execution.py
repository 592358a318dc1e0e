"""Executors: the same answers everywhere; a dead worker costs nobody else; nobody outlives the parent."""

import functools
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from ganas.errors import ConfigError, MissingExtraError
from ganas.execution import LokyExecutor, SharedFolder, WorkerLost, fetch, make_executor, processes


def square(number):
    return number * number


def process(_):
    return os.getpid()


def die_if_negative(number):
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def mark(folder):
    (folder / str(os.getpid())).touch()


def grow(megabytes):
    processes._test_ballast = bytearray(os.urandom(1024) * 1024 * megabytes)
    return os.getpid()


def read_file(path):
    processes._test_ballast = np.memmap(path, np.uint8, mode="r")
    processes._test_ballast.sum()
    return os.getpid()


def leave_free(megabytes):
    """Fills memory and frees all but its last piece, which keeps the C library from giving the rest back."""
    pieces = [bytearray(10_000) for _ in range(100 * megabytes)]
    processes._test_ballast = pieces[-1]


def resident_megabytes(_):
    return psutil.Process().memory_info().rss / 1e6


@pytest.fixture
def loky():
    executor = LokyExecutor(2)
    yield executor
    executor.close(kill=True)


def test_one_worker_is_a_process_of_its_own():
    executor = make_executor("loky", 1)
    assert dict(executor.run(process, [0]))[0] != os.getpid()
    executor.close()


def test_a_dead_worker_is_told_and_the_next_batch_runs(loky):
    results = dict(loky.run(die_if_negative, [-1]))
    assert isinstance(results[0], WorkerLost)
    assert dict(loky.run(die_if_negative, [1, 2])) == {0: 1, 1: 2}


def test_a_dead_worker_costs_nobody_else_a_job(loky):
    results = dict(loky.run(die_if_negative, [-1, *range(1, 9)]))
    assert isinstance(results.pop(0), WorkerLost)
    assert results == {number: number for number in range(1, 9)}


def test_a_worker_that_died_idle_is_replaced_without_loss():
    executor = LokyExecutor(1)
    first = dict(executor.run(process, [0]))[0]
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while executor._workers[0]._pool._flags.broken is None:  # loky has not noticed yet
        assert time.monotonic() < deadline
        time.sleep(0.05)
    second = dict(executor.run(process, [0]))[0]
    assert isinstance(second, int)
    assert second != first
    executor.close()


def test_what_a_job_raises_is_raised(loky):
    with pytest.raises(TypeError):
        list(loky.run(square, ["x"]))
    assert dict(loky.run(square, [3])) == {0: 9}


def test_a_worker_takes_jobs_of_a_kind_it_has_done_then_of_a_new_one_then_any():
    batch = processes._Batch(["a0", "a1", "b2", "c3", "b4"], ["a", "a", "b", "c", "b"])  # "c" is new where "a" is not
    one, two = workers = processes._Worker(), processes._Worker()
    assert [batch.take(worker, workers) for worker in (one, two, two)] == [(0, "a0"), (2, "b2"), (4, "b4")]
    assert [batch.take(two, workers), batch.take(two, workers), batch.take(one, workers)] == [
        (3, "c3"),
        (1, "a1"),
        None,
    ]


def test_without_kinds_jobs_are_taken_in_order():
    batch = processes._Batch("abc", ())
    workers = processes._Worker(), processes._Worker()
    assert [batch.take(workers[place % 2], workers) for place in range(4)] == [(0, "a"), (1, "b"), (2, "c"), None]


def nap(seconds):
    time.sleep(seconds)
    return os.getpid()


def loky_children():
    return [child.pid for child in psutil.Process().children() if "LokyProcess" in " ".join(child.cmdline())]


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_leaving_a_batch_early_ends_its_workers_and_the_next_batch_runs(loky):
    others = set(loky_children())
    results = loky.run(nap, [0.01, *[60] * 9])
    first = next(results)[1]
    workers = set(loky_children()) - others
    assert first in workers
    results.close()
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert dict(loky.run(square, [3])) == {0: 9}


def test_leaving_one_of_two_batches_loses_no_result_of_the_other(loky):
    loky.start(functools.partial(mark, Path("/no such folder")))
    left = loky.run(nap, [0.0, 0.5, 0.5])
    next(left)
    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(lambda: dict(loky.run(nap, [0.2] * 4)))
        time.sleep(0.3)
        left.close()
        results = other.result(60)
    assert sorted(results) == [0, 1, 2, 3]
    # what a worker was doing when it was ended is told, to be tried again; all the rest is done
    assert sum(isinstance(result, WorkerLost) for result in results.values()) <= 2


def test_closing_the_workers_within_a_batch_loses_its_jobs_and_starts_no_process(loky):
    others = set(loky_children())
    results = loky.run(nap, [0.01, *[60] * 9])
    next(results)
    loky.close(kill=True)
    with pytest.raises(RuntimeError, match="closed while jobs were left"):
        next(results)
    assert set(loky_children()) <= others
    assert dict(loky.run(square, [3])) == {0: 9}


def test_workers_prepare_themselves_before_the_first_job(loky, tmp_path):
    loky.start(functools.partial(mark, tmp_path))
    assert dict(loky.run(square, [3])) == {0: 9}
    assert list(tmp_path.iterdir())


def test_a_preparation_that_fails_leaves_the_saying_to_the_jobs(loky):
    loky.start(functools.partial(mark, Path("/no such folder")))
    assert dict(loky.run(square, [3])) == {0: 9}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc gives memory back when asked")
def test_a_worker_keeps_no_memory_that_its_jobs_left_free():
    executor = LokyExecutor(1)
    before = dict(executor.run(resident_megabytes, [0]))[0]
    list(executor.run(leave_free, [180]))
    assert dict(executor.run(resident_megabytes, [0]))[0] < before + 60
    executor.close()


def test_a_grown_worker_is_replaced_after_the_job_that_made_it_grow(monkeypatch):
    monkeypatch.setattr(processes, "GROWTH_LIMIT", 50 * 2**20)
    executor = LokyExecutor(1)
    pids = dict(executor.run(grow, [1, 20, 120, 1, 1]))
    assert pids[0] == pids[1] == pids[2] != pids[3] == pids[4]
    assert dict(executor.run(grow, [1]))[0] == pids[4]
    executor.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells pages of files from others")
def test_a_mapped_file_is_no_growth_of_the_worker_that_reads_it(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "GROWTH_LIMIT", 50 * 2**20)
    for name, megabytes in (("small", 1), ("large", 120)):
        (tmp_path / name).write_bytes(os.urandom(1024) * 1024 * megabytes)
    executor = LokyExecutor(1)
    pids = dict(executor.run(read_file, [tmp_path / name for name in ("small", "large", "small")]))
    assert pids[0] == pids[1] == pids[2]
    executor.close()


def test_workers_end_within_seconds_of_a_killed_parent():
    code = (
        "from ganas.execution import LokyExecutor; import os, time\n"
        "from tests.test_execution import process\n"
        "e = LokyExecutor(2); print(dict(e.run(process, [0]))[0], flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=-1, text=True, cwd=Path(__file__).parents[1])
    worker = int(parent.stdout.readline())
    assert psutil.pid_exists(worker)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(worker) and psutil.Process(worker).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.2)


def test_published_arrays_are_mapped_from_disk_not_copied():
    folder = SharedFolder()
    x = fetch(folder.publish("fold", {"x": np.arange(100_000, dtype=np.float32)}))["x"]
    assert isinstance(x, np.memmap)
    assert x[5] == 5
    folder.close()
    assert not folder.path.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_the_shared_folder_is_left_alone_by_a_fork_that_ends():
    code = """if True:
        import os, sys
        from ganas.execution import SharedFolder
        folder = SharedFolder()
        if os.fork() == 0:
            sys.exit()
        os.wait()
        print(folder.path.is_dir())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_the_shared_folder_of_a_killed_process_does_not_stay(tmp_path):
    code = """if True:
        from ganas.execution import SharedFolder
        folder = SharedFolder()
        print(folder.publish("fold", [1]), flush=True)
        input()
    """
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        folder = Path(process.stdout.readline().strip()).parent
        assert [path.name for path in folder.iterdir()] == ["fold"]
        process.kill()
    assert folder.parent == tmp_path
    deadline = time.monotonic() + 10
    while folder.exists():
        assert time.monotonic() < deadline, "the folder outlived its process"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("name", "jobs", "message"),
    [("lokey", 1, "unknown 'lokey'"), ("loky", 0, "at least 1"), ("loky", "three", "at least 1 or 'auto', got three")],
)
def test_an_executor_that_makes_no_sense_is_refused_in_one_line(name, jobs, message):
    with pytest.raises(ConfigError, match=message):
        make_executor(name, jobs)


@pytest.mark.parametrize(("backend", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_extra_is_named(backend, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=f"the extra {backend}"):
        make_executor(backend, 2)


@pytest.fixture(params=["dask", "ray"])
def cluster(request):
    """An executor of two workers of each kind; with one worker there would be nobody left where one dies."""
    package = {"dask": "distributed", "ray": "ray"}[request.param]
    pytest.importorskip(package, reason=f"needs the extra {request.param}")
    executor = make_executor(request.param, 2)
    yield executor
    executor.close()


def test_a_cluster_answers_as_jobs_finish(cluster):
    assert [index for index, _ in cluster.run(nap, [2.0, 0.01])] == [1, 0]


def test_a_ray_that_was_there_before_goes_on():
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        make_executor("ray", 2).close()
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_this_process_is_one_worker_however_many_are_asked_for():
    assert make_executor("in_process", 8).jobs == 1
