"""The search space of multilayer perceptrons: from the words of ``[search]`` to genes, and from genomes to plans and back.

A new gene is a line in ``LAYER_WORDS``, ``NETWORK_WORDS`` or ``TABLES``: it says what it may be, its default, and where
it lies in a plan. Fixed genes are no decisions: they are not in the genome, ``decode`` puts them into the plan.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganas.errors import ConfigError, SpaceError
from ganas.search.genes import Gene, IntegerRange, Value
from ganas.search.plan import NetworkPlan, first_difference
from ganas.search.space import Condition, LayerGroup, SearchSpace
from ganas.search.words import (
    INITIALIZERS,
    OPTIMIZERS,
    Word,
    activation,
    flag,
    keras_loss,
    name,
    number,
    read_gene,
    refuse_unknown,
    share,
    whole_number,
)

LAYER_WORDS: dict[str, Word] = {
    "units": Word(whole_number(1), {"range": [16, 128], "log": True}, ("units",)),
    "activation": Word(activation(), ["relu", "elu", "silu", "tanh"], ("activation",)),
    "dropout": Word(number(0, 1), 0.0, ("dropout",)),
    "batch_normalization": Word(flag(), False, ("batch_normalization",)),
}
NETWORK_WORDS: dict[str, Word] = {
    "loss": Word(name(), None, ("loss",)),
    "optimizer": Word(name(*OPTIMIZERS), "adam", ("optimizer", "name")),
    "learning_rate": Word(
        number(0, is_open=True), {"range": [3e-4, 3e-3], "log": True}, ("optimizer", "learning_rate")
    ),
    "weight_decay": Word(number(0), 0.0, ("optimizer", "weight_decay")),
    "batch_size": Word(whole_number(1), 32, ("batch_size",)),
    "kernel_initializer": Word(name(*INITIALIZERS), "glorot_uniform", ("kernel_initializer",)),
    "l1": Word(number(0), 0.0, ("l1",)),
    "l2": Word(number(0), 0.0, ("l2",)),
    "normalization": Word(name("after_activation", "before_activation"), "after_activation", ("normalization",)),
}
TABLES: dict[str, dict[str, Word]] = {
    "corruption": {
        "kind": Word(name("none", "mask", "gaussian", "dropout"), "mask", ("corruption", "kind")),
        "rate": Word(number(0, 1), 0.1, ("corruption", "rate")),
    },
    "weight_mutation": {
        "probability": Word(share(), 0.05, ("mutation", "probability")),
        "ratio": Word(share(), 1e-4, ("mutation", "ratio")),
        "method": Word(name("magnitude", "random", "smallest"), "magnitude", ("mutation", "method")),
        "layers": Word(name("all", "encoder"), "all", ("mutation", "layers")),
    },
}
"""Words of their own table, such as ``[search.corruption]``; without it the plan has no such part."""
OFF: dict[str, tuple[str, Any]] = {"corruption": ("kind", "none"), "weight_mutation": ("probability", 0.0)}
"""The word of each table that takes the whole part out of a plan, and the value with which it does."""
FLAT_WORDS: dict[str, Word] = {
    **NETWORK_WORDS,
    **{f"{table}.{key}": word for table, words in TABLES.items() for key, word in words.items()},
}
"""The words of everything but layers, by gene name: ``learning_rate``, ``corruption.rate``."""

SEARCH_DEFAULTS: dict[str, Any] = {
    "layers": [1, 4],
    **{key: word.default for key, word in (LAYER_WORDS | NETWORK_WORDS).items() if word.default is not None},
}
"""What is searched where the config is silent; the loss is the task's."""


