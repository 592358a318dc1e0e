"""A genetic algorithm whose children are screened before they are trained: the default, for trainings that cost.

A model of all results so far (``surrogate``) picks, of hundreds of children and of genomes from anywhere, the one that
promises most, and mutations climb on from there as long as the model promises more. Only that one is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from deap import tools
from scipy.special import log_ndtr, ndtr
from threadpoolctl import ThreadpoolController

from ganas.errors import ConfigError
from ganas.evolution.drawing import drawing_from
from ganas.evolution.engine import Situation
from ganas.evolution.individual import Birth, Child, Individual, Result
from ganas.evolution.initial import latin_hypercube
from ganas.evolution.kernel import Floats, GenomeEncoding, encoding_of
from ganas.evolution.scores import score_results
from ganas.evolution.surrogate import Surrogate, fit_kernel
from ganas.evolution.variation import Variation, mutate, vary
from ganas.search.space import Genome, LayerGroup, SearchSpace

Promise = Callable[[Sequence[Surrogate], Floats], Floats]
"""Says how much the models, one per objective, promise of encoded genomes: (genomes, columns) → (genomes,)."""

CLIMBS, ROUNDS, MUTANTS = 2, 10, 24
"""From how many of the best children mutations climb on, for how many rounds at most, and how many mutants a round."""
LEARNING = 128
"""At most so many results decide the kernel; more decide what the model expects, see ``results``."""
DOUBT = 2.0
"""The improvement to expect of one objective is reckoned with so many times the model's deviation: the model takes its kernel
for known, and has learned it from few results. On what expected improvement promises then, see Wang & de Freitas 2014,
https://arxiv.org/abs/1406.7758; the factor was measured (docs/benchmarks/decisions.md)."""


@dataclass(frozen=True)
class SurrogateAssisted:
    """Trains of many children only the most promising, steadily: each result counts at once.

    Attributes:
        design: how many genomes are tried first; one is the middle of the space, the others fill it evenly.
        children: how many children of the population, and as many genomes from anywhere, are screened for each ask.
        unscreened: probability that a child is trained whatever the model says of it.
        results: how many results the model looks at, at most: the best half and the latest.
        tournament: how many individuals, drawn with replacement, compete to be a parent (of one objective).
        crossover, mutation, mutation_rate: see :class:`Variation`.
    """

    design: int = 9
    children: int = 60
    unscreened: float = 0.05
    results: int = 256
    tournament: int = 8
    crossover: float = 0.75
    mutation: str = "heavy_tailed"
    mutation_rate: float = 0.1
    is_steady: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Variation(self.crossover, self.mutation, self.mutation_rate)  # refuses what is out of range
        for name, low in (("design", 1), ("children", 1), ("results", 8), ("tournament", 1)):
            if getattr(self, name) < low:
                raise ConfigError(f"[evolution] {name}: must be at least {low}, got {getattr(self, name)}")
        if not 0 <= self.unscreened <= 1:
            raise ConfigError(f"[evolution] unscreened: must be in [0, 1], got {self.unscreened}")

    def initial(self, space: SearchSpace, size: int, rng: np.random.Generator) -> list[Genome]:
        """Returns the middle of the space, and genomes that fill it evenly; ``size`` is of the population, not of it."""
        return [middle_genome(space, rng), *latin_hypercube(space, self.design - 1, rng)]

    def breed(self, situation: Situation, count: int) -> list[Child]:
        """Makes ``count`` children, each the most promising given the results, the pending ones and those before it."""
        taken = set(situation.known)
        pool = [child for child in self._pool(situation) if child.genome not in taken]
        if not pool:
            return [Child(situation.space.sample(situation.rng), Birth("random"))]
        encoding = encoding_of(situation.space)
        # Another number of threads would sum in another order: the answer would depend on the machine's cores.
        with _blas().limit(limits=1, user_api="blas"):
            models = self._models(situation.results, encoding)
            models = [model.believing(encoding.encode(situation.pending)) for model in models]
            children: list[Child] = []
            while len(children) < count:
                if children:
                    models = [model.believing(encoding.encode([children[-1].genome])) for model in models]
                if situation.rng.random() < self.unscreened:
                    child = pool[int(situation.rng.integers(len(pool)))]
                else:
                    child = _most_promising(situation, models, encoding, pool, taken)
                taken.add(child.genome)
                pool = [other for other in pool if other.genome != child.genome] or pool
                children.append(child)
        return children

    def survive(self, population: list[Individual], offspring: list[Individual], size: int) -> list[Individual]:
        """Returns the best of both; of several objectives, by non-dominated sorting and crowding."""
        both = population + offspring
        select = tools.selNSGA2 if len(both) > 0 and len(both[0].objectives) > 1 else tools.selBest
        survivors: list[Individual] = select(both, min(size, len(both)))
        return survivors

    def _pool(self, situation: Situation) -> list[Child]:
        """Returns children of the population and genomes from anywhere, each once."""
        space, population, rng = situation.space, situation.population, situation.rng
        variation = Variation(self.crossover, self.mutation, self.mutation_rate)
        with drawing_from(rng):
            if len(population[0].objectives) > 1:
                parents = tools.selRandom(population, 2 * self.children)
            else:
                parents = tools.selTournament(population, 2 * self.children, self.tournament)
        pairs = zip(parents[::2], parents[1::2], strict=True)
        children = [vary(space, mother, father, rng, variation) for mother, father in pairs]
        children += [Child(space.sample(rng), Birth("random")) for _ in range(self.children)]
        return list({child.genome: child for child in children}.values())

    def _models(self, results: Sequence[Result], encoding: GenomeEncoding) -> list[Surrogate]:
        """Returns one model per objective."""
        kept, scores = _latest_and_best(results, self.results)
        learned_from = results[: learned_results(len(results))]
        if not any(result.is_complete for result in learned_from):
            learned_from = results
        few, few_scores = _latest_and_best(learned_from, LEARNING)
        x, few_x = encoding.encode(kept), encoding.encode(few)
        kernels = [fit_kernel(encoding.length_of, few_x, y, encoding.warped) for y in few_scores]
        return [Surrogate(kernel, x, y) for kernel, y in zip(kernels, scores, strict=True)]


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def middle_genome(space: SearchSpace, rng: np.random.Generator) -> Genome:
    """Returns the genome of middle values, and of the first value where there is no middle."""
    values: dict[str, Any] = {}
    for name, gene in space.genes.items():
        if isinstance(gene, LayerGroup):
            row = {key: one.quantile(0.5) if one.is_ordered else one.from_unit(0.0) for key, one in gene.genes.items()}
            values[name] = [row] * gene.count.quantile(0.5)
        else:
            values[name] = gene.quantile(0.5) if gene.is_ordered else gene.from_unit(0.0)
    return space.express(values, rng)


