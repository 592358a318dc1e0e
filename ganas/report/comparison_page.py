"""The report of a comparison: a Markdown page with its tables, the same as CSV, and the figures."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from ganas.errors import RunError
from ganas.history import Run
from ganas.report.comparison import (
    ComparedVariants,
    curve_rows,
    facts_in_words,
    training_rows,
    tuning_rows,
    variant_rows,
)
from ganas.report.tables import Row
from ganas.report.words import number_in_words, seconds_in_words

CAPTIONS = {
    "error": "The error over optimizer updates.",
    "error_last_part": "Its last fifth, enlarged.",
    "training_loss": "The training loss over optimizer updates.",
    "boxes": "The error of every seed.",
    "first_layer": "What units of the first layer look for, a network of each variant: those with the largest weights.",
}


def write_comparison(run: Run) -> list[Path]:
    """Writes the tables, draws the figures and writes ``report.md`` into the run's folder; returns the files.

    Raises:
        RunError: the folder cannot be written.
    """
    compared = ComparedVariants(run)
    try:
        files = [
            _write_csv(run.folder / "variants.csv", variant_rows(compared)),
            _write_csv(run.folder / "trainings.csv", training_rows(compared)),
            _write_csv(run.folder / "curves.csv", _all_curves(compared)),
        ]
        figures = _write_figures(compared)
        page = run.folder / "report.md"
        page.write_text(comparison_page(run, figures), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{run.folder}: cannot be written ({error.strerror})") from None
    return [page, *files, *figures.values()]


def comparison_page(run: Run, figures: dict[str, Path]) -> str:
    """Returns the report as Markdown."""
    compared = ComparedVariants(run)
    rows = variant_rows(compared)
    parts = [
        f"# {run.facts['title']}",
        *run.facts["notes"],
        "\n".join(f"- {line}" for line in [*facts_in_words(run), _spent(run)]),
        "## Errors",
        markdown_table(ERRORS, rows),
        "## Training",
        markdown_table(TRAINING, rows),
    ]
    parts += [f"{row['variant']}: {row['failures']}" for row in rows if row["failures"]]
    names = list(dict.fromkeys(name for row in rows for name in row["measures"]))
    if names:
        where = "test" if compared.has_test else "validation"
        parts += [f"## All measures on the {where} rows, means", markdown_table(_measure_columns(names), rows)]
    if any(row["dead"] for row in rows):
        parts += ["## Units that answer the same to every training row, per hidden layer", markdown_table(DEAD, rows)]
    tried = tuning_rows(run)
    if tried:
        parts += ["## Tuning, on the validation rows", markdown_table(TUNING, tried)]
    parts += ["## Networks", markdown_table(NETWORKS, rows)]
    parts += [f"![{CAPTIONS[name]}](figures/{path.name})\n\n{CAPTIONS[name]}" for name, path in figures.items()]
    return "\n\n".join(parts) + "\n"


def markdown_table(columns: Sequence[tuple[str, Callable[[Row], str]]], rows: Sequence[Row]) -> str:
    """Returns rows as a Markdown table; a column is its heading and how a row fills it."""
    lines = [[heading for heading, _ in columns], ["---" for _ in columns]]
    lines += [[cell(row) for _, cell in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def with_interval(row: Row, key: str, width_key: str) -> str:
    """Writes a mean with the half width of its interval: ``0.0312 ± 0.0021``."""
    if row[key] is None:
        return "–"
    return f"{number_in_words(row[key])}" + ("" if row[width_key] is None else f" ± {number_in_words(row[width_key])}")


def _errors(kind: str) -> Callable[[Row], str]:
    return lambda row: with_interval(row, f"{kind}_error", f"{kind}_half_width")


def _number(key: str) -> Callable[[Row], str]:
    return lambda row: number_in_words(row[key])


ERRORS: list[tuple[str, Callable[[Row], str]]] = [
    ("variant", lambda row: str(row["variant"])),
    ("validation error", _errors("validation")),
    ("test error", _errors("test")),
    ("base", lambda row: row["against"] or "–"),
    ("difference to the base", lambda row: with_interval(row, "difference", "difference_half_width")),
    ("p", _number("p")),
    ("p (Holm)", _number("p_corrected")),
    ("seeds", lambda row: f"{row['counted']} of {row['seeds']}"),
]
TRAINING: list[tuple[str, Callable[[Row], str]]] = [
    ("variant", lambda row: str(row["variant"])),
    ("training error", _errors("train")),
    ("validation - training error", _number("gap")),
    ("validation loss", lambda row: with_interval(row, "validation_loss", "validation_loss_half_width")),
    ("best point (updates)", lambda row: "–" if row["best_point"] is None else f"{row['best_point']:,.0f}"),
    ("sd of the error over the last fifth", _number("fluctuation")),
    ("ms per step", _number("step_milliseconds")),
    ("parameters", _number("parameters")),
]
DEAD: list[tuple[str, Callable[[Row], str]]] = [
    ("variant", lambda row: str(row["variant"])),
    ("share per layer", lambda row: ", ".join(f"{100 * share:.1f} %" for share in row["dead"]) or "–"),
]
TUNING: list[tuple[str, Callable[[Row], str]]] = [
    ("variant", lambda row: str(row["variant"])),
    ("alternative", _number("alternative")),
    ("validation error", _number("validation_error")),
    ("chosen", lambda row: "yes" if row["is_chosen"] else ""),
    ("settings", lambda row: str(row["settings"])),
]
NETWORKS: list[tuple[str, Callable[[Row], str]]] = [
    ("variant", lambda row: str(row["variant"])),
    ("network", lambda row: str(row["network"])),
    ("training", lambda row: str(row["training"])),
]


def _measure_columns(names: Sequence[str]) -> list[tuple[str, Callable[[Row], str]]]:
    def cell(name: str) -> Callable[[Row], str]:
        return lambda row: number_in_words(row["measures"].get(name))

    return [("variant", lambda row: str(row["variant"])), *((name.replace("_", " "), cell(name)) for name in names)]


def _spent(run: Run) -> str:
    count = sum(record.evaluation is not None for record in run.records)
    trainers = sorted({record.evaluation.trainer for record in run.records if record.evaluation is not None} - {""})
    return f"{count} trainings in {seconds_in_words(run.facts.get('seconds'))}, trainer: {', '.join(trainers)}"


def _all_curves(compared: ComparedVariants) -> list[Row]:
    return [
        {"variant": name, "curve": key, **row}
        for name in compared.names
        for key in ("error", "loss", "val_loss")
        for row in curve_rows(compared, name, key)
    ]


def _write_csv(path: Path, rows: Sequence[Row]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _flat(value) for key, value in row.items()} for row in rows)
    return path


def _flat(value: object) -> object:
    if isinstance(value, dict):
        return " ".join(f"{key}={one!r}" for key, one in value.items())
    return " ".join(map(repr, value)) if isinstance(value, list) else value


def _write_figures(compared: ComparedVariants) -> dict[str, Path]:
    from ganas.report.comparison_figures import COMPARISON_FIGURES

    folder = compared.run.folder / "figures"
    folder.mkdir(exist_ok=True)
    written = {}
    for name, draw in COMPARISON_FIGURES.items():
        figure = draw(compared)
        if figure is not None:
            written[name] = folder / f"{name}.png"
            figure.savefig(written[name], metadata={"Software": None})
    return written
