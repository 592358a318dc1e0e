"""The settings of a run: strict, complete, and clear about what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganas.config import RunConfig, load_config, make_config
from ganas.errors import ConfigError
from ganas.search.mlp import mlp_space
from ganas.search.start import start_genomes

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.toml"))


def test_no_config_is_the_digits_search():
    assert load_config() == RunConfig()
    assert load_config().data.source == "digits"


def ready_search_configs() -> list[Path]:
    """Returns the configs of searches; those of comparisons have tests of their own."""
    return [path for path in CONFIGS if "variant" not in tomllib.loads(path.read_text())]


@pytest.mark.parametrize("path", ready_search_configs(), ids=lambda path: path.stem)
def test_every_ready_config_is_read(path):
    config = load_config(path)
    assert config.evolution.population >= 2
    if config.task.kind in (None, "classification", "regression"):
        assert mlp_space(config.search).genes
        assert len(start_genomes(config.search)) == len(config.search.get("start", []))


def test_the_classic_config_is_the_textbook_setting():
    config = load_config(next(path for path in CONFIGS if path.stem == "classic_ga"))
    assert (config.evolution.population, config.evolution.generations) == (50, 10)
    assert config.evolution.mutation_rate == 0.1
    assert config.search["layers"] == [1, 10]
    assert config.search["units"] == {"range": [10, 100]}


def test_what_is_written_reads_back_equal(tmp_path):
    settings = [
        "run.seed=3",
        "data.source=my table.csv",
        "search.units={ range = [8, 64], log = true }",
        'search.activation=["relu", "leaky_relu(0.2)"]',
        "search.weight_mutation={ probability = [0.0, 0.1] }",
        "budget.rungs=[0.25]",
        "budget.target_error=1e-9",
        "evolution.options={ children = 50 }",
    ]
    config = RunConfig().with_settings(settings)
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml())
    assert load_config(path) == config


def test_every_default_is_written():
    text = RunConfig().to_toml()
    for section, model in RunConfig.model_fields.items():
        assert f"[{section}]" in text
        for key in getattr(model.annotation, "model_fields", {}):
            assert f"\n{key} = " in text or f"\n# {key} is not set" in text


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"training": {"epochs": 0}}, "x.toml [training] epochs: must be at least 1, got 0"),
        ({"training": {"epoch": 5}}, "x.toml [training] epoch: unknown key; did you mean epochs?"),
        ({"trainin": {"epochs": 5}}, "x.toml [trainin]: unknown section; did you mean training?"),
        ({"evolution": {"epochs": 5}}, "it belongs in [training]"),
        ({"evolution": {"sample": 4}}, "; what only an engine knows is options.sample"),
        ({"evolution": {"population": 0}}, "x.toml [evolution] population: must be at least 2, got 0"),
        ({"evolution": {"population": "many"}}, 'must be a whole number, got "many"'),
        ({"evolution": {"population": 10.5}}, "must be a whole number, got 10.5"),
        ({"evolution": {"crossover": 2}}, "must be at most 1, got 2"),
        ({"evolution": {"objectives": []}}, "must not be empty"),
        ({"run": {"jobs": 0}}, "must be at least 1 or 'auto', got 0"),
        ({"run": {"jobs": "all"}}, "or 'auto', got \"all\""),
        ({"run": {"seed": -1}}, "must be at least 0, got -1"),
        ({"run": {"name": "../escape"}}, "[run] name: must be letters, digits"),
        ({"run": {"minutes": float("nan")}}, "[run] minutes: must be above 0"),
        ({"data": {"header": "yes"}}, 'must be true or false, got "yes"'),
        ({"data": {"target": True}}, "must be a name in quotes or a whole number, got true"),
        ({"training": 5}, "x.toml [training]: must be a table of settings, got 5"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(tables, message):
    with pytest.raises(ConfigError) as caught:
        make_config(tables, "x.toml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("x.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["customers.csv", "Rows.TSV.GZ", "images.npz", "digits"])
def test_data_in_the_place_of_a_config_is_told_where_it_belongs(name):
    with pytest.raises(ConfigError, match=rf"^{name}: is data, not a config; .* ganas evolve --data {name}$"):
        load_config(name)


def test_a_config_may_be_called_like_a_table(tmp_path):
    path = tmp_path / "search.txt"
    path.write_text("[training]\nepochs = 3\n")
    assert load_config(path).training.epochs == 3


@pytest.mark.parametrize(
    ("text", "message"), [("layers = [1,", "not valid TOML"), (None, "no such file; expected a config")]
)
def test_a_file_that_is_no_config_is_one_line(tmp_path, text, message):
    path = tmp_path / "search.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


def test_a_setting_from_the_shell_is_toml_or_a_bare_word():
    config = RunConfig().with_settings(
        ["training.epochs=5", "data.source=iris", 'data.target="a b"', "run.minutes=1.5"]
    )
    assert (config.training.epochs, config.data.source, config.data.target) == (5, "iris", "a b")
    assert config.run.minutes == 1.5
    assert RunConfig().with_settings(["data.source=my file, old's.csv"]).data.source == "my file, old's.csv"


@pytest.mark.parametrize(
    "setting", ["epochs=5", "training.epochs", "=5", "training.=5", "training.epochs=[", "training.epochs="]
)
def test_a_malformed_setting_is_refused(setting):
    with pytest.raises(ConfigError, match="--set"):
        RunConfig().with_settings([setting])


@given(st.text(max_size=20))
def test_no_setting_text_ends_in_anything_but_a_config_error(text):
    try:
        RunConfig().with_settings([text])
    except ConfigError as error:
        assert "--set" in str(error)  # noqa: PT017 - most texts are refused, a few are settings


def test_settings_leave_the_config_they_were_made_from_alone():
    config = RunConfig().with_settings(["search.layers=[1, 2]"])
    changed = config.with_settings(["search.layers=3"])
    assert config.search == {"layers": [1, 2]}
    assert changed.search == {"layers": 3}


def test_a_file_that_is_there_gets_an_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    (tmp_path / "digits").write_text("not a table")
    assert RunConfig().with_absolute_paths().data.source == "digits"
    config = RunConfig().with_settings(["data.source=mine.csv"]).with_absolute_paths()
    assert config.data.source == str((tmp_path / "mine.csv").resolve())


@pytest.mark.parametrize("content", [b"[run\n", b"\xff\xfe", b"run = 1"])
def test_a_file_that_is_no_config_is_refused(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        load_config(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigError, match=r"no such file|cannot be read"):
            load_config(path)


@pytest.mark.parametrize("patience", [None, 3, "never"])
def test_a_config_without_patience_reads_back_as_it_was_written(patience, tmp_path):
    config = make_config({"training": {"patience": patience}}, "test")
    assert config.training.patience == (3 if patience == 3 else None)
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml())
    assert load_config(path) == config
