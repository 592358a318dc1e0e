"""How long does a candidate take? ganas' cohort trainer against other ways to train many Keras networks.

    python benchmarks/trainers.py                      # all but those on MNIST; writes docs/benchmarks/trainers.{csv,md,svg}
    GANAS_DATA=DIR python benchmarks/trainers.py       # with MNIST too: medium, brief and wide
    python benchmarks/trainers.py --only all           # one question again; the rows of the others stay in the table
    python benchmarks/trainers.py --quick              # few candidates: a look at whether it runs

Every measurement is a process of its own from its start to its end: imports, worker start and compilations included (cold),
with no compiled program on disk. Slow contestants train the first candidates only; what they need until imports and data
are there is then spread over as many candidates as ganas trains. That flatters them: many `Model.fit` in one process make each
slower than the one before, so the question `all` lets two of them train all candidates, which takes 22 minutes.
All figures are seconds per candidate.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from ganas.machine import available_cores

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
CSV = DOCS / "trainers.csv"
CONTESTANTS = Path(__file__).with_name("contestants.py")
PEERS = ("KerasTuner RandomSearch", "Model.fit loop", "Optuna + Keras", "joblib + Keras", "scikit-learn MLPClassifier")
ACTIVATIONS = ("relu", "tanh", "elu")
QUESTIONS = ("small", "all", "deep", "asks", "growth", "memory", "medium", "brief", "wide")
NEED_DATA = ("medium", "brief", "wide")
COLUMNS = (
    "question", "contestant", "candidates", "cold", "ready", "warm", "programs", "gflops", "mean_error", "sd_error", "p_value",
    "memory",
)  # fmt: skip
CORES = available_cores()

Row = dict[str, Any]


def candidates(count: int, layers: tuple[int, int], units: tuple[int, int]) -> list[dict[str, Any]]:
    """Draws candidates; the same for every contestant, and the first of more are those of fewer."""
    rng = np.random.default_rng(0)
    return [
        {
            "layers": [
                [int(rng.integers(units[0], units[1] + 1)), str(rng.choice(ACTIVATIONS))]
                for _ in range(rng.integers(layers[0], layers[1] + 1))
            ],
            "rate": float(10 ** rng.uniform(-3.5, -2)),
        }
        for _ in range(count)
    ]


def measure(question: str, name: str, job: dict[str, Any], label: str = "", among: int | None = None) -> Row:
    """Runs one contestant on one job in a fresh process and returns its row.

    Args:
        question: the part of the benchmark.
        name: of the contestant.
        job: what it trains.
        label: in the table; empty: the name.
        among: over how many candidates its start is spread; None: those of the job.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.json"
        path.write_text(json.dumps({"jobs": CORES, **job}))
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(CONTESTANTS), name, str(path)],
            env={**os.environ, "GANAS_CACHE": str(Path(folder) / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{question}, {name}: ended with {done.returncode}\n{done.stderr[-2000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    errors = [error for error in answer["errors"] if error is not None]
    count = len(
        answer["errors"]
    )  # not those asked for: KerasTuner's random search ends when it draws known candidates too often
    megabytes = answer.get("megabytes")
    # a second, warm round is measured inside the same process
    warm, ready = answer.get("warm"), answer.get("ready", 0.0)
    training = seconds - ready - (warm or 0.0)
    row = {
        "question": question,
        "contestant": label or name,
        "candidates": count,
        "cold": ready / max(among or count, 1) + training / max(count, 1),
        "ready": ready,
        "warm": warm / count if warm else None,
        "mean_error": float(np.mean(errors)) if errors else None,
        "programs": answer.get("programs"),
        "gflops": answer.get("gflops"),
        "sd_error": float(np.std(errors)) if errors else None,
        "p_value": None,
        "memory": _growth_of(megabytes) if megabytes else None,
        "errors": errors,
    }
    print(f"{question:8} {row['contestant']:28} {count:5} candidates {row['cold']:8.3f} s each, cold", flush=True)
    return row


def job(count: int, layers: tuple[int, int], units: tuple[int, int], **changes: Any) -> dict[str, Any]:
    return {"data": "digits", "epochs": 10, "batch": 32, "candidates": candidates(count, layers, units), **changes}


def measure_all(many: int, few: int, questions: list[str]) -> Iterator[Row]:
    """Yields the rows of the questions."""
    small = job(many, (1, 4), (10, 100))
    first = {**small, "candidates": small["candidates"][:few]}
    deep = job(many, (1, 10), (10, 100))
    if "small" in questions:
        yield measure("small", "ganas", small)
        for peer in PEERS:
            yield measure("small", peer, first, among=many)
    if "all" in questions:
        own = measure("all", "ganas", small)
        yield own
        keras_own = measure("all", PEERS[1], small)
        yield {**keras_own, "p_value": float(stats.ks_2samp(own["errors"], keras_own["errors"]).pvalue)}
        yield measure("all", PEERS[0], small)
    if "deep" in questions:
        yield measure("deep", "ganas", deep)
        yield measure("deep", PEERS[0], {**deep, "candidates": deep["candidates"][:few]}, among=many)
    if "asks" in questions:
        for ask in (8, 32):
            yield measure("asks", "ganas", {**small, "ask": ask}, f"ganas, {ask} at a time")
    if "growth" in questions:
        yield from _growth(many)
    if "memory" in questions:
        yield measure("memory", "ganas", job(10 * many, (1, 4), (10, 100), ask=32, watches_memory=True))
    # as many epochs as the small networks, and so few that compilations and padding are half of ganas' time
    for question, count, epochs in (("medium", few, 10), ("brief", 2 * few, 2)):
        if question in questions:
            medium = job(count, (1, 3), (32, 512), data="mnist", epochs=epochs)
            yield measure(question, "ganas", medium)
            first = {**medium, "candidates": medium["candidates"][: max(2, count // 4)]}
            yield measure(question, PEERS[0], first, among=count)
    if "wide" in questions:
        wide = [{"layers": [[1024, "tanh"], [512, "tanh"], [512, "tanh"], [512, "tanh"]], "rate": 1e-4}]
        # different rates: equal candidates would be trained once
        copies = [{**wide[0], "rate": 1e-4 * (1 + place / 10)} for place in range(2 * CORES)]
        job_wide = {"data": "mnist", "epochs": 2, "batch": 128, "candidates": copies}
        yield measure("wide", "sgemm", {"candidates": []}, "sgemm peak, GFLOP/s")
        row = measure("wide", "ganas", job_wide)
        weights = 784 * 1024 + 1024 * 512 + 2 * 512 * 512 + 512 * 10
        # forward and backward on the training rows, forward on the validation rows
        per_epoch = 6 * weights * 48_000 + 2 * weights * 12_000
        row["gflops"] = per_epoch * job_wide["epochs"] * len(copies) / (row["warm"] * len(copies)) / 1e9
        yield row


def _growth(many: int) -> Iterator[Row]:
    for count in (10, many // 2, many, 5 * many):
        yield measure("growth", "ganas", job(count, (1, 4), (10, 100)), f"population {count}")
    for units in (16, 100, 250):
        yield measure("growth", "ganas", job(many // 4, (2, 2), (units, units)), f"2 layers of {units}")
    yield measure("growth", "ganas", job(many // 2, (1, 4), (16, 512)), "units 16 to 512")
    for layers in (1, 4, 10):
        yield measure("growth", "ganas", job(many // 4, (layers, layers), (10, 100)), f"{layers} layers")
    for data in ("iris", "breast_cancer", "digits"):
        yield measure("growth", "ganas", job(many // 4, (1, 4), (10, 100), data=data), f"data {data}")


def read(path: Path, without: Sequence[str]) -> list[Row]:
    """Returns the rows of an earlier run, but for some questions."""
    if not path.exists():
        return []
    words = ("question", "contestant")
    with path.open(newline="") as file:
        return [
            {name: text if name in words else _number(text) for name, text in row.items()}
            for row in csv.DictReader(file)
            if row["question"] not in without
        ]


def _number(text: str) -> float | int | None:
    return None if not text else int(text) if text.isdigit() else float(text)


QUESTIONS_IN_WORDS = """
The questions, of digits with 10 epochs and batches of 32: *small*: 1 to 4 layers of 10 to 100 units, of which the others train the
first 20; *all*: the same, all 200; *deep*: 1 to 10 layers; *asks*: small ones, 8 or 32 at a time; *growth*: ganas alone, as the
candidates' number, width or depth or the data grow; *memory*: 2,000 small ones. Of MNIST: *medium* and *brief*: 1 to 3 layers of 32
to 512 units, 10 and 2 epochs; *wide*: 1024-512-512-512, 2 epochs, batches of 128, beside the machine's plain matrix product."""


def write(rows: list[Row], folder: Path) -> None:
    """Writes the CSV, the table and the figure."""
    rows = sorted(rows, key=lambda row: QUESTIONS.index(row["question"]))
    with (folder / CSV.name).open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    lines = [
        "# Seconds per candidate",
        "",
        f"Made by `GANAS_DATA=DIR python benchmarks/trainers.py` on {CORES} cores; the rows are [trainers.csv](trainers.csv).",
        "*Cold* counts imports, worker start and compilations; *warm* is a second round in the same process. *Ratio* is to ganas,",
        "cold, on the same question.",
        "",
        "*Start* is the time until imports and data are there; a contestant that trains fewer candidates than ganas has it",
        "spread over as many. KerasTuner, Optuna and joblib go through Keras' `Model.fit`. KerasTuner's mean error is that of its",
        "own score, the best epoch by accuracy; the others' is that of the epoch with the lowest validation loss. Its random",
        "search ends when it has drawn known candidates too often, so it may train fewer than it was asked to.",
        *QUESTIONS_IN_WORDS.splitlines(),
        "",
        "| question | contestant | candidates | cold, s | start, s | warm, s | ratio | mean error | programs | GFLOP/s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    own = {row["question"]: row["cold"] for row in rows if row["contestant"] == "ganas"}
    for row in rows:
        ratio = row["cold"] / own[row["question"]] if row["question"] in own and row["candidates"] else None
        cells = [
            row["question"], row["contestant"], row["candidates"],
            _cell(row["cold"], 3), _cell(row["ready"], 1), _cell(row["warm"], 3), _cell(ratio, 1),
            _cell(row["mean_error"], 4), row["programs"] or "", _cell(row["gflops"], 0),
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["", *_ratios(rows), "", *_agreement(rows), "", "![seconds per candidate](trainers.svg)", ""]
    (folder / "trainers.md").write_text("\n".join(lines))
    _draw(rows, folder / "trainers.svg")


def _ratios(rows: list[Row]) -> list[str]:
    """Returns a table of the ratios that matter."""
    by = {(row["question"], row["contestant"]): row for row in rows}

    def ratio(above: tuple[str, str], below: tuple[str, str], column: str = "cold") -> float | None:
        found = [by[key][column] for key in (above, below) if key in by]
        return found[0] / found[1] if len(found) == 2 and all(found) else None

    ganas, tuner = ("small", "ganas"), ("small", PEERS[0])
    sizes = {row["candidates"]: ("growth", row["contestant"]) for row in rows if "population" in row["contestant"]}
    most = sizes[max(sizes)] if sizes else ganas
    hundred = sizes.get(100, ganas)
    found = {
        "KerasTuner / ganas, small, both all candidates": ratio(("all", PEERS[0]), ("all", "ganas")),
        "KerasTuner / ganas, small, KerasTuner the first candidates only": ratio(tuner, ganas),
        "KerasTuner with all candidates / ganas with most": ratio(("all", PEERS[0]), most),
        "KerasTuner with the first candidates / ganas with most": ratio(tuner, most),
        "KerasTuner / ganas, deep": ratio(("deep", PEERS[0]), ("deep", "ganas")),
        "Model.fit loop / ganas, small, both all candidates": ratio(("all", PEERS[1]), ("all", "ganas")),
        "Model.fit loop / ganas, small, Model.fit the first candidates only": ratio(("small", PEERS[1]), ganas),
        "MLPClassifier / ganas, small, both warm": ratio(("small", PEERS[4]), ganas, "warm"),
        "ganas asking 32 / all at once": ratio(("asks", "ganas, 32 at a time"), ganas),
        "ganas asking 8 / all at once": ratio(("asks", "ganas, 8 at a time"), ganas),
        "KerasTuner / ganas, medium": ratio(("medium", PEERS[0]), ("medium", "ganas")),
        "KerasTuner / ganas, medium, 2 epochs": ratio(("brief", PEERS[0]), ("brief", "ganas")),
        "share of the sgemm peak, wide": ratio(("wide", "ganas"), ("wide", "sgemm peak, GFLOP/s"), "gflops"),
        "ganas with most candidates / with 100": ratio(most, hundred),
        "memory, the highest after a tenth of the candidates / then": by.get(("memory", "ganas"), {}).get("memory"),
    }
    shown = [f"| {name} | {value:.2f} |" for name, value in found.items() if value is not None]
    return ["| ratio | |", "|---|---|", *shown]


def _growth_of(megabytes: list[float]) -> float:
    """Returns the highest memory of the process tree after a tenth of the candidates, over the memory at that point."""
    sampled = megabytes[len(megabytes) // 10 :]
    return max(sampled) / sampled[0]


def _agreement(rows: list[Row]) -> list[str]:
    """Says whether the errors of ganas and of plain Keras, same candidates, could be of one distribution."""
    by = {row["contestant"]: row for row in rows if row["question"] == "all"}
    if "ganas" not in by or PEERS[1] not in by:
        return []
    mine, its = by["ganas"], by[PEERS[1]]
    return [
        f"Validation errors of {mine['candidates']} candidates: ganas {mine['mean_error']:.4f} ± {mine['sd_error']:.4f}, "
        f"`Model.fit` {its['mean_error']:.4f} ± {its['sd_error']:.4f}",
        "(mean ± standard deviation between candidates; the same plans, other initial weights);",
        f"two-sample Kolmogorov-Smirnov p = {its['p_value']:.2f}.",
    ]


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _draw(rows: list[Row], path: Path) -> None:
    drawn = [row for row in rows if row["question"] in ("small", "all", "deep", "asks") and row["candidates"]]
    figure, axes = plt.subplots(figsize=(8, 0.4 * len(drawn) + 1.2), layout="constrained")
    labels = [f"{row['question']}: {row['contestant']}" for row in drawn]
    axes.barh(labels, [row["cold"] for row in drawn], color=["C1" if "ganas" in label else "C0" for label in labels])
    axes.set(xscale="log", xlabel="seconds per candidate, cold")
    axes.invert_yaxis()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    known = [one for one in QUESTIONS if "GANAS_DATA" in os.environ or one not in NEED_DATA]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few candidates, shown and not kept")
    parser.add_argument("--only", nargs="+", choices=known, default=known, help="some of the questions")
    options = parser.parse_args()
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            write(list(measure_all(16, 2, options.only)), Path(folder))
            print((Path(folder) / "trainers.md").read_text())
    else:
        DOCS.mkdir(parents=True, exist_ok=True)
        kept = read(CSV, options.only)
        write(kept + list(measure_all(200, 20, options.only)), DOCS)