def mlp_space(words: Mapping[str, Any]) -> SearchSpace:
    """Makes the space of multilayer perceptrons that the ``words`` of a ``[search]`` section describe.

    ``layers`` is a number or ``[low, high]``; the other keys are those of the tables above, each a spec as
    ``read_gene`` takes it; ``start`` is left to ``start_genomes``. Genomes decode to plans without a head (the task
    completes them), and plans encode to genomes.

    Raises:
        ConfigError: a key is unknown, a spec makes no sense, or nothing is searched.
    """
    chain = read_chain(words)
    genes: dict[str, Gene | LayerGroup] = {}
    if chain.is_layered:
        genes["layers"] = LayerGroup(chain.count, chain.row_genes)
    genes |= chain.genes
    if not genes:
        raise ConfigError("[search]: every gene is fixed and nothing is left to search; give one a list or a range")
    return SearchSpace(genes, conditions=make_conditions(chain.genes), decode=chain.decode, encode=chain.encode)


@dataclass(frozen=True)
class Chain:
    """What a ``[search]`` section says of a chain of dense layers: what is searched, and what is fixed at which value."""

    count: IntegerRange
    fixed_row: Mapping[str, Value]
    row_genes: Mapping[str, Gene]
    fixed: Mapping[str, Value]
    genes: Mapping[str, Gene]

    @property
    def is_layered(self) -> bool:
        """Whether anything about the layers is searched, so that genomes hold them."""
        return self.count.high > 0 and (self.count.size > 1 or bool(self.row_genes))

    def decode(self, genome: Mapping[str, Any]) -> NetworkPlan:
        """Makes the plan of a genome, without a head; without a loss too, unless the section has one."""
        rows = genome["layers"] if self.is_layered else [{}] * self.count.low
        values = {key: value for key, value in genome.items() if key != "layers"}
        return make_plan([{**self.fixed_row, **row} for row in rows], {**self.fixed, **values})

    def encode(self, plan: NetworkPlan) -> dict[str, Any]:
        """Returns the gene values of a plan; its head does not matter.

        Raises:
            SpaceError: something that the section fixes is different in the plan, or the plan says what no section can.
        """
        plan = _without_idle_parts(plan)
        rows, values = read_plan(plan)
        if plan.loss is not None:  # a trained plan has Keras' name of it, the section perhaps a short one
            known = self.genes["loss"].values if "loss" in self.genes else [self.fixed.get("loss")]
            values["loss"] = next((one for one in known if keras_loss(str(one)) == keras_loss(plan.loss)), plan.loss)
        for fixed, found in ((self.fixed, values), *((self.fixed_row, row) for row in rows)):
            for key in fixed.keys() & found.keys():
                is_left_to_task = key == "loss" and found[key] is None
                if fixed[key] != found[key] and not is_left_to_task:
                    raise SpaceError(f"plan {key}: the search space fixes it at {fixed[key]!r}, got {found[key]!r}")
        if not self.count.contains(len(rows)):
            raise SpaceError(f"plan layers: expected {self.count.in_words()}, got {len(rows)}")
        layers = {"layers": [{key: row[key] for key in self.row_genes} for row in rows]} if self.is_layered else {}
        genome = layers | {key: values[key] for key in self.genes if key in values}
        unsaid = first_difference(plan, self.decode(genome))
        if unsaid is not None:
            raise SpaceError(f"plan {unsaid}: no word of [search] says it, so no network of this search has it")
        return genome


def read_chain(words: Mapping[str, Any], *, also_known: Collection[str] = ()) -> Chain:
    """Reads a ``[search]`` section; see :func:`mlp_space`. Keys ``also_known`` belong to the caller's own words.

    Raises:
        ConfigError: a key is unknown, or a spec makes no sense.
    """
    refuse_unknown("[search]", words, ["layers", *LAYER_WORDS, *NETWORK_WORDS, *TABLES, "start", *also_known])
    flat = read_genes("", words, NETWORK_WORDS)
    for table, (switch, off) in OFF.items():
        given = words.get(table, {switch: off})
        if not isinstance(given, Mapping):
            found = json.dumps(given, default=str)
            raise ConfigError(f"[search] {table}: expected a table such as {{ {switch} = ... }}, got {found}")
        refuse_unknown(f"[search] {table}", given, TABLES[table])
        genes = read_genes(f"{table}.", given, TABLES[table])
        is_off = genes[f"{table}.{switch}"].values == (off,)
        flat |= {f"{table}.{switch}": genes[f"{table}.{switch}"]} if is_off else genes
    row = read_genes("", words, LAYER_WORDS)
    return Chain(
        read_layer_count(words.get("layers", SEARCH_DEFAULTS["layers"]), 1), *split_fixed(row), *split_fixed(flat)
    )


