"""How a network is written into a wpa_supplicant.conf. Pure.

Text stands in quotes where wpa_supplicant reads it back; else, for its quotes and `#` are not
escaped, in hex. A passphrase has no hex form: then its key does, and `sae_password` keeps the
passphrase itself, which WPA3 needs.
"""

from __future__ import annotations

from conman_plugins.wifi.network import Network
from conman_plugins.wifi.psk import psk
from conman_plugins.wifi.wpalines import Lines
from conman_plugins.wifi.wpavalue import as_written

Values = dict[bytes, bytes]


def line_ending(data: bytes) -> bytes:
    """Return how the lines of a file end, by its first one."""
    return b"\r\n" if data.partition(b"\n")[0].endswith(b"\r") else b"\n"


def block_text(network: Network, end: bytes) -> bytes:
    """Return a new block for this network, with `end` after each line."""
    if network.raw is not None:
        pairs = [(name.encode(), as_written(value)) for name, value in network.raw]
    else:
        pairs = [(b"ssid", _text(b"ssid", network.ssid))]
        if network.hidden:
            pairs.append((b"scan_ssid", b"1"))
        pairs += [*login(network).items(), *secrets(network).items()]
        if network.priority:
            pairs.append((b"priority", b"%d" % network.priority))
        if network.disabled:
            pairs.append((b"disabled", b"1"))
        pairs += [(name.encode(), as_written(value)) for name, value in network.extras]
    lines = [b"network={", *(b"\t" + name + b"=" + value for name, value in pairs), b"}"]
    return b"".join(line + end for line in lines)


def login(network: Network) -> Values:
    """Return the variables for how to log in; none where wpa_supplicant's default will do."""
    if network.security:
        return {b"key_mgmt": as_written(network.security.upper()), b"ieee80211w": b"2"}
    return {} if network.key is not None else {b"key_mgmt": b"NONE"}


def secrets(network: Network, *, in_hex: bool = False) -> Values:
    """Return the key and the password as they are written; with `in_hex` never in quotes."""
    if network.key is None:
        return {}
    if isinstance(network.key, bytes):
        values = {b"psk": network.key.hex().encode()}
    elif network.security == "sae":
        return {b"sae_password": _text(b"sae_password", as_written(network.key), in_hex)}
    else:
        key = as_written(network.key)
        quoted = b'"' + key + b'"'
        if in_hex or not _survives(b"psk", quoted):
            hashed = psk(key, network.ssid).hex().encode()
            values = {b"psk": hashed, b"sae_password": key.hex().encode()}
        else:
            values = {b"psk": quoted}
    if network.password is not None:
        values[b"sae_password"] = _text(b"sae_password", as_written(network.password), in_hex)
    return values


def _text(name: bytes, content: bytes, in_hex: bool = False) -> bytes:
    quoted = b'"' + content + b'"'
    if in_hex or not _legible(content) or not _survives(name, quoted):
        return content.hex().encode()
    return quoted


def _legible(content: bytes) -> bool:
    try:
        return content.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _survives(name: bytes, value: bytes) -> bool:
    """Tell whether the value is read back from its line as it is written."""
    line = Lines(b"\t" + name + b"=" + value + b"\n").next(2000)
    return line is not None and line.text == name + b"=" + value
