"""The commands, called as a person calls them: exit codes and what is printed. Nothing is trained here."""

from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import ganas.run
from ganas.cli import main
from ganas.search.plan import NetworkPlan
from ganas.version import __version__


@pytest.fixture
def runs(make_run, tmp_path, monkeypatch):
    """A folder with one run in ``runs``, as the working directory."""
    run = make_run()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    return run


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in ("evolve", "resume", "list", "show", "report", "train", "predict", "datasets", "info"):
        assert f"\n  {name}" in text


def test_no_command_at_all_prints_the_help(capsys):
    assert main([]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ganas {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evolv"], "No such command"),
        (["evolve", "--seed", "x"], "--seed"),
        (["show", "--nope"], "No such option"),
        (["evolve", "--generations"], "requires an argument"),
        (["evolve", "none.toml"], "none.toml: no such file"),
        (["evolve", "--set", "training.epoch=3"], "did you mean epochs?"),
        (["evolve", "--population", "0"], "[evolution] population: must be at least 2, got 0"),
        (["evolve", "--generations", "0"], "[evolution] generations: must be at least 1, got 0"),
        (["evolve", "--jobs", "0"], "[run] jobs: must be at least 1"),
        (["evolve", "--jobs=--5"], "[run] jobs: must be a whole number or 'auto', got \"--5\""),
        (["evolve", "--jobs", "²"], "[run] jobs: must be a whole number or 'auto', got"),
        (["evolve", "--minutes", "0"], "[run] minutes: must be above 0"),
        (["evolve", "--data", "none.csv"], "none.csv"),
        (["evolve", "--data", "digitz"], "did you mean 'digits'?"),
        (["evolve", "--set", "search.unit=3"], "did you mean units?"),
        (["show", "nowhere"], "not found"),
        (["show", "latest", "99"], "no rank 99"),
        (["show", "latest", "0"], "no rank 0"),
        (["show", "latest", "0", "--code"], "no rank 0"),
        (["show", "a" * 5000], "cannot be opened (File name too long)"),
        (["evolve", "--data", "a" * 5000 + ".csv"], "cannot be opened (File name too long)"),
        (["report", "nowhere"], "not found"),
        (["resume", "nowhere"], "not found"),
        (["predict", "latest", "none.csv"], "finish the run first"),
        (["train", "latest", "--plan", "none.json"], "none.json: cannot be read"),
        (["train", "latest", "-o", "model.h5"], "must be a .keras file"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(runs, capsys, arguments, message):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.startswith("ganas: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_mistake_leaves_no_run_folder_behind(tmp_path, capsys):
    assert main(["evolve", "--runs-dir", str(tmp_path / "new"), "--set", "search.units=0"]) == 2
    assert "[search] units" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_options_of_evolve_reach_the_search(monkeypatch, tmp_path, capsys):
    heard = {}

    def search(config, *, runs_dir, listener):
        heard.update(config=config, runs_dir=runs_dir)
        raise KeyboardInterrupt

    monkeypatch.setattr(ganas.run, "evolve", search)
    options = ["--data", "t.csv", "--target", "price", "--task", "regression", "--seed", "0", "--jobs", "2"]
    options += ["--population", "6", "--generations", "2", "--minutes", "1.5", "--name", "mine", "--set", "data.pca=3"]
    assert main(["evolve", *options, "--runs-dir", str(tmp_path)]) == 130
    config = heard["config"]
    assert (config.data.source, config.data.target, config.task.kind) == ("t.csv", "price", "regression")
    assert (config.run.seed, config.run.jobs, config.run.minutes, config.run.name) == (0, 2, 1.5, "mine")
    assert (config.evolution.population, config.evolution.generations, config.data.pca) == (6, 2, 3)
    assert heard["runs_dir"] == tmp_path


def test_an_option_beats_a_setting_and_a_setting_beats_the_file(monkeypatch, tmp_path):
    heard = {}
    monkeypatch.setattr(ganas.run, "evolve", lambda config, **_: heard.update(config=config) or SimpleRun())
    path = tmp_path / "c.toml"
    path.write_text("[evolution]\npopulation = 4\ngenerations = 4\n[training]\nepochs = 4\n")
    settings = ["--set", "evolution.population=5", "--set", "evolution.generations=5", "--population", "6"]
    assert main(["evolve", str(path), *settings]) == 0
    config = heard["config"]
    assert (config.evolution.population, config.evolution.generations, config.training.epochs) == (6, 5, 4)


class SimpleRun:
    status = "finished"


def test_an_interrupted_search_ends_with_its_own_exit_code(monkeypatch):
    run = SimpleRun()
    run.status = "interrupted"
    monkeypatch.setattr(ganas.run, "evolve", lambda config, **_: run)
    assert main(["evolve"]) == 130


def test_list_shows_every_run_and_leaves_out_damaged_ones(runs, capsys):
    broken = runs.folder.parent / "broken"
    broken.mkdir()
    (broken / "run.db").write_bytes(b"no database")
    assert main(["list"]) == 0
    printed = capsys.readouterr()
    assert "digits-seed0" in printed.out
    assert "finished" in printed.out
    assert "broken" in printed.err


def test_list_of_nothing_says_how_to_begin(tmp_path, capsys):
    assert main(["list", "--runs-dir", str(tmp_path)]) == 0
    assert "ganas evolve" in capsys.readouterr().out


def test_show_prints_hall_of_fame_failures_score_and_files(runs, capsys):
    assert main(["show"]) == 0
    text = capsys.readouterr().out
    for member in runs.hall_of_fame:
        assert member.in_words() in text
    for words in ("Not counted", "the loss became NaN", "validation: 0.0310 ± 0.0010", str(runs.folder.name)):
        assert words in text


@pytest.mark.parametrize("reference", ["latest", "digits-seed0", "runs/digits-seed0"])
def test_a_run_is_found_by_path_name_or_as_the_latest(runs, capsys, reference):
    assert main(["show", reference, "1"]) == 0
    assert capsys.readouterr().out.startswith(f"1. {runs.hall_of_fame[0].in_words()}")


def test_show_json_is_json(runs, capsys):
    assert main(["show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == runs.name
    assert main(["show", "latest", "2", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert NetworkPlan.from_json(data["plan"]) == runs.member(2).plan


def test_show_csv_is_csv(runs, capsys):
    assert main(["show", "--csv"]) == 0
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 60


def test_show_history_is_the_canonical_history(runs, capsys):
    assert main(["show", "--history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == list(runs.history_lines())
    assert "seconds" not in lines[0]


def test_show_code_prints_a_script(runs, capsys):
    assert main(["show", "latest", "3", "--code"]) == 0
    text = capsys.readouterr().out
    assert runs.member(3).in_words() in text
    compile(text, "script.py", "exec")


def test_report_prints_the_files_it_wrote(runs, capsys):
    assert main(["report"]) == 0
    paths = [runs.folder / "report.md", runs.folder / "report.html", runs.folder / "figures" / "fitness.png"]
    printed = capsys.readouterr().out
    for path in paths:
        assert path.is_file()
        assert str(path.relative_to(runs.folder.parent.parent)) in printed


def test_datasets_and_info_say_what_is_there(capsys):
    assert main(["datasets"]) == 0
    assert "digits" in capsys.readouterr().out
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    for words in (__version__, "tensorflow", "cores", "memory", "accelerators", "extras"):
        assert words in text


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "ganas", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"ganas {__version__}\n"


def test_a_reader_that_has_seen_enough_causes_no_complaint(runs):
    command = f"{sys.executable} -m ganas show --history | head -n 1"
    folder = runs.folder.parents[1]
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder, check=True)
    assert done.stdout.splitlines() == [next(runs.history_lines())]
    assert done.stderr == ""


@pytest.mark.parametrize("command", [["show"], ["show", "--history"], ["list"], ["datasets"]])
def test_looking_at_a_run_loads_no_heavy_package(runs, command):
    code = (
        f"import sys; from ganas.cli import main; code = main({command!r})\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'pandas', 'matplotlib', 'scipy', 'deap', 'joblib'} & set(sys.modules)\n"
        "print('loaded', sorted(heavy)); sys.exit(code)"
    )
    folder = runs.folder.parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


@pytest.mark.parametrize("command", [["show"], ["datasets"]])
def test_a_quick_command_costs_little_more_than_its_imports(runs, command):
    def processor_seconds(arguments: list[str]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], capture_output=True, cwd=runs.folder.parents[1], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def ratio() -> float:
        return processor_seconds(["-m", "ganas", *command]) / processor_seconds(["-c", "import numpy, typer"])

    # it is 2.0 to 2.2, and scikit-learn would make it 9; a busy machine stretches most laps, but not all
    assert any(ratio() < 2.5 for _ in range(30))
