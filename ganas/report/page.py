"""The report of a run as two pages of the same content: Markdown, and HTML in one file with its figures inside."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jinja2

from ganas.errors import GanasError, RunError
from ganas.history import Run, list_folders
from ganas.report import tables
from ganas.report.figures import write_figures
from ganas.report.score import score_lines
from ganas.report.words import number_in_words, seconds_in_words, share_in_words

CAPTIONS = {
    "fitness": "The error of every candidate, and the best so far, over the networks trained.",
    "front": "Error against size: candidates on the line are beaten by no smaller network.",
    "codes": "Error against the width of the bottleneck, with principal components, the best linear autoencoder, beside it.",
    "architectures": "What the candidates of each generation looked like.",
    "learning": "The losses of the best candidate while it was trained in the search.",
    "first_layer": "What units of the best network's first layer look for: those with the largest weights.",
}
PAGES = {"report.md": "page.md.j2", "report.html": "page.html.j2"}
HALL = {
    "rank": "rank",
    "network": "network",
    "error": "error",
    "parameters": "parameters",
    "epochs": "epochs",
    "training": "training",
}
GENERATIONS = (
    "generation",
    "best",
    "mean",
    "spread",
    "unique",
    "stopped",
    "failures",
    "parameters",
    "evaluations",
    "seconds",
)
OPERATORS = {"operator": "operator", "children": "children it had a part in", "better": "better than their parents"}
FAILURES = {"status": "status", "count": "count", "example": "for example"}


def write_pages(run: Run, yardstick: Run | None = None) -> list[Path]:
    """Draws the figures and writes both pages into the run's folder; returns the pages, then the figures.

    Raises:
        RunError: the folder cannot be written.
    """
    yardstick = yardstick or find_yardstick(run)
    figures = write_figures(run, yardstick=yardstick)
    content = page_content(run, figures, yardstick)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ganas.report", "."),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    written = []
    for name, template in PAGES.items():
        path = run.folder / name
        try:
            path.write_text(environment.get_template(template).render(content), encoding="utf-8")
        except OSError as error:
            raise RunError(f"{path}: cannot be written ({error.strerror})") from None
        written.append(path)
    return [*written, *figures.values()]


def find_yardstick(run: Run) -> Run | None:
    """Returns the latest random search in the same folder of runs on the same data and training budget, if there is one."""
    if run.config.evolution.engine == "random":
        return None
    for folder in reversed(list_folders(run.folder.parent)):
        try:
            other = Run(folder)
            if other.name != run.name and other.config.evolution.engine == "random" and _is_comparable(run, other):
                return other
        except GanasError:
            continue  # a damaged neighbour is no reason to have no report
    return None


def page_content(run: Run, figures: dict[str, Path], yardstick: Run | None = None) -> dict[str, Any]:
    """Returns what both templates show: names, lines, tables of texts, and figures as relative paths and as base64."""
    best = run.hall_of_fame[:1]
    return {
        "run": run.name,
        "status": "finished" if run.is_assessed else run.status,
        "created": run.facts.get("created", ""),
        "evaluations": len(run.evaluated),
        "seconds": seconds_in_words(run.facts.get("seconds")),
        "data": run.facts.get("data", []),
        "score": score_lines(run.result) if run.result is not None else [],
        "hall": table_of_texts(tables.hall_rows(run.hall_of_fame), HALL),
        "figures": [_figure(name, path, yardstick) for name, path in figures.items()],
        "generations": table_of_texts(run.generations, {key: key for key in GENERATIONS}),
        "operators": table_of_texts(
            [{**row, "better": share_in_words(row["better"])} for row in tables.operator_rows(run.records)], OPERATORS
        ),
        "failures": table_of_texts(tables.failure_rows(run.records), FAILURES),
        "code": best[0].code() if best else "",
        "config": run.config.to_toml(),
        "versions": run.facts.get("versions", {}),
    }


def table_of_texts(rows: list[dict[str, Any]], columns: dict[str, str]) -> dict[str, Any]:
    """Returns ``{"headings": [...], "rows": [[...], ...]}`` of texts; columns that no row has are left out."""
    shown = [key for key in columns if any(row.get(key) is not None for row in rows)]
    cells = [
        [row[key] if isinstance(row.get(key), str) else number_in_words(row.get(key)) for key in shown] for row in rows
    ]
    return {"headings": [columns[key] for key in shown], "rows": cells}


def _figure(name: str, path: Path, yardstick: Run | None) -> dict[str, str]:
    caption = CAPTIONS[name]
    if name == "fitness" and yardstick is not None:
        caption += f" The random search is {yardstick.name}."
    image = base64.b64encode(path.read_bytes()).decode()
    return {"name": name, "file": f"figures/{path.name}", "caption": caption, "base64": image}


def _is_comparable(run: Run, other: Run) -> bool:
    """Tells whether two runs learned from the same rows under the same training budget."""
    keys = ("data", "training")
    mine, theirs = run.facts.get("fingerprint", {}), other.facts.get("fingerprint", {})
    return all(mine.get(key) == theirs.get(key) for key in keys)
