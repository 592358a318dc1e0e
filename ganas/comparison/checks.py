"""What a comparison refuses: variants that cannot be built, before anything is trained, and a base that failed."""

from __future__ import annotations

from collections.abc import Sequence

from ganas.comparison.inspection import Blueprint, try_to_build
from ganas.comparison.variants import Variant
from ganas.errors import ConfigError, RunError, SpaceError
from ganas.evaluator import Evaluator
from ganas.history import Run


def refuse_unbuildable(variants: Sequence[Variant], evaluator: Evaluator) -> None:
    """Lets a worker build every variant.

    Raises:
        ConfigError: a variant cannot be built, or not be trained by the trainer that was asked for; names it.
    """
    ways = [(variant.name, way) for variant in variants for way in variant.alternatives]
    jobs = []
    for name, way in ways:
        try:
            evaluator.trainer_of(way.plan)
        except SpaceError as error:
            raise ConfigError(f'[variant "{name}"]: {error}') from None
        jobs.append(Blueprint(way.plan, evaluator.task.inputs, way.budget.threads))
    problems = dict(evaluator.executor.run(try_to_build, jobs))
    for place, (name, _) in enumerate(ways):
        if isinstance(problems[place], str):
            raise ConfigError(f'[variant "{name}"] cannot be built: {problems[place]}')


def refuse_failed_base(run: Run) -> None:
    """Says so if the base, to which the others are compared, failed with every seed.

    Raises:
        RunError: it did.
    """
    base = run.facts["base"]
    records = [record for record in run.records if record.operator == "variant" and record.genome["variant"] == base]
    if not any(record.is_ok for record in records):
        evaluation = records[0].evaluation
        assert evaluation is not None
        reason = (evaluation.message.strip().splitlines() or ["no reason given"])[-1]
        raise RunError(
            f"{run.folder}: the base {base!r} failed with every seed ({evaluation.status}: {reason}), so there are no "
            "differences to it; choose another [compare] base"
        )
