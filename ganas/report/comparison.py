"""What a comparison's records say, as rows of plain data: per variant, per training, and per point of the curves.

Every number is computed here from the run's own records; nothing else stores a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from ganas.comparison.paired import PairedDifference, holm, paired_difference
from ganas.evaluation import Evaluation
from ganas.history import Record, Run
from ganas.report.tables import Row, training_in_words
from ganas.statistics import confidence_half_width, standard_deviation

LAST_PART = 0.2
"""The share of a curve over whose end the error's fluctuation is taken; of the paper's 10,000 updates, 2,000."""


@dataclass(frozen=True)
class ComparedTraining:
    """One training of a variant: its seed (from 0), what it was judged to be, and what the network said when asked."""

    variant: str
    seed: int
    evaluation: Evaluation
    train: dict[str, float] | None
    test: dict[str, float] | None
    dead: tuple[float, ...]


class ComparedVariants:
    """A comparison's run, read as trainings by variant; variants and seeds in the order of the config."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.names: list[str] = run.facts["variants"]
        self.against: dict[str, str] = run.facts["against"]
        """Variant → the one it is compared with; the base itself is compared with none."""

    @cached_property
    def trainings(self) -> dict[str, list[ComparedTraining]]:
        """The trainings that are compared, those that tuned left out."""
        inspected = self.run.facts.get("inspected") or {}
        tests = self.run.readings[-1]["networks"] if self.run.readings else {}
        found: dict[str, list[ComparedTraining]] = {name: [] for name in self.names}
        for record in self.run.records:
            if record.operator == "variant" and record.evaluation is not None:
                number = str(record.number)
                asked = inspected.get(number, {})
                found[record.genome["variant"]].append(
                    ComparedTraining(
                        record.genome["variant"],
                        record.genome["seed"],
                        record.evaluation,
                        asked.get("measures"),
                        tests.get(number),
                        tuple(asked.get("dead", ())),
                    )
                )
        return found

    @property
    def has_test(self) -> bool:
        """Whether the test rows have been read."""
        return bool(self.run.readings)

    def errors(self, name: str, rows: str) -> dict[int, float]:
        """Returns a variant's errors by seed on its ``"validation"``, ``"test"`` or ``"train"`` rows; failures are left out."""
        values = {}
        for one in self.trainings[name]:
            if one.evaluation.is_ok:
                measures = {"validation": {"error": one.evaluation.error}, "test": one.test, "train": one.train}[rows]
                error = (measures or {}).get("error")
                if error is not None:
                    values[one.seed] = error
        return values

    def differences(self, rows: str) -> dict[str, PairedDifference | None]:
        """Returns the difference of each variant to the one it is compared with, by name."""
        test = self.run.facts["test"]
        return {
            name: paired_difference(self.errors(name, rows), self.errors(base, rows), test)
            for name, base in self.against.items()
        }


def variant_rows(compared: ComparedVariants) -> list[Row]:
    """Returns a row per variant: errors with the half width of their 95 % interval, differences to the base, and its training.

    Differences are of the test error if the test rows have been read, else of the validation error; ``p_corrected`` is
    Holm's, over all variants.
    """
    differences = compared.differences("test" if compared.has_test else "validation")
    known = {name: difference.p for name, difference in differences.items() if difference is not None}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    return [_variant_row(compared, name, differences.get(name), corrected.get(name)) for name in compared.names]


def _variant_row(
    compared: ComparedVariants, name: str, difference: PairedDifference | None, p_corrected: float | None
) -> Row:
    trainings = compared.trainings[name]
    good = [one for one in trainings if one.evaluation.is_ok]
    row: Row = {"variant": name, "against": compared.against.get(name), "seeds": len(trainings), "counted": len(good)}
    row["failures"] = "; ".join(sorted({_failure(one.evaluation) for one in trainings if not one.evaluation.is_ok}))
    for rows in ("validation", "test", "train"):
        errors = list(compared.errors(name, rows).values())
        row[f"{rows}_error"] = fmean(errors) if errors else None
        row[f"{rows}_half_width"] = confidence_half_width(errors) if len(errors) > 1 else None
    row["difference"] = difference.mean if difference else None
    row["difference_half_width"] = difference.half_width if difference else None
    row["p"] = difference.p if difference else None
    row["p_corrected"] = p_corrected
    gaps = _gaps(compared, name)
    row["gap"] = fmean(gaps) if gaps else None
    row["best_point"] = fmean([_best_point(one.evaluation) for one in good]) if good else None
    losses = [one.evaluation.loss for one in good if one.evaluation.loss is not None]
    row["validation_loss"] = fmean(losses) if losses else None
    row["validation_loss_half_width"] = confidence_half_width(losses) if len(losses) > 1 else None
    fluctuations = [_fluctuation(one.evaluation) for one in good]
    row["fluctuation"] = fmean(fluctuations) if fluctuations else None
    seconds = (compared.run.facts.get("step_seconds") or {}).get(name)
    row["step_milliseconds"] = None if seconds is None else 1000 * seconds
    sample = (good or trainings)[0].evaluation if trainings else None
    row["parameters"] = None if sample is None else sample.parameters
    row["network"] = "" if sample is None else sample.plan.in_words()
    row["training"] = "" if sample is None else training_in_words(sample.plan)
    row["measures"] = _mean_measures([one.test if compared.has_test else one.evaluation.measures for one in good])
    row["dead"] = [fmean(shares) for shares in zip(*[one.dead for one in good if one.dead], strict=True)]
    return row


