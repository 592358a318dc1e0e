"""The search space of autoencoders: an encoder, a bottleneck (the code), and a decoder, from the words of ``[search]``.

The encoder's layers have the words of a multilayer perceptron's. The decoder mirrors them, or is a chain of its own whose
layers are all alike: ``decoder_layers`` of ``decoder_units`` units. A linear network whose code is as wide as its input is
the identity and has learnt nothing; what keeps a search away from it is the task's error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganas.errors import ConfigError, SpaceError
from ganas.search.activations import ELEMENTWISE
from ganas.search.genes import Gene, Value
from ganas.search.mlp import Chain, make_conditions, read_chain, read_genes, read_layer_count, split_fixed
from ganas.search.plan import DenseLayer, Head, NetworkPlan
from ganas.search.space import Condition, LayerGroup, SearchSpace
from ganas.search.words import Word, activation, flag, name, whole_number

DEFAULT_ENCODER = {"range": [0, 2]}
"""Hidden layers between the input and the bottleneck where the config is silent."""
ENCODER_DEFAULTS: dict[str, Any] = {"units": {"range": [8, 64], "log": True}, "batch_size": 64}
CODE_WORDS: dict[str, Word] = {
    "bottleneck": Word(whole_number(1), None, ()),
    "bottleneck_activation": Word(activation(), "linear", ()),
    "bottleneck_batch_normalization": Word(flag(), False, ()),
    "decoder": Word(name("mirrored", "independent"), "mirrored", ()),
    "tied": Word(flag(), False, ()),
    "decoder_layers": Word(whole_number(1), {"range": [1, 2]}, ()),
    "decoder_units": Word(whole_number(1), {"range": [8, 64], "log": True}, ()),
    "decoder_activation": Word(activation(), ["relu", "elu", "silu", "tanh"], ()),
    "output_activation": Word(name(*ELEMENTWISE), None, ()),
    "output_batch_normalization": Word(flag(), False, ()),
}
"""What an autoencoder's section may say besides the words of its encoder. The default bottleneck depends on the inputs."""
OF_DECODER = {
    "tied": "mirrored",
    "decoder_layers": "independent",
    "decoder_units": "independent",
    "decoder_activation": "independent",
}
"""Which words say something about which decoder only."""


def autoencoder_space(words: Mapping[str, Any], inputs: int) -> SearchSpace:
    """Makes the space of autoencoders of ``inputs`` columns that the ``words`` of a ``[search]`` section describe.

    ``layers`` counts the hidden layers before the bottleneck, from 0 on; ``bottleneck`` is the code's units; ``start`` is left to
    ``autoencoder_start_genomes``. Genomes decode to plans whose head has the task's activation unless ``output_activation``
    says another.

    Raises:
        ConfigError: a key is unknown, a spec makes no sense, or nothing is searched.
    """
    space = read_autoencoders(words, inputs)
    chain = space.encoder
    genes: dict[str, Gene | LayerGroup] = {}
    if chain.is_layered:
        genes["layers"] = LayerGroup(chain.count, chain.row_genes)
    genes |= space.genes
    genes |= chain.genes
    if not genes:
        raise ConfigError("[search]: every gene is fixed and nothing is left to search; give one a list or a range")
    conditions = make_conditions(chain.genes) | _conditions(space.genes)
    return SearchSpace(genes, conditions=conditions, decode=space.decode, encode=space.encode)


