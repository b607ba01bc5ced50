"""Imports Tornado without what the page never uses: OpenSSL, terminals, an HTTP client.

That is 5 MiB of its 24 and a third of the time in which it starts, which a person waits for.
asyncio does without ssl where it is absent (conman_core.lean). Tornado imports it as a whole, for
a few names in its signatures and one context for clients; a stand-in has those.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import ModuleType, SimpleNamespace
from typing import Any

from conman_core.lean import without_tls


class _Absent:
    """Stands for a class that nothing is made of here."""


class _SSLError(OSError):
    """Is never raised here."""


_SSL = {
    "SSLError": _SSLError,
    "CertificateError": _SSLError,
    "SSLContext": _Absent,
    "SSLSocket": _Absent,
    "Purpose": SimpleNamespace(SERVER_AUTH=None, CLIENT_AUTH=None),
    "CERT_NONE": 0,
    "CERT_OPTIONAL": 1,
    "CERT_REQUIRED": 2,
    "create_default_context": lambda *_, **__: _Absent(),
}
#: None: "it cannot be imported" (import system), which Tornado bears
_INSTEAD: dict[str, dict[str, Any] | None] = {
    "ssl": _SSL,
    "http.client": {"responses": {each.value: each.phrase for each in HTTPStatus}},
    "logging.handlers": {},
    "curses": None,
    "colorama": None,
}


def import_tornado() -> None:
    """Import what serves HTTP, and the page; what is there already is taken as it is."""
    if "ssl" in sys.modules or "tornado.httpserver" in sys.modules:
        _import()
        return
    with without_tls():
        import asyncio

        with _stand_ins():
            _import()
    del asyncio


@contextmanager
def _stand_ins() -> Iterator[None]:
    before = {name: sys.modules[name] for name in _INSTEAD if name in sys.modules}
    for name, names in _INSTEAD.items():
        if before.get(name) is None:  # barred by `without_tls`, or not imported yet
            made = None if names is None else _module(name, names)
            sys.modules[name] = made  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in _INSTEAD:
            del sys.modules[name]
        sys.modules.update(before)


def _module(name: str, names: dict[str, Any]) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(names)
    return module


def _import() -> None:
    import tornado.httpserver
    import tornado.platform.asyncio

    from conman_plugins.accesspoint.page import serving

    del tornado, serving
