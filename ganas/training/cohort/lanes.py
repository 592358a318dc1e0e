"""Members come and go: a queue of one bucket's members through the lanes of its program, an epoch at a time.

A lane whose member is done takes the next one at the end of the epoch; since every lane has its own count of steps, its
order of rows and its learning rate, no lane notices what begins or ends beside it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganas.cohorts import Bucket
from ganas.training.cohort.layout import initial_weights, pad
from ganas.training.cohort.program import Program
from ganas.training.cohort.progress import Lane, Progress
from ganas.training.cohort.rows import Rows
from ganas.training.cohort.settings import Settings, lane_settings, resting, stack_settings
from ganas.training.contract import FloatArray
from ganas.training.streams import batch_order


def run(program: Program, rows: Rows, members: Iterable[Progress]) -> Iterator[tuple[Progress, Lane, FloatArray]]:
    """Trains ``members`` of the program's bucket; yields each when it is over, with its lane and its measured outputs."""
    queue = deque(members)
    lanes: list[Progress | None] = [None] * program.bucket.lanes
    settings: dict[int, Settings] = {}
    tensors = None
    while queue or any(lanes):
        changed = {}
        for place, lane in enumerate(lanes):
            if lane is None and queue:
                lanes[place] = member = queue.popleft()
                member.began = time.perf_counter()
                changed[place] = first_state(program, member)
                settings[place] = lane_settings(program.bucket, member.member.plan, member.member.seed)
        if changed:
            _load(program, changed)
            rest = resting(next(iter(settings.values())))
            stacked = stack_settings(program.bucket, [settings.get(place, rest) for place in range(len(lanes))])
            tensors = {name: tf.constant(array) for name, array in stacked.items()}
        at_work = {place: lane for place, lane in enumerate(lanes) if lane is not None}
        _train_epoch(program, rows, at_work, tensors)
        over = {place: member for place, member in at_work.items() if member.is_over}
        if over:
            arrays = {name: variable.numpy() for name, variable in program.state.items()}
            outputs = program.measured(rows, tensors)
            for place, member in over.items():
                lanes[place] = None
                yield member, {name: array[place].copy() for name, array in arrays.items()}, outputs[place].copy()


def _train_epoch(program: Program, rows: Rows, at_work: dict[int, Progress], settings: Any) -> None:
    """Trains one epoch and lets each member know how it went."""
    started = time.perf_counter()
    order, counts, steps = _orders(program.bucket, at_work, rows)
    keep_last = not next(iter(at_work.values())).budget.restore_best
    losses = program.epoch(rows, settings, order, counts, steps, keep_last=keep_last)
    seconds = (time.perf_counter() - started) / len(at_work)
    for place, member in at_work.items():
        told = {"loss": float(losses[0, place])}
        if rows.validation_count:
            told["val_loss"] = float(losses[1, place])
        member.seconds += seconds
        member.record(told, member.elapsed())


def first_state(program: Program, member: Progress) -> Lane:
    """Returns the lane that a member starts with, or goes on from."""
    bucket, plan = program.bucket, member.member.plan
    if member.member.state is not None:
        return dict(member.member.state["lane"])
    weights = member.member.weights or initial_weights(plan, bucket.inputs, member.member.seed, bucket.precision)
    own = pad(bucket, plan, weights)
    lane = {**own, **program.optimizer.initial}
    for name, variable in program.state.items():
        if name not in lane:
            lane[name] = np.zeros(variable.shape[1:], bucket.precision)
    lane["best_loss"] = np.asarray(np.inf, bucket.precision)
    return lane


def _load(program: Program, changed: dict[int, Lane]) -> None:
    """Puts lanes into the program's variables."""
    for name, variable in program.state.items():
        array = variable.numpy() if len(changed) < program.bucket.lanes else np.zeros(variable.shape, _dtype(variable))
        array = np.array(array)
        for place, lane in changed.items():
            array[place] = lane[name]
        variable.assign(array)


def _dtype(variable: tf.Variable) -> str:
    return str(variable.dtype.name)


def _orders(
    bucket: Bucket, at_work: dict[int, Progress], rows: Rows
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Returns each lane's batches of its next epoch, see ``Program.epoch``."""
    smallest = bucket.batch // 2 + 1
    longest = -(-max(int(rows.x.shape[0]), rows.count) // smallest)
    order = np.zeros((longest, bucket.lanes, bucket.batch), np.int32)
    counts = np.zeros((longest, bucket.lanes), np.int32)
    steps = 0
    for place, lane in at_work.items():
        size = min(lane.member.plan.batch_size, rows.count)
        mine = -(-rows.count // size)
        permutation = batch_order(lane.member.seed, lane.epochs, rows.count, rows.drawn)
        # what fills a batch up repeats one of its own rows: a row of another batch might overflow
        filled = np.full(mine * size, permutation[(mine - 1) * size], np.int32)
        filled[: rows.count] = permutation
        batches = filled.reshape(mine, size)
        order[:mine, place, :size] = batches
        order[:mine, place, size:] = batches[:, :1]
        counts[:mine, place] = size
        counts[mine - 1, place] = rows.count - (mine - 1) * size
        steps = max(steps, mine)
    return order, counts, steps
