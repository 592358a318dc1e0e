"""What every executor promises, whoever does the jobs: a new one in ``EXECUTORS`` is tested here by itself."""

import os

import pytest

from ganas.errors import MissingExtraError, RunError
from ganas.execution import WorkerLost, make_executor
from ganas.execution.executors import EXECUTORS
from tests.test_execution import die_if_negative, nap, process, square


def refuse(_):
    raise RunError("no room")


@pytest.fixture(scope="module", params=list(EXECUTORS))
def executor(request):
    try:
        made = make_executor(request.param, 2)
    except MissingExtraError as error:  # an extra that is not installed here; .ci/run installs all
        pytest.skip(str(error))
    yield made
    made.close()


def test_every_result_carries_the_index_of_its_job(executor):
    assert dict(executor.run(square, [3, 4, 5])) == {0: 9, 1: 16, 2: 25}
    assert dict(executor.run(square, [3, 4, 5], ["a", None, "a"])) == {0: 9, 1: 16, 2: 25}


def test_no_jobs_have_no_results(executor):
    assert list(executor.run(square, [])) == []


def test_a_run_that_is_left_early_lets_the_next_one_go_on(executor):
    left = executor.run(nap, [0.01, 0.3, 0.3])
    next(left)
    left.close()
    assert dict(executor.run(square, [6])) == {0: 36}


def test_what_a_job_raises_is_raised(executor):
    with pytest.raises(RunError, match=r"^no room$"):
        list(executor.run(refuse, [0]))
    assert dict(executor.run(square, [6])) == {0: 36}


@pytest.mark.parametrize("executor", [name for name in EXECUTORS if name != "in_process"], indirect=True)
def test_a_job_that_kills_its_worker_is_lost_alone_and_never_done_in_this_process(executor):
    assert os.getpid() not in dict(executor.run(process, [0, 0])).values()
    results = dict(executor.run(die_if_negative, [3, -1, 4]))
    assert isinstance(results.pop(1), WorkerLost)
    assert results == {0: 3, 2: 4}


@pytest.mark.parametrize("kill", [False, True])
def test_an_executor_may_be_closed_without_having_worked_and_twice(executor, kill):
    idle = type(executor)(1)
    idle.close(kill=kill)
    idle.close()
