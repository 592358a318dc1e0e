"""The promises of a search: same seed same answer, killed and resumed is uninterrupted, the test rows are read once."""

import contextlib
import dataclasses
import io
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from ganas.config import RunConfig, load_config, make_config
from ganas.errors import ConfigError, RunError
from ganas.evaluation import Evaluation
from ganas.execution import sharing
from ganas.generations import generation_row
from ganas.history import Run, first_reason, load_run
from ganas.listener import SilentListener
from ganas.printing import print_member
from ganas.run import evolve, resume
from ganas.search.plan import mlp_plan
from ganas.settings import with_defaults
from ganas.store import RunStore
from ganas.tasks import load_task
from ganas.training.export import answer

ROOT = Path(__file__).parents[1]
TINY = {
    "run": {"executor": "in_process", "name": "tiny"},
    "data": {"source": "iris"},
    "search": {"layers": [1, 2], "units": {"range": [2, 6]}, "activation": ["relu", "tanh"]},
    "evolution": {"engine": "generational", "population": 4, "generations": 2},
    "training": {"epochs": 2, "patience": 1},
    "final": {"candidates": 2, "repeats": 2},
}


def tiny(**sections) -> RunConfig:
    tables = {name: {**TINY.get(name, {}), **sections.get(name, {})} for name in {**TINY, **sections}}
    return make_config(tables, "test")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    """One tiny search, run to its end; read only."""
    return evolve(tiny(), runs_dir=tmp_path_factory.mktemp("runs"))


