"""Which plans the cohort trainer can train together, and how the trainings of a batch are packed into jobs.

A :class:`Bucket` names one compiled program: everything that is structure in it (widths, batch size, optimizer, loss),
rounded up to a few canonical values, while the rest (depth up to the bucket's, real widths, activations, learning rates,
rates of dropout) is data per member. It depends on the plan, the data's shape and the budget, never on the company, so that
a member's answer is the same bits whoever is trained beside it. This module loads no TensorFlow; docs/cohort.md says what
was measured.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganas.evaluation import Evaluation, TrainingBudget
from ganas.search.activations import parse_activation
from ganas.search.plan import Corruption, DenseLayer, Head, Mutation, NetworkPlan, Optimizer

COMMON_ACTIVATIONS = (
    "linear", "relu", "leaky_relu", "prelu", "elu", "selu", "tanh", "sigmoid", "silu",
)  # fmt: skip
"""Activations every program holds: three formulas with coefficients per member."""

OPTIMIZERS = (
    "sgd", "rmsprop", "adam", "adamw", "adamax", "nadam", "lion", "adagrad", "adadelta", "ftrl", "schedulefreeadamw",
)  # fmt: skip
"""Optimizers that treat every number on its own, so that stacking members changes nothing."""

LOSSES = (
    "mean_squared_error", "mse", "mean_absolute_error", "mae", "mean_absolute_percentage_error", "mape",
    "mean_squared_logarithmic_error", "msle", "huber", "log_cosh", "categorical_crossentropy",
    "categorical_focal_crossentropy", "binary_crossentropy", "binary_focal_crossentropy", "kl_divergence", "poisson",
    "cosine_similarity", "categorical_hinge",
)  # fmt: skip
"""Losses that are a mean over the outputs of each row; the others look at a whole batch at once."""

WHOLE_TENSOR_OPTIONS = ("clipnorm", "global_clipnorm", "gradient_accumulation_steps", "loss_scale_factor")

CARRIED: dict[type, tuple[str, ...]] = {
    NetworkPlan: (
        "layers", "head", "loss", "optimizer", "batch_size", "kernel_initializer", "l1", "l2", "normalization",
        "corruption", "mutation", "bottleneck", "tied",
    ),
    DenseLayer: ("units", "activation", "batch_normalization", "dropout"),
    Head: ("units", "activation", "batch_normalization"),
    Optimizer: ("name", "learning_rate", "weight_decay", "options"),
    Corruption: ("kind", "rate"),
    Mutation: ("probability", "ratio", "method", "layers"),
}  # fmt: skip
"""The fields of a plan and of its parts that the program trains by. A field that is not here is for Keras, unless it is off."""

DEPTHS = (2, 4, 7, 10)
"""Hidden layers are padded with layers that pass their input through, up to the next of these; deeper plans are exact."""

UNIFORM_WIDTHS = (104, 128, 256, 512, 1024)
"""The coarsest structure: all layers of a plan share one of these padded widths, and its depth is data. A narrower one would
be faster for the few plans that fit it, but its compilation costs more than they save; 104 serves the textbook's 10-100 units."""

WIDTHS = ((32, 64, 128, 256, 512, 1024), (32, 64, 96, 128, 192, 256, 384, 512, 768, 1024))
"""Finer: padded widths of each layer's own, few and more of them; beyond the last, and finest of all, multiples of ``STEPS``."""

STEPS = 256, 256, 32

SPARED = 1.5e11
"""What a plan may cost more, in floating-point operations of its whole training, for the sake of a coarser structure that other
plans share: 2 to 3 s, where a compilation takes 3 to 5."""

STEP_OVERHEAD = 1e6
"""What a step costs beside its products, in floating-point operations of the same time: about 50 microseconds."""


LANES = ((8_000, 8), (150_000, 4), (300_000, 2))
"""Weights of a member up to which so many are trained at once in the coarsest structure. Where arithmetic counts, one lane trains
as many members per second as several, and none runs empty; in a finer structure a plan rarely has company."""


