"""The guards of the layout: one repository, a distribution for the core and one for each driver.

A mistake here is quiet: the packages build, and fail on somebody's machine.
"""

from __future__ import annotations

import ast
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent for path in ROOT.glob("conman_plugins/*/pyproject.toml"))
GROUPS = {"conman.drivers", "conman.plugins", "conman.commands"}

each_plugin = pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)


def pyproject(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def entry_points(folder: Path) -> list[tuple[str, str, str]]:
    """Group, name and target of each."""
    groups = pyproject(folder)["project"].get("entry-points", {})
    return [
        (group, name, target) for group, points in groups.items() for name, target in points.items()
    ]


def test_there_is_at_least_the_ethernet_driver() -> None:
    assert "ethernet" in [folder.name for folder in PLUGINS]


def test_every_folder_below_conman_plugins_is_a_distribution() -> None:
    folders = {path.parent for path in ROOT.glob("conman_plugins/*/*.py")}
    assert folders == {folder for folder in PLUGINS if list(folder.glob("*.py"))}


def test_the_namespace_has_no_init_file() -> None:
    """One in any distribution hides all the other drivers of an editable installation."""
    assert not (ROOT / "conman_plugins/__init__.py").exists()


@each_plugin
def test_a_plugin_is_named_after_its_folder(folder: Path) -> None:
    assert pyproject(folder)["project"]["name"] == f"conman-{folder.name}"


@each_plugin
def test_a_plugin_is_built_into_the_namespace(folder: Path) -> None:
    wheel = pyproject(folder)["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["sources"] == {"": f"conman_plugins/{folder.name}"}
    assert wheel["dev-mode-dirs"] == ["../.."]
    assert "*.py" in wheel["include"]
    assert "py.typed" in wheel["include"]
    assert (folder / "py.typed").exists()


@each_plugin
def test_a_plugin_takes_the_core_that_is_here(folder: Path) -> None:
    core = Version(pyproject(ROOT)["project"]["version"])
    wanted = [Requirement(text) for text in pyproject(folder)["project"]["dependencies"]]
    specifier = next(one.specifier for one in wanted if one.name == "conman-core")
    assert core in specifier
    following = Version(f"{core.major + 1}.0" if core.major else f"0.{core.minor + 1}")
    assert following not in specifier, "the next incompatible core must be refused"


@each_plugin
def test_a_plugin_shares_python_license_and_build_backend_with_the_core(folder: Path) -> None:
    mine, core = pyproject(folder), pyproject(ROOT)
    for key in ("requires-python", "license"):
        assert mine["project"][key] == core["project"][key]
    assert mine["build-system"] == core["build-system"]


@each_plugin
def test_each_entry_point_names_a_class_or_module_that_is_there(folder: Path) -> None:
    points = entry_points(folder)
    assert points
    for group, _, target in points:
        assert group in GROUPS
        module, _, name = target.partition(":")
        prefix = f"conman_plugins.{folder.name}."
        assert module.startswith(prefix)
        source = (folder / f"{module.removeprefix(prefix).replace('.', '/')}.py").read_text()
        defined = {node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
        assert not name or name in defined


def test_no_two_entry_points_have_the_same_name() -> None:
    names = [point[:2] for folder in PLUGINS for point in entry_points(folder)]
    assert len(names) == len(set(names))


def test_the_core_ships_no_driver_and_needs_little() -> None:
    core = pyproject(ROOT)
    build = core["tool"]["hatch"]["build"]["targets"]
    assert build["wheel"]["packages"] == build["sdist"]["only-include"] == ["conman_core"]
    assert "conman.drivers" not in core["project"].get("entry-points", {})
    needed = {Requirement(text).name for text in core["project"]["dependencies"]}
    assert needed == {"pluggy", "stevedore", "netifaces", "netifaces-plus"}


@pytest.mark.parametrize(("library", "modules"), [("stevedore", 1), ("netifaces", 1)])
def test_a_library_is_imported_in_one_module_only(library: str, modules: int) -> None:
    users = set()
    for path in [*ROOT.glob("conman_core/**/*.py"), *ROOT.glob("conman_plugins/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(name.split(".")[0] == library for name in names):
                users.add(path.relative_to(ROOT))
    assert len(users) <= modules, sorted(map(str, users))


def test_every_script_that_others_run_is_executable() -> None:
    scripts = [path for path in [*ROOT.glob("script/*"), ROOT / ".ci/run"] if path.is_file()]
    scripts += [
        path
        for folder in ("conman_core", "conman_plugins")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".py" and path.read_bytes()[:2] == b"#!"
    ]
    assert [str(path) for path in scripts if not os.access(path, os.X_OK)] == []
