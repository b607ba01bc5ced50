"""Keeps libraries that the daemon never uses out of its memory.

asyncio imports ssl, and stevedore by way of hashlib OpenSSL: 4.4 MiB of the daemon's 27 on a
machine that may have 512 in all, for nothing. Both do without. Whoever really needs them later, a
plugin say, imports them as ever, and asyncio's own TLS works from that moment on.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:
    # importlib.abc would import a third of the standard library; nothing asks for these classes
    Loader = MetaPathFinder = object

_HEAVY = ("ssl", "_hashlib")
#: the modules of asyncio that keep ssl, or its absence, in a global name
_USERS = ("asyncio.base_events", "asyncio.selector_events")


@contextmanager
def without_tls() -> Iterator[None]:
    """Make ssl and OpenSSL's hashes unavailable to what is imported within.

    Does nothing for those that a host program has loaded already.
    """
    absent = [name for name in _HEAVY if name not in sys.modules]
    barred: dict[str, Any] = dict.fromkeys(absent)  # None: "it cannot be imported" (import system)
    sys.modules.update(barred)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        if "_hashlib" in absent:
            sys.modules.pop("hashlib", None)  # the next import gets a whole one, with pbkdf2_hmac
        if "ssl" in absent:
            sys.meta_path.insert(0, _LateSsl())


class _LateSsl(MetaPathFinder):
    """Finds ssl as ever, and tells asyncio about it once it is there."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "ssl":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Telling(spec.loader)
        return spec


class _Telling(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        for name in _USERS:
            if name in sys.modules:
                sys.modules[name].__dict__["ssl"] = module
        if "asyncio.sslproto" in sys.modules:
            importlib.reload(sys.modules["asyncio.sslproto"])
