"""What the searches found, as a page with tables and a figure: computed first, drawn after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import wilcoxon
from search_tables import Table
from searchers import CHECKPOINTS

WARNING = (
    "**Read with care.** These tables are one family of landscapes: flat settings of small multilayer perceptrons, and "
    "`lcbench` is a smooth model fitted to real curves, without noise. What wins here by a little may lose elsewhere. "
    "`hpobench_nn` is noisy: among its good settings (regret below 0.3) one training deviates by 0.06 to 0.38 of the "
    "regret's unit, so an incumbent that was lucky is often replaced by a worse one that was luckier, and the mean over "
    "few seeds jumps."
)
TESTED_AT = (20, 50, 100)


def write(
    rows: Sequence[Mapping[str, str]],
    tables: Mapping[str, Table],
    ours: str,
    folder: Path,
    *,
    absent: Sequence[str],
    options: str,
) -> None:
    """Writes ``search.md`` and ``search.svg`` of the ``rows`` into ``folder``; ``absent`` searchers are named as not run.

    Args:
        options: what the command was called with.
    """
    regrets = compute_regrets(rows, tables)
    parts = ["# Search: regret over trainings", "", WARNING, "", *_explanation(regrets, options)]
    parts += ["", f"Not run here: {', '.join(absent)}."] if absent else []
    for family, part in regrets.groupby("family"):
        parts += ["", f"## {family}: {part['table'].nunique()} tables", "", *_markdown(summarise(part))]
    parts += ["", f"## Is the difference to {ours} more than chance?", "", *_tests_in_words(), ""]
    parts += [*_markdown(compare(regrets, ours)), "", "![Mean regret over trainings](search.svg)"]
    (folder / "search.md").write_text("\n".join(parts) + "\n")
    draw(regrets, folder / "search.svg")


def compute_regrets(rows: Sequence[Mapping[str, str]], tables: Mapping[str, Table]) -> pd.DataFrame:
    """Returns a row per search with its regret at each checkpoint: 0 at the best known of the table, 1 at its median."""
    frame = pd.DataFrame(rows)
    errors = frame[[f"error_at_{mark}" for mark in CHECKPOINTS]].astype(float).to_numpy()
    # The best of a continuous table is not known: it is the best that a long random search or any search here found.
    found = pd.Series(errors.min(1)).groupby(frame["table"]).transform("min")
    best = np.minimum(found, frame["table"].map(lambda name: tables[name].best).astype(float))
    median = frame["table"].map(lambda name: tables[name].median).astype(float)
    regrets = (errors - best.to_numpy()[:, None]) / (median - best).to_numpy()[:, None]
    kept = frame[["searcher", "table", "seed"]].assign(family=frame["table"].map(lambda name: tables[name].family))
    return kept.join(pd.DataFrame(regrets, columns=list(CHECKPOINTS)))


def summarise(regrets: pd.DataFrame) -> pd.DataFrame:
    """Returns a row per searcher: mean regret × 1000 at each checkpoint, and its mean rank over the tables at the last."""
    by_table = regrets.groupby(["searcher", "table"])[list(CHECKPOINTS)].mean()
    last = by_table[CHECKPOINTS[-1]].unstack("table")
    ranks = last.rank(axis=0).mean(axis=1)  # among those that were run on the table
    summary = (1000 * by_table.groupby("searcher").mean()).round(0).astype(int)
    summary["mean rank"] = ranks.round(1)
    summary["seeds"] = regrets.groupby("searcher")["seed"].nunique()
    summary["tables"] = regrets.groupby("searcher")["table"].nunique()
    return summary.sort_values(CHECKPOINTS[-1]).reset_index()


def compare(regrets: pd.DataFrame, ours: str) -> pd.DataFrame:
    """Returns, per other searcher and checkpoint, on how many tables it is better or worse, and Holm's p-value."""
    found = []
    for name in regrets["searcher"].unique():
        if name == ours:
            continue
        pairs = regrets[regrets["searcher"] == name].merge(
            regrets[regrets["searcher"] == ours], on=["table", "seed"], suffixes=(" other", "")
        )
        for mark in TESTED_AT:
            means = pairs.groupby("table")[[f"{mark} other", f"{mark}"]].mean().to_numpy()
            # Equal means say nothing for either side; a table of all equal pairs cannot be tested.
            differences = means[:, 0] - means[:, 1]
            p = float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0
            better, worse = int((differences < 0).sum()), int((differences > 0).sum())
            found.append({"searcher": name, "after": mark, "better on": better, "worse on": worse, "p": p})
    frame = pd.DataFrame(found)
    if frame.empty:
        return frame
    frame["p (Holm)"] = ["< 0.0001" if p < 1e-4 else f"{p:.4f}" for p in holm(frame.pop("p").to_numpy())]
    return frame.sort_values(["searcher", "after"]).reset_index(drop=True)


def holm(p: np.ndarray) -> np.ndarray:
    """Returns p-values corrected for the number of tests (Holm 1979, https://www.jstor.org/stable/4615733)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def draw(regrets: pd.DataFrame, path: Path) -> None:
    """Draws the mean regret of every searcher over trainings, a panel per family."""
    families = sorted(regrets["family"].unique())
    figure = Figure(figsize=(6.5 * len(families), 5.5), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(families)))
    names = sorted(regrets["searcher"].unique())
    for axis, family in zip(axes, families, strict=True):
        means = regrets[regrets["family"] == family].groupby(["searcher", "table"])[list(CHECKPOINTS)].mean()
        for name, curve in means.groupby("searcher").mean().iterrows():
            style = {"color": f"C{names.index(name) % 10}", "linestyle": "-" if names.index(name) < 10 else "--"}
            axis.plot(CHECKPOINTS, curve, marker="o", markersize=3, label=name, **style)
        axis.set(xscale="log", yscale="log", title=family, xlabel="complete trainings, or as many epochs")
        axis.set_xticks(CHECKPOINTS, [str(mark) for mark in CHECKPOINTS])
        axis.minorticks_off()
        axis.legend(fontsize=7)
    axes[0].set_ylabel("mean regret (0: best known, 1: median of the table)")
    figure.savefig(path, metadata={"Date": None})


def _explanation(regrets: pd.DataFrame, options: str) -> list[str]:
    return [
        f"{len(regrets):,} searches. A cell is the mean over tables and seeds of 1000 × (error of the incumbent - best) "
        "/ (median - best), after so many complete trainings (with a rung or Hyperband: after as many epochs). The "
        "incumbent is the best by what the search was told; it is judged by its true error. Ranks are among the "
        "searchers of one table. Searchers that take long have fewer seeds, and some have fewer tables (columns at the right: "
        "their means are over those, so compare them in the last table of this page, which pairs); nothing that lost was "
        "removed.",
        "",
        f"Remake it: `GANAS_DATA=DIR python benchmarks/search.py {options}`; every search is a row of [search.csv](search.csv).",
    ]


def _tests_in_words() -> list[str]:
    return [
        "Pairs are tables (means over the seeds that both have); Wilcoxon's signed-rank test, corrected by Holm's method "
        "for all rows below."
    ]


def _markdown(frame: pd.DataFrame) -> list[str]:
    lines = ["| " + " | ".join(map(str, frame.columns)) + " |", "|" + "---|" * len(frame.columns)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in frame.itertuples(index=False)]
