"""Tornado is imported without OpenSSL, and works all the same."""

from __future__ import annotations

import subprocess
import sys

IMPORT = """
import sys
from conman_plugins.accesspoint.page.tornadolean import import_tornado
import_tornado()
"""


def run(code: str) -> None:
    """Run code in an interpreter of its own."""
    argv = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_part_of_openssl_is_loaded() -> None:
    run(
        IMPORT
        + """
import tornado.httpserver
from conman_plugins.accesspoint.page import serving
assert "_ssl" not in sys.modules
with open("/proc/self/maps") as maps:
    assert "libssl" not in maps.read()
"""
    )


def test_the_servers_names_are_there() -> None:
    run(
        IMPORT
        + """
import tornado.httpserver, tornado.iostream, tornado.netutil
assert tornado.httpserver.HTTPServer
assert issubclass(tornado.iostream.ssl.SSLError, OSError)
"""
    )


def test_it_does_nothing_where_all_is_there_already() -> None:
    run("import ssl; before = ssl" + IMPORT + "import_tornado(); import ssl; assert ssl is before")
