"""The families of networks that can be searched: which space the words of ``[search]`` mean, and what they leave unsaid.

Every task names the family of its networks, so that a new kind of task needs nothing here, and a new family one line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganas.search.autoencoder import autoencoder_space
from ganas.search.mlp import SEARCH_DEFAULTS, mlp_space
from ganas.search.space import Genome, SearchSpace
from ganas.search.start import autoencoder_start_genomes, start_genomes

Words = Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """Networks of one shape.

    Attributes:
        in_words: what to call them.
        space: makes the search space of the words of ``[search]`` and the number of inputs.
        start: reads the networks to start with, ``[search] start``, of the same.
        defaults: what ``[search]`` says where a config is silent and the space has no word of its own.
    """

    in_words: str
    space: Callable[[Words, int], SearchSpace]
    start: Callable[[Words, int], list[Genome]]
    defaults: Words = field(default_factory=dict)


FAMILIES: dict[str, Family] = {
    "mlp": Family(
        "multilayer perceptrons",
        lambda words, inputs: mlp_space(words),
        lambda words, inputs: start_genomes(words),
        SEARCH_DEFAULTS,
    ),
    "autoencoder": Family("autoencoders", autoencoder_space, autoencoder_start_genomes),
}
