"""The walls of the house: which package may import what, and which commands may never load TensorFlow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ganas"
FILES = sorted(PACKAGE.rglob("*.py"))
ONLY = {
    "deap": ["evolution/"],
    "joblib": ["execution/"],
    "tensorflow": ["training/"],
    "keras": ["training/"],
    "matplotlib": ["report/"],
}


def imports_of(path: Path) -> set[str]:
    """Names the modules a file imports anywhere, in functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def imports_at_load(path: Path) -> set[str]:
    """Names the modules a file imports as soon as it is imported itself."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("package", ONLY)
def test_a_framework_is_imported_in_its_own_room_only(package):
    rooms = ONLY[package]
    users = {
        str(path.relative_to(PACKAGE)) for path in FILES if any(n.split(".")[0] == package for n in imports_of(path))
    }
    assert users, f"nothing imports {package}: is the rule still needed?"
    strangers = {user for user in users if not any(user.startswith(room) for room in rooms)}
    assert not strangers


@pytest.mark.parametrize("room", ["search", "tasks", "evolution"])
def test_an_inner_room_does_not_import_the_story_or_the_command_line(room):
    outer = {
        "ganas.cli",
        "ganas.run",
        "ganas.compare",
        "ganas.report",
        "ganas.store",
        "ganas.evaluator",
        "ganas.history",
    }
    for path in sorted((PACKAGE / room).rglob("*.py")):
        assert not {n for n in imports_of(path) for wall in outer if n == wall or n.startswith(wall + ".")}, path


def test_nothing_outside_training_loads_a_trainer_when_it_is_imported():
    free = {"ganas.training.contract", "ganas.training.streams"}
    for path in FILES:
        if "training" not in path.parts:
            loads = {n for n in imports_at_load(path) if n.startswith("ganas.training")}
            assert loads <= free, path


def run_fresh(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", [["--help"], ["list"], ["info"], ["datasets"], ["evolve", "--help"]])
def test_a_quick_command_never_loads_tensorflow(command, tmp_path):
    code = (
        "import sys, os; os.chdir(sys.argv[1] if len(sys.argv) > 1 else '.')\n"
        "from ganas.cli import main\n"
        f"code = main({command!r})\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "print('loaded', sorted(heavy)); sys.exit(code)"
    )
    done = run_fresh(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_listing_the_data_sets_by_name_loads_no_numpy():
    done = run_fresh(
        "import os, sys; os.environ['GANAS_DATA'] = '.'\n"
        "from ganas.tasks.datasets import describe_datasets\n"
        "print(len(describe_datasets()) > 5, 'numpy' in sys.modules)"
    )
    assert done.stdout.strip() == "True False", done.stderr


def test_importing_ganas_loads_no_heavy_package():
    done = run_fresh(
        "import ganas, sys; print({'tensorflow','keras','numpy','pandas','deap','sklearn'} & set(sys.modules))"
    )
    assert done.stdout.strip() == "set()"


def test_every_public_name_can_be_imported():
    names = run_fresh(
        "import ganas; print([n for n in ganas.__all__ if n != 'WeightMutation' and getattr(ganas, n) is None])"
    )
    assert names.stdout.strip() == "[]", names.stderr


def test_a_worker_loads_nothing_that_no_trainer_uses_and_can_load_it_later():
    code = (
        "import sys; from ganas.worker import UNNEEDED, prepare; prepare(1)\n"
        "print('keras' in sys.modules, set(UNNEEDED) & set(sys.modules))\n"
        "import sklearn.linear_model; print('sklearn' in sys.modules)"
    )
    done = run_fresh(code)
    assert done.stdout.splitlines() == ["True set()", "True"], done.stderr


@pytest.mark.parametrize("package", sorted({path.parent for path in FILES} - {PACKAGE}), ids=lambda path: path.name)
def test_a_room_names_each_of_its_modules(package):
    map_of_room = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    assert {module for module in modules if f"``{module}``" not in map_of_room} == set()
