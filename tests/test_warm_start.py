"""What a search takes over from an earlier run: only what would have come out the same."""

import contextlib
import dataclasses
import shutil

import pytest

from ganas.errors import RunError
from ganas.evaluation import Evaluation
from ganas.history import Run
from ganas.search.genes import IntegerRange
from ganas.search.plan import Head, mlp_plan
from ganas.search.space import Genome, SearchSpace
from ganas.store import Asked, RunStore
from ganas.warm_start import FILE, evaluations_of, take_over

PLAN = mlp_plan([(8, "relu")], head=Head(3, "softmax"), loss="categorical_crossentropy")
MEASURED = Evaluation(PLAN, 7, "ok", 0.25, {"latency_ms": 0.5}, 0.5, 67, 5, 4)
UNMEASURED = dataclasses.replace(MEASURED, plan=dataclasses.replace(PLAN, batch_size=7), measures={})
STOPPED = dataclasses.replace(MEASURED, plan=dataclasses.replace(PLAN, batch_size=8), status="stopped")


def fingerprint(*objectives: str, epochs: int = 5) -> dict:
    return {"data": "d", "training": {"epochs": epochs}, "evolution": {"objectives": list(objectives)}}


@pytest.fixture
def earlier(tmp_path):
    """A run of three candidates: of one the latency was measured, of one not, one was stopped."""
    facts = {"status": "finished", "fingerprint": fingerprint("error"), "task": {"inputs": 4}}
    store = RunStore.create(tmp_path / "earlier", "", facts)
    for number, evaluation in enumerate((MEASURED, UNMEASURED, STOPPED)):
        store.add_asked([Asked(number, 0, 1, {"units": number}, "initial", ())])
        store.add_evaluation(number, evaluation, [evaluation.error])
    store.close()
    return Run(store.folder)


@pytest.mark.parametrize(
    ("now", "taken"),
    [
        (fingerprint("error"), [MEASURED, UNMEASURED]),
        (fingerprint("error", "flops"), [MEASURED, UNMEASURED]),
        (fingerprint("error", "latency_ms"), [MEASURED]),
        (fingerprint("error", "bottleneck"), []),
        (fingerprint("error", epochs=6), []),
    ],
)
def test_an_answer_is_taken_over_that_has_every_objective_of_the_search(earlier, now, taken):
    assert evaluations_of(earlier, now) == taken


def test_errors_at_rungs_stay_behind_with_those_who_were_stopped_there(tmp_path):
    facts = {"status": "finished", "fingerprint": fingerprint("error"), "task": {"inputs": 4}}
    with contextlib.closing(RunStore.create(tmp_path / "earlier", "", facts)) as store:
        store.add_asked([Asked(0, 0, 1, {"units": 0}, "initial", ())])
        store.add_evaluation(0, dataclasses.replace(MEASURED, rungs=((1, 0.5),)), [0.25])
    run = Run(tmp_path / "earlier")
    assert run.records[0].evaluation.rungs == ((1, 0.5),)
    assert evaluations_of(run, fingerprint("error")) == [MEASURED]


def test_what_was_taken_over_once_stays_whatever_becomes_of_the_earlier_run(earlier, tmp_path):
    space = SearchSpace({"units": IntegerRange(1, 8)}, encode=lambda plan: {"units": plan.layers[0].units})
    with contextlib.closing(RunStore.create(tmp_path / "later", "", {})) as store:
        taken = take_over(str(earlier.folder), store, space, fingerprint("error"))
        shutil.rmtree(earlier.folder)
        assert take_over(str(earlier.folder), store, space, fingerprint("error")) == taken
    assert taken.genomes == [
        Genome({"units": 8})
    ]  # both of the hall of fame, which differ in what is not searched here
    assert taken.evaluations == [MEASURED, UNMEASURED]


DAMAGES = {
    "lost": None,
    "no JSON": "{",
    "another shape": "[]",
    "no evaluation": '{"genomes": [], "evaluations": [5]}',
    "a genome of another space": '{"genomes": [{"units": 99}], "evaluations": []}',
    "a plan that makes no sense": '{"genomes": [], "evaluations": [{"plan": {"layers": [{"units": 0}]}}]}',
}


@pytest.mark.parametrize("text", DAMAGES.values(), ids=DAMAGES)
def test_what_was_taken_over_and_is_lost_or_damaged_is_one_line_and_not_taken_again(text, earlier, tmp_path):
    space = SearchSpace({"units": IntegerRange(1, 8)}, encode=lambda plan: {"units": plan.layers[0].units})
    with contextlib.closing(RunStore.create(tmp_path / "later", "", {})) as store:
        take_over(str(earlier.folder), store, space, fingerprint("error"))
        if text is None:
            (store.folder / FILE).unlink()
        else:
            (store.folder / FILE).write_text(text)
        with pytest.raises(RunError, match=r"later/warm_start.json: cannot be read .*put a whole copy") as refused:
            take_over(str(earlier.folder), store, space, fingerprint("error"))
        assert "\n" not in str(refused.value)
        assert (store.folder / FILE).exists() == (text is not None)
