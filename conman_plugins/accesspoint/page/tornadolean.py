"""Imports Tornado without OpenSSL, which the page never uses: 3 MiB of its 24.

asyncio does without ssl where it is absent (conman_core.lean). Tornado imports it as a whole, for
a few names in its signatures and one context for clients; a stand-in has those.
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

from conman_core.lean import without_tls


class _Absent:
    """Stands for a class that nothing is made of here."""


class _SSLError(OSError):
    """Is never raised here."""


def _stand_in() -> ModuleType:
    module = ModuleType("ssl")
    names = {
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
    module.__dict__.update(names)
    return module


def import_tornado() -> None:
    """Import what serves HTTP; nothing happens where it, or ssl, is there already."""
    if "ssl" in sys.modules or "tornado.httpserver" in sys.modules:
        _import()
        return
    with without_tls():
        import asyncio

        sys.modules["ssl"] = _stand_in()
        _import()
    del asyncio


def _import() -> None:
    import tornado.httpserver
    import tornado.platform.asyncio

    del tornado
