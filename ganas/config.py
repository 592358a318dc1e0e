"""The settings of a run: a strict, typed TOML file whose every key is optional; errors name the key to change.

A name that another part gives meaning to (an engine, an executor, a metric) is a plain string here and is checked by
that part, so that a new engine touches one file. The words of ``[search]`` are checked by the space they describe.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ganas.errors import ConfigError

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Names = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class Section(BaseModel):
    """A table of a config: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RunSection(Section):
    """Where and for how long: ``name`` of the run folder (None: of the data), ``minutes`` of wall-clock at most."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    jobs: Literal["auto"] | Count = "auto"
    minutes: Annotated[float, Field(gt=0)] | None = None
    executor: str = "loky"


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
    folds: Count = 1
    seed: Annotated[int, Field(ge=0)] = 0


class TaskSection(Section):
    """What for: ``kind`` None is inferred from the target; ``metric`` None is the kind's own; see ``ganas.tasks``."""

    kind: str | None = None
    metric: str | None = None
    class_weights: bool = False


class EvolutionSection(Section):
    """How the search proceeds: ``ask`` is how many genomes are trained at once (None: a generation), never the workers.

    What is not set is the engine's own default; ``options`` are further settings of the engine, which checks them.
    """

    engine: str = "generational"
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


class TrainingSection(Section):
    """What one training may cost, see ``ganas.TrainingBudget``; each candidate is trained with ``repeats`` seeds."""

    trainer: str = "auto"
    epochs: Count = 20
    patience: Count | None = 5
    repeats: Count = 1
    threads: Count = 1
    seconds: Annotated[float, Field(gt=0)] | None = None
    max_parameters: Count | None = None
    precision: str = "float32"


class BudgetSection(Section):
    """What ends the search, or a candidate, early.

    ``rungs`` is a name in ``ganas.rungs.RUNGS``, or shares of the epochs after which only the share ``keep`` of the
    last ``window`` candidates goes on. The search ends after so many ``trainings`` or trained ``epochs``, at
    ``target_error``, or after ``patience`` evaluations without a better one.
    """

    rungs: str | Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(strict=False)] = ()
    keep: Annotated[float, Field(gt=0, lt=1)] = 0.5
    window: Annotated[int, Field(ge=2)] = 20
    trainings: Count | None = None
    epochs: Count | None = None
    target_error: float | None = None
    patience: Count | None = None


class FinalSection(Section):
    """The final assessment: the best ``candidates`` are retrained with ``repeats`` fresh seeds each."""

    candidates: Count = 3
    repeats: Count = 5


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
            path, equals, text = setting.partition("=")
            if not equals or "." not in path or not all(path.split(".")):
                raise ConfigError(f"--set {setting}: expected section.key=value, such as training.epochs=5")
            values[path.strip()] = _read_value(text.strip(), setting)
        return self.with_values(values, "--set")

    def with_values(self, values: Mapping[str, Any], place: str) -> RunConfig:
        """Returns a copy with each ``section.key`` of ``values`` set; ``place`` opens the message of an error.

        Raises:
            ConfigError: a setting is unknown, of the wrong type or out of range.
        """
        tables = self.model_dump(exclude_unset=True)
        for path, value in values.items():
            *parents, last = path.split(".")
            table = tables
            for key in parents:
                table = table.setdefault(key, {})
                if not isinstance(table, dict):
                    raise ConfigError(f"{place} {path}: {key} is one value, not a table of values")
            table[last] = value
        return make_config(tables, place)

    def with_absolute_paths(self) -> RunConfig:
        """Returns a copy whose files are named from the root, so that a run resumes from any working directory."""
        files = {}
        for name in ("source", "test"):
            path = Path(getattr(self.data, name) or "").expanduser()
            if path.is_file():
                files[f"data.{name}"] = str(path.resolve())
        return self.with_values(files, "config")

    def to_toml(self) -> str:
        """Writes every setting, the defaults too, as TOML that :func:`load_config` reads back to an equal config."""
        blocks = []
        for name, table in self.model_dump().items():
            lines = [f"[{name}]"]
            for key, value in table.items():
                lines.append(f"# {_key(key)} is not set" if value is None else f"{_key(key)} = {_toml(value)}")
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks) + "\n"


