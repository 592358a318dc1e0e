"""How well ``AnomalyDetector`` finds anomalies, beside isolation forests, PyOD's autoencoder and published figures.

The protocol is ADBench's (Han et al., NeurIPS 2022, https://arxiv.org/abs/2206.09426): train without labels on a stratified
70 % of the rows, anomalies included, test on the other 30 %; ROC-AUC, mean over seeds. All defaults.

    python benchmarks/anomaly.py scores DATA            score every NPZ file (arrays X, y) of a folder; adds rows to the CSV
    python benchmarks/anomaly.py alarms DATA            trained on normal rows: how many normal test rows are flagged?
    python benchmarks/anomaly.py criterion DATA         do the criteria rank random networks like the true ROC-AUC does?
    python benchmarks/anomaly.py report [PUBLISHED]     write docs/benchmarks/anomaly.md from what was measured

PUBLISHED is a CSV file with columns dataset, method, auc_roc (percent). What the CSV files hold already is not measured again.
PyOD's detectors (their defaults) are scored where PyOD is installed.
"""

from __future__ import annotations

import resource
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, spearmanr, wilcoxon
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

import ganas
from ganas.search.autoencoder import autoencoder_space
from ganas.seeds import stream

HERE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
SCORES, ALARMS, CRITERIA = (HERE / f"anomaly_{part}.csv" for part in ("scores", "alarms", "criteria"))
REPORT = HERE / "anomaly.md"
SEEDS = 3
RATES = (0.01, 0.05, 0.1)
"""Stated rates of false alarms; the first is the default."""
WITHIN = 0.01
MANY_NORMAL_ROWS = 1000
NETWORKS = 16
"""Random networks per data set for the comparison of criteria."""
MOST_ROWS = 3000
WIDE_SPACE = {
    "layers": [0, 1],
    "units": [16, 64],
    "activation": ["tanh", "relu"],
    "bottleneck_activation": ["tanh", "linear"],
    "learning_rate": {"range": [1e-3, 1e-2], "log": True},
    "corruption": {"kind": ["none", "gaussian"], "rate": [0.1, 0.3]},
}
"""Narrow and wide codes, up to networks that can copy their inputs."""


def read_set(path: Path) -> tuple[str, np.ndarray, np.ndarray]:
    """Returns the name of a data set, its (rows, columns) numbers, and (rows,) labels, 1 for anomalies."""
    with np.load(path, allow_pickle=True) as arrays:
        return path.stem.split("_", 1)[-1], arrays["X"].astype(float), arrays["y"].astype(int)


def score_set(name: str, rows: np.ndarray, labels: np.ndarray, seed: int) -> list[dict[str, Any]]:
    """Returns a row per method on one split."""
    train, test, _, truth = train_test_split(rows, labels, test_size=0.3, stratify=labels, random_state=seed)
    started = cpu_seconds()
    detector = ganas.AnomalyDetector(seed=seed).fit(train)
    seconds = {"ganas": cpu_seconds() - started}
    given = {"ganas": detector.decision_function(test)}
    given |= {f"ganas: {view}": scores for view, scores in detector.view_scores(test).items()}
    given["isolation forest"] = -IsolationForest(random_state=seed).fit(train).score_samples(test)
    given |= pyod_scores(train, test, seed)
    return [
        {
            "dataset": name,
            "seed": seed,
            "method": method,
            "auc_roc": 100 * roc_auc_score(truth, scores),
            "auc_pr": 100 * average_precision_score(truth, scores),
            "cpu_seconds": seconds.get(method),
        }
        for method, scores in given.items()
    ]


def cpu_seconds() -> float:
    """Returns the processor seconds that this process and its finished children have used."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def pyod_scores(train: np.ndarray, test: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Returns the scores of PyOD's detectors with their defaults on min-max scaled rows, as ADBench scales; {} without PyOD.

    Columns that are constant in the training rows are left out: with them PyOD's autoencoder divides by zero.
    """
    try:
        from pyod.models.auto_encoder import AutoEncoder
        from pyod.models.ecod import ECOD
        from pyod.models.knn import KNN
        from pyod.models.pca import PCA
    except ImportError:
        return {}
    varies = train.max(axis=0) > train.min(axis=0)
    scaler = MinMaxScaler().fit(train[:, varies])
    scaled, asked = scaler.transform(train[:, varies]), scaler.transform(test[:, varies])
    made = {"AutoEncoder": AutoEncoder(random_state=seed, verbose=0), "ECOD": ECOD(), "KNN": KNN(), "PCA": PCA()}
    # ECOD's tail probabilities may be 0, and their logarithms infinite: such a row is the most unusual one
    return {f"PyOD {name}": np.nan_to_num(one.fit(scaled).decision_function(asked)) for name, one in made.items()}