class Heard(SilentListener):
    """Remembers every notice."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def on_notice(self, text: str) -> None:
        self.notices.append(text)


def history(run: Run) -> list[str]:
    return list(run.history_lines())


def test_a_finished_run_has_all_it_promises(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert {
        "config.toml",
        "run.db",
        "hall_of_fame.json",
        "result.json",
        "best.keras",
        "pipeline.json",
        "report.md",
    } <= names
    assert any((finished.folder / "figures").iterdir())
    assert finished.status == "finished"
    assert len(history(finished)) == 8
    assert finished.facts["versions"]["keras"]
    assert [row["evaluations"] for row in finished.generations] == [4, 8]


def test_every_genome_of_a_run_is_different(finished):
    assert len({json.loads(line)["genome"].__repr__() for line in history(finished)}) == 8


def test_the_same_seed_gives_the_same_history_and_another_seed_another(finished, tmp_path):
    same = evolve(tiny(), runs_dir=tmp_path)
    other = evolve(tiny(run={"seed": 1}), runs_dir=tmp_path)
    assert history(same) == history(finished)
    assert same.result["validation"]["values"] == finished.result["validation"]["values"]
    assert history(other) != history(finished)


def test_the_test_rows_are_read_once_after_the_winner_is_fixed(tmp_path):
    config = tiny()
    task = load_task("iris")
    readings = []

    @dataclasses.dataclass(frozen=True)
    class Watched:
        inner: object

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def test_fold(self):
            run = load_run("latest", tmp_path)
            readings.append(run.status)
            return self.inner.test_fold()

    run = evolve(config, task=Watched(task), runs_dir=tmp_path)
    assert readings == ["searched"]
    assert len(run.readings) == 1


def test_the_score_of_the_saved_network_is_the_first_of_the_fresh_seeds(finished):
    result = finished.result
    assert result["saved"]["validation_error"] == result["validation"]["values"][0]
    assert result["saved"]["test_error"] == result["test"]["values"][0]
    assert result["optimism"] == pytest.approx(result["validation"]["mean"] - result["search_error"])


def test_a_run_stopped_after_a_batch_resumes_to_the_uninterrupted_history(finished, tmp_path):
    class StopAfterOne(SilentListener):
        def on_generation(self, row):
            signal.raise_signal(signal.SIGINT)

    stopped = evolve(tiny(), runs_dir=tmp_path, listener=StopAfterOne())
    assert stopped.status == "interrupted"
    assert history(stopped) == history(finished)[:4]
    again = resume(stopped.folder)
    assert history(again) == history(finished)
    assert again.result["test"]["values"] == finished.result["test"]["values"]


def test_a_run_broken_in_the_middle_of_a_batch_resumes_to_the_uninterrupted_history(finished, tmp_path):
    class Break(SilentListener):
        def on_evaluation(self, number, evaluation):
            if number == 5:
                raise MemoryError

    with pytest.raises(MemoryError):
        evolve(tiny(), runs_dir=tmp_path, listener=Break())
    broken = load_run("latest", tmp_path)
    assert len(history(broken)) >= 5
    assert history(resume(broken.folder)) == history(finished)


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_the_history_does_not_depend_on_the_number_of_workers(jobs, finished, tmp_path):
    run = evolve(tiny(run={"executor": "loky", "jobs": jobs}), runs_dir=tmp_path)
    assert history(run) == history(finished)


def test_a_run_killed_at_random_moments_resumes_to_the_uninterrupted_history(finished, tmp_path):
    config = tiny(run={"executor": "loky", "jobs": 2})
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml())
    command = [sys.executable, "-m", "ganas", "evolve", str(path), "--runs-dir", str(tmp_path / "runs"), "--quiet"]
    moments = random.Random(0)
    for _ in range(3):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("runs/*/run.db")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(moments.uniform(0, 12))
        process.send_signal(signal.SIGKILL)
        process.wait()
        command = [sys.executable, "-m", "ganas", "resume", "latest", "--runs-dir", str(tmp_path / "runs"), "--quiet"]
    run = resume("latest", runs_dir=tmp_path / "runs")
    assert history(run) == history(finished)
    assert run.result["test"]["values"] == finished.result["test"]["values"]


@pytest.mark.parametrize("missing", ["result.json", "report.md"])
def test_a_run_broken_after_the_test_rows_were_read_writes_its_files_and_reads_them_no_second_time(
    missing, finished, tmp_path, monkeypatch
):
    written = RunStore.write_json

    def write_json(store, name, value):
        if name == missing:
            raise MemoryError
        written(store, name, value)

    def write_report(run):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(RunStore, "write_json", write_json)
        patched.setattr("ganas.report.write_report", write_report)
        with pytest.raises(MemoryError):
            evolve(tiny(), runs_dir=tmp_path)
    stopped = load_run("latest", tmp_path)
    assert stopped.status == "searched"
    assert not (stopped.folder / missing).exists()
    again = resume(stopped.folder)
    assert again.status == "finished"
    assert len(again.readings) == 1
    assert again.result == stopped.result
    assert {path.name for path in again.folder.iterdir()} == {path.name for path in finished.folder.iterdir()}


def test_a_request_to_stop_while_the_winner_is_assessed_stops_at_once_and_resume_assesses_it(
    finished, tmp_path, monkeypatch
):
    def assess(*given, **options):
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("went on")

    monkeypatch.setattr("ganas.run.assess_winner", assess)
    run = evolve(tiny(), runs_dir=tmp_path)
    assert run.status == "interrupted"
    monkeypatch.undo()
    resumed = resume(run.folder)
    assert resumed.status == "finished"
    assert resumed.result["validation"] == finished.result["validation"]


def test_resuming_a_finished_run_says_so_and_changes_nothing(finished):
    before = (finished.folder / "run.db").read_bytes()
    said = []

    class Ear(SilentListener):
        def on_notice(self, text):
            said.append(text)

    assert resume(finished.folder, listener=Ear()).status == "finished"
    assert "is finished" in said[0]
    assert (finished.folder / "run.db").read_bytes() == before


def test_an_extended_run_goes_on_and_marks_the_second_reading(tmp_path):
    run = evolve(tiny(), runs_dir=tmp_path)
    first = history(run)
    longer = resume(run.folder, generations=3)
    assert history(longer)[:8] == first
    assert len(history(longer)) == 12
    assert [reading["evaluations"] for reading in longer.readings] == [8, 12]
    assert longer.result["reading"] == 2
    assert longer.result["first_test"] == run.readings[0]["test"]
    straight = evolve(tiny(run={"name": "straight"}, evolution={"generations": 3}), runs_dir=tmp_path)
    assert history(straight) == history(longer)


def test_minutes_given_to_resume_hold_for_the_next_one_too(tmp_path):
    run = evolve(tiny(run={"minutes": 5}, evolution={"generations": 1}), runs_dir=tmp_path)
    assert resume(run.folder, minutes=7).facts["minutes"] == 7
    assert resume(run.folder, generations=2).facts["minutes"] == 7


def test_no_minutes_or_generations_at_all_are_refused(finished):
    with pytest.raises(ConfigError, match=r"\[run\] minutes: must be above 0, got 0"):
        resume(finished.folder, minutes=0)
    with pytest.raises(ConfigError, match=r"\[evolution\] generations: must be at least 1, got 0"):
        resume(finished.folder, generations=0)


def test_a_batch_and_its_row_of_the_generation_log_are_committed_together(finished, tmp_path, monkeypatch):
    def break_off(store, number, row):
        raise MemoryError

    monkeypatch.setattr(RunStore, "add_generation", break_off)
    with pytest.raises(MemoryError):
        evolve(tiny(), runs_dir=tmp_path)
    monkeypatch.undo()
    broken = load_run("latest", tmp_path)
    assert "told" not in broken.facts
    whole = resume(broken.folder)
    assert history(whole) == history(finished)
    assert [row["evaluations"] for row in whole.generations] == [4, 8]


def test_a_run_whose_data_changed_is_refused(tmp_path):
    table = tmp_path / "t.csv"
    rows = "\n".join(f"{i % 7},{i % 5},{'ab'[i % 2]}" for i in range(60))
    table.write_text("x,y,label\n" + rows)
    config = tiny(data={"source": str(table), "target": "label"}, run={"name": "table"})
    run = evolve(config, runs_dir=tmp_path / "runs")
    table.write_text("x,y,label\n" + rows.replace("6", "9"))
    with pytest.raises(RunError, match="data changed since the run began"):
        resume(run.folder, generations=3)


@pytest.mark.parametrize(
    ("edit", "what"),
    [(("seed = 0", "seed = 7"), "seed"), (("rungs = []", "rungs = [0.5]"), "rungs")],
    ids=["seed", "rungs"],
)
def test_a_run_whose_config_was_edited_is_refused(edit, what, tmp_path):
    run = evolve(tiny(budget={"rungs": []}, evolution={"generations": 1}), runs_dir=tmp_path)
    path = run.folder / "config.toml"
    before, after = edit
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(RunError, match=f"{what} changed since the run began"):
        resume(run.folder, generations=2)


@pytest.mark.parametrize("engine", ["nsga2", "mu_plus_lambda", "surrogate_assisted"])
def test_a_last_batch_that_was_broken_off_keeps_its_candidates_where_the_run_is_extended(engine, tmp_path):
    class Break(SilentListener):
        def on_evaluation(self, number, evaluation):
            if number == 6:
                raise KeyboardInterrupt

    # 8 evaluations by 3: the last batch is one of 2, which would be of 3 had there been 3 generations
    evolution = {"engine": engine, "population": 4, "ask": 3, "generations": 2}
    broken = evolve(tiny(evolution=evolution), runs_dir=tmp_path, listener=Break())
    before = {record.number: (record.genome, record.evaluation) for record in broken.records}
    assert before[6][1] is not None
    whole = resume(broken.folder, generations=3)
    after = {record.number: record for record in whole.records}
    assert [after[number].genome for number in before] == [genome for genome, _ in before.values()]
    assert after[6].evaluation == before[6][1]
    assert len(whole.evaluated) == 12


def test_a_finite_space_ends_the_run_and_says_so(tmp_path):
    config = tiny(
        search={"layers": 1, "units": [2, 3], "activation": "relu", "learning_rate": 0.01}, evolution={"generations": 5}
    )
    run = evolve(config, runs_dir=tmp_path)
    assert len(history(run)) == 2
    assert run.facts["ended_by"] == "every genome of the search space has been evaluated"


def test_a_search_in_which_everything_fails_is_one_line(tmp_path):
    with pytest.raises(
        RunError, match=r"no candidate was trained to its end \(.*\): the first reason: .* parameters, more than"
    ):
        evolve(tiny(training={"max_parameters": 1}), runs_dir=tmp_path)


def test_a_search_whose_candidates_were_all_stopped_says_so():
    stopped = SimpleNamespace(evaluation=Evaluation(mlp_plan([(2, "relu")]), 0, "stopped", error=0.5))
    failed = SimpleNamespace(evaluation=Evaluation(mlp_plan([(2, "relu")]), 0, "failed", message="first\nsecond"))
    assert first_reason(SimpleNamespace(evaluated=[stopped])) == "all were stopped at a rung"
    assert first_reason(SimpleNamespace(evaluated=[stopped, failed])) == "the first reason: first"
    assert first_reason(SimpleNamespace(evaluated=[])).startswith("there was no time for a single one; resume")


@pytest.mark.parametrize(
    ("sections", "place"),
    [
        ({"evolution": {"engine": "annealing"}}, r"\[evolution\] engine"),
        ({"evolution": {"options": {"seed": 1}}}, r"\[evolution\] seed"),
        ({"evolution": {"options": {"population": 8}}}, r"\[evolution\] population"),
        ({"evolution": {"objectives": ["error", "bottleneck"]}}, r"\[evolution\] objectives"),
        ({"budget": {"rungs": "quartering"}}, r"\[budget\] rungs"),
        ({"training": {"trainer": "torch"}}, r"\[training\] trainer"),
        ({"search": {"start": [{"layers": [{"units": 2}], "depth": 1}]}}, r"\[search\] start"),
        ({"search": {"loss": ["kl", "hubr"]}}, r"\[search\] loss 'hubr'"),
    ],
)
def test_a_mistake_in_the_settings_leaves_no_folder(sections, place, tmp_path):
    with pytest.raises(ConfigError, match=f"^{place}"):
        evolve(tiny(**sections), runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_search_without_pickles_leaves_none_on_disk(finished):
    assert not [path for path in finished.folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]


def test_early_stopping_across_candidates_stops_some_and_repeats_exactly(finished, tmp_path):
    config = tiny(budget={"rungs": [0.25]}, training={"epochs": 4, "patience": None})
    run = evolve(config, runs_dir=tmp_path)
    statuses = {record.evaluation.status for record in run.evaluated}
    assert statuses == {"ok", "stopped"}
    assert all(record.evaluation.epochs == 1 for record in run.evaluated if record.evaluation.status == "stopped")
    assert all(member.evaluation.is_ok for member in run.hall_of_fame)
    assert history(evolve(config, runs_dir=tmp_path / "again")) == history(run)


@pytest.mark.parametrize("rungs", [[0.25, 0.5], "hyperband"])
def test_a_search_with_rungs_broken_among_its_stopped_candidates_resumes_to_the_same_history(rungs, tmp_path):
    config = tiny(
        task={"metric": "log_loss"},  # which knows no ties
        budget={"rungs": rungs, "window": 5},
        training={"epochs": 8, "patience": 8},
        evolution={"engine": "generational", "population": 6, "generations": 4},
    )
    whole = evolve(config, runs_dir=tmp_path / "whole")

    class Break(SilentListener):
        def __init__(self, first):
            self.first, self.stopped = first, 0

        def on_evaluation(self, number, evaluation):
            self.stopped += evaluation.status == "stopped" and number >= self.first
            if self.stopped == 3:  # all or most of the losers of a batch, no winner
                raise MemoryError

    # in the first batch, and after brackets have taken turns
    for first in (0, 6):
        with pytest.raises(MemoryError):
            evolve(config, runs_dir=tmp_path / f"broken{first}", listener=Break(first))
        broken = load_run("latest", tmp_path / f"broken{first}")
        assert len(broken.evaluated) < len(whole.evaluated)
        assert history(resume(broken.folder)) == history(whole)


def test_a_warm_start_asks_the_earlier_hall_of_fame_first_and_trains_none_of_it_again(finished, tmp_path):
    heard = Heard()
    run = evolve(tiny(run={"warm_start": str(finished.folder), "seed": 5}), runs_dir=tmp_path, listener=heard)
    first = run.records[: len(finished.hall_of_fame)]
    assert [record.genome for record in first] == [member.record.genome for member in finished.hall_of_fame]
    assert all(record.operator == "start" for record in first)
    assert [record.evaluation for record in first] == [member.evaluation for member in finished.hall_of_fame]
    told = [record.evaluation for record in run.evaluated]
    known = [record.evaluation for record in finished.evaluated if record.is_ok]
    assert (
        f"{sum(one in known for one in told)} of its {len(told)} evaluations are answers of {finished.name}."
        in heard.notices
    )


def test_it_is_said_which_networks_only_keras_can_train(tmp_path):
    heard = Heard()
    only = tiny(search={"optimizer": "lamb"}, evolution={"population": 2, "generations": 1}, training={"epochs": 1})
    run = evolve(only, runs_dir=tmp_path, listener=heard)
    (said,) = [text for text in heard.notices if "by Keras" in text]
    assert said.startswith(
        "2 of its 2 networks were trained one by one by Keras, which took 100 % of the training time"
    )
    console = Console(width=300, record=True, file=io.StringIO())
    print_member(console, run.member(1))
    assert "by the keras trainer (optimizer lamb looks at whole tensors, or is unknown), seed" in console.export_text()


def test_a_warm_started_search_goes_on_without_the_earlier_run(finished, tmp_path):
    earlier = shutil.copytree(finished.folder, tmp_path / "earlier")
    config = tiny(run={"warm_start": str(earlier), "seed": 5})
    shorter = config.with_values({"evolution.generations": config.evolution.generations - 1}, "test")
    begun = evolve(shorter, runs_dir=tmp_path / "shorter")
    whole = evolve(config, runs_dir=tmp_path / "whole")
    shutil.rmtree(earlier)
    assert history(resume(begun.folder, generations=config.evolution.generations)) == history(whole)


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["deleted", "emptied"])
def test_resume_makes_lost_files_of_a_finished_run_again(lose, finished, tmp_path):
    run = Run(shutil.copytree(finished.folder, tmp_path / "run"))
    names = finished.facts["pipeline"]["preprocessing"]["numbers"]["names"]
    rows = {name: np.linspace(0, 4, 7, dtype=np.float32) for name in names}
    answers = answer(run.folder / "best.keras", rows)
    pipeline = (run.folder / "pipeline.json").read_text()
    for name in ("best.keras", "pipeline.json"):
        lose(run.folder / name)
    again = resume(run.folder)
    np.testing.assert_array_equal(answer(run.folder / "best.keras", rows), answers)
    assert (run.folder / "pipeline.json").read_text() == pipeline
    assert again.readings == finished.readings


def test_lost_files_are_made_again_by_one_process_at_a_time(finished, tmp_path):
    run = Run(shutil.copytree(finished.folder, tmp_path / "run"))
    (run.folder / "best.keras").unlink()
    with contextlib.closing(RunStore.open(run.folder)), pytest.raises(RunError, match="another process is working on"):
        resume(run.folder)
    assert not (run.folder / "best.keras").exists()


def test_rows_that_cannot_be_read_end_the_search_and_are_no_failure_of_the_candidates(tmp_path):
    class Lose(SilentListener):
        def on_generation(self, row):
            sharing.fetch.cache_clear()
            for path in Path(tempfile.gettempdir()).glob("ganas-*/*"):
                path.unlink()

    config = tiny()
    with pytest.MonkeyPatch.context() as patch:
        (tmp_path / "temporary").mkdir()
        patch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        with pytest.raises(RunError, match=r"a worker can load neither TensorFlow nor the rows \(FileNotFound"):
            evolve(config, runs_dir=tmp_path / "broken", listener=Lose())
    broken = load_run("latest", tmp_path / "broken")
    assert all(record.is_ok for record in broken.evaluated)
    assert history(resume(broken.folder)) == history(evolve(config, runs_dir=tmp_path / "whole"))


def test_a_hall_of_fame_of_one_does_not_keep_the_others_from_the_race(tmp_path):
    run = evolve(tiny(evolution={"hall_of_fame": 1, "generations": 1}), runs_dir=tmp_path)
    assert len(run.hall_of_fame) == 1
    assert len(run.result["finalists"]) == 2


def test_a_warm_start_says_who_lies_outside_the_search(finished, tmp_path):
    heard = Heard()
    config = tiny(
        run={"warm_start": str(finished.folder)}, search={"units": {"range": [7, 9]}}, evolution={"generations": 1}
    )
    evolve(config, runs_dir=tmp_path, listener=heard)
    count = len(finished.hall_of_fame)
    assert f"warm start: {count} of the {count} best of {finished.name} lie outside this search" in heard.notices[0]


def test_a_warm_start_with_another_budget_trains_again(finished, tmp_path):
    config = tiny(run={"warm_start": str(finished.folder)}, training={"epochs": 1}, evolution={"generations": 1})
    run = evolve(config, runs_dir=tmp_path)
    assert run.records[0].genome == finished.hall_of_fame[0].record.genome
    assert run.records[0].evaluation.epochs == 1


@pytest.mark.usefixtures("finished")  # TensorFlow has started and compiled by then
def test_minutes_end_a_search_in_time_and_leave_a_finished_run(tmp_path):
    run = evolve(tiny(run={"minutes": 0.1}, evolution={"generations": 100_000}), runs_dir=tmp_path)
    assert run.facts["ended_by"] == "0.1 minutes are over"
    assert run.status == "finished"
    assert len(run.evaluated) < 400_000
    assert all(record.evaluation.status != "timed_out" for record in run.evaluated)


def test_minutes_that_are_short_cut_the_race_which_is_said_and_holds_for_a_resumed_assessment(tmp_path, monkeypatch):
    searched = []

    def fits(config, told, jobs, folds, seconds):
        searched.append(seconds)
        return 2, 1

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    class Heard(SilentListener):
        notices = ()

        def on_notice(self, text: str) -> None:
            self.notices = (*self.notices, text)

    config = tiny(run={"minutes": 5}, final={"candidates": 3, "repeats": 2})
    monkeypatch.setattr("ganas.budget.race_that_fits", fits)
    with monkeypatch.context() as patch:
        patch.setattr("ganas.run.assess_winner", interrupted)
        broken = evolve(config, runs_dir=tmp_path)
    assert broken.status == "interrupted"
    heard = Heard()
    run = resume(broken.folder, listener=heard)
    assert [len(finalist["errors"]) for finalist in run.result["finalists"]] == [1, 1]
    assert len(run.result["validation"]["values"]) == 2
    assert any("a race of 2 over 1 laps, instead of 3 over 2 laps" in notice for notice in heard.notices)
    assert searched[0] == searched[1] < run.facts["seconds"]


def test_where_a_first_batch_takes_half_of_the_minutes_one_of_it_is_trained_alone(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ganas.run.search_seconds", lambda *_: 0.0)  # the time of the batch is up at once
        run = evolve(tiny(run={"minutes": 5}), runs_dir=tmp_path)
    assert [record.number for record in run.evaluated] == [0]
    assert run.facts["ended_by"] == "5 minutes are over"
    whole = resume(run.folder, minutes=10)
    assert history(whole) == history(evolve(tiny(), runs_dir=tmp_path))


def test_a_first_batch_broken_off_after_half_of_the_minutes_leaves_one_to_be_trained_alone_on_resuming(tmp_path):
    class Break(SilentListener):
        def on_start(self, summary):
            raise KeyboardInterrupt

    broken = evolve(tiny(run={"minutes": 5}), runs_dir=tmp_path, listener=Break())
    with contextlib.closing(RunStore.open(broken.folder)) as store:
        store.put(seconds=200.0)
    run = resume(broken.folder)
    assert [record.number for record in run.evaluated] == [0]
    assert run.facts["ended_by"] == "5 minutes are over"


@pytest.mark.parametrize(
    ("budget", "reason", "evaluations"),
    [
        ({"trainings": 5}, "5 evaluations are done", 5),
        ({"epochs": 6}, "6 epochs are trained", 4),
        ({"target_error": 1.0}, "reaches the target 1", 4),
        ({"patience": 1}, "1 evaluations brought nothing better", None),
    ],
)
def test_what_runs_out_first_ends_the_search_and_is_said(budget, reason, evaluations, tmp_path):
    run = evolve(tiny(budget=budget, evolution={"generations": 50}), runs_dir=tmp_path)
    assert reason in run.facts["ended_by"]
    assert evaluations is None or len(run.evaluated) == evaluations


def test_a_generation_row_counts_what_failed_and_what_was_stopped():
    plans = [mlp_plan([(units, "relu")]) for units in (1, 2, 3)]
    told = [
        Evaluation(plans[0], 0, "ok", 0.3, parameters=5),
        Evaluation(plans[1], 0, "failed"),
        Evaluation(plans[2], 0, "stopped", 0.9),
    ]
    row = generation_row(told, 1, 3, 1.0)
    assert (row["best"], row["mean"], row["failures"], row["stopped"], row["unique"]) == (0.3, 0.3, 1, 1, 3)


def test_the_callers_seeds_are_left_alone(tmp_path):
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002 (the global state is what is watched)
    evolve(tiny(run={"executor": "loky", "jobs": 1}, evolution={"generations": 1}), runs_dir=tmp_path)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_a_member_of_the_hall_of_fame_comes_back_as_the_network_of_the_search(finished):
    member = finished.hall_of_fame[0]
    model = member.model()
    assert model.count_params() == member.evaluation.parameters
    fold = load_task("iris").fold(0)
    outputs = model.predict(fold.data.x_validation, verbose=0)
    assert fold.measure(outputs)["error"] == pytest.approx(member.error)


def test_an_engine_that_learns_from_every_result_is_asked_for_eight_at_once_unless_told_otherwise():
    def ask(**evolution):
        return with_defaults(make_config({"evolution": evolution}, "test"), load_task("iris")).evolution.ask

    assert ask() == ask(population=50) == ask(engine="regularized") == 8
    assert ask(population=5) == 5
    assert ask(engine="nsga2", population=12) == ask(engine="random", population=12) == 12
    assert ask(ask=3) == ask(ask=3, engine="random") == 3


@pytest.mark.parametrize(
    ("ask", "said"), [(2, ["of 3 workers 2 have work at a time; [evolution] ask = 3 uses all"]), (3, [])]
)
def test_a_search_that_asks_for_fewer_than_it_has_workers_says_so(ask, said, tmp_path):
    lines = []

    class Begun(SilentListener):
        def on_start(self, summary):
            lines.extend(summary.lines)
            raise KeyboardInterrupt

    run = evolve(tiny(run={"executor": "loky", "jobs": 3}, evolution={"ask": ask}), runs_dir=tmp_path, listener=Begun())
    assert run.status == "interrupted"
    assert [line for line in lines if "workers" in line] == said


def test_a_search_limited_in_trained_epochs_stops_candidates_early_unless_told_otherwise():
    def rungs(**sections):
        return with_defaults(make_config(sections, "test"), load_task("iris")).budget.rungs

    assert rungs(budget={"epochs": 800}) == "successive_halving"
    assert rungs(budget={"epochs": 800, "rungs": []}) == ()
    assert rungs(budget={"epochs": 800, "rungs": [0.5]}) == (0.5,)
    assert rungs(budget={"epochs": 800}, evolution={"engine": "random"}) == ()
    assert rungs(budget={"epochs": 800}, evolution={"objectives": ["error", "parameters"]}) == ()
    assert rungs() == ()


def test_the_commented_digits_config_says_what_is_searched_without_a_config():
    task = load_task("digits")
    written = with_defaults(load_config(ROOT / "configs" / "digits.toml"), task)
    assert written == with_defaults(load_config(None), task)
