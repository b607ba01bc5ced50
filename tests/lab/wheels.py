"""The disks that the lab's Python imports from: conman as its wheels install it, and the rest.

Small read-only ext4 images, because importing from a shared folder takes four times as long. Two,
because they change at different times: what comes from the package index (hash of the
requirements), and conman's own wheels (hash of their sources; one that did not change is kept).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.lab.cache import ROOT, LabError, cache_folder, give_away, lock, make_folder, tidy

PYTHON = (3, 11)  # Debian 12's
TOOLS = ("pytest", "pytest-timeout", "hypothesis")
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "any")
#: a part of a distribution's folder that is not in its wheel
IGNORED = ("__pycache__", ".pytest_cache", "tests")
BUILD = (
    "import os, sys; os.chdir(sys.argv[1]); from hatchling.build import build_wheel;"
    " build_wheel(sys.argv[2])"
)


def distributions(root: Path = ROOT) -> list[Path]:
    """The folders that have a pyproject.toml: the core, then the plug-ins."""
    return [root, *sorted(path.parent for path in root.glob("conman_plugins/*/pyproject.toml"))]


def sources(folder: Path, root: Path = ROOT) -> list[Path]:
    """The files that make up a distribution's wheel."""
    where = folder / "conman_core" if folder == root else folder
    files = [path for path in where.rglob("*") if path.is_file() and not _ignored(path, where)]
    return sorted([*files, *(folder / name for name in ("pyproject.toml", "README.md"))])


def digest(paths: Iterable[Path], base: Path) -> str:
    """16 hexadecimal digits that change with a file's name or content; a missing file is empty."""
    found = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        found.update(f"{path.relative_to(base)}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:16]


def requirements(folders: Iterable[Path]) -> list[str]:
    """What the distributions and the tests need from the package index."""
    found = set(TOOLS)
    for folder in folders:
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        found.update(project.get("dependencies", ()))
    return sorted(need for need in found if not need.startswith("conman-"))


def install_dependencies() -> Path:
    """Return the disk of what comes from the package index; make it if it is new."""
    needs = requirements(distributions())
    key = hashlib.sha256("\n".join((_version(), *PLATFORMS, *needs)).encode()).hexdigest()[:16]
    wanted = cache_folder() / f"deps-{key}.img"
    with lock("deps"):
        if not wanted.exists():
            with _new(wanted) as folder:
                options = ["--only-binary=:all:", "--implementation=cp", "--no-compile"]
                options += [f"--python-version={_version()}"]
                options += [f"--platform={name}" for name in PLATFORMS]
                _pip_install(folder, *options, *needs)
        tidy("deps-*", wanted)
    return wanted


def install_conman() -> Path:
    """Return the disk into which conman's wheels are installed; build what has changed.

    A plug-in that cannot be built, say because it is being written, is left out with a word on
    stderr, so that the others can be tested; with CONMAN_TEST_ALL=1 it is an error.
    """
    with lock("site"):
        keys = {
            folder: f"{folder.name if folder != ROOT else 'core'}-{digest(sources(folder), folder)}"
            for folder in distributions()
        }
        wheels: list[Path] = []
        for folder, key in keys.items():
            try:
                wheels.append(_wheel(folder, key))
            except LabError as error:
                if folder == ROOT or os.environ.get("CONMAN_TEST_ALL") == "1":
                    raise
                print(f"script/lab: {folder.name} is left out: {error}", file=sys.stderr)
        names = sorted(wheel.parent.name for wheel in wheels)
        total = hashlib.sha256(" ".join(names).encode()).hexdigest()[:16]
        wanted = cache_folder() / f"site-{total}.img"
        if not wanted.exists():
            with _new(wanted) as folder:
                _pip_install(folder, "--no-deps", "--no-compile", "--no-index", *map(str, wheels))
        tidy("site-*", wanted, unused_for=86400.0)
    return wanted


def _wheel(folder: Path, key: str) -> Path:
    """The wheel of a distribution, built unless this very one has been built before."""
    wanted = cache_folder() / f"wheel-{key}"
    if not wanted.is_dir():
        with _new(wanted, disk=False) as new:
            _call(sys.executable, "-c", BUILD, str(folder), str(new))
    tidy("wheel-*", wanted, unused_for=86400.0)
    (wheel,) = wanted.glob("*.whl")
    return wheel


@contextlib.contextmanager
def _new(wanted: Path, *, disk: bool = True) -> Iterator[Path]:
    """Give a folder that becomes `wanted`, or its disk, when all is in it."""
    temporary = Path(tempfile.mkdtemp(prefix="making-", dir=make_folder(cache_folder())))
    made = temporary / "files"
    made.mkdir()
    try:
        yield made
        if disk:
            if sys.version_info[:2] == PYTHON:  # else the machine has to do it at each start
                _call(sys.executable, "-m", "compileall", "-q", "-j0", "-s", str(made), str(made))
            made = make_disk(made, temporary / "disk")
        for path in (made, *made.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
            give_away(path)
        made.rename(wanted)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def make_disk(folder: Path, disk: Path) -> Path:
    """Make a file system with the content of a folder. Raises LabError."""
    files = [path.lstat().st_size for path in folder.rglob("*")]
    size = 4096 + sum(-(-number // 1024) + 4 for number in files) * 5 // 4  # KiB, with some room
    options = ["-q", "-F", "-b", "1024", "-m", "0", "-O", "^has_journal,^resize_inode"]
    options += ["-N", str(2 * len(files) + 64), "-d", str(folder)]
    program = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not program:
        raise LabError("mkfs.ext4 is missing: apt install e2fsprogs")
    _call(program, *options, str(disk), str(size))
    return disk


def _version() -> str:
    return ".".join(map(str, PYTHON))


def _pip_install(folder: Path, *arguments: str) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-warn-conflicts")
    _call(sys.executable, "-m", "pip", "install", *options, f"--target={folder}", *arguments)


def _call(*argv: str) -> None:
    done = subprocess.run(
        argv,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")


def _ignored(path: Path, base: Path) -> bool:
    parts = path.relative_to(base).parts
    return any(part in IGNORED for part in parts) or path.suffix == ".pyc"
