"""The settings of a comparison: what is refused, in one line each, and what is read."""

import tomllib
from pathlib import Path

import pytest

from ganas.compare import task_of
from ganas.comparison.config import load_comparison, make_comparison
from ganas.comparison.variants import make_plan, make_variants
from ganas.errors import ConfigError, SpaceError
from ganas.search.plan import Corruption, DenseLayer, Mutation

FOLDER = Path(__file__).parents[2] / "configs"
SIZED = ("activations", "losses", "regularizers", "weight_mutation")
CONFIGS = sorted(FOLDER.glob("compare_*.toml"))
TWO = [{"name": "a", "activation": "relu"}, {"name": "b", "activation": "tanh"}]


def refusal(**tables) -> str:
    with pytest.raises(ConfigError) as caught:
        make_comparison({"variant": TWO, **tables}, "x.toml")
    message = str(caught.value)
    assert message.startswith("x.toml ")
    assert "\n" not in message
    return message


def test_an_unknown_key_of_a_variant_is_named_with_the_nearest_known_one():
    message = refusal(variant=[*TWO, {"name": "c", "activaton": "elu"}])
    assert message == 'x.toml [variant "c"] activaton: unknown key; did you mean activation?'


def test_an_unknown_key_of_an_alternative_is_named():
    assert "drpout: unknown key; did you mean dropout?" in refusal(
        variant=[*TWO, {"name": "c", "tune": [{"drpout": 0.1}]}]
    )


def test_one_variant_is_no_comparison():
    assert "at least two variants, got 1" in refusal(variant=TWO[:1])
    assert "at least two variants, got 0" in refusal(variant=[])


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"variant": [{"activation": "relu"}, TWO[1]]}, '[variant "number 1"] name: is missing'),
        ({"variant": [TWO[0], TWO[0]]}, "each once, got 'a' more than once"),
        ({"variant": 3}, "[[variant]]: must be tables"),
        ({"compare": {"base": "c"}}, "[compare] base: must be one of a, b, got 'c'"),
        ({"compare": {"seeds": 1}}, "[compare] seeds: must be at least 2, got 1"),
        ({"compare": {"test": "u"}}, "[compare] test: must be 't' or 'wilcoxon', got \"u\""),
        ({"training": {"epochs": 1, "updates": 1}}, "give epochs or updates, not both"),
        ({"training": {"epochs": 0}}, "[training] epochs: must be at least 1, got 0"),
        ({"base": {"dropout": 1.0}}, "[base] dropout: must be below 1, got 1.0"),
        ({"base": {"layers": [0]}}, "[base] layers: "),
        ({"variant": [*TWO, {"name": "c", "against": "d"}]}, "against: must be another variant, got 'd'"),
        (
            {"variant": [*TWO, {"name": "c", "tune_like": "a"}]},
            "tune_like: must be a variant that tunes (none), got 'a'",
        ),
        ({"data": {"validation": "test"}, "training": {"restore": "best"}}, "would choose on the test rows"),
        ({"data": {"validation": 0}, "training": {"restore": "best"}}, "would choose on the training rows"),
        ({"data": {"validation": "test"}, "training": {"patience": 2}}, "[training] patience: there are no rows"),
        ({"data": {"folds": 3}}, "[data] folds: a comparison trains on one split"),
        ({"run": {"minutes": 3.0}}, "[run] minutes: a comparison is not cut by time"),
        ({"serch": {}}, "[serch]: unknown section"),
    ],
)
def test_what_makes_no_comparison_is_refused_in_one_line(tables, words):
    assert words in refusal(**tables)


def test_tuned_variants_have_the_same_number_of_alternatives():
    tuned = [{"name": "c", "tune": [{"dropout": 0.1}]}, {"name": "d", "tune": [{"l2": 0.1}, {"l2": 0.2}]}]
    assert "as many alternatives as the others, got c 1, d 2" in refusal(variant=[*TWO, *tuned])


def test_alternatives_need_rows_held_out_for_validation():
    tuned = {"name": "c", "tune": [{"dropout": 0.1}, {"dropout": 0.2}]}
    assert "tune: needs rows held out" in refusal(variant=[*TWO, tuned], data={"validation": "test"})


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"activation": "rleu"}, "activation 'rleu': unknown"),
        ({"loss": "cox"}, "loss"),
        ({"layers": [8], "depth": 2}, "give them, or depth and units"),
        ({"bottleneck": 4}, "bottleneck: must be the index of a layer"),
        ({"input_dropout": 0.1, "corruption": {"kind": "mask", "rate": 0.1}}, "input_dropout: give it or a corruption"),
    ],
)
def test_a_variant_that_cannot_be_built_is_refused_by_name(own, words):
    config = make_comparison({"data": {"source": "iris"}, "variant": [*TWO, {"name": "c", **own}]}, "x.toml")
    with pytest.raises(ConfigError, match=r'\[variant "c"\] cannot be built: ') as caught:
        make_variants(config, task_of(config))
    assert words in str(caught.value)


