"""When a search ends, and what it leaves of its minutes to the final assessment."""

import dataclasses

import pytest

from ganas.budget import (
    FIRST_SECONDS,
    longest_search_seconds,
    planned_trainings,
    race_in_time,
    race_that_fits,
    search_seconds,
    what_ran_out,
)
from ganas.config import RunConfig, make_config
from ganas.evaluation import Evaluation
from ganas.search.plan import mlp_plan


def config(**tables) -> RunConfig:
    evolution = {"population": 10, "generations": 3}
    return make_config({"evolution": evolution, "final": {"candidates": 4, "repeats": 5}, **tables}, "test")


def told(*errors, seconds=2.0, epochs=7) -> list[Evaluation]:
    one = Evaluation(mlp_plan(layers=[(8, "relu")]), 0, "ok", seconds=seconds, epochs=epochs)
    others = [dataclasses.replace(one, plan=mlp_plan([(units, "relu")])) for units in range(1, len(errors) + 1)]
    return [
        dataclasses.replace(other, error=error) if error is not None else dataclasses.replace(other, status="failed")
        for other, error in zip(others, errors, strict=True)
    ]


def test_a_search_plans_its_generations_or_fewer_trainings():
    assert planned_trainings(config()) == 30
    assert planned_trainings(config(budget={"trainings": 12})) == 12
    assert planned_trainings(config(budget={"trainings": 99})) == 30


@pytest.mark.parametrize(
    ("budget", "errors", "reason"),
    [
        ({}, [0.5] * 29, None),
        ({}, [0.5] * 30, "3 generations are done"),
        ({"trainings": 2}, [0.5] * 2, "2 evaluations are done"),
        ({"epochs": 14}, [0.5], None),
        ({"epochs": 14}, [0.5, None], "14 epochs are trained"),
        ({"target_error": 0.1}, [0.5, 0.11], None),
        ({"target_error": 0.1}, [0.5, 0.1], "an error of 0.1 reaches the target 0.1"),
        ({"target_error": 0.1}, [None], None),
        ({"patience": 2}, [0.5, 0.6], None),
        ({"patience": 2}, [0.5, 0.6, None], "2 evaluations brought nothing better"),
        ({"patience": 2}, [0.5, 0.6, 0.4], None),
    ],
)
def test_the_first_limit_reached_is_said(budget, errors, reason):
    assert what_ran_out(config(budget=budget), told(*errors)) == reason


def test_epochs_that_nobody_trained_are_not_counted():
    three = told(0.5, 0.5, 0.5)
    twins = [three[0], three[0]]
    of_earlier_run = {three[1].plan.digest()}
    budgeted = config(budget={"epochs": 21})
    assert what_ran_out(budgeted, three) == "21 epochs are trained"
    assert what_ran_out(budgeted, three, of_earlier_run) is None
    assert what_ran_out(budgeted, twins + three[:1]) is None


def test_without_minutes_the_clock_ends_nothing():
    assert search_seconds(config(), told(0.5), jobs=2, folds=1) is None


def test_the_final_assessment_keeps_its_trainings_at_what_full_ones_took():
    timed = config(run={"minutes": 10.0})
    stopped = [dataclasses.replace(one, status="stopped") for one in told(0.9, seconds=0.1)]
    # 4 finalists of 5 fresh seeds each, 20 trainings of 2 s on 2 workers; 5 more of the winner are 3 on one of them
    assert search_seconds(timed, told(0.5, 0.4) + stopped, jobs=2, folds=1) == 600 - FIRST_SECONDS - 20 - 6
    alone = config(run={"minutes": 10.0}, final={"candidates": 1, "repeats": 5})
    assert search_seconds(alone, told(0.5), jobs=1, folds=1) == 600 - FIRST_SECONDS - 10


def test_the_final_assessment_keeps_what_the_best_took_and_for_the_winner_what_the_slowest_of_them_took():
    timed = config(run={"minutes": 10.0}, final={"candidates": 2, "repeats": 5})
    mixed = told(0.3, seconds=4.0) + told(0.2, seconds=2.0) + told(0.9, seconds=50.0)
    assert search_seconds(timed, mixed, jobs=1, folds=1) == 600 - FIRST_SECONDS - 5 * (4 + 2) - 5 * 4


