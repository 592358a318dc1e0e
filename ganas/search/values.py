"""How values become Python's own, and how those of a plan's parts are read, or refused in one line that opens with their place.

NumPy's scalars are taken, and whole numbers where a number is meant: what is equal is to be written alike.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ganas.errors import SpaceError

FLAG_OPTIONS = ("amsgrad", "centered", "exclude_embeddings", "nesterov", "relative_step", "use_ema")
"""Options of Keras' optimizers that are true or false."""
WHOLE_ENDINGS = ("_frequency", "_steps")
"""How the names of those end that are whole numbers; the other numbers are none."""


OWN = (str, int, float, bool, type(None))
"""What most values are: they are not looked at any closer."""


def settle(part: Any, **values: Any) -> None:
    """Writes ``values`` into a frozen dataclass that is being made."""
    for name, value in values.items():
        object.__setattr__(part, name, value)


def plain(value: Any) -> Any:
    """Returns a scalar of NumPy, or an array without axes, as Python's own, and anything else as it is.

    Numbers of every width are those they print as: ``np.float32(0.1)`` is 0.1. A masked one is NaN.
    """
    if type(value) in OWN or getattr(value, "shape", None) != () or not hasattr(value, "item"):
        return value
    is_float = getattr(getattr(value, "dtype", None), "kind", None) == "f"
    return float(str(np.ma.filled(value, math.nan))) if is_float else value.item()


def refusal(place: str, expected: str, found: Any) -> SpaceError:
    """Returns the one line that says what was found at ``place``, and what was expected."""
    shown = textwrap.shorten(repr(found), 80, placeholder="...")
    return SpaceError(f"{place}: must be {expected}, got {shown}")


def read_whole(place: str, value: Any, least: int | None = None) -> int:
    """Reads a whole number, of at least ``least``; raises SpaceError."""
    found = plain(value)
    expected = "a whole number" + ("" if least is None else f" of at least {least}")
    if not isinstance(found, int) or isinstance(found, bool) or (least is not None and found < least):
        raise refusal(place, expected, found)
    return int(found)


def read_number(place: str, value: Any, *, is_open: bool = False) -> float:
    """Reads a finite number of at least 0, or above 0 if ``is_open``."""
    number = _finite(value)
    if number is None or number < 0 or (is_open and number == 0):
        raise refusal(place, f"a finite number {'above' if is_open else 'of at least'} 0", plain(value))
    return number


def read_share(place: str, value: Any, *, is_open: bool = False) -> float:
    """Reads a number in [0, 1], or [0, 1) if ``is_open``."""
    number = _finite(value)
    if number is None or not 0 <= number <= 1 or (is_open and number == 1):
        raise refusal(place, "a number in [0, 1)" if is_open else "a number in [0, 1]", plain(value))
    return number


def _finite(value: Any) -> float | None:
    """Returns a finite number as a float, and None for anything else; -0.0 is 0.0, which it equals."""
    found = plain(value)
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    try:
        number = float(found) + 0.0
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def read_flag(place: str, value: Any) -> bool:
    """Reads true or false, or 1 or 0; raises SpaceError."""
    found = plain(value)
    if not isinstance(found, int | float) or found not in (0, 1):
        raise refusal(place, "true or false", found)
    return bool(found)


def read_text(place: str, value: Any) -> str:
    """Reads a name; raises SpaceError."""
    found = plain(value)
    if not isinstance(found, str):
        raise refusal(place, "a name", found)
    return str(found)


def read_list(place: str, value: Any) -> Iterable[Any]:
    """Reads something to go through that is no text; raises SpaceError."""
    found = plain(value)
    if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
        raise refusal(place, "a list", found)
    return found


def read_part(place: str, value: Any, kind: type) -> Any:
    """Reads an object of ``kind``; raises SpaceError."""
    if not isinstance(value, kind):
        raise refusal(place, f"of type {kind.__name__}", value)
    return value


def read_options(given: Any) -> tuple[tuple[str, Any], ...]:
    """Reads the options of an optimizer, pairs or a mapping, in the order of their names."""
    try:
        options = {read_text("optimizer option", name): value for name, value in dict(given).items()}
    except (TypeError, ValueError):
        raise refusal("optimizer options", "pairs of a name and a number", given) from None
    return tuple((name, _option(name, options[name])) for name in sorted(options))


def _option(name: str, value: Any) -> str | float | bool | None:
    place, found = f"optimizer option {name}", plain(value)
    if found is None or isinstance(found, str):
        return found
    if name in FLAG_OPTIONS:
        return read_flag(place, found)
    if name.endswith(WHOLE_ENDINGS):
        return read_whole(place, found)
    if isinstance(found, bool):
        return found
    number = _finite(found)
    if number is None:
        raise refusal(place, "a finite number", found)
    return number
