"""The key of a passphrase is the one that everybody else computes."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from conman_plugins.wifi.psk import psk


def test_the_examples_of_the_standard() -> None:
    """IEEE 802.11-2020, J.4.2."""
    assert psk(b"password", b"IEEE").hex() == (
        "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    )
    assert psk(b"ThisIsAPassword", b"ThisIsASSID").hex() == (
        "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af"
    )


@settings(max_examples=20)
@given(st.binary(min_size=8, max_size=63), st.binary(min_size=1, max_size=32))
def test_openssl_finds_the_same(passphrase: bytes, ssid: bytes) -> None:
    assert psk(passphrase, ssid) == hashlib.pbkdf2_hmac("sha1", passphrase, ssid, 4096, 32)


def test_the_driver_does_not_load_openssl() -> None:
    code = (
        "import conman_core.lean, sys\n"
        "with conman_core.lean.without_tls():\n"
        "    import conman_core.daemon\n"
        "import conman_plugins.wifi.driver\n"
        "from conman_plugins.wifi.psk import psk\n"
        "psk(b'password', b'IEEE')\n"
        "sys.exit('_hashlib' in sys.modules or 'ssl' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
