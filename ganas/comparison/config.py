"""The settings of a comparison: one task, what all variants share, and the variants, as a strict, typed TOML file.

What a variant may say is what ``[base]`` may say, and the length of its training; it says only what is its own. A config
may come in several sizes: ``[sizes.small]`` holds the settings that ``size = "small"`` puts over the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from ganas.config import Count, DataSection, RunSection, Section, TaskSection, absolute_paths
from ganas.config_text import problem_in_words, put_value, read_setting, read_tables, write_table, write_value
from ganas.errors import ConfigError

Rate = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class LayerSection(Section):
    """One hidden layer where a bare number of units does not say enough; what is None is the plan's own setting."""

    units: Count
    activation: str | None = None
    batch_normalization: bool | None = None
    dropout: Rate | None = None


class CorruptionSection(Section):
    """Noise on the inputs while training, see ``ganas.search.plan.Corruption``."""

    kind: str
    rate: NotNegative


class MutationSection(Section):
    """The weight-mutation regularizer, see ``ganas.WeightMutation``."""

    probability: Annotated[float, Field(ge=0, le=1)]
    ratio: Annotated[float, Field(ge=0, le=1)]
    method: str = "magnitude"
    layers: str = "all"


class PlanSection(Section):
    """What a network is and how it is trained; None: the plan's default.

    ``layers`` lists the hidden layers; without it there are ``depth`` layers of ``units`` each.
    ``activation``, ``batch_normalization`` and ``dropout`` are of all hidden layers that do not say their own;
    ``input_dropout`` is dropout of the inputs. ``bottleneck`` is the place of an autoencoder's code among the layers, from
    0; what is said of the output is for autoencoders too.
    """

    layers: Annotated[tuple[Count | LayerSection, ...], Field(strict=False)] | None = None
    depth: Count | None = None
    units: Count | None = None
    activation: str | None = None
    batch_normalization: bool | None = None
    dropout: Rate | None = None
    input_dropout: Rate | None = None
    corruption: CorruptionSection | None = None
    loss: str | None = None
    optimizer: str | None = None
    learning_rate: Positive | None = None
    weight_decay: NotNegative | None = None
    optimizer_options: dict[str, float | bool | int] | None = None
    batch_size: Count | None = None
    kernel_initializer: str | None = None
    l1: NotNegative | None = None
    l2: NotNegative | None = None
    normalization: str | None = None
    weight_mutation: MutationSection | None = None
    bottleneck: Annotated[int, Field(ge=0)] | None = None
    tied: bool | None = None
    output_activation: str | None = None
    output_batch_normalization: bool | None = None


class VariantSection(PlanSection):
    """A variant: its ``name`` and what is its own.

    ``against`` is the variant it is compared with (None: that of ``[compare] base``). ``tune`` lists alternatives, tables
    of further settings; the one with the lowest validation error counts. ``tune_like`` takes the alternative of the same
    number that another variant chose, and that variant's alternatives where it has none of its own.
    """

    name: str
    against: str | None = None
    epochs: Count | None = None
    updates: Count | None = None
    patience: Count | None = None
    tune: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] = ()
    tune_like: str | None = None


class CompareSection(Section):
    """How variants are compared: ``seeds`` trainings each, paired by seed with those of ``base`` (None: the first variant).

    ``test`` is how p-values are computed; ``tuning_seeds`` further seeds are used to choose among alternatives.
    """

    seeds: Annotated[int, Field(ge=2)] = 5
    base: str | None = None
    test: Literal["t", "wilcoxon"] = "t"
    tuning_seeds: Count = 2


class ComparedTraining(Section):
    """What one training may cost, in ``epochs`` or optimizer ``updates``; curves have a point every ``record`` updates.

    ``record`` None: every epoch. ``restore`` is which weights count: those of the ``"best"`` point by validation loss,
    or the ``"last"``; None: the best if rows are held out for validation, else the last.
    """

    trainer: str = "auto"
    epochs: Count | None = None
    updates: Count | None = None
    record: Count | None = None
    patience: Count | None = None
    restore: Literal["best", "last"] | None = None
    threads: Count = 1
    seconds: Positive | None = None
    max_parameters: Count | None = None
    precision: str = "float32"


class ComparisonConfig(Section):
    """Every setting of a comparison; ``title`` heads its report, ``notes`` are lines under it, such as the hypothesis."""

    title: str = "Comparison"
    notes: Annotated[tuple[str, ...], Field(strict=False)] = ()
    run: RunSection = RunSection()
    data: DataSection = DataSection()
    task: TaskSection = TaskSection()
    compare: CompareSection = CompareSection()
    training: ComparedTraining = ComparedTraining()
    base: PlanSection = PlanSection()
    variant: tuple[VariantSection, ...] = ()

    def to_toml(self) -> str:
        """Writes the settings as TOML that :func:`load_comparison` reads back to an equal config."""
        values = self.model_dump(exclude_none=True)
        variants = values.pop("variant")
        plain = [f"{key} = {write_value(values.pop(key))}" for key in ("title", "notes")]
        tables = [write_table(name, table) for name, table in values.items()]
        blocks = [write_table("[variant]", variant) for variant in variants]
        return "\n\n".join(["\n".join(plain), *tables, *blocks]) + "\n"

    def with_absolute_paths(self) -> ComparisonConfig:
        """Returns a copy whose files are named from the root, so that a run resumes from any working directory."""
        tables = self.model_dump(exclude_unset=True)
        for key, path in absolute_paths(self.data).items():
            put_value(tables, key, path, "config")
        return make_comparison(tables, "config")