@dataclass(frozen=True)
class Bucket:
    """The structure of one compiled program.

    Attributes:
        inputs, outputs: columns of the data and units of the head.
        widths: padded units of each hidden layer; a plan may use fewer layers where all widths are equal.
        lanes: members that the program trains at once; fixed, because another count gives other bits.
        batch: rows per step that are computed; plans with smaller batches leave some unused.
        features: what the program can do beyond dense layers with common activations, see :func:`features_of`.
        mutation: the weight mutation's ratio, rounded up to a power of two.
        precision: ``float32`` or ``float64``.
    """

    inputs: int
    outputs: int
    head_activation: str
    widths: tuple[int, ...]
    lanes: int
    batch: int
    loss: str
    optimizer: str
    options: tuple[tuple[str, float | bool | int], ...] = ()
    features: tuple[str, ...] = ()
    mutation: float = 0.0
    precision: str = "float32"

    @property
    def parameters(self) -> int:
        """Counts the padded kernels' weights of one member."""
        return _weights(self.inputs, self.widths, self.outputs)


def unsupported(plan: NetworkPlan) -> str | None:
    """Returns why the cohort trainer cannot train a complete ``plan``, or None if it can."""
    optimizer = plan.optimizer
    if plan.head is None or plan.loss is None:
        return "the plan has no head or loss yet"
    if optimizer.name.replace("_", "") not in OPTIMIZERS:
        return f"optimizer {optimizer.name} looks at whole tensors, or is unknown"
    for name, value in optimizer.options:
        if name in WHOLE_TENSOR_OPTIONS and value is not None:
            return f"optimizer option {name} looks at whole tensors or batches"
    if plan.mutation is not None and plan.mutation.layers == "encoder" and plan.bottleneck is None:
        return "mutation of the encoder needs a plan with a bottleneck"
    if plan.loss not in LOSSES:
        return f"loss {plan.loss} looks at whole batches, or is unknown"
    parts: list[Any] = [plan, *plan.layers, plan.head, optimizer, plan.corruption, plan.mutation]
    for part in parts:
        carried = next((names for kind, names in CARRIED.items() if isinstance(part, kind)), ())
        for one in dataclasses.fields(part) if part is not None else ():
            if one.name not in carried and getattr(part, one.name) != one.default:
                return f"{one.name} is not in its program yet"
    return None


def left_to_keras(evaluations: Sequence[Evaluation]) -> str | None:
    """Says how many networks were trained by Keras because no program trains them together, and why; None: there are none."""
    trained = [evaluation for evaluation in evaluations if evaluation.trainer]
    reasons = Counter(
        reason for one in trained if one.trainer == "keras" and (reason := unsupported(one.plan)) is not None
    )
    if not reasons:
        return None
    seconds = sum(one.seconds for one in trained if one.trainer == "keras")
    share = seconds / max(sum(one.seconds for one in trained), 1e-9)
    ((reason, _),) = reasons.most_common(1)
    count = f"{reasons.total()} of its {len(trained)} networks"
    return f"{count} were trained one by one by Keras, which took {100 * share:.0f} % of the training time: {reason}"


def bucket_of(
    plan: NetworkPlan, shape: tuple[int, int], budget: TrainingBudget, *, epoch_rows: int | None = None
) -> Bucket:
    """Returns the bucket that a complete, supported ``plan`` on training data of ``shape`` (rows, columns) belongs to.

    An epoch goes through ``epoch_rows`` rows, None: each once. No batch has more, whatever the plan says.

    Its structure is the coarsest that costs at most ``SPARED`` operations more than the plan's own, or else the finest: a
    small training is over before another program would be compiled, a long one is worth one of its own.
    """
    assert plan.head is not None
    assert plan.loss is not None
    rows, inputs = shape
    outputs = plan.head.units
    own = _weights(inputs, [layer.units for layer in plan.layers], outputs)
    structures = _structures(plan, budget.widest_layer)
    spare = (6.0 * (_weights(inputs, widths, outputs) - own) * rows * budget.epochs for widths in structures)
    widths = next((widths for widths, cost in zip(structures, spare, strict=True) if cost <= SPARED), structures[-1])
    lanes = next((lanes for limit, lanes in LANES if _weights(inputs, widths, outputs) <= limit), 1)
    return Bucket(
        inputs,
        outputs,
        plan.head.activation,
        widths,
        lanes if widths == structures[0] else 1,
        1 << (max(1, min(plan.batch_size, epoch_rows or rows)) - 1).bit_length(),
        plan.loss,
        plan.optimizer.name.replace("_", ""),
        plan.optimizer.options,
        features_of(plan),
        2.0 ** math.ceil(math.log2(plan.mutation.ratio)) if plan.mutation and plan.mutation.ratio else 0.0,
        budget.precision,
    )


