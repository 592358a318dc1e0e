"""The guide: the configs it shows can be run, and it names every word there is."""

import re
import tomllib
from pathlib import Path

import pytest

from ganas import config as search_config
from ganas.comparison import config as comparison_config
from ganas.comparison.config import make_comparison
from ganas.comparison.variants import make_variants
from ganas.config import make_config
from ganas.search.autoencoder import CODE_WORDS, autoencoder_space
from ganas.search.mlp import LAYER_WORDS, NETWORK_WORDS, TABLES, mlp_space
from ganas.search.start import start_genomes
from ganas.settings import engine_options, make_budget, make_rungs
from ganas.tasks import load_task

GUIDE = (Path(__file__).parents[1] / "docs" / "guide.md").read_text()
SEARCH, AUTOENCODER, COMPARISON = map(tomllib.loads, re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL))
SECTIONS = [
    one
    for module in (search_config, comparison_config)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, search_config.Section)
]


def test_the_search_of_the_guide_makes_sense():
    config = make_config(SEARCH, "guide")
    space = mlp_space(config.search)
    assert [space.genome(genome) for genome in start_genomes(config.search)] == start_genomes(config.search)
    assert engine_options(config)["design"] == 9
    assert make_rungs(config)
    assert make_budget(config).seconds == 60


def test_the_autoencoders_of_the_guide_make_sense():
    config = make_config(AUTOENCODER, "guide")
    assert autoencoder_space(config.search, inputs=20).genes


def test_the_comparison_of_the_guide_makes_sense():
    config = make_comparison(COMPARISON, "guide")
    assert len(make_variants(config, load_task("digits"))) == 4


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_of_a_config_is_in_the_guide(section):
    missing = [key for key in section.model_fields if not re.search(rf"\b{key}\b", GUIDE)]
    assert not missing


def test_every_word_of_a_search_is_in_the_guide():
    words = [*LAYER_WORDS, *NETWORK_WORDS, *CODE_WORDS, *TABLES, *(key for table in TABLES.values() for key in table)]
    assert [word for word in words if not re.search(rf"\b{word}\b", GUIDE)] == []