def load_comparison(
    path: str | Path, settings: Iterable[str] = (), *, values: Mapping[str, Any] | None = None
) -> ComparisonConfig:
    """Reads the config of a comparison.

    Args:
        path: the TOML file.
        settings: ``"section.key=value"``, put over the file; ``"size=name"`` chooses among its ``[sizes]``.
        values: section.key → value, put over all.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or says what cannot be compared; one line.
    """
    tables = read_tables(path)
    said = dict(read_setting(setting) for setting in settings)
    tables = _sized(tables, said.pop("size", tables.get("size")), str(path))
    for key, value in {**said, **(values or {})}.items():
        put_value(tables, key, value, "--set")
    return make_comparison(tables, str(path))


def make_comparison(tables: Mapping[str, Any], place: str) -> ComparisonConfig:
    """Checks nested ``tables``; ``place`` opens the message of an error.

    Raises:
        ConfigError: a key is unknown, of the wrong type or out of range, or the variants cannot be compared.
    """
    tables = dict(tables)
    variants = tables.get("variant", [])
    if not isinstance(variants, list | tuple) or not all(isinstance(one, Mapping) for one in variants):
        raise ConfigError(f"{place} [[variant]]: must be tables, each under a line [[variant]]")
    for number, variant in enumerate(variants, start=1):
        name = variant.get("name", f"number {number}")
        _check(VariantSection, variant, f'variant "{name}"', place)
        for alternative in variant.get("tune", ()):
            _check(VariantSection, {"name": name, **alternative}, f'variant "{name}" tune', place)
    try:
        config = ComparisonConfig.model_validate({**tables, "variant": tuple(variants)})
    except ValidationError as error:
        known = {name: _keys_of(field.annotation) for name, field in ComparisonConfig.model_fields.items()}
        raise ConfigError(f"{place} {problem_in_words(error.errors(include_url=False), tables, known)}") from None
    problem = _contradiction(config)
    if problem is not None:
        raise ConfigError(f"{place} {problem}")
    return config


def _sized(tables: dict[str, Any], size: Any, place: str) -> dict[str, Any]:
    """Returns the tables with those of ``size`` over them."""
    tables = {key: value for key, value in tables.items() if key != "size"}
    sizes = tables.pop("sizes", {})
    if size is None:
        return tables
    if size not in sizes:
        known = ", ".join(sizes) or "none"
        raise ConfigError(f"{place} size: must be one of the tables under [sizes] ({known}), got {size!r}")
    return _overlaid(tables, sizes[size])


def _overlaid(tables: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(tables)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _overlaid(merged[key], value) if both else value
    return merged


def _check(model: type[BaseModel], table: Mapping[str, Any], name: str, place: str) -> None:
    try:
        model.model_validate(dict(table))
    except ValidationError as error:
        problems = [{**one, "loc": (name, *one["loc"])} for one in error.errors(include_url=False)]
        raise ConfigError(f"{place} {problem_in_words(problems, {name: table}, {name: _keys_of(model)})}") from None


def _keys_of(model: Any) -> list[str]:
    return list(getattr(model, "model_fields", ()))


def _contradiction(config: ComparisonConfig) -> str | None:
    """Says what in a well-formed config makes no comparison, or None."""
    names = [variant.name for variant in config.variant]
    if len(names) < 2:
        return f"[[variant]]: a comparison needs at least two variants, got {len(names)}; add a [[variant]] table"
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return f"[[variant]] name: each once, got {twice[0]!r} more than once"
    if config.compare.base is not None and config.compare.base not in names:
        return f"[compare] base: must be one of {', '.join(names)}, got {config.compare.base!r}"
    for variant in config.variant:
        if variant.against is not None and (variant.against not in names or variant.against == variant.name):
            return f'[variant "{variant.name}"] against: must be another variant, got {variant.against!r}'
    if config.run.minutes is not None:
        return "[run] minutes: a comparison is not cut by time; give fewer seeds, epochs or updates"
    if any(one.epochs is not None and one.updates is not None for one in _budgets(config)):
        return "[training] updates: give epochs or updates, not both"
    return _tuning_contradiction(config) or _validation_contradiction(config)


def _tuning_contradiction(config: ComparisonConfig) -> str | None:
    tuned = {variant.name: variant for variant in config.variant if variant.tune}
    counts = {name: len(variant.tune) for name, variant in tuned.items()}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name} {count}" for name, count in counts.items())
        return f"[[variant]] tune: every tuned variant must have as many alternatives as the others, got {said}"
    if tuned and _has_no_validation(config):
        return "[[variant]] tune: needs rows held out for validation; set [data] validation to a share"
    for variant in config.variant:
        if variant.tune_like is not None and getattr(tuned.get(variant.tune_like), "tune_like", "") is not None:
            known = ", ".join(name for name, one in tuned.items() if one.tune_like is None) or "none"
            return f'[variant "{variant.name}"] tune_like: must be a variant that tunes ({known}), got {variant.tune_like!r}'
    return None


def _validation_contradiction(config: ComparisonConfig) -> str | None:
    if config.data.folds > 1:
        return "[data] folds: a comparison trains on one split with several seeds; leave folds at 1"
    if not _has_no_validation(config):
        return None
    if config.training.restore == "best":
        rows = "test" if config.data.validation == "test" else "training"
        return f'[training] restore: "best" would choose on the {rows} rows; use "last" or hold out validation rows'
    if any(one.patience is not None for one in _budgets(config)):
        return "[training] patience: there are no rows held out for validation to watch; leave it out"
    return None


def _budgets(config: ComparisonConfig) -> list[ComparedTraining | VariantSection]:
    return [config.training, *config.variant]


def _has_no_validation(config: ComparisonConfig) -> bool:
    return config.data.validation in (0, "test")
