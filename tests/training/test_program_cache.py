"""Compiled programs on disk: one directory per kind of machine, old ones removed, none kept where that was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time


def run(script, **environment):
    kept = {name: value for name, value in os.environ.items() if name != "TF_XLA_FLAGS"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SHOW = """
    import os
    from ganas.training.program_cache import use_program_cache
    use_program_cache()
    print(os.environ.get("TF_XLA_FLAGS", ""))
"""


def test_the_place_can_be_named_and_other_flags_stay(tmp_path):
    flags = run(SHOW, GANAS_CACHE=str(tmp_path), TF_XLA_FLAGS="--tf_xla_auto_jit=0")
    assert flags.startswith("--tf_xla_auto_jit=0 ")
    (folder,) = (tmp_path / "programs").iterdir()
    assert str(folder) in flags


def test_nothing_is_kept_where_the_place_is_empty_or_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    assert run(SHOW, GANAS_CACHE="") == ""
    assert run(SHOW, GANAS_CACHE=str(tmp_path / "file")) == ""


def test_programs_not_read_for_a_month_are_removed(tmp_path):
    run(SHOW, GANAS_CACHE=str(tmp_path))
    (folder,) = (tmp_path / "programs").iterdir()
    for name, days in (("old.pb", 31), ("new.pb", 1)):
        (folder / name).write_text("")
        then = time.time() - days * 86_400
        os.utime(folder / name, (then, then))
    run(SHOW, GANAS_CACHE=str(tmp_path))
    assert [path.name for path in folder.iterdir()] == ["new.pb"]


def test_a_damaged_program_is_compiled_again(tmp_path):
    train = """
        from ganas.training.session import prepare_session
        prepare_session(1)
        import hashlib
        import numpy as np
        from ganas.evaluation import TrainingBudget
        from ganas.search.plan import Head, mlp_plan
        from ganas.training.cohort import train
        from ganas.training.contract import Member, TrainingData
        x = np.ones((8, 2), "float32")
        plan = mlp_plan([(3, "relu")], optimizer="sgd", head=Head(2), loss="mse", batch_size=4)
        data = TrainingData(x, x, x, x)
        outcome = train([Member(plan, 0)], data, TrainingBudget(epochs=1))[0]
        print(outcome.status, hashlib.md5(outcome.weights[0].tobytes()).hexdigest())
    """
    first = run(train, GANAS_CACHE=str(tmp_path))
    assert first.startswith("ok")
    kept = list((tmp_path / "programs").rglob("*.pb"))
    assert kept, "nothing was kept"
    for path in kept:
        path.write_bytes(path.read_bytes()[:1000])
    assert run(train, GANAS_CACHE=str(tmp_path)) == first
