"""Which trainings a comparison consists of, in order, and which alternative of a variant the validation rows choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ganas.comparison.variants import Alternative, Variant
from ganas.evaluation import Evaluation
from ganas.seeds import derive_seed
from ganas.store import Asked


@dataclass(frozen=True)
class Planned:
    """A training of a comparison: of which variant, with which alternative of it, and with which of the seeds, from 0."""

    number: int
    variant: Variant
    alternative: int
    seed: int
    is_tuning: bool

    @property
    def way(self) -> Alternative:
        """What is trained."""
        return self.variant.alternatives[self.alternative]

    @property
    def purpose(self) -> str:
        """What the training is for: ``tuning`` or ``variant``; stored as the operator that made it."""
        return "tuning" if self.is_tuning else "variant"

    def label(self) -> str:
        """Names the training for a reader."""
        what = f"alternative {self.alternative + 1}, " if self.is_tuning else ""
        return f"{self.variant.name}, {what}seed {self.seed}"

    def member_seed(self, seed: int) -> int:
        """Returns the seed that decides weights and batches; it is the same for all variants of the run's ``seed``."""
        return derive_seed(seed, "comparison", self.purpose, self.seed)

    def asked(self) -> Asked:
        """Returns the row of the run's memory that stands for the training."""
        genome: dict[str, Any] = {"variant": self.variant.name, "seed": self.seed}
        if self.is_tuning:
            genome |= {"alternative": self.alternative, "settings": self.way.settings}
        return Asked(self.number, 0, self.seed + 1, genome, self.purpose, ())


def tuning_trainings(variants: Sequence[Variant], seeds: int) -> list[Planned]:
    """Returns the trainings that choose among the alternatives of the variants that have several, seed by seed."""
    tuned = [variant for variant in variants if len(variant.alternatives) > 1 and variant.tune_like is None]
    asked = [
        (variant, alternative, seed)
        for seed in range(seeds)
        for variant in tuned
        for alternative in range(len(variant.alternatives))
    ]
    return [Planned(number, *one, is_tuning=True) for number, one in enumerate(asked)]


def compared_trainings(
    variants: Sequence[Variant], chosen: Mapping[str, int], seeds: int, *, first: int
) -> list[Planned]:
    """Returns the trainings that are compared, seed by seed, numbered from ``first`` on."""
    asked = [(variant, chosen[variant.name], seed) for seed in range(seeds) for variant in variants]
    return [Planned(number, *one, is_tuning=False) for number, one in enumerate(asked, start=first)]


def choose_alternatives(
    variants: Sequence[Variant], tuning: Sequence[Planned], evaluations: Mapping[int, Evaluation]
) -> dict[str, int]:
    """Returns, per variant, the alternative with the lowest mean validation error over the tuning seeds.

    An alternative that failed with one of its seeds is chosen only if all others did too.
    """
    tried: dict[str, dict[int, list[float | None]]] = {variant.name: {} for variant in variants}
    for planned in tuning:
        errors = tried[planned.variant.name].setdefault(planned.alternative, [])
        errors.append(evaluations[planned.number].error)

    def rank(name: str, alternative: int) -> tuple[int, float, int]:
        errors = tried[name][alternative]
        known = [error for error in errors if error is not None]
        return len(errors) - len(known), fmean(known) if known else 0.0, alternative

    ranked = {name: sorted(rank(name, way) for way in ways) for name, ways in tried.items()}
    chosen = {name: ranks[0][-1] if ranks else 0 for name, ranks in ranked.items()}
    return {variant.name: chosen[variant.tune_like or variant.name] for variant in variants}
