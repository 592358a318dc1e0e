"""What a run's records say, as rows of plain data: computed here; drawn, written and printed elsewhere.

Every function takes records or members as they are read from a run and returns JSON-able rows; none draws or formats.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ganas.evaluation import Evaluation
from ganas.history import HallMember, Record
from ganas.search.plan import NetworkPlan

Row = dict[str, Any]


def progress_rows(records: Iterable[Record]) -> list[Row]:
    """Returns a row per evaluation in order: its ``evaluation`` number from 1, ``error``, ``best`` so far, ``status``.

    Only candidates trained to their end enter ``best``, which is None before the first of them.
    """
    rows: list[Row] = []
    best: float | None = None
    for record in records:
        if record.evaluation is None:
            continue
        error = record.evaluation.error
        if record.is_ok and error is not None:
            best = error if best is None else min(best, error)
        rows.append({"evaluation": len(rows) + 1, "error": error, "best": best, "status": record.evaluation.status})
    return rows


def candidate_rows(records: Iterable[Record]) -> list[Row]:
    """Returns a flat row per evaluated candidate: where it came from, what it is, how it did, and its measures."""
    rows = []
    for record in records:
        evaluation = record.evaluation
        if evaluation is None:
            continue
        row = {
            "number": record.number,
            "generation": record.generation,
            "operator": record.operator,
            "parents": " ".join(map(str, record.parents)),
            "network": evaluation.plan.in_words(),
        }
        names = (
            "status",
            "error",
            "loss",
            "parameters",
            "epochs",
            "best_epoch",
            "seconds",
            "trainer",
            "seed",
            "message",
        )
        row |= {name: getattr(evaluation, name) for name in names}
        rows.append(row | {f"measure_{name}": value for name, value in evaluation.measures.items()})
    return rows


def hall_rows(members: Iterable[HallMember]) -> list[Row]:
    """Returns a row per member of the hall of fame: ``rank``, ``network`` and ``training`` in words, and how it did."""
    return [
        {
            "rank": member.rank,
            "network": member.in_words(),
            "training": training_in_words(member.evaluation.plan),
            "error": member.error,
            "parameters": member.evaluation.parameters,
            "epochs": member.evaluation.best_epoch,
            "generation": member.record.generation,
        }
        for member in members
    ]


def training_in_words(plan: NetworkPlan) -> str:
    """Describes how a plan is trained: ``adam 0.001, batch 32, categorical_crossentropy``."""
    optimizer = plan.optimizer
    options = "".join(f" {name} {value}" for name, value in optimizer.options)
    words = [f"{optimizer.name} {optimizer.learning_rate:.2g}{options}", f"batch {plan.batch_size}"]
    words += [f"decay {optimizer.weight_decay:.2g}"] * (optimizer.weight_decay > 0)
    words += [f"{name} {value:.2g}" for name, value in (("l1", plan.l1), ("l2", plan.l2)) if value > 0]
    words += [plan.loss] if plan.loss is not None else []
    words += [plan.kernel_initializer] * (plan.kernel_initializer != "glorot_uniform")
    if plan.corruption is not None:
        words.append(f"{plan.corruption.kind} noise {plan.corruption.rate:.2g}")
    if plan.mutation is not None:
        mutation, where = plan.mutation, " of the encoder" * (plan.mutation.layers == "encoder")
        words.append(f"weight mutation{where} {mutation.method} {mutation.probability:.2g} × {mutation.ratio:.2g}")
    return ", ".join(words)


def size_rows(records: Iterable[Record], front: Iterable[Record]) -> list[Row]:
    """Returns a row per candidate that counts: ``parameters``, ``error``, and whether it is on the ``front``.

    The front is of error against size, whatever objectives the search itself had.
    """
    on_front = {record.number for record in front}
    return [
        {
            "number": record.number,
            "parameters": record.evaluation.parameters,
            "error": record.evaluation.error,
            "on_front": record.number in on_front,
        }
        for record in records
        if record.is_ok and record.evaluation is not None
    ]


def size_front(records: Iterable[Record]) -> list[Record]:
    """Returns the candidates that no smaller or equal one beats in error, by size."""

    def place(record: Record) -> tuple[int, float, int]:
        assert record.evaluation is not None
        assert record.evaluation.error is not None
        return record.evaluation.parameters, record.evaluation.error, record.number

    front: list[Record] = []
    for record in sorted((record for record in records if record.is_ok), key=place):
        if not front or place(record)[1] < place(front[-1])[1]:
            front.append(record)
    return front


def code_rows(records: Iterable[Record]) -> list[Row]:
    """Returns a row per autoencoder that counts: the bottleneck's units as ``code``, ``error``, and whether it is their best."""
    best: dict[int, Row] = {}
    rows = []
    for record in records:
        evaluation = record.evaluation
        if not record.is_ok or evaluation is None or evaluation.error is None or evaluation.plan.bottleneck is None:
            continue
        row: Row = {"code": evaluation.plan.layers[evaluation.plan.bottleneck].units, "error": evaluation.error}
        rows.append(row)
        if row["code"] not in best or row["error"] < best[row["code"]]["error"]:
            best[row["code"]] = row
    return [{**row, "is_best": best[row["code"]] is row} for row in rows]


