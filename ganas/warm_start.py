"""What a search takes over from an earlier run: its hall of fame as first genomes, and its answers where they still hold."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ganas.errors import SpaceError
from ganas.evaluation import Evaluation
from ganas.history import Run
from ganas.objectives import objectives_of
from ganas.search.space import Genome, SearchSpace


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
    *,
    numbers: Collection[int] | None = None,
) -> list[Evaluation]:
    """Returns the finished evaluations of ``run`` if it had the same data, splits and training as ``fingerprint``; else none.

    With ``numbers`` only those of these candidates: the run may have been extended since.

    Those that lack one of its objectives, as a latency that was not measured, are left out, so that they are made again.
    They carry the earlier run's training seeds, which the history shows, but not their errors at rungs: those who were
    stopped there stay behind, and without them the bar would lie too high.
    """
    before = run.facts["fingerprint"]
    if any(json.dumps(before.get(p), sort_keys=True) != json.dumps(fingerprint[p], sort_keys=True) for p in parts):
        return []
    records = [record for record in run.evaluated if numbers is None or record.number in numbers]
    known = [record.evaluation for record in records if record.evaluation is not None and record.is_ok]
    names, inputs = fingerprint["evolution"]["objectives"], run.facts["task"]["inputs"]
    whole = [evaluation for evaluation in known if objectives_of(evaluation, names, inputs) is not None]
    return [dataclasses.replace(evaluation, rungs=()) for evaluation in whole]
