"""What a search takes over from an earlier run: its hall of fame as first genomes, and its answers where they still hold.

Both are copied into the search's own folder before it begins, so that it goes on exactly whatever has become of the earlier run.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganas.errors import RunError, SpaceError
from ganas.evaluation import Evaluation
from ganas.history import Run, load_run
from ganas.objectives import objectives_of
from ganas.search.space import Genome, SearchSpace
from ganas.store import DAMAGE, RunStore

FILE = "warm_start.json"
"""What was taken over, in the folder of the search that took it."""


@dataclass(frozen=True)
class WarmStart:
    """What a search takes over: genomes to ask first, and evaluations that need not be repeated."""

    genomes: Sequence[Genome] = ()
    evaluations: Sequence[Evaluation] = ()


def find_earlier(reference: str, runs_dir: str | Path) -> Path:
    """Returns the folder of the run to take over, absolute.

    Raises:
        RunError: there is none, or it cannot be read.
    """
    earlier = load_run(reference, runs_dir)
    earlier.hall_of_fame  # noqa: B018 - damage is found here, before the search has a folder
    return earlier.folder.resolve()


def take_over(
    reference: str | None,
    store: RunStore,
    space: SearchSpace,
    fingerprint: dict[str, Any],
    on_notice: Callable[[str], None] = lambda text: None,
) -> WarmStart:
    """Returns what the search in ``store`` takes over of the run ``reference``: nothing of None; once taken, always the same.

    Raises:
        RunError: the earlier run, or what was taken over of it, cannot be read.
    """
    if reference is None:
        return WarmStart()
    path = store.folder / FILE
    # a file that was lost is not made again: the earlier run may have grown since
    if not path.is_file() and not store.get("took_over", False):
        earlier = load_run(reference)
        genomes, evaluations = genomes_of(earlier, space, on_notice), evaluations_of(earlier, fingerprint)
        told = {"genomes": [one.to_json() for one in genomes], "evaluations": [one.to_json() for one in evaluations]}
        store.write_json(FILE, {"run": earlier.name, **told})
    try:
        taken = json.loads(path.read_text(encoding="utf-8"))
        known = [Evaluation.from_json(one) for one in taken["evaluations"]]
        warm = WarmStart([space.genome(one) for one in taken["genomes"]], known)
    except (OSError, SpaceError, *DAMAGE) as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise RunError(
            f"{path}: cannot be read ({reason}); expected what the search took over of {reference}; put a whole copy of it "
            "back, or start a new run"
        ) from None
    store.put(took_over=True)
    return warm


def genomes_of(run: Run, space: SearchSpace, on_notice: Callable[[str], None] = lambda text: None) -> list[Genome]:
    """Returns the hall of fame of ``run`` as genomes of ``space``; of members outside it, ``on_notice`` hears how many and why."""
    genomes: list[Genome] = []
    outside: list[SpaceError] = []
    for member in run.hall_of_fame:
        try:
            genome = space.encode(member.plan)
        except SpaceError as error:
            outside.append(error)
            continue
        if genome not in genomes:
            genomes.append(genome)
    if outside:
        on_notice(
            f"warm start: {len(outside)} of the {len(run.hall_of_fame)} best of {run.name} lie outside this search: {outside[0]}"
        )
    return genomes


def evaluations_of(
    run: Run,
    fingerprint: dict[str, Any],
    parts: Sequence[str] = ("data", "training"),
) -> list[Evaluation]:
    """Returns the finished evaluations of ``run`` if it had the same data, splits and training as ``fingerprint``; else none.

    Those that lack one of its objectives, as a latency that was not measured, are left out, so that they are made again; those
    that began with inherited weights too, which stay with the earlier run.
    They carry the earlier run's training seeds, which the history shows, but not their errors at rungs: those who were
    stopped there stay behind, and without them the bar would lie too high.
    """
    before = run.facts["fingerprint"]
    if any(json.dumps(before.get(p), sort_keys=True) != json.dumps(fingerprint[p], sort_keys=True) for p in parts):
        return []
    known = [record.evaluation for record in run.evaluated if record.evaluation is not None and record.is_ok]
    names, inputs = fingerprint["evolution"]["objectives"], run.facts["task"]["inputs"]
    own = [evaluation for evaluation in known if "inherited_epochs" not in evaluation.measures]
    whole = [evaluation for evaluation in own if objectives_of(evaluation, names, inputs) is not None]
    return [dataclasses.replace(evaluation, rungs=()) for evaluation in whole]