def architecture_rows(records: Iterable[Record], *, most: int = 6) -> list[Row]:
    """Returns a row per generation about the hidden layers of what was asked and counts.

    ``depth`` and ``units`` are (10 % quantile, median, 90 % quantile); ``activations`` maps each of the ``most``
    frequent activations of the run, and ``other`` for the rest, to its share of the generation's hidden layers.
    """
    generations: dict[int, list[Any]] = {}
    for record in records:
        if record.is_ok and record.evaluation is not None:
            generations.setdefault(record.generation, []).append(record.evaluation.plan.layers)
    total = Counter(layer.activation for plans in generations.values() for layers in plans for layer in layers)
    shown = [name for name, _ in total.most_common(most if len(total) <= most else most - 1)]
    rows = []
    for generation, plans in sorted(generations.items()):
        layers = [layer for plan in plans for layer in plan]
        names = Counter(layer.activation if layer.activation in shown else "other" for layer in layers)
        rows.append(
            {
                "generation": generation,
                "depth": _quantiles([len(plan) for plan in plans]),
                "units": _quantiles([layer.units for layer in layers]),
                "activations": {
                    name: names[name] / max(1, len(layers)) for name in [*shown, *["other"] * ("other" in names)]
                },
            }
        )
    return rows


def learning_rows(evaluation: Evaluation) -> list[list[Row]]:
    """Returns, per training (fold and repeat), a row per epoch from 1: ``loss`` and ``val_loss`` (None without one)."""
    return [
        [
            {"epoch": epoch, "loss": loss, "val_loss": curve["val_loss"][epoch - 1] if curve.get("val_loss") else None}
            for epoch, loss in enumerate(curve.get("loss", []), start=1)
        ]
        for curve in evaluation.curves
    ]


def failure_rows(records: Iterable[Record]) -> list[Row]:
    """Returns a row per status that does not count: ``status``, ``count``, the reason of one."""
    failed: dict[str, list[Evaluation]] = {}
    for record in records:
        if record.evaluation is not None and not record.is_ok:
            failed.setdefault(record.evaluation.status, []).append(record.evaluation)
    return [
        {"status": status, "count": len(found), "example": found[0].reason} for status, found in sorted(failed.items())
    ]


def operator_rows(records: Sequence[Record]) -> list[Row]:
    """Returns a row per operator: how many ``children`` it had a part in, and the share ``better`` than all their parents."""
    errors = {
        record.number: record.evaluation.error
        for record in records
        if record.is_ok and record.evaluation is not None and record.evaluation.error is not None
    }
    made: dict[str, list[bool]] = {}
    for record in records:
        known = [errors[parent] for parent in record.parents if parent in errors]
        error = errors.get(record.number)
        if record.evaluation is not None and known:
            for operator in set(record.operator.split(", ")):
                made.setdefault(operator, []).append(error is not None and error < min(known))
    return [
        {"operator": name, "children": len(wins), "better": sum(wins) / len(wins)}
        for name, wins in sorted(made.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _quantiles(values: Sequence[float]) -> list[float]:
    """Returns the 10 %, 50 % and 90 % quantiles, interpolated between neighbours; zeros of nothing."""
    ordered = sorted(values) or [0.0]
    quantiles = []
    for share in (0.1, 0.5, 0.9):
        place = share * (len(ordered) - 1)
        low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
        quantiles.append(low + (high - low) * (place - math.floor(place)))
    return quantiles
