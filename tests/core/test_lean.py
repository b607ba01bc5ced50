"""The daemon carries no TLS library, and whoever needs one gets a whole one."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LEAN = """
import sys
from conman_core.lean import without_tls
with without_tls():
    import conman_core.service, asyncio
"""


def test_the_daemons_own_modules_load_no_tls_library() -> None:
    maps = run(LEAN + "print(open('/proc/self/maps').read())")

    assert "libcrypto" not in maps
    assert "libssl" not in maps


def test_a_plugin_that_imports_hashlib_or_ssl_gets_all_of_it() -> None:
    code = LEAN + "import hashlib, ssl; print(hashlib.pbkdf2_hmac('sha1', b'p', b's', 1).hex())"

    assert len(run(code + "; ssl.create_default_context()")) == 40


def test_tls_of_asyncio_works_once_somebody_imports_ssl() -> None:
    """A real handshake over asyncio's own transports, with a certificate made for it."""
    code = (
        LEAN
        + """
import ssl, pathlib, subprocess, tempfile
async def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
            "/CN=localhost", "-keyout", f"{folder}/key", "-out", f"{folder}/cert"]
    subprocess.run(made, check=True, capture_output=True)
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.load_cert_chain(f"{folder}/cert", f"{folder}/key")
    theirs = ssl.create_default_context(cafile=f"{folder}/cert")
    async def answer(reader, writer):
        writer.write(b"hello over tls\\n")
        await writer.drain()
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=mine)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=theirs, server_hostname="localhost")
    print((await reader.readline()).decode(), end="")
    writer.close()
    server.close()
asyncio.run(main())
"""
    )
    assert run(code) == "hello over tls"


def test_a_host_program_that_has_ssl_keeps_it() -> None:
    code = """
import sys, ssl, hashlib
from conman_core.lean import without_tls
with without_tls():
    import ssl as again, hashlib as too
    assert again is ssl and too is hashlib
assert sys.modules["ssl"] is ssl and sys.modules["hashlib"] is hashlib
print("kept")
"""
    assert run(code) == "kept"
