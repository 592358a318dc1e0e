"""The parts of a comparison; its story is ``ganas.compare``.

- ``config``: the settings, a strict TOML file
- ``variants``: from the words of a config to plans and budgets
- ``trainings``: which trainings there are, and which alternative of a variant is chosen
- ``checks``: what is refused, before training and after
- ``inspection``: what worker processes say about trained networks
- ``screen``: what a terminal shows of it
- ``paired``: differences by seed and their p-values
"""
