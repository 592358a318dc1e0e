"""Networks of a run, trained again: exactly as in the search, from their seed; or anew, epoch by epoch, for a person to watch."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ganas.errors import RunError, SpaceError, first_line
from ganas.evaluation import Evaluation, TrainingBudget
from ganas.evaluator import Evaluator
from ganas.history import Run
from ganas.identity import refuse_changes
from ganas.inheritance import Estate, Weights
from ganas.search.plan import NetworkPlan
from ganas.seeds import derive_seed
from ganas.settings import make_budget, make_task
from ganas.store import RunStore, refusing_damage
from ganas.tasks.task import Task
from ganas.training.contract import Member, load_trainer


def task_of_run(run: Run) -> Task:
    """Reads a run's data again and returns its task, the same rows and splits as in the search.

    Raises:
        RunError: the data were given as arrays, or are no longer the same.
        DataError: the data cannot be read.
    """
    if run.facts.get("from_arrays"):
        raise RunError(f"{run.folder}: its data were given as arrays in Python; use ganas.Evaluator with member.plan")
    task = make_task(run.config)
    refuse_changes(run.folder, {"data": run.facts["fingerprint"]["data"]}, {"data": task.fingerprint()})
    return task


def rebuild(run: Run, evaluation: Evaluation) -> Any:
    """Returns the network of an evaluation as it was in the search, a ``keras.Model`` on preprocessed inputs.

    It is trained again in a worker, from its own seed (of the first fold and repeat); one that began with a parent's weights is
    read from the run's folder instead. A run on arrays has no data to train on: use an ``Evaluator`` of them.
    Loads TensorFlow in this process.

    Raises:
        RunError: the run's data were given as arrays or changed, or the network could not be trained again, or its weights
            are gone.
    """
    task, training = task_of_run(run), run.config.training
    if "inherited_epochs" in evaluation.measures:
        weights = Estate(run.folder / "weights").of(evaluation.plan, task.folds * training.repeats)[0]
    else:
        weights = _weights_trained_again(run, task, evaluation.plan, derive_seed(evaluation.seed, 0, 0))
    from ganas.training.build import build

    model = build(evaluation.plan, task.inputs)
    model.set_weights(list(weights))
    return model


def _weights_trained_again(run: Run, task: Task, plan: NetworkPlan, seed: int) -> Weights:
    """Returns the weights that the search's own training of ``plan`` ends with."""
    with Evaluator(task, budget=make_budget(run.config), trainer=run.config.training.trainer) as evaluator:
        outcome = evaluator.retrain([(plan, seed)])[0].outcome
    if outcome.status != "ok":
        raise RunError(f"the network could not be trained again: {outcome.status}: {outcome.message}")
    return outcome.weights


def restore_files(run: Run) -> list[str]:
    """Makes ``best.keras`` and ``pipeline.json`` of a finished run again where they are missing or empty, and returns their names.

    The network is trained again from the seed of the one that was there. The test rows are not read.

    Raises:
        RunError: the run's data were given as arrays or changed, another process works on the run, or the network could not be
            trained again or written.
    """
    missing = [name for name in ("best.keras", "pipeline.json") if not _is_there(run.folder / name)]
    if not missing or run.result is None:
        return []
    with refusing_damage(run.folder):
        plan, seed = NetworkPlan.from_json(run.result["winner"]["plan"]), int(run.result["saved"]["seed"])
    task = task_of_run(run)
    with contextlib.closing(RunStore.open(run.folder)) as store:
        if "pipeline.json" in missing:
            store.write_json("pipeline.json", task.pipeline())
        if "best.keras" in missing:
            save_network(task, plan, _weights_trained_again(run, task, plan, seed), run.folder / "best.keras")
    return missing


def _is_there(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def train_plan(
    task: Task,
    plan: NetworkPlan,
    budget: TrainingBudget,
    *,
    seed: int,
    on_epoch: Callable[[int, float, float | None], None],
) -> dict[str, Any]:
    """Trains one plan in this process and tells each epoch's ``(number, loss, validation loss)`` as it ends.

    Returns ``weights``, ``measures`` on the validation rows at the restored epoch, ``best_epoch`` and ``epochs``.

    Raises:
        SpaceError: the plan does not fit the task.
        RunError: training did not end well.
    """
    from ganas.training.session import prepare_session

    prepare_session(budget.threads)
    train = load_trainer("keras")
    fold = task.fold(0)
    member = Member(task.complete(plan), seed)
    for epoch in range(1, budget.epochs + 1):
        outcome = train([member], fold.data, budget, pause=epoch)[0]
        if outcome.status != "ok" or outcome.outputs is None:
            raise RunError(f"training ended as {outcome.status} in epoch {epoch}: {first_line(outcome.message)}")
        validation = outcome.curves.get("val_loss")
        on_epoch(epoch, outcome.curves["loss"][-1], validation[-1] if validation else None)
        if outcome.is_finished:
            break
        member = dataclasses.replace(member, state=outcome.state)
    assert outcome.outputs is not None
    measures = fold.measure(outcome.outputs)
    return {
        "weights": outcome.weights,
        "measures": measures,
        "best_epoch": outcome.best_epoch,
        "epochs": outcome.epochs,
    }


def retrain(
    run: Run, plan: NetworkPlan, settings: Mapping[str, Any], *, output: Path, say: Callable[[str], None]
) -> None:
    """Trains ``plan`` on the run's data in this process, says each epoch, and saves the network to ``output``.

    ``settings`` are changes to the ``[training]`` and ``[run]`` of the run's config, such as ``{"training.epochs": 50}``.

    Raises:
        RunError: the run's data were given as arrays or changed, training did not end well, or ``output`` cannot be written.
        SpaceError: the plan does not fit the task.
    """
    if output.suffix != ".keras" or not output.absolute().parent.is_dir():
        raise RunError(f"{output}: must be a .keras file in a folder that exists")
    config = run.config.with_values(settings, "command line")
    task, budget = task_of_run(run), make_budget(config)
    say(task.complete(plan).in_words())
    width = len(str(budget.epochs))

    def say_epoch(epoch: int, loss: float, validation: float | None) -> None:
        also = "" if validation is None else f"  validation loss {validation:.4f}"
        say(f"epoch {epoch:{width}}/{budget.epochs}  loss {loss:.4f}{also}")

    trained = train_plan(task, plan, budget, seed=config.run.seed, on_epoch=say_epoch)
    save_network(task, plan, trained["weights"], output)
    say(f"kept epoch {trained['best_epoch']}: error {trained['measures']['error']:.4f} ({task.error_in_words})")
    say(f"{output}: saved; takes raw rows")


def read_plan(path: Path) -> NetworkPlan:
    """Reads a plan from a JSON file: a plan's own data, or data that holds it under ``plan``, as ``show --json`` prints.

    Raises:
        RunError: the file cannot be read, or is no JSON.
        SpaceError: it holds no plan.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise RunError(f"{path}: is no JSON ({error})") from None
    found = data.get("plan", data) if isinstance(data, dict) else None
    if not isinstance(found, dict) or "layers" not in found:
        raise SpaceError(f'{path}: holds no plan; expected {{"layers": [{{"units": 64, "activation": "relu"}}], ...}}')
    return NetworkPlan.from_json(found)


def save_network(task: Task, plan: NetworkPlan, weights: Weights, path: Path) -> None:
    """Writes a trained network with its preprocessing as one ``.keras`` file that takes raw rows."""
    from ganas.training.export import export

    export(task.complete(plan), weights, task.pipeline(), str(path))