def make_plan(rows: Sequence[Mapping[str, Value]], values: Mapping[str, Value]) -> NetworkPlan:
    """Makes a plan of the values of layer words, a row per layer, and of flat words such as ``corruption.rate``."""
    data: dict[str, Any] = {"layers": [dict(row) for row in rows]}
    for key, value in values.items():
        part: dict[str, Any] = data
        *parents, last = FLAT_WORDS[key].path
        for parent in parents:
            part = part.setdefault(parent, {})
        part[last] = value
    for table, (switch, off) in OFF.items():
        if values.get(f"{table}.{switch}", off) == off:
            data.pop(TABLES[table][switch].path[0], None)
    return NetworkPlan.from_json(data)


def read_plan(plan: NetworkPlan) -> tuple[list[dict[str, Value]], dict[str, Value]]:
    """Returns what :func:`make_plan` makes the plan of; of a part that is not there, only the value that says so."""
    data = _without_idle_parts(plan).to_json()
    rows = [{key: layer[word.path[0]] for key, word in LAYER_WORDS.items()} for layer in data["layers"]]
    for table, (switch, off) in OFF.items():
        part, key = TABLES[table][switch].path
        data[part] = data[part] or {key: off}
    values = {}
    for name_of_gene, word in FLAT_WORDS.items():
        place = data
        for parent in word.path[:-1]:
            place = place[parent]
        if word.path[-1] in place:
            values[name_of_gene] = place[word.path[-1]]
    return rows, values


def _without_idle_parts(plan: NetworkPlan) -> NetworkPlan:
    """Returns the plan without parts that are switched off, such as a weight mutation of probability 0."""
    for table, (switch, off) in OFF.items():
        part, key = TABLES[table][switch].path
        if getattr(getattr(plan, part), key, None) == off:
            none: dict[str, Any] = {part: None}
            plan = dataclasses.replace(plan, **none)
    return plan


def read_layer_count(spec: Any, least: int) -> IntegerRange:
    """Reads ``layers``: a number from ``least`` on, ``[low, high]`` or a range with a step.

    Raises:
        ConfigError: it is none of these.
    """
    ends = spec if isinstance(spec, list | tuple) and len(spec) == 2 else [spec, spec]
    gene = read_gene("[search] layers", spec if isinstance(spec, Mapping) else {"range": ends}, whole_number(least))
    if not isinstance(gene, IntegerRange) or gene.log:
        raise ConfigError(f"[search] layers: expected a number or [low, high], got {json.dumps(spec)}")
    return gene


def read_genes(prefix: str, given: Mapping[str, Any], words: Mapping[str, Word]) -> dict[str, Gene]:
    """Reads the genes of ``words``, by name with ``prefix``; one without a spec or default is left out."""
    specs = {key: given.get(key, word.default) for key, word in words.items()}
    return {
        prefix + key: read_gene(f"[search] {prefix.replace('.', ' ')}{key}", spec, words[key].kind)
        for key, spec in specs.items()
        if spec is not None
    }


def split_fixed(genes: Mapping[str, Gene]) -> tuple[dict[str, Value], dict[str, Gene]]:
    """Returns the values of fixed genes, and the genes that are searched."""
    fixed = {key: gene.values[0] for key, gene in genes.items() if gene.size == 1}
    return fixed, {key: gene for key, gene in genes.items() if gene.size > 1}


def make_conditions(genes: Mapping[str, Gene]) -> dict[str, Condition]:
    """Returns when the genes of a table are expressed, where the word that takes the table out is searched."""
    conditions: dict[str, Condition] = {}
    for table, (switch, off) in OFF.items():
        gene = genes.get(f"{table}.{switch}")
        if gene is not None and off in gene.values:
            condition = Condition(f"{table}.{switch}", tuple(value for value in gene.values if value != off))
            conditions |= {key: condition for key in genes if key.startswith(f"{table}.") and key != condition.gene}
    return conditions
