"""Configs as text: TOML in, TOML out, ``--set`` settings, and what is wrong with a config in one line.

Every kind of config shares this, so that all of them read, print and complain alike.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganas.errors import ConfigError, nearest_or_known
from ganas.tasks.datasets import DATASETS
from ganas.tasks.text import is_file_name


def read_tables(path: str | Path) -> dict[str, Any]:
    """Returns the nested tables of a TOML file.

    Raises:
        ConfigError: the file cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if is_file_name(str(path)) or str(path) in DATASETS:
            reason = f"is data, not a config; expected a TOML file whose [data] source names it, or: ganas evolve --data {path}"
            raise ConfigError(f"{path}: {reason}") from None
        raise ConfigError(f"{path}: {_unreadable(error)}") from None


def _unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file; expected a config such as configs/digits.toml"
    if isinstance(error, tomllib.TOMLDecodeError):
        return f"not valid TOML: {error}"
    return f"cannot be read as a config: {error.strerror if isinstance(error, OSError) else 'it is not UTF-8 text'}"


def read_setting(setting: str) -> tuple[str, Any]:
    """Returns the path and the value of ``"section.key=value"``; the value is TOML, and a bare word is a string.

    Raises:
        ConfigError: the setting is not of that form.
    """
    path, equals, text = setting.partition("=")
    path = path.strip()
    if not equals or not all(path.split(".")):
        raise ConfigError(f"--set {setting}: expected section.key=value, such as training.epochs=5")
    return path, _read_value(text.strip(), setting)


def put_value(tables: dict[str, Any], path: str, value: Any, place: str) -> None:
    """Puts ``value`` at ``"section.key"`` into nested ``tables``.

    Raises:
        ConfigError: the path leads through something that is no table; ``place`` opens the message.
    """
    *parents, last = path.split(".")
    table = tables
    for key in parents:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{place} {path}: {key} is one value, not a table of values")
    table[last] = value


def write_table(name: str, table: Mapping[str, Any]) -> str:
    """Writes ``[name]`` and its values as TOML, a line each; a value that is not set becomes a comment."""
    lines = [f"[{name}]"]
    for key, value in table.items():
        lines.append(
            f"# {_write_key(key)} is not set" if value is None else f"{_write_key(key)} = {write_value(value)}"
        )
    return "\n".join(lines)


def write_value(value: Any) -> str:
    """Writes a TOML value; tables become inline tables, and their keys without a value are left out."""
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{_write_key(str(key))} = {write_value(one)}" for key, one in value.items() if one is not None
        )
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(write_value(one) for one in value) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def problem_in_words(
    problems: Sequence[Mapping[str, Any]], tables: Mapping[str, Any], sections: Mapping[str, Iterable[str]]
) -> str:
    """Says the first problem as ``[section] key: what was expected, got what was found``.

    Args:
        problems: what pydantic's ``ValidationError.errors()`` lists; each location begins with a section.
        tables: what was checked.
        sections: the keys that each section knows.
    """
    # of a union such as Literal["auto"] | int, pydantic lists one problem per branch: the last is the most general
    problem = [one for one in problems if one["loc"][:2] == problems[0]["loc"][:2]][-1]
    section, *keys = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden" and len(keys) < 2:
        return _unknown_key_in_words(section, keys, {name: list(known) for name, known in sections.items()})
    where = f"[{section}]" + (f" {keys[0]}" if keys else "")
    if problem["type"] == "missing":
        return f"{where}: is missing; it has no default"
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
        "extra_forbidden": f"has no key {keys[-1] if keys else ''}",
    }.get(problem["type"], problem["msg"])
    branches = {one["type"]: one for one in problems if one["loc"][:2] == problem["loc"][:2]}
    if "literal_error" in branches and problem["type"] != "literal_error":
        expected += f" or {branches['literal_error']['ctx']['expected']}"
    if {"string_type", "int_type"} <= set(branches):
        expected = "must be a name in quotes or a whole number"
    return f"{where}: {expected}, got {json.dumps(found, default=str)}"


def _unknown_key_in_words(section: str, keys: list[str], sections: dict[str, list[str]]) -> str:
    """Names the nearest known key, or the section a key belongs to."""
    if not keys:
        return f"[{section}]: unknown section; {nearest_or_known(section, sections)}"
    homes = [name for name, known in sections.items() if keys[0] in known]
    if homes:
        return f"[{section}] {keys[0]}: unknown key here; it belongs in [{homes[0]}]"
    options = f"; what only an engine knows is options.{keys[0]}" if "options" in sections[section] else ""
    return f"[{section}] {keys[0]}: unknown key; {nearest_or_known(keys[0], sections[section])}{options}"


def _plain(bound: Any) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _read_value(text: str, setting: str) -> Any:
    """Reads a TOML value; what is no TOML but a plain word or path is a string, so that a shell needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        is_word = text and not set(text) & set("[]{}\"'=#,")
        is_path = "." in text and text[0] not in "[{\"'" and not set(text) & set('\n"=')
        if is_word or is_path:
            return text
        raise ConfigError(f"--set {setting}: {text!r} is not a TOML value ({error})") from None


def _write_key(key: str) -> str:
    is_bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if is_bare else json.dumps(key)