@dataclass(frozen=True)
class Autoencoders:
    """What a ``[search]`` section says: the ``encoder``, and of the words of ``CODE_WORDS`` what is fixed and what is searched."""

    inputs: int
    encoder: Chain
    fixed: Mapping[str, Value]
    genes: Mapping[str, Gene]

    def decode(self, genome: Mapping[str, Any]) -> NetworkPlan:
        """Makes the plan of a genome; without a head if the section says nothing about the output."""
        encoder = self.encoder.decode({key: value for key, value in genome.items() if key not in CODE_WORDS})
        return self.assemble(
            encoder, {**self.fixed, **{key: value for key, value in genome.items() if key in CODE_WORDS}}
        )

    def assemble(self, encoder: NetworkPlan, values: Mapping[str, Any]) -> NetworkPlan:
        """Puts a code and a decoder, of the ``values`` of ``CODE_WORDS``, behind the layers of ``encoder``."""
        code = DenseLayer(
            values["bottleneck"], values["bottleneck_activation"], values["bottleneck_batch_normalization"]
        )
        is_mirrored = values["decoder"] == "mirrored"
        decoder = encoder.layers[::-1] if is_mirrored else _alike(values)
        return dataclasses.replace(
            encoder,
            layers=(*encoder.layers, code, *decoder),
            head=self._head(values),
            bottleneck=len(encoder.layers),
            tied=is_mirrored and bool(values["tied"]),
        )

    def _head(self, values: Mapping[str, Any]) -> Head | None:
        is_normalized = bool(values["output_batch_normalization"])
        if values.get("output_activation") is None:
            if is_normalized:
                raise SpaceError("output_batch_normalization: needs an output_activation too")
            return None
        return Head(self.inputs, values["output_activation"], is_normalized)

    def encode(self, plan: NetworkPlan) -> dict[str, Any]:
        """Returns the gene values of a plan.

        Raises:
            SpaceError: the plan is no autoencoder, or differs from what the section fixes.
        """
        values = _read_code(plan, is_mirrored=self.fixed.get("decoder") != "independent")
        bottleneck = plan.bottleneck
        encoder = dataclasses.replace(plan, layers=plan.layers[:bottleneck], bottleneck=None, tied=False, head=None)
        for key in self.fixed.keys() & values.keys():
            if self.fixed[key] != values[key]:
                raise SpaceError(f"plan {key}: the search space fixes it at {self.fixed[key]!r}, got {values[key]!r}")
        return self.encoder.encode(encoder) | {key: values[key] for key in self.genes if key in values}


def read_autoencoders(words: Mapping[str, Any], inputs: int) -> Autoencoders:
    """Reads a ``[search]`` section; see :func:`autoencoder_space`.

    Raises:
        ConfigError: a key is unknown, or a spec makes no sense.
    """
    of_encoder = {key: value for key, value in words.items() if key not in CODE_WORDS and key != "layers"}
    chain = read_chain({**ENCODER_DEFAULTS, **of_encoder, "layers": 1}, also_known=CODE_WORDS)
    count = read_layer_count(words.get("layers", DEFAULT_ENCODER), 0)
    narrow = {"range": [1, max(1, min(inputs // 2, 64))], "log": True}
    given = {"bottleneck": narrow, **{key: value for key, value in words.items() if key in CODE_WORDS}}
    fixed, genes = split_fixed(read_genes("", given, CODE_WORDS))
    if "output_activation" not in fixed | genes and fixed.get("output_batch_normalization") is not False:
        raise ConfigError("[search] output_batch_normalization: needs an output_activation too")
    decoder = fixed.get("decoder")
    genes = {key: gene for key, gene in genes.items() if decoder is None or OF_DECODER.get(key, decoder) == decoder}
    return Autoencoders(inputs, dataclasses.replace(chain, count=count), fixed, genes)


def _conditions(genes: Mapping[str, Gene]) -> dict[str, Condition]:
    """Returns when the words of one decoder are expressed, where the decoder is searched."""
    if "decoder" not in genes:
        return {}
    return {key: Condition("decoder", (decoder,)) for key, decoder in OF_DECODER.items() if key in genes}


def _alike(values: Mapping[str, Any]) -> tuple[DenseLayer, ...]:
    return (DenseLayer(values["decoder_units"], values["decoder_activation"]),) * int(values["decoder_layers"])


def _read_code(plan: NetworkPlan, *, is_mirrored: bool) -> dict[str, Value]:
    """Returns the values of ``CODE_WORDS`` that a plan expresses; a mirrored decoder is one of its own unless ``is_mirrored``."""
    if plan.bottleneck is None:
        raise SpaceError("the plan has no bottleneck: it is no autoencoder")
    encoder, decoder = plan.layers[: plan.bottleneck], plan.layers[plan.bottleneck + 1 :]
    code = plan.layers[plan.bottleneck]
    values: dict[str, Value] = {
        "bottleneck": code.units,
        "bottleneck_activation": code.activation,
        "bottleneck_batch_normalization": code.batch_normalization,
        "output_batch_normalization": plan.head is not None and plan.head.batch_normalization,
    }
    if plan.head is not None:
        values["output_activation"] = plan.head.activation
    if decoder == encoder[::-1] and is_mirrored:
        return values | {"decoder": "mirrored", "tied": plan.tied}
    if len(set(decoder)) != 1 or decoder[0].batch_normalization or decoder[0].dropout:
        raise SpaceError("plan decoder: expected the mirrored encoder, or plain layers that are all alike")
    if plan.tied:
        raise SpaceError("plan tied: only a mirrored decoder can be, and this one is independent")
    own: dict[str, Value] = {
        "decoder_layers": len(decoder),
        "decoder_units": decoder[0].units,
        "decoder_activation": decoder[0].activation,
    }
    return values | {"decoder": "independent"} | own