def learned_results(count: int) -> int:
    """Returns from how many of ``count`` results the kernel is learned: anew with about every 16th part more."""
    part = max(1, count // 16)
    if part > 16:  # one that grew with every 16 results would end with every 16
        part = 2 ** (part - 1).bit_length()
    return count - count % part


def _latest_and_best(results: Sequence[Result], most: int) -> tuple[list[Genome], list[Floats]]:
    """Returns the genomes of at most ``most`` results, half the best and the rest the latest, with scores per objective."""
    scores = score_results(results)
    best = np.argsort(scores.sum(1), kind="stable")[: most // 2]
    others = np.setdiff1d(np.arange(len(results)), best)
    kept = np.sort(np.concatenate([best, others[len(others) - min(len(others), most - len(best)) :]]))
    return [results[index].genome for index in kept], [np.ascontiguousarray(column) for column in scores[kept].T]


def _most_promising(
    situation: Situation,
    models: Sequence[Surrogate],
    encoding: GenomeEncoding,
    pool: Sequence[Child],
    taken: set[Genome],
) -> Child:
    """Returns the most promising of the pool, or what mutations that promise more and more made of it."""
    promise = expected_improvement if len(models) == 1 else random_chebyshev(len(models), situation.rng)
    promises = promise(models, encoding.encode(child.genome for child in pool))
    best, best_promise = pool[int(promises.argmax())], float(promises.max())
    for start in np.argsort(-promises, kind="stable")[:CLIMBS]:
        child, reached = pool[start], float(promises[start])
        for _ in range(ROUNDS):
            mutants = [_mutant(situation, child) for _ in range(MUTANTS)]
            mutants = [mutant for mutant in mutants if mutant.genome not in taken]
            if not mutants:
                break
            heights = promise(models, encoding.encode(mutant.genome for mutant in mutants))
            if heights.max() <= reached:
                break
            child, reached = mutants[int(heights.argmax())], float(heights.max())
        if reached > best_promise:
            best, best_promise = child, reached
    return best


def _mutant(situation: Situation, child: Child) -> Child:
    genome, operators = mutate(situation.space, child.genome, situation.rng, number=1)
    return Child(genome, Birth(", ".join([child.birth.operator, *operators]), child.birth.parents))


def expected_improvement(models: Sequence[Surrogate], x: Floats) -> Floats:
    """Returns the logarithm of the improvement to expect, with ``DOUBT``, over the best that the model expects of what was tried.

    Source: Jones, Schonlau & Welch 1998, https://doi.org/10.1023/A:1008306431147; the best is expected, not told, since
    what was told is noisy. The logarithm keeps hopeless genomes in order.
    """
    (model,) = models
    mean, deviation = model.predict(x)
    deviation *= DOUBT
    best = float(model.expected.min())
    gain = (best - mean) / deviation
    density = np.exp(-0.5 * gain * gain) / np.sqrt(2.0 * np.pi)
    improvement = np.maximum(gain * ndtr(gain) + density, 1e-300)
    # Far below the best both terms cancel; the tail's leading term takes over.
    tail = log_ndtr(gain) - np.log(np.maximum(-gain, 1.0))
    logarithm: Floats = np.log(deviation) + np.where(gain > -6.0, np.log(improvement), tail)
    return logarithm


def random_chebyshev(objectives: int, rng: np.random.Generator) -> Promise:
    """Returns a promise for several objectives: how good the worst of them is, under random weights, at their best.

    Source: ParEGO (Knowles 2006, https://doi.org/10.1109/TEVC.2005.851274), with a model per objective.
    """
    weights = rng.dirichlet(np.ones(objectives))

    def promise(models: Sequence[Surrogate], x: Floats) -> Floats:
        hoped = []
        for model in models:
            mean, deviation = model.predict(x)
            hoped.append(mean - deviation - float(model.y.min()))
        weighted = weights[:, None] * np.array(hoped)
        worst: Floats = weighted.max(0) + 0.05 * weighted.sum(0)
        return -worst

    return promise
