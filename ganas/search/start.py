"""Networks of one's own to try first: ``[search] start`` as genomes of the space."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ganas.errors import ConfigError, SpaceError
from ganas.search.autoencoder import CODE_WORDS, OF_DECODER, Autoencoders, autoencoder_space, read_autoencoders
from ganas.search.genes import Value
from ganas.search.mlp import LAYER_WORDS, NETWORK_WORDS, OFF, TABLES, Chain, make_plan, mlp_space, read_chain, read_plan
from ganas.search.plan import NetworkPlan, mlp_plan
from ganas.search.space import Genome, SearchSpace
from ganas.search.words import Word, read_gene, refuse_unknown

ReadNetwork = Callable[[str, Mapping[str, Any]], NetworkPlan]


def start_genomes(words: Mapping[str, Any]) -> list[Genome]:
    """Reads ``[search] start``: a list of networks, each such as ``{ layers = [[64, "relu"], 32], learning_rate = 1e-3 }``.

    A layer is its units, ``[units, activation]``, or a table of layer words. What a network leaves out is as the
    section fixes it, or else the default of a plan.

    Raises:
        ConfigError: an entry makes no sense or is not in the space.
    """
    entries = _entries(words)
    if not entries:
        return []
    chain = read_chain(words)
    return _genomes(entries, mlp_space(words), lambda place, entry: _read_network(place, entry, chain))


def autoencoder_start_genomes(words: Mapping[str, Any], inputs: int) -> list[Genome]:
    """Reads ``[search] start`` of autoencoders of ``inputs`` columns, each such as ``{ layers = [64, 16], bottleneck = 2 }``.

    ``layers`` are those before the bottleneck; the decoder mirrors them unless the network says ``decoder = "independent"``.

    Raises:
        ConfigError: an entry makes no sense or is not in the space.
    """
    entries = _entries(words)
    if not entries:
        return []
    known = read_autoencoders(words, inputs)
    return _genomes(
        entries, autoencoder_space(words, inputs), lambda place, entry: _read_autoencoder(place, entry, known)
    )


def _entries(words: Mapping[str, Any]) -> list[Any]:
    entries = words.get("start", [])
    if not isinstance(entries, list | tuple):
        raise ConfigError(f"[search] start: expected a list of networks, got {json.dumps(entries, default=str)}")
    return list(entries)


def _genomes(entries: list[Any], space: SearchSpace, read: ReadNetwork) -> list[Genome]:
    genomes = []
    for index, entry in enumerate(entries):
        place = f"[search] start[{index}]"
        if not isinstance(entry, Mapping):
            raise ConfigError(f"{place}: expected a network such as {{ layers = [64, 32] }}, got {json.dumps(entry)}")
        try:
            genomes.append(space.encode(read(place, entry)))
        except SpaceError as error:
            raise ConfigError(f"{place}: {error}") from None
    return genomes


def _read_network(place: str, entry: Mapping[str, Any], chain: Chain, also_known: Collection[str] = ()) -> NetworkPlan:
    refuse_unknown(place, entry, ["layers", *NETWORK_WORDS, *TABLES, *also_known])
    rows = []
    layers = entry.get("layers", ())
    if not isinstance(layers, list | tuple):
        raise ConfigError(f"{place} layers: expected a list of layers, got {json.dumps(layers, default=str)}")
    for layer in layers:
        row = dict(zip(LAYER_WORDS, layer, strict=False)) if isinstance(layer, list | tuple) else layer
        row = row if isinstance(row, Mapping) else {"units": row}
        refuse_unknown(f"{place} layers", row, LAYER_WORDS)
        given = {key: _read_value(f"{place} layers {key}", value, LAYER_WORDS[key]) for key, value in row.items()}
        rows.append({**chain.fixed_row, **given})
    values: dict[str, Value] = read_plan(mlp_plan([]))[1] | dict(chain.fixed)
    for key, value in entry.items():
        if key in TABLES:
            if not isinstance(value, Mapping):
                raise ConfigError(f"{place} {key}: expected a table, got {json.dumps(value, default=str)}")
            refuse_unknown(f"{place} {key}", value, TABLES[key])
            values |= {
                f"{key}.{name}": _read_value(f"{place} {key} {name}", value.get(name, word.default), word)
                for name, word in TABLES[key].items()
            }
        elif key in NETWORK_WORDS:
            values[key] = _read_value(f"{place} {key}", value, NETWORK_WORDS[key])
    if "loss" in entry and "loss" not in chain.fixed and "loss" not in chain.genes:
        raise ConfigError(f"{place} loss: this search leaves the loss to the task; name it in [search] loss too")
    for table, (switch, off) in OFF.items():
        missing = [name for name in TABLES[table] if f"{table}.{name}" not in values]
        if missing and values.get(f"{table}.{switch}", off) != off:
            raise ConfigError(f"{place}: say its {table} too; the section does not fix its {missing[0]}")
    return make_plan(rows, values)


def _read_value(place: str, spec: Any, word: Word) -> Value:
    """Returns the one value that ``spec`` stands for."""
    gene = read_gene(place, spec, word.kind)
    if gene.size != 1:
        raise ConfigError(f"{place}: expected one value, got {json.dumps(spec)}")
    return gene.values[0]


def _read_autoencoder(place: str, entry: Mapping[str, Any], known: Autoencoders) -> NetworkPlan:
    encoder = _read_network(place, entry, known.encoder, CODE_WORDS)
    values = {key: word.default for key, word in CODE_WORDS.items() if key not in OF_DECODER}
    values |= {"decoder": "mirrored", "tied": False, "output_activation": None, **known.fixed}
    for key in CODE_WORDS.keys() & entry.keys():
        values[key] = _read_value(f"{place} {key}", entry[key], CODE_WORDS[key])
    needed = ["bottleneck", *(key for key, decoder in OF_DECODER.items() if decoder == values["decoder"])]
    for key in CODE_WORDS:
        if key in needed and values.get(key) is None:
            raise ConfigError(f"{place}: say its {key} too; the section does not fix it")
        if key in entry and OF_DECODER.get(key, values["decoder"]) != values["decoder"]:
            raise ConfigError(
                f"{place} {key}: is a word of the {OF_DECODER[key]} decoder; this one is {values['decoder']}"
            )
    return known.assemble(encoder, values)
