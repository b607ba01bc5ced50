"""What users install: built wheels in clean environments, far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent.name for path in ROOT.glob("conman_plugins/*/pyproject.toml"))
EXECUTABLE = 0o111


class Environment:
    """A virtual environment with nothing in it, used from a folder that is not the checkout."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.elsewhere = folder / "elsewhere"
        venv.create(folder, with_pip=True)
        self.elsewhere.mkdir()

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
        # No compiler: not on PATH, and not by the variables that builds look at.
        env = kept | {"PATH": str(self.bin), "CC": "/bin/false", "CXX": "/bin/false"}
        env |= {"RUNTIME_DIRECTORY": str(self.elsewhere), "STATE_DIRECTORY": str(self.elsewhere)}
        done = subprocess.run(
            [str(self.bin / argv[0]), *argv[1:]],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.elsewhere,
            env=env,
            timeout=300,
        )
        assert not check or not done.returncode, done.stdout + done.stderr
        return done

    def install(self, *wheels: Path) -> None:
        self.run("python", "-m", "pip", "install", "--quiet", *map(str, wheels))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of each distribution, made from its sdist as an index would have it."""
    folder = tmp_path_factory.mktemp("dist")
    sources = [ROOT, *(ROOT / "conman_plugins" / name for name in PLUGINS)]
    for source in sources:
        argv = [
            sys.executable,
            "-m",
            "build",
            "--no-isolation",
            "--outdir",
            str(folder),
            str(source),
        ]
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, timeout=300, cwd=folder
        )
        assert not done.returncode, done.stdout + done.stderr
    return {wheel.name.split("-")[0]: wheel for wheel in folder.glob("*.whl")}


@pytest.fixture(scope="session")
def core_alone(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("core"))
    made.install(built["conman_core"])
    return made


@pytest.fixture(scope="session")
def with_ethernet(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("ethernet"))
    made.install(built["conman_core"], built["conman_ethernet"])
    return made


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_distribution_has_a_wheel_and_an_sdist(built: dict[str, Path]) -> None:
    expected = {"conman_core", *(f"conman_{name}" for name in PLUGINS)}
    assert set(built) == expected
    folder = built["conman_core"].parent
    assert {path.name.split("-")[0] for path in folder.glob("*.tar.gz")} == expected


def test_each_wheel_holds_its_own_package_and_all_of_it(built: dict[str, Path]) -> None:
    for dist, wheel in built.items():
        plugin = dist.removeprefix("conman_")
        inside = {name for name in names(wheel) if ".dist-info/" not in name}
        if dist == "conman_core":
            source, prefix = ROOT / "conman_core", "conman_core/"
        else:
            source, prefix = ROOT / "conman_plugins" / plugin, f"conman_plugins/{plugin}/"
        assert "conman_plugins/__init__.py" not in inside
        wanted = {f"{prefix}{path.relative_to(source)}" for path in source.rglob("*.py")}
        wanted.add(f"{prefix}py.typed")
        assert wanted <= inside
        assert not [name for name in inside if not name.startswith(prefix)]


def test_the_sdist_of_the_core_has_no_driver(built: dict[str, Path]) -> None:
    sdist = next(built["conman_core"].parent.glob("conman_core-*.tar.gz"))
    with tarfile.open(sdist) as archive:
        assert not [name for name in archive.getnames() if "conman_plugins" in name]


def scripts_in(wheel: Path) -> Iterator[zipfile.ZipInfo]:
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".py") and archive.read(info)[:2] == b"#!":
                yield info


def test_scripts_are_executable_in_the_wheel_and_where_it_is_installed(
    built: dict[str, Path], with_ethernet: Environment
) -> None:
    """Above all the hook, which dhcpcd runs: without it no lease would ever be seen."""
    scripts = [info for wheel in built.values() for info in scripts_in(wheel)]
    assert "conman_core/net/dhcpcd-hook" in [info.filename for info in scripts]
    assert [i.filename for i in scripts if (i.external_attr >> 16) & EXECUTABLE != EXECUTABLE] == []
    code = "import conman_core.net.dhcpcd as d, os; print(os.access(d.HOOK, os.X_OK), d.HOOK)"
    able, hook = with_ethernet.run("python", "-c", code).stdout.split()
    assert able == "True"
    assert not Path(hook).is_relative_to(ROOT)


def test_the_command_is_installed_and_knows_its_version(core_alone: Environment) -> None:
    assert "conman" in core_alone.run("conman", "--help").stdout
    code = "import importlib.metadata as m; print(m.version('conman-core'))"
    version = core_alone.run("python", "-c", code).stdout.strip()
    assert version in core_alone.run("conman", "--version").stdout


def test_nothing_needed_a_compiler(core_alone: Environment) -> None:
    """pip would have failed in `install`; here the library that used to need one is used."""
    assert core_alone.run("python", "-c", "import netifaces; print(netifaces.interfaces())").stdout


def test_the_core_alone_says_which_package_brings_each_driver(core_alone: Environment) -> None:
    done = core_alone.run("conman", "drivers", check=False)
    said = " ".join((done.stdout + done.stderr).split()).replace("conman_", "conman-")
    for package in ("conman-ethernet", "conman-wifi", "conman-cellular"):
        assert package in said
    assert "pip install conman-" not in said, "a stranger could answer to a bare name"


def test_the_core_alone_finds_its_driver_beside_its_own_wheel(
    core_alone: Environment, built: dict[str, Path]
) -> None:
    """The hint is a command that works: the wheel that lies where the core's came from."""
    said = "".join(core_alone.run("conman", "drivers", check=False).stdout.split())
    assert str(built["conman_ethernet"]) in said


def test_core_and_ethernet_find_the_driver(with_ethernet: Environment) -> None:
    report = json.loads(with_ethernet.run("conman", "drivers", "--json").stdout)
    ethernet = next(driver for driver in report["drivers"] if driver["name"] == "ethernet")
    assert ethernet["distribution"] == "conman-ethernet"
    assert ethernet["state"] == "ok"


def test_an_installed_driver_is_not_taken_from_the_checkout(with_ethernet: Environment) -> None:
    code = "import conman_plugins.ethernet.driver as d; print(d.__file__)"
    assert not Path(with_ethernet.run("python", "-c", code).stdout.strip()).is_relative_to(ROOT)
