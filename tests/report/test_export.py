"""A run as data for other programs."""

from __future__ import annotations

import csv
import io
import json

import pytest

from ganas.errors import RunError
from ganas.report.export import to_json, write_csv
from ganas.search.plan import NetworkPlan


def test_csv_has_a_line_per_candidate(make_run):
    run = make_run()
    stream = io.StringIO()
    write_csv(stream, run)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert len(rows) == 60
    assert float(rows[-1]["error"]) == run.records[-1].evaluation.error
    assert {"status", "network", "parameters", "measure_accuracy"} <= set(rows[0])


def test_json_of_a_run_holds_its_hall_of_fame_and_result(make_run):
    run = make_run()
    data = json.loads(to_json(run))
    assert [member["rank"] for member in data["hall_of_fame"]] == list(range(1, 11))
    assert data["result"] == run.result
    assert data["config"]["data"]["source"] == "digits"


def test_json_of_a_member_holds_a_plan_that_can_be_read_back(make_run):
    run = make_run()
    data = json.loads(to_json(run, 2))
    assert NetworkPlan.from_json(data["plan"]) == run.member(2).plan
    assert data["curves"]


def test_a_rank_that_is_not_there_is_refused(make_run):
    with pytest.raises(RunError, match="no rank 99; its hall of fame has ranks 1 to 10"):
        to_json(make_run(), 99)