def load_config(path: str | Path | None = None) -> RunConfig:
    """Reads a config; None is the digits search, all defaults.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or a key is unknown, of the wrong type or out of range.
    """
    if path is None:
        return RunConfig()
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected a config such as configs/digits.toml") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read as a config: {reason}") from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return make_config(tables, str(path))


def make_config(tables: Mapping[str, Any], place: str) -> RunConfig:
    """Checks nested ``tables``; ``place`` opens the message of an error.

    Raises:
        ConfigError: a key is unknown, of the wrong type or out of range.
    """
    try:
        return RunConfig.model_validate(dict(tables))
    except ValidationError as error:
        raise ConfigError(f"{place} {_problem_in_words(error, tables)}") from None


def _problem_in_words(error: ValidationError, tables: Mapping[str, Any]) -> str:
    """Says the first problem as ``[section] key: what was expected, got what was found``."""
    problems = error.errors(include_url=False)
    # of a union such as Literal["auto"] | Count, pydantic lists one problem per branch: the last is the most general
    problem = [one for one in problems if one["loc"][:2] == problems[0]["loc"][:2]][-1]
    section, *keys = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        return _unknown_key_in_words(section, keys)
    where = f"[{section}]" + (f" {keys[0]}" if keys else "")
    found: Any = tables[section] if not keys else tables[section][keys[0]]
    context = problem.get("ctx", {})
    expected = {
        "greater_than_equal": f"must be at least {_plain(context.get('ge'))}",
        "greater_than": f"must be above {_plain(context.get('gt'))}",
        "less_than_equal": f"must be at most {_plain(context.get('le'))}",
        "less_than": f"must be below {_plain(context.get('lt'))}",
        "int_type": "must be a whole number",
        "int_from_float": "must be a whole number",
        "float_type": "must be a number",
        "bool_type": "must be true or false",
        "string_type": "must be a string in quotes",
        "string_pattern_mismatch": "must be letters, digits, '.', '_' and '-'",
        "tuple_type": "must be a list",
        "too_short": "must not be empty",
        "dict_type": "must be a table",
        "model_type": "must be a table of settings",
        "literal_error": f"must be {context.get('expected')}",
    }.get(problem["type"], problem["msg"])
    branches = {one["type"]: one for one in problems if one["loc"][:2] == problem["loc"][:2]}
    if "literal_error" in branches and problem["type"] != "literal_error":
        expected += f" or {branches['literal_error']['ctx']['expected']}"
    if {"string_type", "int_type"} <= set(branches):
        expected = "must be a name in quotes or a whole number"
    return f"{where}: {expected}, got {json.dumps(found, default=str)}"


def _plain(bound: Any) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _unknown_key_in_words(section: str, keys: list[str]) -> str:
    """Names the nearest known key, or the section a key belongs to."""
    if not keys:
        return f"[{section}]: unknown section; {_nearest(section, list(RunConfig.model_fields))}"
    sections = {name: field.annotation for name, field in RunConfig.model_fields.items() if name != "search"}
    known = {name: list(getattr(model, "model_fields", ())) for name, model in sections.items()}
    homes = [name for name, names in known.items() if keys[0] in names]
    if homes:
        return f"[{section}] {keys[0]}: unknown key here; it belongs in [{homes[0]}]"
    return f"[{section}] {keys[0]}: unknown key; {_nearest(keys[0], known[section])}"


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def _read_value(text: str, setting: str) -> Any:
    """Reads a TOML value; what is no TOML but a plain word or path is a string, so that a shell needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        if text and not set(text) & set("[]{}\"'=#,"):
            return text
        raise ConfigError(f"--set {setting}: {text!r} is not a TOML value ({error})") from None


def _key(key: str) -> str:
    is_bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if is_bare else json.dumps(key)


def _toml(value: Any) -> str:
    """Writes a TOML value; tables become inline tables, and their keys without a value are left out."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(str(key))} = {_toml(one)}" for key, one in value.items() if one is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)
