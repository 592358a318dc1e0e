"""The promises of a comparison: equal seeds, honest tables, one failure ends nothing, killed and resumed is uninterrupted."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace

import pytest
from rich.console import Console

from ganas.cli import main
from ganas.compare import SilentListener, compare, resume_comparison
from ganas.comparison.config import ComparisonConfig, make_comparison
from ganas.comparison.screen import print_comparison
from ganas.errors import ConfigError, RunError
from ganas.history import Run, load_run
from ganas.report.comparison import ComparedVariants, curve_rows, training_rows, variant_rows
from ganas.report.comparison_figures import COMPARISON_FIGURES
from ganas.report.comparison_page import write_comparison
from ganas.statistics import confidence_half_width

ROOT = Path(__file__).parents[1]
TINY = {
    "title": "Tiny",
    "run": {"executor": "in_process", "name": "tiny"},
    "data": {"source": "iris"},
    "compare": {"seeds": 3, "base": "relu"},
    "training": {"epochs": 3},
    "base": {"layers": [6, 4], "learning_rate": 0.01},
}
RELU, TWIN, TANH = {"name": "relu"}, {"name": "twin"}, {"name": "tanh", "activation": "tanh"}
BROKEN = {"name": "broken", "optimizer": "sgd", "learning_rate": 1e30}
TUNED = {"name": "tuned", "tune": [{"learning_rate": 1e-6}, {"learning_rate": 0.02}]}


def tiny(*variants, **sections) -> ComparisonConfig:
    tables = {**TINY, "variant": variants or (RELU, TANH)}
    tables.update({name: {**TINY.get(name, {}), **table} for name, table in sections.items()})
    if "updates" in tables["training"]:
        tables["training"].pop("epochs")
    return make_comparison(tables, "test")


def answers(run: Run) -> list[str]:
    """Returns all that a comparison answered, without timings."""
    rows = training_rows(ComparedVariants(run))
    return [json.dumps({k: v for k, v in row.items() if k != "seconds"}) for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    """One tiny comparison, run to its end; read only."""
    return compare(tiny(RELU, TWIN, TANH, BROKEN, TUNED), runs_dir=tmp_path_factory.mktemp("runs"))


def test_the_screen_names_whom_a_difference_is_against_where_there_are_several(finished, tmp_path):
    wide = {"name": "wide", "layers": [8, 4], "against": "tanh"}
    run = compare(tiny(RELU, TANH, wide, compare={"seeds": 2}, training={"epochs": 1}), runs_dir=tmp_path)

    def printed(run: Run) -> dict[str, str]:
        stream = io.StringIO()
        print_comparison(Console(file=stream, width=300), run)
        return {line.split()[0]: line for line in stream.getvalue().splitlines() if line.strip()}

    lines = printed(run)
    assert ("(to tanh)" in lines["wide"], "(to relu)" in lines["tanh"], "(to" in lines["relu"]) == (True, True, False)
    assert not any("(to " in line for line in printed(finished).values())


def rows_of(run: Run) -> dict[str, dict]:
    return {row["variant"]: row for row in variant_rows(ComparedVariants(run))}


def test_a_finished_comparison_has_all_it_promises(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert {"config.toml", "run.db", "report.md", "variants.csv", "trainings.csv", "curves.csv", "figures"} <= names
    assert "weights" not in names
    assert {path.name for path in (finished.folder / "figures").iterdir()} >= {"error.png", "boxes.png"}
    assert finished.status == "finished"


def test_the_same_plan_under_two_names_gives_the_same_numbers_seed_by_seed(finished):
    compared = ComparedVariants(finished)
    assert compared.errors("relu", "test") == compared.errors("twin", "test")
    row = rows_of(finished)["twin"]
    assert (row["difference"], row["p"]) == (0.0, 1.0)


def test_variants_share_the_seeds_of_their_trainings(finished):
    compared = ComparedVariants(finished)
    seeds = {name: [one.evaluation.seed for one in compared.trainings[name]] for name in ("relu", "tanh")}
    assert seeds["relu"] == seeds["tanh"]
    assert len(set(seeds["relu"])) == 3


def test_a_failing_variant_ends_nothing_and_says_why(finished):
    row = rows_of(finished)["broken"]
    assert (row["seeds"], row["counted"], row["test_error"], row["difference"]) == (3, 0, None, None)
    assert row["failures"].startswith("diverged: ")
    assert "broken: diverged: " in (finished.folder / "report.md").read_text()
    assert rows_of(finished)["tanh"]["counted"] == 3


def test_the_table_is_what_the_records_say(finished):
    tests = finished.readings[0]["networks"]
    for name in ("relu", "tanh"):
        mine = [r for r in finished.records if r.operator == "variant" and r.genome["variant"] == name]
        validation = [record.evaluation.error for record in mine]
        test = [tests[str(record.number)]["error"] for record in mine]
        row = rows_of(finished)[name]
        assert row["validation_error"] == fmean(validation)
        assert row["validation_half_width"] == confidence_half_width(validation)
        assert row["test_error"] == fmean(test)
    with (finished.folder / "trainings.csv").open() as stream:
        written = {(row["variant"], int(row["seed"])): row for row in csv.DictReader(stream)}
    assert len(written) == 15
    assert float(written["tanh", 2]["test_error"]) == test[2]


def test_the_network_that_counts_is_that_of_the_best_point(finished):
    for one in ComparedVariants(finished).trainings["relu"]:
        curve = one.evaluation.curves[0]
        best = curve["val_loss"].index(min(curve["val_loss"]))
        assert one.evaluation.error == curve["error"][best]
        assert one.evaluation.best_epoch == best + 1


def test_every_variant_says_gap_dead_units_and_the_time_of_a_step(finished):
    row = rows_of(finished)["relu"]
    assert row["gap"] == pytest.approx(row["validation_error"] - row["train_error"])
    assert len(row["dead"]) == 2
    assert all(0 <= share <= 1 for share in row["dead"])
    assert row["step_milliseconds"] > 0
    assert row["parameters"] == 4 * 6 + 6 + 6 * 4 + 4 + 4 * 3 + 3


def test_curves_have_a_point_per_epoch_and_a_band(finished):
    rows = curve_rows(ComparedVariants(finished), "tanh", "error")
    assert [row["updates"] for row in rows] == [3, 6, 9]
    assert all(row["low"] <= row["mean"] <= row["high"] for row in rows)


def test_a_drawn_curve_ends_where_half_of_the_seeds_have_stopped():
    def training(points):
        curve = {"updates": [10 * point for point in range(1, points + 1)], "error": [0.5 / points] * points}
        return SimpleNamespace(evaluation=SimpleNamespace(is_ok=True, curves=[curve]))

    compared = SimpleNamespace(
        names=["relu"],
        trainings={"relu": [training(points) for points in (5, 4, 3, 3)]},
        run=SimpleNamespace(facts={"task": {"error_in_words": "1 - accuracy"}}),
    )
    assert [row["seeds"] for row in curve_rows(compared, "relu", "error")] == [4, 4, 4, 2, 1]
    (line,) = COMPARISON_FIGURES["error"](compared).axes[0].lines
    assert list(line.get_xdata()) == [10, 20, 30]


def test_the_alternative_with_the_lower_validation_error_is_chosen_with_seeds_of_its_own(finished):
    tuning = [record for record in finished.records if record.operator == "tuning"]
    assert len(tuning) == 4
    assert finished.facts["chosen"] == {"tuned": {"learning_rate": 0.02}}
    compared = {r.evaluation.seed for r in finished.records if r.operator == "variant"}
    assert not compared & {record.evaluation.seed for record in tuning}


def test_the_test_rows_are_read_once_after_all_training(tmp_path):
    class Watch(SilentListener):
        trained = 0

        def on_training(self, label, evaluation):
            Watch.trained += 1
            assert not load_run("latest", tmp_path).readings

    run = compare(tiny(), runs_dir=tmp_path, listener=Watch())
    assert Watch.trained == 6
    assert len(run.readings) == 1


def test_a_comparison_stopped_in_the_middle_resumes_to_the_uninterrupted_one(finished, tmp_path):
    class Stop(SilentListener):
        heard = 0

        def on_training(self, label, evaluation):
            Stop.heard += 1
            if Stop.heard == 7:
                signal.raise_signal(signal.SIGINT)

    stopped = compare(tiny(RELU, TWIN, TANH, BROKEN, TUNED), runs_dir=tmp_path, listener=Stop())
    assert stopped.status == "interrupted"
    assert 7 <= len(stopped.evaluated) < 19
    assert answers(resume_comparison(stopped.folder)) == answers(finished)


def test_a_comparison_killed_at_any_moment_resumes_to_the_uninterrupted_one(finished, tmp_path):
    config = tiny(RELU, TWIN, TANH, BROKEN, TUNED, run={"executor": "loky", "jobs": 2})
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml())
    runs = tmp_path / "runs"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "ganas", "compare", str(path), "--runs-dir", str(runs)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)
    for _ in range(1200):
        with contextlib.suppress(RunError):  # not made yet
            if len(load_run("latest", runs).evaluated) >= 3:
                break
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert load_run("latest", runs).status == "running"
    assert main(["resume", "latest", "--runs-dir", str(runs), "--quiet"]) == 0
    assert answers(load_run("latest", runs)) == answers(finished)


def test_a_base_that_fails_is_said_in_one_line_and_the_table_is_there(tmp_path):
    with pytest.raises(
        RunError, match=r"the base 'broken' failed with every seed \(diverged: .*choose another"
    ) as caught:
        compare(tiny(RELU, BROKEN, compare={"seeds": 2, "base": "broken"}), runs_dir=tmp_path)
    assert "\n" not in str(caught.value)
    run = load_run("latest", tmp_path)
    assert run.status == "finished"
    assert rows_of(run)["relu"]["counted"] == 2
    assert rows_of(run)["relu"]["difference"] is None
    assert (run.folder / "report.md").exists()


def test_what_only_keras_can_refuse_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(ConfigError, match=r"\[variant \"bad\"\] cannot be built: optimizer 'adm'"):
        compare(tiny(RELU, {"name": "bad", "optimizer": "adm"}), runs_dir=tmp_path)
    assert not list(tmp_path.iterdir())


def test_budgets_in_updates_are_cut_exactly(tmp_path):
    config = tiny(RELU, TANH, training={"updates": 10, "record": 4}, compare={"seeds": 2})
    run = compare(config, runs_dir=tmp_path)
    assert [row["updates"] for row in curve_rows(ComparedVariants(run), "relu", "loss")] == [4, 8, 10]


def test_where_the_test_rows_validate_both_errors_are_the_same_and_the_last_weights_count(tmp_path):
    run = compare(tiny(RELU, TANH, data={"validation": "test"}, compare={"seeds": 2}), runs_dir=tmp_path)
    for row in rows_of(run).values():
        assert row["validation_error"] == pytest.approx(row["test_error"])
    curve = run.evaluated[0].evaluation.curves[0]
    assert run.evaluated[0].evaluation.error == curve["error"][-1]
    assert "test rows, used as validation rows" in (run.folder / "report.md").read_text()


def test_without_validation_rows_all_rows_train(tmp_path):
    run = compare(tiny(RELU, TANH, data={"validation": 0}, compare={"seeds": 2}), runs_dir=tmp_path)
    assert "there are no validation rows" in (run.folder / "report.md").read_text()
    assert all(row["validation_error"] == pytest.approx(row["train_error"]) for row in rows_of(run).values())


def test_a_network_over_the_limit_is_not_trained(tmp_path):
    big = {"name": "big", "layers": [200]}
    run = compare(tiny(RELU, big, training={"max_parameters": 500}, compare={"seeds": 2}), runs_dir=tmp_path)
    assert rows_of(run)["big"]["failures"].startswith("too_large: 1603 parameters")


def test_a_finished_comparison_is_not_gone_on_with_and_a_search_is_no_comparison(finished, make_run):
    heard = []

    class Hear(SilentListener):
        def on_notice(self, text):
            heard.append(text)

    (finished.folder / "report.md").unlink()
    assert answers(resume_comparison(finished.folder, listener=Hear())) == answers(finished)
    assert (finished.folder / "report.md").exists()
    assert "is finished" in heard[0]
    with pytest.raises(RunError, match="is a search, not a comparison"):
        resume_comparison(make_run().folder)


def test_a_changed_config_is_not_gone_on_with(tmp_path):
    class Stop(SilentListener):
        def on_training(self, label, evaluation):
            signal.raise_signal(signal.SIGINT)

    run = compare(tiny(), runs_dir=tmp_path, listener=Stop())
    config = run.folder / "config.toml"
    config.write_text(config.read_text().replace("epochs = 3", "epochs = 4"))
    with pytest.raises(RunError, match="training changed since the run began"):
        resume_comparison(run.folder)


def test_the_report_can_be_written_again_from_the_records(finished):
    before = (finished.folder / "report.md").read_text()
    write_comparison(Run(finished.folder))
    assert (finished.folder / "report.md").read_text() == before


def test_the_commands_show_list_and_report_a_comparison(finished, capsys):
    runs = ["--runs-dir", str(finished.folder.parent)]
    assert main(["show", "latest", *runs]) == 0
    shown = capsys.readouterr().out
    assert "Tiny: finished" in shown
    assert "tanh" in shown
    assert "broken: diverged" in shown
    assert main(["list", *runs]) == 0
    assert "19" in capsys.readouterr().out
    assert main(["report", "latest", *runs]) == 0
    assert "report.md" in capsys.readouterr().out


def test_a_bad_config_ends_the_command_with_one_line(tmp_path, capsys):
    path = tmp_path / "c.toml"
    path.write_text('[[variant]]\nname = "a"\nlos = "mse"\n[[variant]]\nname = "b"\n')
    assert main(["compare", str(path), "--runs-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f'ganas: {path} [variant "a"] los: unknown key; did you mean loss?\n'
    assert main(["compare", str(tmp_path / "none.toml")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_the_command_prints_a_line_per_training_and_the_table(tmp_path, capsys):
    path = tmp_path / "c.toml"
    path.write_text(tiny(compare={"seeds": 2}).to_toml())
    assert main(["compare", str(path), "--runs-dir", str(tmp_path / "runs"), "--set", "training.epochs=1"]) == 0
    shown = capsys.readouterr().out
    assert "relu, seed 0: error " in shown
    assert "tanh, seed 1: error " in shown
    assert "test rows: read once" in shown


def test_autoencoders_are_compared_like_anything_else(tmp_path):
    base = {"layers": [3, 2, 3], "bottleneck": 1}
    config = tiny({"name": "plain"}, {"name": "tied", "tied": True}, compare={"seeds": 2, "base": "plain"})
    tables = {**config.model_dump(exclude_unset=True), "base": base, "task": {"kind": "reconstruction"}}
    run = compare(make_comparison(tables, "test"), runs_dir=tmp_path)
    rows = rows_of(run)
    assert all(row["counted"] == 2 and row["gap"] is not None for row in rows.values())
    assert rows["tied"]["parameters"] < rows["plain"]["parameters"]
