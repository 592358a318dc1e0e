"""Numbers as a person writes them: errors to four digits, counts with thin separators, durations in two units."""

from __future__ import annotations

import math


def number_in_words(value: float | int | None) -> str:
    """Writes a measure with four digits (``0.0278``, ``12.35``, ``1.20e-05``), an integer whole, None as ``–``."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return count_in_words(value)
    if not math.isfinite(value):
        return "∞" if value == math.inf else str(value)
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}"
    digits = 4 if abs(value) < 1 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def count_in_words(count: float) -> str:
    """Writes a count: ``12,345``; from a million on in powers of ten, ``3.2e+14``; without an end, ``infinite``."""
    if count == math.inf:
        return "infinite"
    return f"{count:,.0f}" if count < 1e7 else f"{count:.1e}"


def seconds_in_words(seconds: float | None) -> str:
    """Writes a duration: ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def share_in_words(share: float) -> str:
    """Writes a share in percent: ``97.3 %``."""
    return f"{100 * share:.1f} %"
