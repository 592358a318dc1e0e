"""Which of Keras' losses fit which kind of task, by Keras' snake-case names.

Left out are losses that give no number per row (dice, tversky, circle, CTC) and, for regression, those that need positive
targets, because targets are standardised.
"""

from __future__ import annotations

from collections.abc import Sequence

from ganas.errors import SpaceError, did_you_mean
from ganas.search.words import LOSS_ALIASES, keras_loss

CLASSIFICATION_LOSSES = (
    "categorical_crossentropy",
    "mean_squared_error",
    "huber",
    "kl_divergence",
    "mean_absolute_error",
    "mean_squared_logarithmic_error",
    "log_cosh",
    "poisson",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "hinge",
    "squared_hinge",
    "cosine_similarity",
)
REGRESSION_LOSSES = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")


def fitting_loss(name: str | None, fitting: Sequence[str]) -> str:
    """Returns the Keras name of a loss given by name or alias; of None the first one that fits.

    Raises:
        SpaceError: the loss is unknown or does not fit the task.
    """
    if name is None:
        return fitting[0]
    keras_name = keras_loss(name)
    if keras_name not in fitting:
        short = [alias for alias, loss in LOSS_ALIASES.items() if loss in fitting]
        hint = did_you_mean(name, [*fitting, *short])
        raise SpaceError(f"loss {name!r}: must be one of {', '.join(fitting)}{hint}")
    return keras_name
