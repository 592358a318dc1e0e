"""Networks of one's own to try first: ``[search] start`` as genomes of the space."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ganas.errors import ConfigError, SpaceError
from ganas.search.genes import Value
from ganas.search.mlp import LAYER_WORDS, NETWORK_WORDS, TABLES, Chain, make_plan, mlp_space, read_chain, read_plan
from ganas.search.plan import NetworkPlan, mlp_plan
from ganas.search.space import Genome
from ganas.search.words import refuse_unknown


def start_genomes(words: Mapping[str, Any]) -> list[Genome]:
    """Reads ``[search] start``: a list of networks, each such as ``{ layers = [[64, "relu"], 32], learning_rate = 1e-3 }``.

    A layer is its units, ``[units, activation]``, or a table of layer words. What a network leaves out is as the
    section fixes it, or else the default of a plan.

    Raises:
        ConfigError: an entry makes no sense or is not in the space.
    """
    entries = words.get("start", [])
    if not isinstance(entries, list | tuple):
        raise ConfigError(f"[search] start: expected a list of networks, got {json.dumps(entries, default=str)}")
    if not entries:
        return []  # the section may be that of another space, which has no such word
    space, chain, genomes = mlp_space(words), read_chain(words), []
    for index, entry in enumerate(entries):
        place = f"[search] start[{index}]"
        if not isinstance(entry, Mapping):
            raise ConfigError(f"{place}: expected a network such as {{ layers = [64, 32] }}, got {json.dumps(entry)}")
        refuse_unknown(place, entry, ["layers", *NETWORK_WORDS, *TABLES])
        try:
            genomes.append(space.encode(_read_network(place, entry, chain)))
        except SpaceError as error:
            raise ConfigError(f"{place}: {error}") from None
    return genomes


def _read_network(place: str, entry: Mapping[str, Any], chain: Chain) -> NetworkPlan:
    rows = []
    layers = entry.get("layers", ())
    if not isinstance(layers, list | tuple):
        raise ConfigError(f"{place} layers: expected a list of layers, got {json.dumps(layers, default=str)}")
    for layer in layers:
        row = dict(zip(LAYER_WORDS, layer, strict=False)) if isinstance(layer, list | tuple) else layer
        row = row if isinstance(row, Mapping) else {"units": row}
        refuse_unknown(f"{place} layers", row, LAYER_WORDS)
        rows.append({**chain.fixed_row, **row})
    values: dict[str, Value] = read_plan(mlp_plan([]))[1] | dict(chain.fixed)
    for key, value in entry.items():
        if key in TABLES:
            if not isinstance(value, Mapping):
                raise ConfigError(f"{place} {key}: expected a table, got {json.dumps(value, default=str)}")
            refuse_unknown(f"{place} {key}", value, TABLES[key])
            values |= {f"{key}.{name}": value.get(name, word.default) for name, word in TABLES[key].items()}
        elif key != "layers":
            values[key] = value
    return make_plan(rows, values)
