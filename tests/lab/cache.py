"""Where the lab keeps what it has made: outside the checkout, owned by the checkout's owner."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


class LabError(Exception):
    """The lab cannot do what it was asked; the text says what to do about it."""


def cache_folder() -> Path:
    """CONMAN_LAB_CACHE, or conman-lab among the caches of the checkout's owner."""
    if named := os.environ.get("CONMAN_LAB_CACHE"):
        return Path(named).absolute()
    owner = ROOT.stat().st_uid
    if os.geteuid() == owner or os.geteuid():
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(home) / "conman-lab"
    try:  # under sudo: where the person will look for it afterwards
        return Path(pwd.getpwuid(owner).pw_dir) / ".cache/conman-lab"
    except KeyError:
        return Path.home() / ".cache/conman-lab"


def make_folder(path: Path) -> Path:
    """Make a folder of the cache, with its parents; the checkout's owner owns what is new."""
    if not path.is_dir():
        make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            give_away(path)
    return path


def give_away(path: Path) -> None:
    """Let the checkout's owner own what root has made in the cache."""
    if os.geteuid() == 0 and not os.environ.get("CONMAN_LAB_CACHE"):
        owner = ROOT.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def lock(name: str, say: str = "") -> Iterator[None]:
    """Let one process at a time make a thing; `say` is printed if it has to wait."""
    path = make_folder(cache_folder()) / f"{name}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if say:
                print(say, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def tidy(pattern: str, keep: Path, *, unused_for: float = 7 * 86400.0) -> None:
    """Remove what nobody has used for a while. Using a thing touches it."""
    keep.touch()
    for path in cache_folder().glob(pattern):
        with contextlib.suppress(OSError):
            if path != keep and time.time() - path.stat().st_mtime > unused_for:
                shutil.rmtree(path, ignore_errors=True)
