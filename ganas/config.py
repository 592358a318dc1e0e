"""The settings of a run: a strict, typed TOML file whose every key is optional; errors name the key to change.

A name that another part gives meaning to (an engine, an executor, a metric) is a plain string here and is checked by
that part, so that a new engine touches one file. The words of ``[search]`` are checked by the space they describe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ganas.config_text import problem_in_words, put_value, read_setting, read_tables, write_table
from ganas.errors import ConfigError

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Names = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class Section(BaseModel):
    """A table of a config: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RunSection(Section):
    """Where and for how long: ``name`` of the run folder (None: of the data), ``minutes`` of wall-clock at most.

    ``warm_start`` is an earlier run (a path, a name, ``latest``): its hall of fame is asked first, and what it evaluated
    on the same data and budget is not trained again.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    jobs: Literal["auto"] | Count = "auto"
    minutes: Annotated[float, Field(gt=0)] | None = None
    executor: str = "loky"
    warm_start: str | None = None


class DataSection(Section):
    """Which rows: ``source`` is a data set's name or a table's file; ``target`` a column's name or position (-1: last).

    ``test`` is a file of test rows of one's own; ``header`` None detects one; ``pca`` keeps so many components; ``seed``
    is that of the splits. What shares and scalings mean is said in ``ganas.tasks.settings``.
    """

    source: str = "digits"
    target: str | int | None = None
    test: str | None = None
    header: bool | None = None
    pca: Count | None = None
    scaling: str = "standard"
    validation: Literal["test"] | Annotated[float, Field(ge=0)] = 0.2
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
    train_rows: Count | None = None
    folds: Count = 1
    seed: Annotated[int, Field(ge=0)] = 0


class TaskSection(Section):
    """What for: ``kind`` None is inferred from the target; ``metric`` None is the kind's own.

    The others belong to single kinds; they and their values are those of ``ganas.tasks.settings.DataSettings``.
    """

    kind: str | None = None
    metric: str | None = None
    class_weights: bool = False
    anomaly: str | None = None
    train_on: str = "normal"
    score: str = "reconstruction"
    false_alarm_rate: Annotated[float, Field(gt=0, lt=1)] = 0.01
    probe: str = "linear"


class EvolutionSection(Section):
    """How the search proceeds: ``ask`` is how many genomes are trained at once, never the workers.

    None is a generation, or 8 where the engine learns from every result. What else is not set is the engine's own default;
    ``options`` are further settings of the engine, which checks them.
    """

    engine: str = "surrogate_assisted"
    population: Annotated[int, Field(ge=2)] = 20
    generations: Count = 10
    crossover: Share | None = None
    mutation_rate: Share | None = None
    tournament: Count | None = None
    elite: Annotated[int, Field(ge=0)] | None = None
    objectives: Names = ("error",)
    ask: Count | None = None
    hall_of_fame: Count = 10
    options: dict[str, Any] = {}


NEVER = "never"
"""The word for no patience at all, because TOML has none for None."""


class TrainingSection(Section):
    """What one training may cost, see ``ganas.TrainingBudget``; each candidate is trained with ``repeats`` seeds.

    With ``inherit`` a candidate begins with the weights of a parent that it widens or deepens, see ``ganas.inheritance``.
    """

    trainer: str = "auto"
    epochs: Count = 40
    patience: Count | None = 8
    repeats: Count = 1
    threads: Count = 1
    seconds: Annotated[float, Field(gt=0)] | None = None
    max_parameters: Count | None = None
    max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    precision: str = "float32"
    inherit: bool = False

    @field_validator("patience", mode="before")
    @classmethod
    def _read_never(cls, value: Any) -> Any:
        return None if value == NEVER else value


class BudgetSection(Section):
    """What ends the search, or a candidate, early.

    ``rungs`` is a name in ``ganas.rungs.RUNGS``, or shares of the epochs after which only the share ``keep`` of the
    last ``window`` candidates goes on; not said: successive halving where the default engine searches for a low
    error alone within so many trained ``epochs``, else none. The search ends after so many ``trainings`` or trained ``epochs``, at
    ``target_error``, or after ``patience`` evaluations without a better one.
    """

    rungs: str | Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(strict=False)] | None = None
    keep: Annotated[float, Field(gt=0, lt=1)] = 0.5
    window: Annotated[int, Field(ge=2)] = 20
    trainings: Count | None = None
    epochs: Count | None = None
    target_error: float | None = None
    patience: Count | None = None


class FinalSection(Section):
    """The final assessment: the best ``candidates`` are retrained with ``repeats`` fresh seeds each."""

    candidates: Count = 8
    repeats: Count = 5


def absolute_paths(data: DataSection) -> dict[str, str]:
    """Returns ``data.source`` and ``data.test`` named from the root, those that are files."""
    from ganas.tasks.text import is_file_name

    values = {f"data.{name}": getattr(data, name) or "" for name in ("source", "test")}
    files = {key: Path(value).expanduser() for key, value in values.items() if is_file_name(value)}
    return {key: str(path.resolve()) for key, path in files.items() if path.is_file()}


class RunConfig(Section):
    """Every setting of a search."""

    run: RunSection = RunSection()
    data: DataSection = DataSection()
    task: TaskSection = TaskSection()
    search: dict[str, Any] = {}
    evolution: EvolutionSection = EvolutionSection()
    training: TrainingSection = TrainingSection()
    budget: BudgetSection = BudgetSection()
    final: FinalSection = FinalSection()

    def with_settings(self, settings: Iterable[str]) -> RunConfig:
        """Returns a copy with each ``"section.key=value"`` set; values are TOML, and a bare word is a string.

        Raises:
            ConfigError: a setting is not of that form, or is unknown, of the wrong type or out of range.
        """
        values = {}
        for setting in settings:
            path, value = read_setting(setting)
            if "." not in path:
                raise ConfigError(f"--set {setting}: expected section.key=value, such as training.epochs=5")
            values[path] = value
        return self.with_values(values, "--set")

    def with_values(self, values: Mapping[str, Any], place: str) -> RunConfig:
        """Returns a copy with each ``section.key`` of ``values`` set; ``place`` opens the message of an error.

        Raises:
            ConfigError: a setting is unknown, of the wrong type or out of range.
        """
        tables = self.model_dump(exclude_unset=True)
        for path, value in values.items():
            put_value(tables, path, value, place)
        return make_config(tables, place)

    def with_absolute_paths(self) -> RunConfig:
        """Returns a copy whose files are named from the root, so that a run resumes from any working directory."""
        return self.with_values(absolute_paths(self.data), "config")

    def to_toml(self) -> str:
        """Writes every setting, the defaults too, as TOML that :func:`load_config` reads back to an equal config."""
        tables = self.model_dump()
        tables["training"]["patience"] = tables["training"]["patience"] or NEVER
        return "\n\n".join(write_table(name, table) for name, table in tables.items()) + "\n"


def load_config(path: str | Path | None = None) -> RunConfig:
    """Reads a config; None is the digits search, all defaults.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or a key is unknown, of the wrong type or out of range.
    """
    if path is None:
        return RunConfig()
    return make_config(read_tables(path), str(path))


def make_config(tables: Mapping[str, Any], place: str) -> RunConfig:
    """Checks nested ``tables``; ``place`` opens the message of an error.

    Raises:
        ConfigError: a key is unknown, of the wrong type or out of range.
    """
    try:
        return RunConfig.model_validate(dict(tables))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise ConfigError(f"{place} {problem_in_words(problems, tables, _known_keys())}") from None


def _known_keys() -> dict[str, list[str]]:
    """Returns the keys of each section; those of ``[search]`` are the space's."""
    sections = {name: field.annotation for name, field in RunConfig.model_fields.items()}
    return {name: list(getattr(model, "model_fields", ())) for name, model in sections.items()}