def features_of(plan: NetworkPlan) -> tuple[str, ...]:
    """Returns the names of the features a plan needs in its program.

    Dropout and batch normalisation go together, because spaces that vary one mostly vary the other.
    """
    names = [parse_activation(layer.activation).name for layer in plan.layers]
    is_regularized = any(layer.dropout or layer.batch_normalization for layer in plan.layers)
    wanted = {
        "prelu": "prelu" in names,
        "rare_activations": any(name not in COMMON_ACTIVATIONS for name in names),
        "dropout": is_regularized,
        "normalization": is_regularized,
        "normalization_first": is_regularized and plan.normalization == "before_activation",
        "head_normalization": plan.head is not None and plan.head.batch_normalization,
        "penalty": plan.l1 > 0 or plan.l2 > 0,
        "corruption": plan.corruption is not None and plan.corruption.rate > 0,
        "mutation": plan.mutation is not None,
        "tied": plan.tied,
    }
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def pack(plans: Sequence[NetworkPlan], shape: tuple[int, int], budget: TrainingBudget, jobs: int) -> list[list[int]]:
    """Cuts ``plans`` on data of ``shape`` (rows, columns) into jobs for ``jobs`` workers: lists of indices, each of one bucket.

    A bucket's plans are spread over the workers in whole lanes; a job of more than one set of lanes refills a lane when
    its member is done. How plans are packed changes how long a batch takes and nothing else.
    """
    buckets: dict[Bucket, list[int]] = defaultdict(list)
    for index, plan in enumerate(plans):
        buckets[bucket_of(plan, shape, budget)].append(index)
    packed = []
    for bucket, members in buckets.items():
        size = bucket.lanes * max(1, len(members) // (4 * jobs * bucket.lanes))
        members.sort(key=lambda index: plans[index].batch_size)
        packed += [members[start : start + size] for start in range(0, len(members), size)]
    return packed


def work(bucket: Bucket, members: int) -> float:
    """Estimates what a job of ``members`` costs per training row, in floating-point operations.

    Lanes that run empty cost what full ones do, and every step costs about ``STEP_OVERHEAD`` whatever is computed in it.
    """
    rounds = -(-members // bucket.lanes)
    return rounds * (6.0 * bucket.lanes * bucket.parameters + STEP_OVERHEAD / bucket.batch)


def _structures(plan: NetworkPlan, widest: int | None) -> list[tuple[int, ...]]:
    """Returns padded widths that hold ``plan``, from those that most plans share to those that are nearly its own."""
    units = [layer.units for layer in plan.layers]
    depth = len(units)
    structures = []
    shared = (widest or 0, *UNIFORM_WIDTHS)
    uniform = next((width for width in shared if units and width >= max(units)), None)
    if uniform is not None:
        padded = depth if plan.tied else next((d for d in DEPTHS if d >= depth), depth)
        structures.append((uniform,) * padded)
    for classes, step in zip((*WIDTHS, ()), STEPS, strict=True):
        structures.append(tuple(next((w for w in classes if w >= u), -(-u // step) * step) for u in units))
    return structures


def _weights(inputs: int, widths: Sequence[int], outputs: int) -> int:
    return sum(a * b for a, b in itertools.pairwise((inputs, *widths, outputs)))
