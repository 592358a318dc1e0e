"""What this machine and installation offer, found out without loading TensorFlow."""

from __future__ import annotations

import importlib.util
import os
import platform
from pathlib import Path

import psutil

from ganas.errors import ConfigError
from ganas.versions import installed_versions

EXTRAS = {"parquet": ("pyarrow",), "dask": ("dask", "distributed"), "ray": ("ray",)}
"""Extras and the packages they bring."""
NVIDIA = Path("/proc/driver/nvidia/gpus")
CPU_FACTS = Path("/proc/cpuinfo")
INSTRUCTIONS = ("avx2", "avx512f", "amx_tile")


def describe_machine() -> dict[str, str]:
    """Returns name → words: versions, cores, memory, accelerators, extras, and where data is looked for."""
    memory = psutil.virtual_memory()
    return {
        **installed_versions(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": f"{available_cores()} of {os.cpu_count()} may be used" + _instructions_in_words(),
        "memory": f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB are free",
        "accelerators": ", ".join(find_gpus()) or "none",
        "extras": ", ".join(f"{name} ({'here' if has_extra(name) else 'not installed'})" for name in EXTRAS),
        "GANAS_DATA": os.environ.get("GANAS_DATA", "not set"),
    }


def check_backend(found: str | None = None) -> None:
    """Checks that Keras computes with TensorFlow: ``found``, or else what the environment asks for.

    Raises:
        ConfigError: it is another backend.
    """
    backend = found or os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise ConfigError(
            f"KERAS_BACKEND: ganas trains with tensorflow, found {backend!r}; unset it or set it to tensorflow"
        )


def available_cores() -> int:
    """Returns the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_gpus() -> list[str]:
    """Returns the models of the NVIDIA devices that the kernel names."""
    models = []
    for path in sorted(NVIDIA.glob("*/information")):
        facts = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
        models.append(facts.get("Model", "NVIDIA device").strip())
    return models


def has_extra(name: str) -> bool:
    """Tells whether the packages of an extra are installed, without importing them."""
    return all(importlib.util.find_spec(package) is not None for package in EXTRAS[name])


def _instructions_in_words() -> str:
    """Names the vector instructions that decide how fast networks train, where the system says."""
    if not CPU_FACTS.is_file():
        return ""
    flags = next((line for line in CPU_FACTS.read_text().splitlines() if line.startswith("flags")), "").split()
    found = [name for name in INSTRUCTIONS if name in flags]
    return f", with {', '.join(found)}" if found else ""