def count_alarms(name: str, rows: np.ndarray, labels: np.ndarray, seed: int) -> list[dict[str, Any]]:
    """Trains on 70 % of the normal rows and returns, per stated rate of false alarms, the flagged ones among the other 30 %."""
    train, test = train_test_split(rows[labels == 0], test_size=0.3, random_state=seed)
    detector = ganas.AnomalyDetector(seed=seed).fit(train)
    scores, anomalous = detector.decision_function(test), detector.decision_function(rows[labels == 1])
    found = []
    for rate in RATES:
        threshold = detector.threshold_at(rate)
        flagged = int((scores > threshold).sum())
        found.append(
            {
                "dataset": name,
                "seed": seed,
                "normal_rows": len(train) + len(test),
                "held_out": detector.held_out_rows_,
                "stated": rate,
                "test_rows": len(test),
                "flagged": flagged,
                "recall": float((anomalous > threshold).mean()),
            }
        )
    return found


def compare_criteria(name: str, rows: np.ndarray, labels: np.ndarray, seed: int) -> list[dict[str, Any]]:
    """Trains random networks on a set and returns, per network, the criteria that know no labels, and the true ROC-AUC."""
    if len(rows) > MOST_ROWS:
        rows, _, labels, _ = train_test_split(rows, labels, train_size=MOST_ROWS, stratify=labels, random_state=0)
    task = ganas.task_from_arrays(rows, labels, kind="anomaly", train_on="all", validation=0.3, test_fraction=0)
    words = {**WIDE_SPACE, "bottleneck": {"range": [1, max(2, 3 * task.inputs // 2)], "log": True}}
    space = autoencoder_space(words, task.inputs)
    rng = stream(seed, "criteria", name)
    plans = [space.decode(space.sample(rng)) for _ in range(NETWORKS)]
    with ganas.Evaluator(task, budget=ganas.TrainingBudget(epochs=40, patience=8)) as evaluator:
        evaluations = evaluator.evaluate(plans)
    names = ("told_from_perturbed", "squared_error", "roc_auc")
    return [{"dataset": name, "seed": seed, **{key: e.measures[key] for key in names}} for e in evaluations if e.is_ok]


def rank_correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Returns, per data set, Spearman's correlation of each criterion with the true ROC-AUC, and the ROC-AUC it would choose."""
    rows = []
    for name, group in table.groupby("dataset"):
        truth = group["roc_auc"]
        criteria = {
            "told from perturbed": group["told_from_perturbed"],
            "reconstruction error": -group["squared_error"],
        }
        row: dict[str, Any] = {"dataset": name, "mean of all": 100 * truth.mean()}
        for criterion, values in criteria.items():
            row[f"correlation, {criterion}"] = spearmanr(values, truth)[0]
            row[f"chosen by {criterion}"] = 100 * truth[values.idxmax()]
        rows.append(row)
    return pd.DataFrame(rows).set_index("dataset")


def paired(ours: pd.Series, other: pd.Series, digits: int = 1) -> str:
    """Says whether numbers of data sets, (data sets,), are above others of the same sets."""
    difference = (ours - other).dropna()
    return (
        f"ahead on {(difference > 0).sum()} of {len(difference)} sets, behind on {(difference < 0).sum()}, "
        f"{difference.mean():+.{digits}f} in the mean, Wilcoxon p = {wilcoxon(difference).pvalue:.2g}"
    )


def write_report(published: Path | None) -> None:
    """Writes docs/benchmarks/anomaly.md from the CSV files."""
    parts = [HEAD]
    if SCORES.exists():
        table = complete_seeds(pd.read_csv(SCORES))
        wide = table.pivot_table(index="dataset", columns="method", values="auc_roc")
        if published is not None:
            known = pd.read_csv(published).pivot_table(index="dataset", columns="method", values="auc_roc")
            best = [name for name in ("IForest", "PCA", "KNN", "ECOD", "DeepSVDD") if name in known]
            wide = wide.join(known[best].add_prefix("published "))
        seconds = table[table.method == "ganas"].cpu_seconds
        parts.append(
            f"## ROC-AUC in percent (seeds {seeds_of(table)})\n\n{SCORES_NOTE}\n\n{markdown(with_mean(wide[ordered(wide)]))}"
        )
        rivals = [name for name in ordered(wide) if not name.startswith("ganas")]
        lines = [f"- {name}: {paired(wide['ganas'], wide[name])}" for name in rivals]
        parts.append("ganas, set by set, against\n\n" + "\n".join(lines))
        parts.append(
            f"Fitting took {seconds.median():.0f} processor seconds at the median and {seconds.max():.0f} at most, all processes "
            "together (one worker process, one thread)."
        )
    if ALARMS.exists():
        parts.append(
            f"## Are false alarms as frequent as stated?\n\n{alarm_section(complete_seeds(pd.read_csv(ALARMS)))}"
        )
    if CRITERIA.exists():
        ranked = rank_correlations(pd.read_csv(CRITERIA))
        parts.append(f"## Which criterion ranks networks?\n\n{CRITERION_NOTE}\n\n{markdown(with_mean(ranked), 2)}")
        ours, plain = (ranked[f"correlation, {one}"] for one in ("told from perturbed", "reconstruction error"))
        parts.append(
            f"Telling rows from perturbed ones, against reconstruction error, by rank correlation: {paired(ours, plain, 2)}."
        )
    REPORT.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def complete_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of those seeds that were measured on every data set."""
    sets = table.groupby("seed").dataset.nunique()
    return table[table.seed.map(sets) == table.dataset.nunique()]


def seeds_of(table: pd.DataFrame) -> str:
    """Returns the seeds of a table: ``0, 1, 2``."""
    return ", ".join(map(str, sorted(table.seed.unique())))


def ordered(wide: pd.DataFrame) -> list[str]:
    """Returns the columns: ganas, its rivals in this run, published figures, and last the parts of ganas."""
    return sorted(wide.columns, key=lambda name: (name.startswith("ganas:"), name.startswith("published"), name))


def alarm_section(table: pd.DataFrame) -> str:
    """Returns what came of stated rates of false alarms, in Markdown."""
    lines = [f"{ALARM_NOTE} Seeds: {seeds_of(table)}."]
    for rate, group in table.groupby("stated"):
        verdicts = [judge_alarms(one) for _, one in group.iterrows()]
        rows = {"normal rows": group.normal_rows, "held out": group.held_out, "realised %": 100 * group.flagged}
        shown = pd.DataFrame({"dataset": group.dataset, **rows})
        shown["realised %"] /= group.test_rows
        shown["recall %"] = 100 * group.recall
        shown["kept"] = [float(is_kept) for is_kept in verdicts]
        many = group.normal_rows >= MANY_NORMAL_ROWS
        kept = {is_many: [v for v, m in zip(verdicts, many, strict=True) if m == is_many] for is_many in (True, False)}
        realised = shown["realised %"][many].mean()
        lines.append(
            f"**Stated: {rate:.0%}.** Kept in {sum(kept[True])} of {len(kept[True])} fits with many normal rows and in "
            f"{sum(kept[False])} of {len(kept[False])} with few. Realised in the mean, with many: {realised:.2f} %."
        )
        lines.append(markdown(shown.groupby("dataset").mean()))
    return "\n\n".join(lines)


def judge_alarms(one: pd.Series) -> bool:
    """Returns whether a realised rate is near enough to the stated one: see ``ALARM_NOTE``."""
    if one.normal_rows >= MANY_NORMAL_ROWS:
        return bool(abs(one.flagged / one.test_rows - one.stated) <= WITHIN)
    interval = binomtest(int(one.flagged), int(one.test_rows)).proportion_ci(0.95, "exact")
    return bool(interval.low <= one.stated <= interval.high)


def with_mean(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the table with a last row of means."""
    return pd.concat([table, table.mean().to_frame("**mean**").T])


def markdown(table: pd.DataFrame, digits: int = 1) -> str:
    """Returns a table in Markdown."""
    lines = ["| | " + " | ".join(map(str, table.columns)) + " |", "|---" * (len(table.columns) + 1) + "|"]
    for name, row in table.iterrows():
        cells = ["" if pd.isna(value) else f"{value:.{digits}f}" for value in row]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def append(path: Path, rows: list[dict[str, Any]]) -> None:
    """Adds rows to a CSV file, so that an interrupted benchmark keeps what it has."""
    pd.DataFrame(rows).to_csv(path, mode="a", header=not path.exists(), index=False)


HEAD = """# Anomaly detection

Measured by `python benchmarks/anomaly.py scores DATA`, `alarms DATA` and `criterion DATA` (a folder of ADBench's sets), written by
`python benchmarks/anomaly.py report PUBLISHED` (a CSV of published figures); the rows are [anomaly_scores.csv](anomaly_scores.csv),
[anomaly_alarms.csv](anomaly_alarms.csv) and [anomaly_criteria.csv](anomaly_criteria.csv).

The protocol is ADBench's: trained without labels on a stratified 70 % of the rows, anomalies included, tested on the
other 30 %; every detector with its defaults.

**What the score is.** The mean of four views, each brought to one scale (a surprise: minus the logarithm of the share of
reference rows at least as unusual): the *reconstruction* error of five evolved autoencoders, each column in units of its own
error; the *rarity* of each value in its column's histogram; its *distance* from the column's median; and the distance to
the nearest training rows (*neighbours*). Only the first comes from networks. It is weak alone on data whose anomalies are
plain extremes, and strong where columns hang together; the columns "ganas: ..." show each view alone, and
"best_network" the error of the single best network instead of the ensemble's.

Tried and left out: rank-Gauss and min-max scaling of the columns (worse than standardising), wide denoising networks
(about 5 points worse than narrow bounded codes as a view), averaging ranks (a point worse than surprises)."""
ALARM_NOTE = f"""Trained on 70 % of a set's normal rows; the realised rate is the share of the other 30 % that is flagged, recall
that of the anomalies, none of which was seen; means over seeds. The threshold comes from a fifth of the training rows
that were held out. A rate is kept where, with at least {MANY_NORMAL_ROWS:,} normal rows, the realised one lies within a
point of it, and with fewer rows, where the realised one's exact 95 % interval holds it; "kept" is the share of the seeds.

The held-out rows also stop the trainings and choose the networks; no flattery by that is seen: over the sets with many
normal rows the realised rate agrees with the stated one in the mean. Single fits miss 5 and 10 % by more than a point often:
held-out rows are few (at 5 %, 400 of them leave a standard error of 1.1 points), and so are test rows."""
SCORES_NOTE = """Columns "published" are of the paper (three seeds of its own); everything else was measured here, each detector
with its defaults. "isolation forest" is scikit-learn's."""
CRITERION_NOTE = f"""Up to {NETWORKS} random networks per set, from codes of one unit to codes
wider than the input, trained on all rows. Spearman's correlation of each criterion, which knows no labels, with
the true ROC-AUC of the network's reconstruction error on the validation rows, and the ROC-AUC of the network
that the criterion would choose. Neither criterion is a good judge where
anomalies are plain extremes (there, poor networks do best): choosing by reconstruction error is worse than drawing a network at
random ("mean of all"), telling rows from perturbed ones is about as good as that. So the detector's own space holds narrow,
bounded codes only, and its score does not rest on the networks alone."""


def main(arguments: list[str]) -> None:
    """Runs one of the parts."""
    warnings.simplefilter("ignore")
    part, *paths = arguments or ["report"]
    HERE.mkdir(parents=True, exist_ok=True)
    if part == "report":
        write_report(Path(paths[0]) if paths else None)
        return
    measure, target = PARTS[part]
    done = (
        set(pd.read_csv(target)[["dataset", "seed"]].itertuples(index=False, name=None)) if target.exists() else set()
    )
    files = sorted(Path(paths[0]).glob("*.npz"), key=lambda path: path.stat().st_size)
    for seed in range(1 if part == "criterion" else SEEDS):
        for path in files:
            data = read_set(path)
            if (data[0], seed) not in done:
                rows = measure(*data, seed)
                append(target, rows)
                shown = {row["method"]: round(row["auc_roc"], 1) for row in rows if "method" in row}
                print(path.stem, seed, shown or rows[0], flush=True)


PARTS = {"scores": (score_set, SCORES), "alarms": (count_alarms, ALARMS), "criterion": (compare_criteria, CRITERIA)}
"""What is measured for a set and a seed, and the file that keeps it."""

if __name__ == "__main__":
    main(sys.argv[1:])
