"""The search space: named genes, groups of layer genes of variable length, and the genomes they make.

A genome holds only what is expressed: with two layers it holds two layers; a gene whose condition does not hold is
not there. So equal genomes build equal networks, and nothing that is printed, mutated or compared is inert.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from ganas.errors import SpaceError
from ganas.search.genes import LARGEST, Choice, FloatRange, Gene, IntegerRange, Value
from ganas.search.values import plain

Row = Mapping[str, Value]
"""The gene values of one layer."""


@dataclass(frozen=True)
class LayerGroup:
    """A variable number of layers, each with the same genes; ``count`` says how many."""

    count: IntegerRange
    genes: Mapping[str, Gene]

    @property
    def size(self) -> float:
        """The number of different groups, summed over the counts; ``math.inf`` beyond 1e300."""
        row = _product(gene.size for gene in self.genes.values())
        counts = self.count.values
        if row == 1:
            return self.count.size
        if counts[-1] == 0:
            return 1
        if math.isinf(row) or counts[-1] * math.log10(row) > math.log10(LARGEST):
            return math.inf
        # The sum of row**low + row**(low + step) + ... is a geometric one.
        row, step = int(row), self.count.step if len(counts) > 1 else 1
        return int((row ** (counts[-1] + step) - row**self.count.low) // (row**step - 1))

    def sample_row(self, rng: np.random.Generator) -> dict[str, Value]:
        """Draws the genes of one layer."""
        return {name: gene.sample(rng) for name, gene in self.genes.items()}

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """The names of the genes that have more than one value."""
        return tuple(name for name, gene in self.genes.items() if gene.size > 1)

    def all_rows(self) -> Iterator[list[dict[str, Value]]]:
        """Lists every group of layers, the shallow ones first."""
        combinations = product(*(gene.values for gene in self.genes.values()))
        rows = [dict(zip(self.genes, values, strict=True)) for values in combinations]
        for count in self.count.values:
            yield from map(list, product(rows, repeat=count))


# An encoder made once: json.dumps makes one per call, and a search makes hundreds of genomes per training.
_to_text = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Genome(Mapping[str, Any]):
    """A frozen, hashable, JSON-able mapping: gene → value, group → a tuple of ``{gene: value}``, one per layer."""

    __slots__ = ("_key", "_values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values: dict[str, Any] = {name: _read_written(value) for name, value in values.items()}
        self._key = _to_text(self._values)

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        return tuple(dict(row) for row in value) if isinstance(value, tuple) else value

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Genome) and self._key == other._key

    def __repr__(self) -> str:
        return f"Genome({self._key})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Genome, (self.to_json(),)

    @property
    def key(self) -> str:
        """The canonical JSON text of the genome: the same for equal genomes, on any machine."""
        return self._key

    @property
    def shape(self) -> tuple[tuple[str, int | None], ...]:
        """What is expressed, in the order written: the name of each gene or group, with a group's number of layers."""
        return tuple([(name, len(it) if isinstance(it, tuple) else None) for name, it in self._values.items()])

    @property
    def digest(self) -> str:
        """A short stable hash of :attr:`key`."""
        return hashlib.blake2b(self._key.encode(), digest_size=8).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON-able data; ``Genome(data)`` makes an equal genome of it."""
        return {
            name: [*map(dict, value)] if isinstance(value, tuple) else value for name, value in self._values.items()
        }


@dataclass(frozen=True)
class Condition:
    """A flat gene is expressed only where another flat gene has one of ``values``.

    Raises:
        SpaceError: ``values`` are one text or no values at all.
    """

    gene: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        given = plain(self.values)
        if isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise SpaceError(f"condition on {self.gene!r}: expected a tuple such as ({given!r},), got {given!r}")
        object.__setattr__(self, "values", tuple(given))
        if not self.values:
            raise SpaceError(f"condition on {self.gene!r}: expected at least one value, got none")


class SearchSpace:
    """Named genes and layer groups, with what a genome means (``decode``) where it means a network.

    Args:
        genes: name → :class:`Gene` or :class:`LayerGroup`, in the order in which they are shown.
        conditions: name of a flat gene → when it is expressed. A gene's condition must come before it.
        decode: genome → what it stands for (for networks, a ``NetworkPlan``); None: the genome itself.
        encode: the inverse, to the values of a genome; None: what it is given are the values.

    Raises:
        SpaceError: no genes, or a condition that names no earlier flat gene, or a value that this gene does not have
            (of a range, numbers beyond its ends are left out as long as one is in it).
    """

    def __init__(
        self,
        genes: Mapping[str, Gene | LayerGroup],
        *,
        conditions: Mapping[str, Condition] | None = None,
        decode: Callable[[Genome], Any] | None = None,
        encode: Callable[[Any], Mapping[str, Any]] | None = None,
    ) -> None:
        if not genes:
            raise SpaceError("the search space is empty: name at least one gene")
        for name, gene in genes.items():
            # A protocol's check reads every property, and the values of a range with a fine step are millions.
            if not isinstance(gene, LayerGroup | Choice | IntegerRange | FloatRange) and not isinstance(gene, Gene):
                raise SpaceError(f"gene {name!r}: expected a gene such as Choice, got {type(gene).__name__}")
        self.genes: dict[str, Gene | LayerGroup] = dict(genes)
        self.conditions: dict[str, Condition] = dict(conditions or {})
        order, flat = list(self.genes), self.flat
        for name, condition in self.conditions.items():
            if name not in self.genes or condition.gene not in order[: order.index(name)]:
                raise SpaceError(f"condition of {name!r}: {condition.gene!r} must be a gene that comes before it")
            for one in (name, condition.gene):
                if one not in flat:
                    raise SpaceError(
                        f"condition of {name!r}: {one!r} is a layer group; conditions are of and on flat genes only"
                    )
            self.conditions[name] = _read_condition(name, condition, flat[condition.gene])
        self._decode = decode
        self._encode = encode

    @property
    def flat(self) -> dict[str, Gene]:
        """The flat genes."""
        return {name: gene for name, gene in self.genes.items() if not isinstance(gene, LayerGroup)}

    @property
    def groups(self) -> dict[str, LayerGroup]:
        """The layer groups."""
        return {name: gene for name, gene in self.genes.items() if isinstance(gene, LayerGroup)}

    def in_words(self) -> dict[str, str]:
        """Describes each gene's values, a layer group's genes under ``group.gene``."""
        words: dict[str, str] = {}
        for name, gene in self.genes.items():
            if isinstance(gene, LayerGroup):
                words[name] = gene.count.in_words()
                words |= {f"{name}.{key}": one.in_words() for key, one in gene.genes.items()}
            else:
                words[name] = gene.in_words()
        return words

    @cached_property
    def size(self) -> float:
        """The number of different genomes (``math.inf`` where a gene is a continuum, and beyond 1e300)."""
        # Every gene looks at one earlier gene at most: trees of conditions, counted from the last gene to the first.
        trees: dict[str, float] = {}
        for name in reversed(self.flat):
            trees[name] = self._tree_size(name, trees)
        roots = [size for name, size in trees.items() if name not in self.conditions]
        return _product([*roots, *(group.size for group in self.groups.values())])

    def _tree_size(self, name: str, trees: Mapping[str, float]) -> float:
        """Counts a flat gene's values together with what each brings to expression, given the sizes of later trees."""
        sizes_by_value: dict[Value, list[float]] = {}
        for other, condition in self.conditions.items():
            if condition.gene == name:
                for value in dict.fromkeys(condition.values):
                    sizes_by_value.setdefault(value, []).append(trees[other])
        alone = self.flat[name].size - len(sizes_by_value)
        return _sum([alone, *map(_product, sizes_by_value.values())])

    def _is_active(self, name: str, values: Mapping[str, Any]) -> bool:
        condition = self.conditions.get(name)
        return condition is None or (condition.gene in values and values[condition.gene] in condition.values)

    def sample(self, rng: np.random.Generator) -> Genome:
        """Draws a genome uniformly over each gene's values and each group's counts."""
        values: dict[str, Any] = {}
        for name, gene in self.genes.items():
            if isinstance(gene, LayerGroup):
                values[name] = [gene.sample_row(rng) for _ in range(gene.count.sample(rng))]
            elif self._is_active(name, values):
                values[name] = gene.sample(rng)
        return Genome(values)

    def genomes(self) -> Iterator[Genome]:
        """Lists every genome of a finite space.

        Raises:
            SpaceError: a gene is a continuum, or the genomes are too many to be counted.
        """
        if math.isinf(self.size):
            raise SpaceError(
                "a space with a continuum (or over 1e300 genomes) cannot be listed: give float ranges a step"
            )
        yield from map(Genome, self._expressions(list(self.genes), {}))

    def _expressions(self, names: list[str], chosen: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not names:
            yield chosen
            return
        name, rest = names[0], names[1:]
        gene = self.genes[name]
        if not isinstance(gene, LayerGroup) and not self._is_active(name, chosen):
            yield from self._expressions(rest, chosen)
            return
        for value in gene.all_rows() if isinstance(gene, LayerGroup) else gene.values:
            yield from self._expressions(rest, {**chosen, name: value})

    def express(self, values: Mapping[str, Any], rng: np.random.Generator) -> Genome:
        """Makes a genome of ``values`` after variation: drops what is inactive, samples what has become active."""
        kept: dict[str, Any] = {}
        for name, gene in self.genes.items():
            if isinstance(gene, LayerGroup):
                kept[name] = values[name]
            elif self._is_active(name, kept):
                kept[name] = values[name] if name in values else gene.sample(rng)
        return Genome(kept)

    def genome(self, values: Mapping[str, Any]) -> Genome:
        """Makes a genome of a user's ``values``.

        Raises:
            SpaceError: a gene is missing or unknown, or a value lies outside its gene.
        """
        written = _write_all(self.flat, values)
        active = {name: gene for name, gene in self.genes.items() if self._is_active(name, written)}
        _refuse_misfit("genome", values, active)
        return Genome({name: _read_value(f"genome {name}", gene, values[name]) for name, gene in active.items()})

    def decode(self, genome: Genome) -> Any:
        """Returns what the genome stands for."""
        return genome if self._decode is None else self._decode(genome)

    def encode(self, thing: Any) -> Genome:
        """Returns the genome that stands for ``thing``.

        Raises:
            SpaceError: no genome of the space does.
        """
        return self.genome(thing if self._encode is None else self._encode(thing))


def _refuse_misfit(place: str, values: Any, genes: Mapping[str, Any]) -> None:
    if not isinstance(values, Mapping):
        raise SpaceError(f"{place}: expected the values of {', '.join(genes)}, got {values!r}")
    missing, extra = sorted(genes.keys() - values.keys()), sorted(values.keys() - genes.keys())
    if missing or extra:
        raise SpaceError(f"{place}: missing genes {missing}, unknown or inactive genes {extra}")


def _read_value(place: str, gene: Gene | LayerGroup, value: Any) -> Any:
    """Checks a value, and writes it as the gene does."""
    if isinstance(gene, LayerGroup):
        if not isinstance(value, list | tuple) or not gene.count.contains(len(value)):
            found = len(value) if isinstance(value, list | tuple) else repr(value)
            raise SpaceError(f"{place}: expected a list of {gene.count.in_words()} layers, got {found}")
        for row in value:
            _refuse_misfit(place, row, gene.genes)
        return [{key: _read_value(f"{place} {key}", one, row[key]) for key, one in gene.genes.items()} for row in value]
    written = _write(gene, value)
    if not gene.contains(written):
        raise SpaceError(f"{place}: {value!r} is not in {gene.in_words()}")
    return written


def _write(gene: Gene, value: Any) -> Any:
    """Writes a value of a gene as the gene does: 1 and 1.0, .1 + .2 and .3 must be one genome."""
    found = plain(value)
    if not gene.contains(found):
        return found
    if isinstance(gene, Choice):
        return gene.values[gene.values.index(found)]
    return gene.nearest(found) if isinstance(gene, FloatRange) else found


def _write_all(genes: Mapping[str, Gene], values: Any) -> dict[str, Any]:
    """Writes the values that are their genes' own, and leaves out what is none."""
    if not isinstance(values, Mapping):
        return {}
    written = {name: _write(gene, values[name]) for name, gene in genes.items() if name in values}
    return {name: value for name, value in written.items() if genes[name].contains(value)}


def _read_condition(name: str, condition: Condition, gene: Gene) -> Condition:
    """Returns the condition with its values as the gene writes them."""
    values = [_write(gene, one) for one in condition.values]
    kept = [value for value in values if gene.contains(value)]
    for value in values:
        if gene.contains(value):
            continue
        is_beyond = isinstance(gene, IntegerRange | FloatRange) and _is_beyond(gene, value)
        if not is_beyond or not kept:
            raise SpaceError(f"condition of {name!r}: {value!r} is not in {gene.in_words()} of {condition.gene!r}")
    return Condition(condition.gene, tuple(kept))


def _is_beyond(gene: IntegerRange | FloatRange, value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and not gene.low <= value <= gene.high


def _product(sizes: Iterable[float]) -> float:
    """Multiplies sizes, each at least 1; ``math.inf`` beyond ``LARGEST``."""
    product_so_far: float = 1
    for size in sizes:
        if math.isinf(size) or product_so_far * size > LARGEST:
            return math.inf
        product_so_far *= size
    return product_so_far


def _sum(sizes: Iterable[float]) -> float:
    total = sum(sizes)
    return total if total <= LARGEST else math.inf


def _read_written(value: Any) -> Any:
    """Returns a gene's value, or a group's layers, as Python's own, which nobody else holds."""
    if isinstance(value, list | tuple):
        return tuple([{name: plain(one) for name, one in dict(row).items()} for row in value])
    return plain(value)
