"""Installs the distributions beside this file into a folder, as pip would, but in milliseconds.

A test puts the folder on `sys.path`, or on PYTHONPATH of a daemon.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Collection
from pathlib import Path

HERE = Path(__file__).parent
DISTRIBUTIONS = ("acme_links", "acme_rival", "acme_faults", "acme_plugins")
COMMANDS = ("acme_commands", "acme_echo")
GROUPS = ("conman.drivers", "conman.plugins", "conman.commands")


def entry_points(distribution: str, group: str) -> dict[str, str]:
    """Return name and value of the entry points that a distribution declares."""
    project = tomllib.loads((HERE / distribution / "pyproject.toml").read_text())["project"]
    points: dict[str, str] = project["entry-points"].get(group, {})
    return points


def install(folder: Path, names: Collection[str]) -> None:
    """Install every distribution that has one of these entry points, with only these.

    `taken` installs two distributions that both claim it. Calling it again adds to what is there.
    """
    for distribution in DISTRIBUTIONS + COMMANDS:
        wanted = {
            group: {k: v for k, v in entry_points(distribution, group).items() if k in names}
            for group in GROUPS
        }
        if any(wanted.values()):
            _install(folder, distribution, wanted)


def _install(folder: Path, distribution: str, wanted: dict[str, dict[str, str]]) -> None:
    source = HERE / distribution
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    package = source / distribution
    if package.is_dir():
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package, folder / distribution, dirs_exist_ok=True, ignore=ignore)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(package.with_suffix(".py"), folder)
    info = folder / f"{distribution}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    points = info / "entry_points.txt"
    there = points.read_text().splitlines() if points.exists() else []
    for group, lines in wanted.items():
        if not lines:
            continue
        new = [f"{key} = {value}" for key, value in lines.items()]
        there += [f"[{group}]", *(line for line in new if line not in there), ""]
    points.write_text("\n".join(there))
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "INSTALLER").write_text("tests\n")
    (info / "RECORD").write_text("")
