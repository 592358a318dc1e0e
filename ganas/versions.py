"""What an answer was computed with: the versions of ganas, of Python and of the packages that decide numbers."""

from __future__ import annotations

import platform
from importlib import metadata

from ganas.version import __version__

PACKAGES = ("deap", "tensorflow", "keras", "numpy", "scipy", "scikit-learn", "pandas", "joblib", "matplotlib")
"""The packages whose versions a run records."""


def installed_versions() -> dict[str, str]:
    """Returns name → version, read from the installed metadata without importing anything."""
    versions = {"ganas": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