def test_a_variant_changes_what_it_says_and_nothing_else():
    tables = {
        "data": {"source": "iris"},
        "training": {"epochs": 7, "patience": 2},
        "base": {"layers": [4, {"units": 3, "activation": "elu"}], "activation": "tanh", "learning_rate": 0.01},
        "variant": [{"name": "a"}, {"name": "b", "learning_rate": 0.1, "epochs": 9}],
    }
    config = make_comparison(tables, "x.toml")
    a, b = (variant.alternatives[0] for variant in make_variants(config, task_of(config)))
    assert a.plan.layers == b.plan.layers == (DenseLayer(4, "tanh"), DenseLayer(3, "elu"))
    assert (a.plan.optimizer.learning_rate, b.plan.optimizer.learning_rate) == (0.01, 0.1)
    assert (a.budget.epochs, b.budget.epochs, b.budget.patience) == (7, 9, 2)


def test_the_best_weights_count_only_where_rows_are_held_out():
    for validation, keeps in ((0.2, True), (0, False), ("test", False)):
        config = make_comparison({"data": {"source": "iris", "validation": validation}, "variant": TWO}, "x.toml")
        assert make_variants(config, task_of(config))[0].alternatives[0].budget.restore_best is keeps


def test_every_word_of_a_plan_can_be_said():
    said = {
        "depth": 2,
        "units": 5,
        "dropout": 0.5,
        "input_dropout": 0.2,
        "weight_mutation": {"probability": 0.1, "ratio": 0.2},
        "optimizer": "sgd",
        "optimizer_options": {"momentum": 0.9},
        "l2": 0.1,
    }
    plan = make_plan(said)
    assert plan.layers == (DenseLayer(5, dropout=0.5),) * 2
    assert plan.corruption == Corruption("dropout", 0.2)
    assert plan.mutation == Mutation(0.1, 0.2)
    assert plan.optimizer.options == (("momentum", 0.9),)
    assert plan.l2 == 0.1
    with pytest.raises(SpaceError):
        make_plan({"weight_mutation": {"probability": 0.1, "ratio": 0.2, "method": "middle"}})


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_ready_config_can_be_read_and_written(path):
    sizes = [[f"size={size}"] for size in ("small", "full")] if path.stem.removeprefix("compare_") in SIZED else [[]]
    for settings in sizes:
        config = load_comparison(path, settings)
        again = make_comparison(tomllib.loads(config.to_toml()), "x.toml")
        assert again.model_dump(exclude_none=True) == config.model_dump(exclude_none=True)


@pytest.mark.parametrize("size", ["small", "full"])
def test_the_matched_weight_decay_shrinks_as_random_mutation_does_in_the_mean(size):
    config = load_comparison(FOLDER / "compare_regularizers.toml", [f"size={size}"])
    variants = {variant.name: variant for variant in config.variant}
    pairs = zip(variants["mutation, random"].tune, variants["matched weight decay"].tune, strict=True)
    for mutation, decay in pairs:
        shrink = mutation["weight_mutation"]["probability"] * mutation["weight_mutation"]["ratio"] / 2
        assert config.base.learning_rate * decay["weight_decay"] == pytest.approx(shrink)


def test_settings_go_over_the_size_and_the_size_over_the_file(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        'size = "s"\n[training]\nepochs = 1\n[[variant]]\nname = "a"\n[[variant]]\nname = "b"\n'
        "[sizes.s]\ntraining = { epochs = 2, threads = 3 }\n[sizes.l]\ncompare = { seeds = 9 }\n"
    )
    assert load_comparison(path).training.epochs == 2
    assert load_comparison(path, ["size=l"]).training.epochs == 1
    assert load_comparison(path, ["size=l"]).compare.seeds == 9
    changed = load_comparison(path, ["training.epochs=5"], values={"run.seed": 4})
    assert (changed.training.epochs, changed.training.threads, changed.run.seed) == (5, 3, 4)
    with pytest.raises(ConfigError, match=r"size: must be one of the tables under \[sizes\] \(s, l\), got 'm'"):
        load_comparison(path, ["size=m"])


def test_a_name_stays_a_name_where_a_file_is_called_so_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("iris").touch()
    Path("table.csv").touch()
    for source, expected in (("iris", "iris"), ("table.csv", str(tmp_path / "table.csv"))):
        config = make_comparison({"variant": TWO, "data": {"source": source}}, "x.toml")
        assert config.with_absolute_paths().data.source == expected
