"""The exceptions a user can cause, as one family: the command line turns each into one line and exit code 2.

A message names the place, what was found, what was expected, and what to do.
"""


class GanasError(Exception):
    """Something the user can put right; the message is one clear line."""


class ConfigError(GanasError):
    """A setting is unknown, of the wrong type, or out of range."""


class DataError(GanasError):
    """A table, an array or a data set cannot be used as asked."""


class SpaceError(GanasError):
    """A gene, a search space, a genome or a plan makes no sense."""


class RunError(GanasError):
    """A run folder cannot be read, written, resumed, or is in use."""


class MissingExtraError(GanasError):
    """An optional package is needed; the message names the extra that installs it."""
