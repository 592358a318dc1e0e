"""The space of autoencoders: what its words mean, and that genomes and plans say the same."""

from __future__ import annotations

import numpy as np
import pytest

from ganas.errors import ConfigError, SpaceError
from ganas.search.autoencoder import autoencoder_space
from ganas.search.plan import DenseLayer, NetworkPlan, mlp_plan
from ganas.search.start import autoencoder_start_genomes


def a_plan(**words):
    space = autoencoder_space({"learning_rate": [1e-3, 1e-2], **words}, inputs=8)
    return space.decode(space.sample(np.random.default_rng(0)))


def test_a_mirrored_decoder_repeats_the_encoder_backwards_around_the_bottleneck():
    plan = a_plan(layers=2, units=[16, 32], activation="tanh", dropout=0.1, batch_normalization=True, bottleneck=3)
    encoder, code, decoder = plan.layers[:2], plan.layers[2], plan.layers[3:]
    assert plan.bottleneck == 2
    assert code == DenseLayer(3, "linear")
    assert decoder == encoder[::-1]


def test_an_independent_decoder_has_layers_of_its_own():
    words = {"decoder_layers": 2, "decoder_units": 24, "decoder_activation": "elu"}
    plan = a_plan(layers=1, units=8, bottleneck=2, decoder="independent", **words)
    assert plan.layers[2:] == (DenseLayer(24, "elu"),) * 2
    assert not plan.tied


def test_without_hidden_layers_the_code_is_all_there_is_between_input_and_output():
    plan = a_plan(layers=0, bottleneck=2)
    assert plan.layers == (DenseLayer(2, "linear"),)
    assert plan.bottleneck == 0


def test_the_default_bottleneck_is_narrower_than_the_input():
    space = autoencoder_space({}, inputs=9)
    rng = np.random.default_rng(1)
    plans = [space.decode(space.sample(rng)) for _ in range(100)]
    assert max(plan.layers[plan.bottleneck].units for plan in plans) <= 4


def test_the_output_is_left_to_the_task_unless_the_config_says_it():
    assert a_plan(bottleneck=2).head is None
    head = a_plan(bottleneck=2, output_activation="sigmoid", output_batch_normalization=True).head
    assert (head.units, head.activation, head.batch_normalization) == (8, "sigmoid", True)


def test_only_what_the_decoder_uses_is_in_a_genome():
    space = autoencoder_space({"decoder": ["mirrored", "independent"], "tied": [False, True]}, inputs=6)
    rng = np.random.default_rng(0)
    for _ in range(50):
        genome = space.sample(rng)
        assert ("decoder_units" in genome) == (genome["decoder"] == "independent")
        assert ("tied" in genome) == (genome["decoder"] == "mirrored")


def test_a_plan_that_is_read_back_into_a_genome_builds_the_same_plan():
    words = {
        "decoder": ["mirrored", "independent"],
        "tied": [False, True],
        "dropout": [0.0, 0.2],
        "corruption": {"kind": ["none", "mask", "gaussian"], "rate": [0.1, 0.3]},
        "output_activation": ["linear", "sigmoid"],
        "bottleneck_activation": ["linear", "tanh"],
    }
    space = autoencoder_space(words, inputs=12)
    rng = np.random.default_rng(3)
    for _ in range(60):
        plan = space.decode(space.sample(rng))
        assert space.decode(space.encode(plan)) == plan


def test_a_tied_decoder_that_mirrors_nothing_is_refused():
    plan = NetworkPlan((DenseLayer(8), DenseLayer(2, "linear"), DenseLayer(8)), bottleneck=1, tied=True)
    with pytest.raises(SpaceError, match=r"^plan tied: only a mirrored decoder can be"):
        autoencoder_space({"decoder": "independent", "layers": [1, 2]}, inputs=4).encode(plan)


def test_a_network_without_a_bottleneck_is_refused():
    with pytest.raises(SpaceError, match="no autoencoder"):
        autoencoder_space({}, inputs=4).encode(mlp_plan([3]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"botleneck": 2}, r"\[search\] botleneck: unknown key; did you mean bottleneck"),
        ({"bottleneck": 0}, r"\[search\] bottleneck: must be a whole number of at least 1"),
        ({"decoder": "twisted"}, r"\[search\] decoder: must be one of mirrored, independent"),
        ({"layers": "deep"}, r"\[search\] layers"),
    ],
)
def test_a_wrong_word_is_named(words, message):
    with pytest.raises(ConfigError, match=message):
        autoencoder_space(words, inputs=4)


@pytest.mark.parametrize(
    ("entry", "layers"),
    [
        ({"layers": [16, [12, "tanh"]], "bottleneck": 2}, "16 relu → 12 tanh → 2 linear (code) → 12 tanh → 16 relu"),
        ({"bottleneck": 3}, "3 linear"),
        (
            {"bottleneck": 2, "decoder": "independent", "decoder_layers": 1, "decoder_units": 9}
            | {"decoder_activation": "tanh"},
            "2 linear (code) → 9 tanh",
        ),
    ],
)
def test_an_autoencoder_to_start_with_is_a_genome_of_the_space(entry, layers):
    words = {"layers": [0, 3], "decoder": ["mirrored", "independent"], "batch_size": 32, "start": [entry]}
    (genome,) = autoencoder_start_genomes(words, inputs=8)
    plan = autoencoder_space(words, inputs=8).decode(genome)
    assert plan.in_words().startswith(layers)
    assert plan.batch_size == 32


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"layers": [8]}, r"start\[0\]: say its bottleneck too"),
        ({"bottleneck": [1, 2]}, r"start\[0\] bottleneck: expected one value"),
        ({"bottleneck": "narrow"}, r"start\[0\] bottleneck: must be a whole number"),
        ({"bottleneck": 2, "decoder_units": 4}, r"start\[0\] decoder_units: is a word of the independent decoder"),
        ({"bottleneck": 2, "layers": [9, 9, 9]}, r"start\[0\]: plan layers: expected"),
        ({"bottleneck": 2, "tied": True}, r"start\[0\]: plan tied: the search space fixes it at False"),
        ({"botleneck": 2}, r"start\[0\] botleneck: unknown key; did you mean bottleneck"),
        (7, r"start\[0\]: expected a network"),
    ],
)
def test_an_autoencoder_to_start_with_that_makes_no_sense_is_refused(entry, message):
    with pytest.raises(ConfigError, match=message) as caught:
        autoencoder_start_genomes({"start": [entry]}, inputs=8)
    assert "\n" not in str(caught.value)


def test_without_hidden_layers_their_genes_are_not_searched():
    space = autoencoder_space({"layers": 0, "bottleneck": [2, 3], "units": [8, 16], "learning_rate": 1e-3}, inputs=8)
    assert set(space.genes) == {"bottleneck"} | {name for name in space.genes if name.startswith("decoder")}
    plan = space.decode(space.sample(np.random.default_rng(0)))
    assert plan.bottleneck == 0
    assert space.decode(space.genome(space.encode(plan))) == plan


@pytest.mark.parametrize("spec", [True, [True, False]])
def test_a_normalised_output_without_its_activation_is_refused_before_anything_is_trained(spec):
    with pytest.raises(ConfigError, match="output_batch_normalization: needs an output_activation too"):
        autoencoder_space({"output_batch_normalization": spec}, inputs=8)
    autoencoder_space({"output_batch_normalization": spec, "output_activation": "sigmoid"}, inputs=8)
