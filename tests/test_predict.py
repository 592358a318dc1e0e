"""Predictions from the command line, without a network: what goes wrong around it."""

import json

import numpy as np
import pytest

from ganas.cli import main
from ganas.predict import PREDICTIONS


@pytest.mark.parametrize(("place", "reason"), [("missing/p.csv", "non-existent directory"), ("", "Is a directory")])
def test_an_output_that_cannot_be_written_is_one_line_with_the_reason(
    place, reason, make_run, tmp_path, monkeypatch, capsys
):
    run = make_run()
    pipeline = run.facts["pipeline"]
    (run.folder / "pipeline.json").write_text(json.dumps(pipeline))
    (run.folder / "best.keras").write_bytes(b"")
    names = pipeline["preprocessing"]["numbers"]["names"]
    rows = tmp_path / "rows.csv"
    rows.write_text("\n".join([",".join(names), ",".join("0" for _ in names)]))
    monkeypatch.setitem(PREDICTIONS, "classification", lambda run, pipeline, inputs: {"prediction": np.zeros(1)})
    assert main(["predict", str(run.folder), str(rows), "-o", str(tmp_path / place)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"ganas: {tmp_path / place}: cannot be written (")
    assert reason in said
    assert said.count("\n") == 1
