"""How a search proceeds: ask/tell engines over genomes. DEAP lives in this package only.

- ``evolution``: ``Evolution``, the public door: ask, tell, best, front, state
- ``engine``: what an engine may look at (``Situation``) and what it must do (``Engine``)
- ``engines``: ``ENGINES`` by name, and their options checked
- ``surrogate_assisted``: the default engine; ``surrogate``, ``kernel``, ``scores``: its model, of which genomes, of which results
- ``breeder``: what engines that breed from a population share
- ``generational``, ``mu_plus_lambda``, ``nsga2``, ``regularized``, ``random_search``: one engine each
- ``variation``: crossover and mutation of genomes, each operator with a name
- ``initial``: a space-filling first generation
- ``individual``: genome + DEAP fitness, births, and what was told
- ``hypervolume``: of a Pareto front; ``logbook``: one row per generation
- ``drawing``: DEAP's drawing operators fed from our generator
"""

from ganas.evolution.evolution import Evolution
from ganas.evolution.individual import Birth, Individual, Result, Stopped

__all__ = ["Birth", "Evolution", "Individual", "Result", "Stopped"]
