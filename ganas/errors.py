"""The exceptions a user can cause, as one family: the command line turns each into one line and exit code 2.

A message names the place, what was found, what was expected, and what to do; of a misspelt word, the one that is near.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable


class GanasError(Exception):
    """Something the user can put right; the message is one clear line."""


class ConfigError(GanasError):
    """A setting is unknown, of the wrong type, or out of range."""


class DataError(GanasError):
    """A table, an array or a data set cannot be used as asked."""


class LabelError(DataError, ValueError):
    """Labels are not those that are expected; also a ``ValueError``, which is what scikit-learn's estimators raise."""


class SpaceError(GanasError):
    """A gene, a search space, a genome or a plan makes no sense."""


class RunError(GanasError):
    """A run folder cannot be read, written, resumed, or is in use."""


class MissingExtraError(GanasError):
    """An optional package is needed; the message names the extra that installs it."""


def first_line(error: Exception | str) -> str:
    """Returns the first line of what an error says, or its name if it says nothing; of an empty text nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "" if isinstance(error, str) else type(error).__name__


def with_traceback(error: Exception) -> str:
    """Returns an error's type and text, which is the reason in its first line, and below them its traceback."""
    return f"{type(error).__name__}: {error}\n{''.join(traceback.format_exception(error))}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns ``; did you mean 'x'?`` for the known word that ``word`` resembles most, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def nearest_or_known(word: str, known: Iterable[str]) -> str:
    """Returns ``did you mean x?`` for the known word that ``word`` resembles most, or the list of what is known."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