def test_the_final_assessment_keeps_the_time_of_single_trainings_where_candidates_have_many():
    timed = config(run={"minutes": 10.0}, final={"candidates": 1, "repeats": 5}, training={"repeats": 2})
    # 20 s are 5 folds twice; each fold once more for the winner, and four times more the first for the test rows
    assert search_seconds(timed, told(0.5, seconds=20.0), jobs=1, folds=5) == 600 - FIRST_SECONDS - (5 + 4) * 2


def test_the_final_assessment_gets_half_of_the_minutes_at_most():
    assert search_seconds(config(run={"minutes": 1.0}), told(0.5, seconds=500.0), jobs=1, folds=1) == 30
    for nothing in ([], told(None)):
        assert search_seconds(config(run={"minutes": 0.1}), nothing, jobs=1, folds=1) == 3


def test_a_first_batch_leaves_half_of_the_minutes_to_the_final_assessment_and_more_where_nothing_came_to_its_end():
    timed = config(run={"minutes": 10.0})
    assert search_seconds(timed, [], jobs=1, folds=1) == 300
    assert longest_search_seconds(timed) == 600 - FIRST_SECONDS
    assert longest_search_seconds(config(run={"minutes": 0.1})) == 3
    assert longest_search_seconds(config()) is None


@pytest.mark.parametrize(
    ("searched", "places", "notices"),
    [
        # 5 trainings of 40, 20 and 10 s are 200, 100 and 50 s, and 15 s; of ranks 2 and 3 3 more laps 90 s
        (630 - 215, [0], ["time for no race"]),
        (630 - 214, [1, 2], ["no time for 5 further trainings of rank 1: rank 2 stands in", "a race of 2 over 3 laps"]),
        (630 - 114, [2], ["no time for 5 further trainings of ranks 1 to 2: rank 3 stands in"]),
        (630 - 64, [2], ["no time for 5 further trainings of any: rank 3, the fastest"]),
        (9999, [2], ["no time for 5 further trainings of any: rank 3, the fastest"]),
        (0, [0, 1, 2], []),
    ],
)
def test_who_cannot_be_trained_again_in_time_is_not_the_winner(searched, places, notices):
    ranked = told(0.1, seconds=40.0) + told(0.2, seconds=20.0) + told(0.3, seconds=10.0)
    race = race_in_time(config(run={"minutes": 10.0}), ranked, jobs=1, folds=1, searched=searched)
    assert race.places == places
    assert len(race.notices) == len(notices)
    assert all(part in notice for part, notice in zip(notices, race.notices, strict=True))
    assert not notices or race.notices[-1].endswith("More minutes would choose better.")
    unlimited = race_in_time(config(), ranked, jobs=1, folds=1, searched=searched)
    assert (unlimited.places, unlimited.laps, unlimited.notices) == ([0, 1, 2], 5, [])


@pytest.mark.parametrize(
    ("searched", "race"),
    [
        # 15 s, 3 more trainings of 20 s, and 5 laps of 4 finalists on 2 workers are 275 s; 3 laps 195 s, of 3 165 s, of 2 135 s
        (630 - 275, (4, 5)),
        (630 - 274, (4, 3)),
        (630 - 194, (3, 3)),
        (630 - 164, (2, 3)),
        (630 - 134, (1, 3)),
        (9999, (1, 3)),
    ],
)
def test_a_race_is_cut_to_what_fits_into_the_minutes(searched, race):
    timed = config(run={"minutes": 10.0})
    four = told(*[0.5] * 4, seconds=20.0)
    assert race_that_fits(timed, four, jobs=2, folds=1, searched=searched) == race
    assert race_that_fits(config(), four, jobs=2, folds=1, searched=searched) == (4, 5)


def test_a_race_of_fewer_than_were_asked_for_needs_the_time_of_fewer():
    timed = config(run={"minutes": 10.0}, final={"candidates": 8, "repeats": 5})
    two = told(0.5, 0.5, seconds=20.0)
    # 15 s, and 5 laps of 2 finalists and 5 more trainings of 20 s
    assert race_that_fits(timed, two, jobs=1, folds=1, searched=630 - 315) == (2, 5)
    assert race_that_fits(timed, two[:1], jobs=1, folds=1, searched=9999) == (1, 5)
