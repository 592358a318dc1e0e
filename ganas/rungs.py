"""Early stopping across candidates: after a share of the epochs, only the better part of the candidates goes on.

Source: asynchronous successive halving (Li et al. 2020, https://arxiv.org/abs/1810.05934), with the comparison against
the most recent results at a rung, so that a candidate waits only for the batch it was asked with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganas.errors import ConfigError


@dataclass(frozen=True)
class Rungs:
    """When candidates are compared, and how many go on.

    Attributes:
        fractions: shares of the epochs after which candidates are compared, rising, each in (0, 1).
        keep: share of the candidates that goes on from each rung, in (0, 1).
        window: a candidate is compared with so many of the last results at the rung, its own batch included.
    """

    fractions: tuple[float, ...] = (0.25,)
    keep: float = 0.5
    window: int = 20

    def __post_init__(self) -> None:
        if not all(0 < fraction < 1 for fraction in self.fractions) or list(self.fractions) != sorted(
            set(self.fractions)
        ):
            raise ConfigError(f"[budget] rungs: must be rising shares in (0, 1), got {list(self.fractions)}")
        if not 0 < self.keep < 1:
            raise ConfigError(f"[budget] keep: must be in (0, 1), got {self.keep}")
        if self.window < 2:
            raise ConfigError(f"[budget] window: must be at least 2, got {self.window}")

    def epochs(self, total: int) -> tuple[int, ...]:
        """Returns after how many epochs of ``total`` each rung lies; rungs that fall together or on the end are dropped."""
        marks = sorted({max(1, round(total * fraction)) for fraction in self.fractions})
        return tuple(mark for mark in marks if mark < total)

    def survivors(self, scores: Mapping[int, float], earlier: Sequence[float]) -> set[int]:
        """Returns which of a batch's candidates (index → score, smaller is better) go on, given earlier scores at the rung."""
        recent = sorted([*earlier, *(scores[index] for index in sorted(scores))][-max(self.window, len(scores)) :])
        if not recent:
            return set()
        threshold = recent[math.ceil(self.keep * len(recent)) - 1]
        return {index for index, score in scores.items() if score <= threshold}


SUCCESSIVE_HALVING = Rungs(fractions=(1 / 9, 1 / 3), keep=1 / 3)
"""Two rungs with a third going on from each (Jamieson & Talwalkar 2016, https://arxiv.org/abs/1502.07943)."""

RUNGS: dict[str, tuple[Rungs, ...]] = {
    "halving": (Rungs(),),
    "successive_halving": (SUCCESSIVE_HALVING,),
    "hyperband": (SUCCESSIVE_HALVING, Rungs(fractions=(1 / 3,), keep=1 / 3), Rungs(fractions=())),
}
"""By name: the brackets that batches take in turn (Hyperband, Li et al. 2018, https://arxiv.org/abs/1603.06560, has several)."""
