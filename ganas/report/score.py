"""The honest score of a finished run, in sentences: what fresh trainings and the test rows said, beside the search's own."""

from __future__ import annotations

from typing import Any

from ganas.report.words import count_in_words, number_in_words


def score_lines(result: dict[str, Any]) -> list[str]:
    """Says what the final assessment found, a sentence a line."""
    validation = result["validation"]
    lines = [
        f"winner: {result['winner']['in_words']} ({count_in_words(result['parameters'])} parameters)"
        + (f", rank {result['rank']} in the search" if "rank" in result else ""),
        f"error: {result['error_in_words']}",
        f"validation: {spread_in_words(validation)}, {_trainings(validation)} with seeds that chose nothing"
        + (", on the folds in turn" if result.get("folds", 1) > 1 else ""),
    ]
    if validation.get("interval"):
        low, high = validation["interval"]
        # Student's interval does not know that errors are at least 0, nor that 1 - a share is at most 1
        high = min(high, 1.0) if is_one_minus_share(result["error_in_words"]) else high
        words = f"{number_in_words(max(low, 0.0))} to {number_in_words(high)}"
        lines.append(f"one more training falls in {words} (95 %)")
    optimism = number_in_words(abs(result["optimism"]))
    direction = "too low" if result["optimism"] >= 0 else "too high"
    lines.append(f"the search had said {number_in_words(result['search_error'])}, {optimism} {direction}")
    if result.get("tied_with"):
        count = len(result["tied_with"])
        lines.append(f"{count} other finalist{'s' * (count > 1)} could not be told apart from it; it is the smallest")
    return lines + test_lines(result)


def test_lines(result: dict[str, Any]) -> list[str]:
    """Says what the test rows said, which reading of them it was, and the scores of the saved network."""
    if not result.get("test"):
        return []
    reading = result.get("reading", 1)
    measures = [f"{name} {spread_in_words(summary)}" for name, summary in result["test_measures"].items()]
    lines = [f"test: {spread_in_words(result['test'])}" + (f"; {', '.join(measures)}" if measures else "")]
    if reading > 1:
        first = result.get("first_test")
        said = f"; the first said {number_in_words(first['mean'])}" if first else ""
        lines.append(f"this was reading {reading} of the test rows{said}")
    saved = result["saved"]
    own = f"validation {number_in_words(saved['validation_error'])}, test {number_in_words(saved['test_error'])}"
    which = "the first of these trainings" + (", on the first fold" if result.get("folds", 1) > 1 else "")
    return [*lines, *component_lines(result), f"{saved['file']} is {which}: {own}"]


def is_one_minus_share(error_in_words: str) -> bool:
    """Whether an error is 1 - something between 0 and 1, such as accuracy; R2 has no lower end."""
    return error_in_words.startswith("1 - ") and not error_in_words.startswith("1 - R2")


def component_lines(result: dict[str, Any]) -> list[str]:
    """Says what as many principal components as the winner's code has units reach on the same test rows."""
    errors = result.get("principal_components", {}).get("test", {})
    plan = result["winner"]["plan"]
    units = plan["layers"][plan["bottleneck"]]["units"] if errors else None
    if str(units) not in errors:
        return []
    linear = errors[str(units)]
    share = result["test"]["mean"] / linear if linear else float("nan")
    return [
        f"principal components, {units} of them, the best linear code: test {number_in_words(linear)}; the network's is "
        f"{share:.2f} times that"
    ]


def spread_in_words(summary: dict[str, Any]) -> str:
    """Writes ``0.0310 ± 0.0010`` (mean and standard deviation), or one value alone."""
    if len(summary["values"]) < 2:
        return number_in_words(summary["mean"])
    return f"{number_in_words(summary['mean'])} ± {number_in_words(summary['sd'])}"


def _trainings(summary: dict[str, Any]) -> str:
    count = len(summary["values"])
    return f"{count} trainings" if count > 1 else "one training"
