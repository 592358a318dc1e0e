"""The commands: what a person types, handed on to the parts that do it. No logic; heavy imports inside the commands.

A mistake of the user's is one line on the standard error and exit code 2; an interruption is exit code 130.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ganas.errors import GanasError, RunError

app = typer.Typer(
    name="ganas",
    help="Searches for neural network architectures with a genetic algorithm.",
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# the common base of typer's usage errors, which have moved between packages with typer's versions
UsageError: type[Exception] = typer.BadParameter.__mro__[2]
INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Of a disk without room, of a quota or a limit that is reached."""
OUT_OF_REACH = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP)
"""Of another user's file or folder, of a name that can be none."""

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A path, a name (or part of one), or 'latest'.")]
RunsDir = Annotated[Path, typer.Option(help="The folder that holds the run folders.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only notices and the final score.")]
Minutes = Annotated[float | None, typer.Option(help="Wall-clock minutes, the final assessment included.")]
Jobs = Annotated[str | None, typer.Option(help="Worker processes: a number, or 'auto' for one per core.")]
RUNS = Path("runs")


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print it and end.")] = False
) -> None:
    """Searches for neural network architectures with a genetic algorithm."""
    if version:
        from ganas.version import __version__

        typer.echo(f"ganas {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


@app.command()
def evolve(
    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG", help="A TOML file; none: the digits search.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="A table's file, or a data set's name.")] = None,
    target: Annotated[
        str | None, typer.Option(help="The column to predict: its name or position (-1: the last).")
    ] = None,
    task: Annotated[
        str | None, typer.Option(metavar="KIND", help="Such as classification; inferred if left out.")
    ] = None,
    test: Annotated[str | None, typer.Option(help="A file of test rows.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    population: Annotated[int | None, typer.Option(help="Networks in a generation.")] = None,
    generations: Annotated[int | None, typer.Option(help="Generations, the initial population included.")] = None,
    minutes: Minutes = None,
    jobs: Jobs = None,
    name: Annotated[str | None, typer.Option(help="Of the run folder.")] = None,
    warm_start: Annotated[
        str | None, typer.Option(metavar="RUN", help="An earlier run whose best are tried first.")
    ] = None,
    runs_dir: RunsDir = RUNS,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Any setting of a config; repeatable."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Searches for a network: data, space and budget from CONFIG, changed by the options."""
    from ganas.config import load_config
    from ganas.run import evolve as search

    said = {
        "data.source": data,
        "data.target": target,
        "data.test": test,
        "task.kind": task,
        "run.seed": seed,
        "run.minutes": minutes,
        "run.jobs": _count(jobs),
        "run.name": name,
        "run.warm_start": warm_start,
        "evolution.population": population,
        "evolution.generations": generations,
    }
    chosen = load_config(config).with_settings(settings or [])
    chosen = chosen.with_values({key: value for key, value in said.items() if value is not None}, "command line")
    _end(_watch(quiet, partial(search, chosen, runs_dir=runs_dir)))


@app.command()
def compare(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file, such as configs/compare_losses.toml.")],
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    jobs: Jobs = None,
    name: Annotated[str | None, typer.Option(help="Of the run folder.")] = None,
    runs_dir: RunsDir = RUNS,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Any setting of the config, or size=NAME; repeatable."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Compares named variants on one task: each trained with the same seeds; a table, curves and p-values."""
    from ganas.compare import compare as run_comparison
    from ganas.comparison.config import load_comparison

    said = {"run.seed": seed, "run.jobs": _count(jobs), "run.name": name}
    values = {key: value for key, value in said.items() if value is not None}
    chosen = load_comparison(config, settings or [], values=values)
    _end(_watch(quiet, partial(run_comparison, chosen, runs_dir=runs_dir), is_comparison=True))


@app.command()
def resume(
    run: RunArgument = "latest",
    generations: Annotated[int | None, typer.Option(min=1, help="A new total of generations.")] = None,
    minutes: Minutes = None,
    jobs: Jobs = None,
    runs_dir: RunsDir = RUNS,
    quiet: Quiet = False,
) -> None:
    """Goes on with a run that was stopped or killed, or extends a finished search."""
    from ganas.history import load_run
    from ganas.run import resume as go_on

    if load_run(run, runs_dir).is_comparison:
        from ganas.compare import resume_comparison

        if generations is not None or minutes is not None:
            raise RunError(f"{run}: is a comparison; --generations and --minutes are of searches")
        going_on = partial(resume_comparison, run, jobs=_count(jobs), runs_dir=runs_dir)
        _end(_watch(quiet, going_on, is_comparison=True))
        return
    going_on = partial(go_on, run, generations=generations, minutes=minutes, jobs=_count(jobs), runs_dir=runs_dir)
    _end(_watch(quiet, going_on))


@app.command("list")
def list_runs(runs_dir: RunsDir = RUNS) -> None:
    """Lists the runs."""
    from ganas.console import make_console
    from ganas.history import Run, list_folders
    from ganas.printing import print_runs, run_row
    from ganas.store import refusing_damage

    folders = list_folders(runs_dir)
    if not folders:
        typer.echo(f"{runs_dir}: no runs there yet; start one with: ganas evolve")
        return
    rows, console = [], make_console()
    for folder in folders:
        try:
            with refusing_damage(folder):
                rows.append(run_row(Run(folder)))
        except GanasError as error:
            typer.echo(f"left out: {error}", err=True)
    print_runs(console, rows)


@app.command()
def show(
    run: RunArgument = "latest",
    rank: Annotated[int | None, typer.Argument(metavar="RANK", help="A member of the hall of fame, from 1.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Every candidate, as CSV.")] = False,
    code: Annotated[bool, typer.Option("--code", help="A Keras script of the network (RANK 1 unless said).")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="The canonical history, a JSON line per evaluation.")
    ] = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Shows a run, or one member of its hall of fame."""
    from ganas.console import make_console
    from ganas.history import load_run
    from ganas.printing import print_member, print_run
    from ganas.report import export
    from ganas.store import refusing_damage

    found = load_run(run, runs_dir)
    with refusing_damage(found.folder):
        if history:
            for line in found.history_lines():
                typer.echo(line)
        elif as_csv:
            export.write_csv(sys.stdout, found)
        elif code:
            typer.echo(found.member(1 if rank is None else rank).code())
        elif as_json:
            typer.echo(export.to_json(found, rank))
        elif rank is not None:
            print_member(make_console(), found.member(rank))
        elif found.is_comparison:
            from ganas.comparison.screen import print_comparison

            print_comparison(make_console(), found)
        else:
            print_run(make_console(), found)


@app.command()
def report(
    run: RunArgument = "latest",
    against: Annotated[str | None, typer.Option(metavar="RUN", help="A random search to compare with.")] = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Draws the figures again and writes report.md and report.html."""
    from ganas.history import load_run
    from ganas.report import write_report
    from ganas.store import refusing_damage

    yardstick = load_run(against, runs_dir) if against is not None else None
    found = load_run(run, runs_dir)
    with refusing_damage(found.folder):
        if found.is_comparison:
            from ganas.report.comparison_page import write_comparison

            written = write_comparison(found)
        else:
            written = write_report(found, yardstick=yardstick)
    for path in written:
        typer.echo(path)


@app.command()
def train(
    run: RunArgument = "latest",
    rank: Annotated[int, typer.Argument(metavar="RANK", help="A member of the hall of fame, from 1.")] = 1,
    plan: Annotated[Path | None, typer.Option(help="A JSON file with a network's plan, instead of a member.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the run's.")] = None,
    patience: Annotated[int | None, typer.Option(min=1, help="Instead of the run's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of weights and batches, instead of the run's.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to save the network.")] = Path("trained.keras"),
    runs_dir: RunsDir = RUNS,
) -> None:
    """Trains a network of a run's hall of fame (or of a plan file, on the run's data) again, epoch by epoch."""
    from ganas.history import load_run
    from ganas.rebuild import read_plan, retrain

    found = load_run(run, runs_dir)
    chosen = read_plan(plan) if plan is not None else found.member(rank).plan
    said = {"training.epochs": epochs, "training.patience": patience, "run.seed": seed}
    settings = {key: value for key, value in said.items() if value is not None}
    retrain(found, chosen, settings, output=output, say=typer.echo)


@app.command()
def predict(
    run: RunArgument,
    rows: Annotated[Path, typer.Argument(metavar="FILE", help="A table of new rows.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV file to write.")] = Path("predictions.csv"),
    runs_dir: RunsDir = RUNS,
) -> None:
    """Predicts new rows with a run's best network."""
    from ganas.history import load_run
    from ganas.predict import predict_file

    predict_file(load_run(run, runs_dir), rows, output, say=typer.echo)


@app.command()
def datasets() -> None:
    """Lists the data sets known by name."""
    from ganas.console import make_console, print_table
    from ganas.tasks.datasets import describe_datasets

    rows = [{**row, "here": "yes" if row["is_here"] else "no"} for row in describe_datasets()]
    print_table(make_console(), [(key, key) for key in ("name", "kind", "rows", "columns", "origin", "here")], rows)


@app.command()
def info() -> None:
    """Prints versions, cores, memory, accelerators, and which extras are there."""
    from ganas.machine import describe_machine

    for name, value in describe_machine().items():
        typer.echo(f"{name:14} {value}")


def main(argv: list[str] | None = None) -> int:
    """Runs a command and returns its exit code; ``argv`` None: the process's arguments."""
    _mend_streams()
    try:
        code = app(args=argv, standalone_mode=False, prog_name="ganas")
        sys.stdout.flush()  # what cannot be written is said here, not by Python at its end
    except GanasError as error:
        return _refuse(str(error))
    except UsageError as error:
        message: str = error.format_message()  # type: ignore[attr-defined]
        return _refuse(f"{message.rstrip('.')}; see: ganas --help")
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.Abort as abort:
        if isinstance(abort.__cause__, EOFError):  # typer takes it for Ctrl-D at a prompt; there are no prompts here
            raise abort.__cause__ from None
        return INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough
        _silence_output()
        return 1
    except OSError as error:
        return _refuse(_in_one_line(error))
    return code if isinstance(code, int) else 0


def _mend_streams() -> None:
    """Lets everything be printed anywhere: a closed stream takes all and keeps nothing, an ASCII one has its question marks."""
    for name in ("stdin", "stdout", "stderr"):  # in this order, so that a file opened later gets no number of theirs
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115 -- for good
    if hasattr(sys.stdout, "reconfigure"):
        is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "replace")


def _in_one_line(error: OSError) -> str:
    """Says what the system refused, where that is no fault of the program's.

    Raises:
        OSError: it may be one; the traceback says more.
    """
    if error.errno in FULL:
        _silence_output()
        where = error.filename or "the output, or a file"
        return f"{where}: cannot be written ({error.strerror}); make room, or write elsewhere"
    if error.errno in OUT_OF_REACH and error.filename:
        return f"{error.filename}: cannot be opened ({error.strerror})"
    try:
        Path.cwd()
    except FileNotFoundError:
        return "the working folder was deleted; change to one that exists"
    raise error


def _silence_output() -> None:
    from ganas.console import silence

    silence(sys.stdout)


def _refuse(message: str) -> int:
    with contextlib.suppress(OSError):
        typer.echo(f"ganas: {' '.join(message.split())}", err=True)
    return 2


def _watch(quiet: bool, work: Any, *, is_comparison: bool = False) -> Any:
    """Runs ``work(listener=...)``, a search or a comparison, with a screen, and leaves the terminal as it was."""
    from ganas.comparison.screen import ComparisonScreen
    from ganas.console import make_lasting_console
    from ganas.screen import Screen

    screen = (ComparisonScreen if is_comparison else Screen)(make_lasting_console(), quiet=quiet)
    try:
        return work(listener=screen)
    finally:
        screen.close()


def _end(run: Any) -> None:
    if run.status == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _count(text: str | None) -> int | str | None:
    """Returns a number that was typed; what is none is left for the settings to refuse."""
    try:
        return None if text is None else int(text)
    except ValueError:
        return text
