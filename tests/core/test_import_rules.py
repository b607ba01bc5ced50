"""Who may import whom, and how long a file may be."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "conman_core").rglob("*.py"))
DRIVERS = sorted((ROOT / "conman_plugins").rglob("*.py"))

#: third-party and one-place-only modules, and the files of the core that may import them
ONLY_IN = {
    "stevedore": {"catalog.py"},
    "pluggy": {"hookspecs.py", "events.py"},
    "netifaces": {"inventory.py"},
    "configparser": {"inifile.py"},
}
#: too heavy for the daemon's memory
HEAVY = {"ssl", "urllib.request", "http.client", "http.server", "email", "requests", "tornado"}


def imports(path: Path) -> set[str]:
    """Every module that a file imports anywhere, also inside functions; `a.b` and `a.b.c` both."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def users(files: list[Path]) -> dict[str, set[str]]:
    found = defaultdict(set)
    for path in files:
        for name in imports(path):
            found[name.partition(".")[0]].add(path.relative_to(ROOT / "conman_core").as_posix())
    return found


@pytest.mark.parametrize("module", ONLY_IN)
def test_one_place_alone_imports_each_library(module):
    assert users(CORE)[module] <= ONLY_IN[module]


def test_the_core_knows_no_driver():
    assert not users(CORE)["conman_plugins"]


def test_nothing_in_the_core_imports_the_testing_kit():
    for path in CORE:
        if "testing" not in path.parts:
            assert not {name for name in imports(path) if name.startswith("conman_core.testing")}


def test_the_daemon_loads_nothing_heavy():
    for path in CORE:
        assert not imports(path) & HEAVY, path


def test_no_driver_imports_another():
    for path in DRIVERS:
        own = path.relative_to(ROOT / "conman_plugins").parts[0]
        others = {
            name.split(".")[1]
            for name in imports(path)
            if name.startswith("conman_plugins.") and name.count(".") >= 1
        }
        assert others <= {own}, path


def test_the_namespace_of_the_drivers_has_no_init_file():
    """One such file would hide every driver that is installed elsewhere (PEP 420)."""
    assert not (ROOT / "conman_plugins" / "__init__.py").exists()


@pytest.mark.parametrize(("files", "most"), [(CORE, 300), (DRIVERS, 250)])
def test_files_stay_small(files, most):
    long = {path.name: n for path in files if (n := len(path.read_text().splitlines())) > most}
    assert not long