def training_rows(compared: ComparedVariants) -> list[Row]:
    """Returns a row per training: its variant and seed, how it ended, and every measure on every kind of rows."""
    rows = []
    for name in compared.names:
        for one in compared.trainings[name]:
            evaluation = one.evaluation
            row: Row = {"variant": name, "seed": one.seed, "status": evaluation.status}
            row["validation_error"] = evaluation.error
            for kind, measures in (("validation", evaluation.measures), ("test", one.test), ("train", one.train)):
                row |= {f"{kind}_{measure}": value for measure, value in (measures or {}).items()}
            row |= {f"dead_{layer}": share for layer, share in enumerate(one.dead, start=1)}
            row |= {
                "best_point": _best_point(evaluation) if evaluation.is_ok else None,
                "epochs": evaluation.epochs,
                "seconds": evaluation.seconds,
                "parameters": evaluation.parameters,
                "trainer": evaluation.trainer,
                "message": evaluation.reason,
            }
            rows.append(row)
    return rows


def curve_rows(compared: ComparedVariants, name: str, key: str) -> list[Row]:
    """Returns a row per point of a variant's curve ``key``: ``updates``, ``mean``, the ``low`` and ``high`` 95 % bounds, ``seeds``.

    ``key`` is ``error`` (on the measured rows), ``loss`` or ``val_loss``. Where some seeds stopped early, the others count;
    ``seeds`` says how many they are.
    """
    curves = [one.evaluation.curves[0] for one in compared.trainings[name] if one.evaluation.is_ok]
    curves = [curve for curve in curves if curve.get(key)]
    rows = []
    for point in range(max((len(curve[key]) for curve in curves), default=0)):
        there = [curve for curve in curves if len(curve[key]) > point]
        values = [curve[key][point] for curve in there]
        half = confidence_half_width(values) if len(values) > 1 else 0.0
        middle = fmean(values)
        updates, seeds = there[0]["updates"][point], len(there)
        rows.append({"updates": updates, "mean": middle, "low": middle - half, "high": middle + half, "seeds": seeds})
    return rows


def tuning_rows(run: Run) -> list[Row]:
    """Returns a row per alternative that was tried: its variant, number from 1, mean validation error, failures, if chosen."""
    tried: dict[tuple[str, int], list[Record]] = {}
    for record in run.records:
        if record.operator == "tuning" and record.evaluation is not None:
            tried.setdefault((record.genome["variant"], record.genome["alternative"]), []).append(record)
    chosen = run.facts.get("chosen_numbers", {})
    rows = []
    for (name, number), records in sorted(tried.items(), key=lambda item: item[0]):
        errors = [r.evaluation.error for r in records if r.evaluation is not None and r.evaluation.error is not None]
        rows.append(
            {
                "variant": name,
                "alternative": number + 1,
                "validation_error": fmean(errors) if errors else None,
                "failures": len(records) - len(errors),
                "is_chosen": chosen.get(name) == number,
                "settings": ", ".join(f"{k} = {v}" for k, v in records[0].genome["settings"].items()),
            }
        )
    return rows


def _mean_measures(answers: Sequence[dict[str, float] | None]) -> dict[str, float]:
    """Returns the mean of every measure but the error, over the networks that have it."""
    known = [measures for measures in answers if measures]
    names = [name for name in (known[0] if known else {}) if name != "error"]
    return {name: fmean([measures[name] for measures in known]) for name in names}


def _gaps(compared: ComparedVariants, name: str) -> list[float]:
    train, validation = compared.errors(name, "train"), compared.errors(name, "validation")
    return [validation[seed] - train[seed] for seed in train.keys() & validation.keys()]


def _best_point(evaluation: Evaluation) -> float:
    """Returns the updates after which the validation loss (without one: the training loss) was lowest."""
    curve: dict[str, list[float]] = evaluation.curves[0]
    watched = curve.get("val_loss") or curve["loss"]
    return curve["updates"][watched.index(min(watched))]


def _fluctuation(evaluation: Evaluation) -> float:
    """Returns the standard deviation of the error over the last part of the curve."""
    errors = evaluation.curves[0]["error"]
    return standard_deviation(errors[-max(2, round(LAST_PART * len(errors))) :])


def _failure(evaluation: Evaluation) -> str:
    reason = evaluation.reason or "no reason given"
    return f"{evaluation.status}: {reason}"


def facts_in_words(run: Run) -> list[str]:
    """Says what a reader must know to read the table: data, rows, what error means, how differences are tested."""
    facts: dict[str, Any] = run.facts
    kind = {"t": "paired t-test", "wilcoxon": "Wilcoxon's signed-rank test"}[facts["test"]]
    rows = "test" if run.readings else "validation"
    lines = [
        *facts["data"],
        f"intervals: 95 % of the mean over seeds; difference: {rows} error minus that of the base, paired by seed; "
        f"p: {kind}, corrected by Holm for {len(facts['against'])} comparisons",
    ]
    if run.readings:
        lines.append(f"test rows: read once, after all training, at {run.readings[-1]['time']}; they chose nothing")
    return lines
